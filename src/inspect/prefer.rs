use serde::Serialize;

use crate::spec::Kind;
use crate::verdict::{RegionScores, Sentence};

/// The first or the second of two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

/// Which of two parts fits a sheet better, and what says so.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Preference {
    /// The part that fits better; `None` when the strongest sentence leads by less than the margin.
    pub preferred: Option<Side>,
    /// Index of the region that decided, if any differs.
    pub region: Option<usize>,
    /// Index of the sentence that decided.
    pub sentence: Option<usize>,
    /// Its confidence that the other part violates it, less its confidence that this one does, 0 to 1.
    pub lead: f32,
}

/// Weighs the parts against each other: `pairs` holds, per region, the scores of A against B and
/// of B against A.
///
/// The sentence and region decide in which one part violates the sheet against the other most
/// clearly: the largest difference of the two confidences. Allowed differences decide nothing.
pub(super) fn prefer(
    pairs: &[[RegionScores; 2]],
    sentences: &[Sentence],
    margin: f32,
) -> Preference {
    let mut found = Preference { preferred: None, region: None, sentence: None, lead: 0.0 };
    for (region, [a, b]) in pairs.iter().enumerate() {
        for (sentence, (a, b)) in a.scores.iter().zip(&b.scores).enumerate() {
            let violable = sentences.get(sentence).is_some_and(|it| it.kind != Kind::Allowed);
            let (Some(a), Some(b), true) = (a, b, violable) else { continue };
            let lead = b.confidence - a.confidence;
            if lead.abs() > found.lead {
                let side = if lead > 0.0 { Side::A } else { Side::B };
                found = Preference {
                    preferred: (lead.abs() >= margin).then_some(side),
                    region: Some(region),
                    sentence: Some(sentence),
                    lead: lead.abs(),
                };
            }
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::diff::Difference;
    use crate::frame::Rect;
    use crate::verdict::Judge;

    fn judge(kind: Kind) -> Judge {
        let sentence = |id: &str, embedding: [f32; 2], kind| Sentence {
            id: id.to_owned(),
            kind,
            embedding: embedding.to_vec(),
            region: None,
        };
        let sentences =
            vec![sentence("first", [0.0, 1.0], kind), sentence("dust", [1.0, 0.0], Kind::Allowed)];
        Judge::new(sentences, 4.0, 0.0)
    }

    fn preferred(kind: Kind, a: [f32; 2], b: [f32; 2]) -> Preference {
        let judge = judge(kind);
        let score = |reference: &[f32], test: &[f32]| {
            let difference = Difference::between(reference, test).unwrap();
            judge.score(&difference, &Rect::new(0, 0, 1, 1))
        };
        prefer(&[[score(&b, &a), score(&a, &b)]], judge.sentences(), 0.05)
    }

    #[test]
    fn the_part_that_shows_the_fault_is_not_preferred() {
        let found = preferred(Kind::Fault, [0.0, 1.0], [1.0, 0.0]);
        assert_eq!((found.preferred, found.sentence), (Some(Side::B), Some(0)));
        let swapped = preferred(Kind::Fault, [1.0, 0.0], [0.0, 1.0]);
        assert_eq!((swapped.preferred, swapped.lead), (Some(Side::A), found.lead));
    }

    #[test]
    fn the_part_that_meets_the_requirement_is_preferred() {
        let found = preferred(Kind::Requirement, [0.0, 1.0], [1.0, 0.0]);
        assert_eq!(found.preferred, Some(Side::A));
    }

    #[test]
    fn equal_parts_and_allowed_differences_decide_nothing() {
        assert_eq!(preferred(Kind::Fault, [1.0, 1.0], [1.0, 1.0]).preferred, None);
        assert_eq!(preferred(Kind::Allowed, [0.0, 1.0], [1.0, 0.0]).sentence, None);
    }
}
