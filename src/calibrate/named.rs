use std::collections::HashSet;

use super::Prediction;

/// Of these predictions those that a verdict would name, given the limit of each class: of one region
/// the most confident that reaches its limit ([`decide`](crate::verdict::decide)), and of those that
/// belong to none all that reach theirs.
pub(crate) fn named(
    predictions: &[Prediction],
    limit: impl Fn(usize) -> Option<f32>,
) -> Vec<Prediction> {
    let reaches = |found: &Prediction| limit(found.class).is_some_and(|l| found.confidence >= l);
    let mut found: Vec<Prediction> = predictions.iter().copied().filter(reaches).collect();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut told = HashSet::new();
    found.retain(|it| it.region.is_none_or(|region| told.insert((it.pair, region))));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Rect;

    fn predicted(region: Option<usize>, class: usize, confidence: f32) -> Prediction {
        Prediction { pair: 0, rect: Rect::new(0, 0, 9, 9), confidence, class, region }
    }

    fn classes(predictions: &[Prediction], limits: [Option<f32>; 3]) -> Vec<usize> {
        named(predictions, |class| limits[class]).iter().map(|it| it.class).collect()
    }

    #[test]
    fn a_region_is_named_once_by_the_most_confident_class_at_its_limit() {
        let found = [predicted(Some(1), 0, 0.6), predicted(Some(1), 1, 0.3)];
        assert_eq!(classes(&found, [Some(0.5), Some(0.2), None]), [0]);
        assert_eq!(classes(&found, [Some(0.7), Some(0.2), None]), [1], "0 is below its limit");
        assert_eq!(classes(&found, [None, Some(0.3), None]), [1], "at the limit");
        assert!(classes(&found, [Some(0.7), Some(0.7), None]).is_empty());
    }

    #[test]
    fn other_regions_and_requirements_are_named_beside_it() {
        let found = [
            predicted(Some(1), 0, 0.6),
            predicted(Some(2), 0, 0.5),
            predicted(None, 2, 0.4),
            Prediction { pair: 1, ..predicted(Some(1), 1, 0.3) },
        ];
        assert_eq!(classes(&found, [Some(0.1); 3]), [0, 0, 2, 1]);
    }
}
