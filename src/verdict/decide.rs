use std::fmt;

use serde::Serialize;

use super::{RegionScores, Score, Sentence, Thresholds};
use crate::frame::Rect;
use crate::spec::Kind;

/// The answer for one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Judged, and nothing violates the sheet.
    Conforming,
    /// Judged, and something does.
    Mismatch,
    /// Not judged; never a pass.
    NotInspected,
}

/// What prevented a judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotInspected {
    /// Where on the way.
    pub stage: Stage,
    /// What was found, what was expected and what to do.
    pub detail: String,
}

/// Where on the way a judgement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// There is no usable frame.
    Frame,
    /// The photo is out of the recipe's conditions.
    Photo,
    /// The pair cannot be registered.
    Align,
    /// The regions cannot be told, or are too many.
    Region,
    /// The model gave no usable embedding.
    Encode,
    /// Similar classes are too close to tell which one the part is.
    Variant,
    /// There are no thresholds.
    Thresholds,
}

/// One region with what the judge said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedRegion {
    /// The tight box of what differs, in pixels of the reference.
    pub tight: Rect,
    /// The scores there.
    pub scores: RegionScores,
}

/// One sentence that one region violates.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// Index of the region.
    pub region: usize,
    /// Index of the sentence.
    pub sentence: usize,
    /// How it scored.
    pub score: Score,
    /// The limit it reached.
    pub threshold: f32,
}

/// One region that changed more than conforming parts do, and not as any sentence says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unexplained {
    /// Index of the region.
    pub region: usize,
    /// `|d|` there.
    pub size: f32,
    /// The highest cosine of any sentence there; -1 when no sentence applies.
    pub best_cosine: f32,
}

/// The part is another variant than the recipe names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WrongVariant {
    /// Index of the class the frame shows.
    pub found: usize,
    /// Its cosine less that of the expected class, above 0.
    pub lead: f32,
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// [`Verdict::Conforming`] exactly when there is no reason below, else [`Verdict::Mismatch`].
    pub verdict: Verdict,
    /// Strongest first, measured against the threshold; of each region the most confident fault among
    /// those that reach their thresholds, and every requirement that is broken there.
    pub violations: Vec<Violation>,
    /// In the order of the regions.
    pub unexplained: Vec<Unexplained>,
    /// Set by [`Decision::with_variant`].
    pub wrong_variant: Option<WrongVariant>,
}

/// Judges one part from the scores of its regions.
///
/// A fault or requirement is violated where its confidence reaches its threshold. A region is
/// unexplained when nothing is violated there, `|d|` is above the size limit and no sentence,
/// allowed ones included, reaches the cosine limit.
///
/// No region at all means that nothing differs: conforming. Whether that can be trusted is for
/// the stages before to say, with [`NotInspected`].
pub fn decide(
    regions: &[JudgedRegion],
    sentences: &[Sentence],
    thresholds: &Thresholds,
) -> Decision {
    let mut violations = Vec::new();
    let mut unexplained = Vec::new();
    for (index, region) in regions.iter().enumerate() {
        let found = violations_of(index, region, sentences, thresholds);
        if found.is_empty() {
            unexplained.extend(unexplained_of(index, region, sentences, thresholds));
        }
        violations.extend(found);
    }
    violations.sort_by(|a, b| excess(b).total_cmp(&excess(a)));
    let conforming = violations.is_empty() && unexplained.is_empty();
    let verdict = if conforming { Verdict::Conforming } else { Verdict::Mismatch };
    Decision { verdict, violations, unexplained, wrong_variant: None }
}

/// How far above its threshold, as a ratio; thresholds of different sentences differ in size.
fn excess(violation: &Violation) -> f32 {
    violation.score.confidence / violation.threshold
}

fn violations_of(
    index: usize,
    region: &JudgedRegion,
    sentences: &[Sentence],
    thresholds: &Thresholds,
) -> Vec<Violation> {
    let violated = |(sentence, score): (usize, &Option<Score>)| {
        let score = (*score)?;
        let id = &sentences.get(sentence)?.id;
        let threshold = *thresholds.armed.get(id)?;
        let reached = score.confidence >= threshold;
        reached.then_some(Violation { region: index, sentence, score, threshold })
    };
    let all: Vec<Violation> =
        region.scores.scores.iter().enumerate().filter_map(violated).collect();
    let (mut kept, faults): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|violation| sentences[violation.sentence].kind == Kind::Requirement);
    // Faults share one softmax, so that the larger share is the likelier kind. How far each is above
    // its own threshold says something else: the more a kind is seen on good parts, the less it counts.
    kept.extend(
        faults.into_iter().max_by(|a, b| a.score.confidence.total_cmp(&b.score.confidence)),
    );
    kept
}

fn unexplained_of(
    index: usize,
    region: &JudgedRegion,
    sentences: &[Sentence],
    thresholds: &Thresholds,
) -> Option<Unexplained> {
    let limits = thresholds.unexplained?;
    let best_cosine = region.scores.best_cosine(sentences).unwrap_or(-1.0);
    let size = region.scores.size;
    let too_large = size > limits.size && best_cosine < limits.cosine;
    too_large.then_some(Unexplained { region: index, size, best_cosine })
}

impl Decision {
    /// The same with what was found about the variant; a wrong one is a mismatch.
    #[must_use]
    pub fn with_variant(self, wrong_variant: Option<WrongVariant>) -> Self {
        let verdict = if wrong_variant.is_some() { Verdict::Mismatch } else { self.verdict };
        Self { verdict, wrong_variant, ..self }
    }
}

impl NotInspected {
    /// A reason from the stage that failed and what it said.
    pub fn new(stage: Stage, detail: impl fmt::Display) -> Self {
        Self { stage, detail: detail.to_string() }
    }
}

impl fmt::Display for NotInspected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.stage, self.detail)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Frame => "frame",
            Self::Photo => "photo",
            Self::Align => "align",
            Self::Region => "region",
            Self::Encode => "encode",
            Self::Variant => "variant",
            Self::Thresholds => "thresholds",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Conforming => "conforming",
            Self::Mismatch => "mismatch",
            Self::NotInspected => "not inspected",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::UnexplainedLimits;
    use super::*;

    fn sentences() -> Vec<Sentence> {
        [
            ("open", Kind::Fault),
            ("short", Kind::Fault),
            ("dust", Kind::Allowed),
            ("mark", Kind::Requirement),
        ]
        .map(|(id, kind)| Sentence { id: id.to_owned(), kind, embedding: vec![], region: None })
        .to_vec()
    }

    fn thresholds() -> Thresholds {
        let armed = [("open", 0.5), ("short", 0.2), ("mark", 0.6)];
        Thresholds {
            armed: armed.map(|(id, limit)| (id.to_owned(), limit)).into(),
            unexplained: Some(UnexplainedLimits { size: 0.5, cosine: 0.3 }),
            ..Thresholds::default()
        }
    }

    fn region(size: f32, scores: [(f32, f32); 4]) -> JudgedRegion {
        let score = |(confidence, cosine)| Some(Score { dot: size * cosine, cosine, confidence });
        let scores = RegionScores { size, scores: scores.map(score).to_vec() };
        JudgedRegion { tight: Rect::new(0, 0, 1, 1), scores }
    }

    fn decided(regions: &[JudgedRegion]) -> Decision {
        decide(regions, &sentences(), &thresholds())
    }

    #[test]
    fn a_confidence_at_its_threshold_is_a_mismatch_and_below_it_is_not() {
        let at = decided(&[region(0.1, [(0.5, 0.0), (0.0, 0.0), (0.5, 0.0), (0.0, 0.0)])]);
        assert_eq!((at.verdict, at.violations.len()), (Verdict::Mismatch, 1));
        let below = decided(&[region(0.1, [(0.499, 0.0), (0.199, 0.0), (1.0, 0.0), (0.599, 0.0)])]);
        assert_eq!(below.verdict, Verdict::Conforming, "an allowed difference is no violation");
    }

    #[test]
    fn one_fault_per_region_and_every_broken_requirement() {
        let found = decided(&[region(0.1, [(0.6, 0.0), (0.3, 0.0), (0.0, 0.0), (0.9, 0.0)])]);
        let ids: Vec<usize> = found.violations.iter().map(|violation| violation.sentence).collect();
        assert_eq!(ids, [3, 0], "open is likelier than short; mark is further above its threshold");
    }

    #[test]
    fn a_large_difference_no_sentence_explains_is_a_mismatch() {
        let large = region(0.51, [(0.1, 0.2), (0.1, 0.2), (0.1, 0.29), (0.1, 0.9)]);
        let found = decided(std::slice::from_ref(&large));
        assert_eq!(found.verdict, Verdict::Mismatch);
        assert_eq!(found.unexplained[0].best_cosine, 0.29, "toward a requirement explains nothing");
        let mut allowed = large.clone();
        allowed.scores.scores[2] = Some(Score { dot: 0.153, cosine: 0.3, confidence: 0.1 });
        assert_eq!(decided(&[allowed]).verdict, Verdict::Conforming);
        let mut small = large;
        small.scores.size = 0.5;
        assert_eq!(decided(&[small]).verdict, Verdict::Conforming);
    }

    #[test]
    fn a_region_no_sentence_applies_to_is_unexplained_when_it_is_large() {
        let nothing = RegionScores { size: 0.6, scores: vec![None; 4] };
        let region = JudgedRegion { tight: Rect::new(0, 0, 1, 1), scores: nothing };
        assert_eq!(decided(&[region]).verdict, Verdict::Mismatch);
    }

    #[test]
    fn the_strongest_violation_of_all_regions_comes_first() {
        let weak = region(0.1, [(0.5, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)]);
        let strong = region(0.1, [(0.9, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)]);
        let regions: Vec<usize> =
            decided(&[weak, strong]).violations.iter().map(|violation| violation.region).collect();
        assert_eq!(regions, [1, 0]);
    }

    #[test]
    fn an_unarmed_sentence_finds_nothing() {
        let mut thresholds = thresholds();
        thresholds.armed.remove("open");
        let sure = region(0.1, [(1.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)]);
        assert_eq!(decide(&[sure], &sentences(), &thresholds).verdict, Verdict::Conforming);
    }
}
