use super::auroc::{Scored, order};

/// Points of a ROC curve are thinned to at most so many; a plot shows no more.
const MOST_POINTS: usize = 2_000;

/// One point of a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// Share of the good units at or above the threshold.
    pub false_rejects: f64,
    /// Share of the bad units at or above the threshold.
    pub found: f64,
}

/// The ROC curve from (0, 0) to (1, 1), by rising false rejects; units with equal scores move
/// together. Empty where there is no bad or no good unit.
pub fn roc(scored: &[Scored]) -> Vec<RocPoint> {
    let bad = scored.iter().filter(|unit| unit.bad).count();
    let good = scored.len() - bad;
    if bad == 0 || good == 0 {
        return Vec::new();
    }
    let mut sorted: Vec<&Scored> = scored.iter().collect();
    sorted.sort_by(|a, b| order(b.score, a.score));
    let (mut found, mut rejected) = (0, 0);
    let mut points = vec![RocPoint { false_rejects: 0.0, found: 0.0 }];
    for ties in sorted.chunk_by(|a, b| order(a.score, b.score).is_eq()) {
        let bad_ties = ties.iter().filter(|unit| unit.bad).count();
        found += bad_ties;
        rejected += ties.len() - bad_ties;
        points.push(RocPoint {
            false_rejects: rejected as f64 / good as f64,
            found: found as f64 / bad as f64,
        });
    }
    thinned(points)
}

/// The value below which a share `level` (0 to 1) of the sorted values lies, by linear
/// interpolation between order statistics (Hyndman and Fan, 1996, type 7). Nothing of nothing.
pub fn quantile(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = level.clamp(0.0, 1.0) * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64))
}

/// Counts of scores in equal bins between `low` and `high`.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Left end of the first bin.
    pub low: f64,
    /// Right end of the last bin; it belongs to that bin.
    pub high: f64,
    /// Units in each bin; those outside count in the first or last.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// Counts finite `scores` in `bins` (at least 1) equal bins; others are left out.
    pub fn of(scores: impl IntoIterator<Item = f64>, (low, high): (f64, f64), bins: usize) -> Self {
        let bins = bins.max(1);
        let mut counts = vec![0; bins];
        for score in scores.into_iter().filter(|score| score.is_finite()) {
            let share = if high > low { (score - low) / (high - low) } else { 0.0 };
            // A cast of a negative number to usize is 0.
            counts[((share * bins as f64) as usize).min(bins - 1)] += 1;
        }
        Self { low, high, counts }
    }
}

/// Drops points evenly, keeping both ends.
fn thinned(points: Vec<RocPoint>) -> Vec<RocPoint> {
    let last = points.len() - 1;
    if last < MOST_POINTS {
        return points;
    }
    (0..MOST_POINTS).map(|step| points[step * last / (MOST_POINTS - 1)]).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibrate::Auroc;

    fn scored(bad: &[f64], good: &[f64]) -> Vec<Scored> {
        let unit = |bad| move |&score| Scored { cluster: 0, bad, score };
        bad.iter().map(unit(true)).chain(good.iter().map(unit(false))).collect()
    }

    #[test]
    fn the_area_under_the_points_is_the_auroc() {
        let units = scored(&[0.9, 0.8, 0.5, 0.5, 0.2], &[0.7, 0.5, 0.1, 0.1]);
        let points = roc(&units);
        let area: f64 = points
            .windows(2)
            .map(|pair| {
                let width = pair[1].false_rejects - pair[0].false_rejects;
                width * (pair[0].found + pair[1].found) / 2.0
            })
            .sum();
        assert!((area - Auroc::of(&units).unwrap().value).abs() < f64::EPSILON * 10.0);
    }

    #[test]
    fn a_long_curve_keeps_both_ends() {
        let bad: Vec<f64> = (0..9_000).map(f64::from).collect();
        let points = roc(&scored(&bad, &[4_500.5]));
        assert_eq!(points.len(), MOST_POINTS);
        assert_eq!(points[0], RocPoint { false_rejects: 0.0, found: 0.0 });
        assert_eq!(points[MOST_POINTS - 1], RocPoint { false_rejects: 1.0, found: 1.0 });
        assert!(roc(&scored(&bad, &[])).is_empty());
    }

    #[test]
    fn quantiles_interpolate() {
        let sorted = [1.0, 2.0, 4.0];
        assert_eq!(quantile(&sorted, 0.5), Some(2.0));
        assert_eq!(quantile(&sorted, 0.75), Some(3.0));
        assert_eq!(quantile(&sorted, 7.0), Some(4.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn every_finite_score_is_in_one_bin() {
        let scores = [0.0, 0.49, 0.5, 1.0, 2.0, -1.0, f64::NAN, f64::INFINITY];
        assert_eq!(Histogram::of(scores, (0.0, 1.0), 2).counts, [3, 3]);
        assert_eq!(Histogram::of(scores, (1.0, 1.0), 0).counts, [6]);
    }
}
