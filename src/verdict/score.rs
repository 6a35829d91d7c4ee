use serde::Serialize;

use crate::diff::Difference;
use crate::frame::Rect;
use crate::spec::Kind;

/// One sentence as the judge needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// The spec id.
    pub id: String,
    /// Whether moving toward it is bad, or away from it, or neither.
    pub kind: Kind,
    /// Its unit text embedding.
    pub embedding: Vec<f32>,
    /// Where it applies, in pixels of the reference; everywhere if `None`.
    pub region: Option<Rect>,
}

/// How one sentence fares in one region.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    /// `d . t`, -2 to 2: how much closer the part moved to the sentence.
    pub dot: f32,
    /// The direction alone, -1 to 1.
    pub cosine: f32,
    /// How sure the judge is that this sentence tells what happened, in (0, 1]: what thresholds
    /// are compared with. See [`Judge::score`].
    pub confidence: f32,
}

/// How all sentences fare in one region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionScores {
    /// `|d|`, 0 to 2: how much changed at all.
    pub size: f32,
    /// One per sentence of the judge, in its order; `None` where a sentence does not apply.
    pub scores: Vec<Option<Score>>,
}

/// All sentences of a sheet, and the model's two constants.
#[derive(Debug, Clone, PartialEq)]
pub struct Judge {
    sentences: Vec<Sentence>,
    scale: f32,
    no_change_logit: f32,
}

impl Judge {
    /// A judge of these sentences; `scale` is the model's logit scale (after `exp`) and
    /// `no_change_logit` its learned logit for "nothing changed", 0 if it has none.
    pub fn new(sentences: Vec<Sentence>, scale: f32, no_change_logit: f32) -> Self {
        Self { sentences, scale, no_change_logit }
    }

    /// The sentences, in the order of all scores.
    pub fn sentences(&self) -> &[Sentence] {
        &self.sentences
    }

    /// Scores every sentence that applies at the centre of `region`.
    ///
    /// Faults and allowed differences compete in a softmax over `scale * d . t` together with the
    /// no-change logit, and the confidence is the sentence's share. A requirement is broken by
    /// moving away from it, and whether it is broken does not depend on what else happened: its
    /// confidence is `sigmoid(-scale * d . t - no_change_logit)`, the same softmax among two.
    pub fn score(&self, difference: &Difference, region: &Rect) -> RegionScores {
        let centre = region.centre();
        let applies =
            |sentence: &Sentence| sentence.region.is_none_or(|area| area.contains(centre));
        let agreements: Vec<_> = self
            .sentences
            .iter()
            .map(|sentence| applies(sentence).then(|| difference.along(&sentence.embedding)))
            .collect();
        let competing = || {
            self.sentences.iter().zip(&agreements).filter_map(|(sentence, agreement)| {
                let competes = sentence.kind != Kind::Requirement;
                agreement.filter(|_| competes).map(|agreement| self.scale * agreement.dot)
            })
        };
        let largest = competing().fold(self.no_change_logit, f32::max);
        let sum: f32 = (self.no_change_logit - largest).exp()
            + competing().map(|logit| (logit - largest).exp()).sum::<f32>();
        let confidence = |kind: Kind, dot: f32| match kind {
            Kind::Fault | Kind::Allowed => (self.scale * dot - largest).exp() / sum,
            Kind::Requirement => 1.0 / (1.0 + (self.scale * dot + self.no_change_logit).exp()),
        };
        let scores = self
            .sentences
            .iter()
            .zip(&agreements)
            .map(|(sentence, agreement)| {
                agreement.map(|agreement| Score {
                    dot: agreement.dot,
                    cosine: agreement.cosine,
                    // Underflow must not turn "hardly" into the impossible 0.
                    confidence: confidence(sentence.kind, agreement.dot).max(f32::MIN_POSITIVE),
                })
            })
            .collect();
        RegionScores { size: difference.size(), scores }
    }
}

impl RegionScores {
    /// The highest cosine of any sentence that applies; `None` when none does.
    ///
    /// A requirement explains a difference when the part moved away from it, so its cosine counts
    /// with the opposite sign.
    pub fn best_cosine(&self, sentences: &[Sentence]) -> Option<f32> {
        let towards = |(sentence, score): (&Sentence, &Option<Score>)| {
            score.map(|score| match sentence.kind {
                Kind::Requirement => -score.cosine,
                Kind::Fault | Kind::Allowed => score.cosine,
            })
        };
        sentences.iter().zip(&self.scores).filter_map(towards).max_by(f32::total_cmp)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const EVERYWHERE: Rect = Rect::new(0, 0, 10, 10);

    fn sentence(id: &str, kind: Kind, embedding: [f32; 2]) -> Sentence {
        Sentence { id: id.to_owned(), kind, embedding: embedding.to_vec(), region: None }
    }

    fn judge() -> Judge {
        let sentences = vec![
            sentence("open", Kind::Fault, [0.0, 1.0]),
            sentence("brighter", Kind::Allowed, [1.0, 0.0]),
            sentence("mark", Kind::Requirement, [1.0, 0.0]),
        ];
        Judge::new(sentences, 4.0, 1.0)
    }

    fn confidences(reference: [f32; 2], test: [f32; 2]) -> Vec<f32> {
        let difference = Difference::between(&reference, &test).unwrap();
        let scores = judge().score(&difference, &EVERYWHERE).scores;
        scores.into_iter().map(|score| score.unwrap().confidence).collect()
    }

    #[test]
    fn faults_allowed_differences_and_no_change_share_one() {
        // d = (-1, 1): logits 4 (open), -4 (brighter), 1 (no change).
        let found = confidences([1.0, 0.0], [0.0, 1.0]);
        let sum = 4f32.exp() + (-4f32).exp() + 1f32.exp();
        assert!((found[0] - 4f32.exp() / sum).abs() < 1e-6);
        assert!((found[1] - (-4f32).exp() / sum).abs() < 1e-6);
        assert!((found[2] - 1.0 / (1.0 + (-4f32 + 1.0).exp())).abs() < 1e-6);
    }

    #[test]
    fn a_swap_of_the_frames_turns_the_fault_around() {
        let forth = confidences([1.0, 0.0], [0.0, 1.0]);
        let back = confidences([0.0, 1.0], [1.0, 0.0]);
        assert!(forth[0] > 0.9 && back[0] < 0.1, "toward the fault and away from it");
        assert!(forth[2] > 0.9 && back[2] < 0.1, "away from the requirement and toward it");
    }

    #[test]
    fn equal_frames_leave_the_no_change_logit_ahead() {
        let found = confidences([1.0, 1.0], [1.0, 1.0]);
        let expected = 1.0 / (2.0 + 1f32.exp());
        assert!((found[0] - expected).abs() < 1e-6 && found[2] < 0.5);
    }

    #[test]
    fn the_largest_scales_neither_overflow_nor_reach_zero() {
        let judge = Judge::new(judge().sentences, 1e6, 0.0);
        let difference = Difference::between(&[1.0, 0.0], &[0.0, 1.0]).unwrap();
        for score in judge.score(&difference, &EVERYWHERE).scores {
            let confidence = score.unwrap().confidence;
            assert!(confidence > 0.0 && confidence <= 1.0, "{confidence}");
        }
    }

    #[test]
    fn a_sentence_outside_its_region_neither_scores_nor_competes() {
        let mut sentences = judge().sentences;
        sentences[1].region = Some(Rect::new(100, 100, 10, 10));
        let judge = Judge::new(sentences, 4.0, 1.0);
        let difference = Difference::between(&[0.0, 1.0], &[1.0, 0.0]).unwrap();
        let found = judge.score(&difference, &EVERYWHERE);
        assert!(found.scores[1].is_none());
        let open = found.scores[0].unwrap().confidence;
        assert!((open - (-4f32).exp() / ((-4f32).exp() + 1f32.exp())).abs() < 1e-6);
    }
}
