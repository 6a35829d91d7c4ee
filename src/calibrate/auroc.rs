use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;
/// Below so many pairs with a bad (or a good) unit the normal approximation is not used.
const FEWEST_FOR_DELONG: usize = 10;

/// One score with its label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Units with the same cluster (one pair) are not independent.
    pub cluster: usize,
    /// Whether the label says bad.
    pub bad: bool,
    /// Higher means worse; infinities are fine, NaN is lower than everything.
    pub score: f64,
}

/// Area under the ROC curve: the chance that a bad unit scores higher than a good one, a tie
/// counting one half; with a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auroc {
    /// The estimate, 0 to 1.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub lower: f64,
    /// Upper end of the 95 % interval.
    pub upper: f64,
}

impl Auroc {
    /// Estimate and interval, or nothing where there is no bad or no good unit.
    ///
    /// The estimate is the Mann-Whitney statistic. The interval is symmetric on the logit scale
    /// (Pepe, The Statistical Evaluation of Medical Tests, 2003, section 5.2) with the variance of
    /// DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988) in the form of Obuchowski
    /// (Biometrics 53, 1997), which allows units of one cluster to depend on each other and is
    /// DeLong's own where every cluster is one unit.
    ///
    /// Perfect separation, no variance at all, and fewer than 10 clusters with a bad or with a
    /// good unit give that variance nothing to go by. There the interval is method 5 of Newcombe
    /// (Statistics in Medicine 25, 2006), a score interval on the variance of Hanley and McNeil
    /// that keeps its coverage at 1 and in small samples, with the clusters counted as the units.
    pub fn of(scored: &[Scored]) -> Option<Self> {
        let placements = Placements::of(scored)?;
        let (bad, good) = placements.clusters_of_each();
        let value = placements.value;
        let degenerate = bad.min(good) < FEWEST_FOR_DELONG || value <= 0.0 || value >= 1.0;
        let (lower, upper) = match placements.variance() {
            Some(variance) if !degenerate && variance > 0.0 => logit_interval(value, variance),
            _ => newcombe_interval(value, bad as f64, good as f64),
        };
        Some(Self { value, lower, upper })
    }

    /// Whether the interval leaves a coin toss out on the good side.
    pub fn is_above_chance(&self) -> bool {
        self.lower > 0.5
    }
}

/// For every unit the share of units of the other kind it beats, summed by cluster.
struct Placements {
    value: f64,
    bad: f64,
    good: f64,
    clusters: BTreeMap<usize, Cluster>,
}

#[derive(Default, Clone, Copy)]
struct Cluster {
    bad: f64,
    good: f64,
    bad_placements: f64,
    good_placements: f64,
}

impl Placements {
    fn of(scored: &[Scored]) -> Option<Self> {
        let bad = scored.iter().filter(|unit| unit.bad).count() as f64;
        let good = scored.len() as f64 - bad;
        if bad == 0.0 || good == 0.0 {
            return None;
        }
        let mut sorted: Vec<Scored> = scored.to_vec();
        sorted.sort_by(|a, b| order(a.score, b.score));
        let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
        let (mut bad_below, mut good_below, mut wins) = (0.0, 0.0, 0.0);
        for ties in sorted.chunk_by(|a, b| order(a.score, b.score).is_eq()) {
            let bad_ties = ties.iter().filter(|unit| unit.bad).count() as f64;
            let good_ties = ties.len() as f64 - bad_ties;
            for unit in ties {
                let cluster = clusters.entry(unit.cluster).or_default();
                if unit.bad {
                    cluster.bad += 1.0;
                    cluster.bad_placements += (good_below + good_ties / 2.0) / good;
                } else {
                    cluster.good += 1.0;
                    let above = bad - bad_below - bad_ties;
                    cluster.good_placements += (above + bad_ties / 2.0) / bad;
                }
            }
            wins += bad_ties * (good_below + good_ties / 2.0);
            bad_below += bad_ties;
            good_below += good_ties;
        }
        Some(Self { value: wins / (bad * good), bad, good, clusters })
    }

    /// Clusters with at least one bad, and with at least one good unit.
    fn clusters_of_each(&self) -> (usize, usize) {
        let count = |has: fn(&Cluster) -> bool| self.clusters.values().filter(|c| has(c)).count();
        (count(|cluster| cluster.bad > 0.0), count(|cluster| cluster.good > 0.0))
    }

    /// Variance of the estimate; nothing with fewer than two clusters of either kind.
    fn variance(&self) -> Option<f64> {
        let (bad_clusters, good_clusters) = self.clusters_of_each();
        if bad_clusters < 2 || good_clusters < 2 {
            return None;
        }
        let (mut of_bad, mut of_good, mut of_both) = (0.0, 0.0, 0.0);
        for cluster in self.clusters.values() {
            let bad = cluster.bad_placements - cluster.bad * self.value;
            let good = cluster.good_placements - cluster.good * self.value;
            of_bad += bad * bad;
            of_good += good * good;
            of_both += bad * good;
        }
        let scale = |clusters: usize| clusters as f64 / (clusters - 1) as f64;
        let variance = scale(bad_clusters) * of_bad / (self.bad * self.bad)
            + scale(good_clusters) * of_good / (self.good * self.good)
            + 2.0 * scale(self.clusters.len()) * of_both / (self.bad * self.good);
        Some(variance)
    }
}

/// Total order with NaN below everything, so that an unknown score never counts as evidence of a
/// fault.
pub(super) fn order(a: f64, b: f64) -> std::cmp::Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(&b),
        (a, b) => b.cmp(&a),
    }
}

fn logit_interval(value: f64, variance: f64) -> (f64, f64) {
    let logit = (value / (1.0 - value)).ln();
    let half = Z * variance.sqrt() / (value * (1.0 - value));
    let back = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    (back(logit - half), back(logit + half))
}

/// The areas whose distance from `value` is [`Z`] of their own standard errors, by bisection.
fn newcombe_interval(value: f64, bad: f64, good: f64) -> (f64, f64) {
    let units = (bad + good) / 2.0 - 1.0;
    let excess = |area: f64| {
        let ties = 1.0 + units * (1.0 - area) / (2.0 - area) + units * area / (1.0 + area);
        (value - area).powi(2) - Z * Z * area * (1.0 - area) * ties / (bad * good)
    };
    let end = |mut outside: f64, mut inside: f64| {
        for _ in 0..60 {
            let middle = (outside + inside) / 2.0;
            if excess(middle) > 0.0 {
                outside = middle;
            } else {
                inside = middle;
            }
        }
        outside
    };
    let lower = if value > 0.0 { end(0.0, value) } else { 0.0 };
    let upper = if value < 1.0 { end(1.0, value) } else { 1.0 };
    (lower, upper)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    /// Arithmetic done by hand or by another program, printed with six digits.
    const CLOSE: f64 = 1e-6;

    fn scored(bad: &[f64], good: &[f64]) -> Vec<Scored> {
        let units = bad.iter().map(|score| (true, *score));
        let units = units.chain(good.iter().map(|score| (false, *score)));
        let cluster = |(cluster, (bad, score))| Scored { cluster, bad, score };
        units.enumerate().map(cluster).collect()
    }

    #[test]
    fn a_tie_counts_one_half() {
        // Nine comparisons: 3 > 1, 2, tie; 2 > 1, tie, loses; 5 > all.
        let auroc = Auroc::of(&scored(&[3.0, 2.0, 5.0], &[1.0, 2.0, 3.0])).unwrap();
        assert!((auroc.value - (2.5 + 1.5 + 3.0) / 9.0).abs() < CLOSE);
        assert_eq!(Auroc::of(&scored(&[1.0, 1.0], &[1.0])).unwrap().value, 0.5);
        assert_eq!(Auroc::of(&scored(&[1.0], &[])), None);
    }

    #[test]
    fn the_variance_is_that_of_delong() {
        let bad = [0.2, -0.3, 0.8, 1.4, 2.1, 1.1, 0.4, 0.2, 1.7, 2.6, 1.3, -0.2];
        let good =
            [-1.0, 1.6, 0.2, -1.7, -0.1, -1.2, -0.6, -0.5, -0.7, 0.6, -0.1, -0.6, 0.4, 0.8, -1.6];
        // numpy: var(mean wins of each bad, ddof=1) / 12 + var(... good, ddof=1) / 15
        let units = scored(&bad, &good);
        let variance = Placements::of(&units).unwrap().variance().unwrap();
        assert!((variance - 0.006_174_944).abs() < CLOSE, "{variance}");
        let auroc = Auroc::of(&units).unwrap();
        assert!((auroc.value - 0.827_777_8).abs() < CLOSE);
        assert!((auroc.lower - 0.620_016_0).abs() < CLOSE);
        assert!((auroc.upper - 0.934_029_6).abs() < CLOSE);
    }

    #[test]
    fn perfect_separation_is_not_certainty() {
        let bound = |bad: usize, good: usize| {
            let auroc = Auroc::of(&scored(&vec![1.0; bad], &vec![0.0; good])).unwrap();
            assert_eq!((auroc.value, auroc.upper), (1.0, 1.0));
            auroc.lower
        };
        assert!(bound(1, 1) < 0.5 && bound(1, 1000) < 0.5, "{} {}", bound(1, 1), bound(1, 1000));
        assert!((0.5..0.9).contains(&bound(5, 5)), "{}", bound(5, 5));
        assert!((0.95..0.995).contains(&bound(100, 100)), "{}", bound(100, 100));
        let wrong = Auroc::of(&scored(&[0.0; 20], &[1.0; 20])).unwrap();
        assert!(wrong.lower == 0.0 && wrong.upper < 0.5 && wrong.upper > 0.0);
    }

    /// Copies of a unit add nothing, and the interval must know.
    #[test]
    fn units_of_one_pair_do_not_narrow_the_interval() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let once: Vec<Scored> = (0..60)
            .map(|cluster| {
                let bad = cluster % 2 == 0;
                let score = random.random::<f64>() + if bad { 0.4 } else { 0.0 };
                Scored { cluster, bad, score }
            })
            .collect();
        let often: Vec<Scored> = (0..10).flat_map(|_| once.iter().copied()).collect();
        let apart: Vec<Scored> =
            (0..).zip(&often).map(|(cluster, unit)| Scored { cluster, ..*unit }).collect();
        let width = |units: &[Scored]| Auroc::of(units).map(|a| a.upper - a.lower).unwrap();
        assert!((width(&often) - width(&once)).abs() < CLOSE);
        assert!(width(&apart) < width(&once) / 2.0);
    }

    #[test]
    fn the_interval_covers_the_truth_in_about_95_of_100_draws() {
        // Bad scores uniform on 0.5..1.5, good ones on 0..1: area 1 - 0.5^2 / 2.
        let truth = 0.875;
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut covered = 0;
        for _ in 0..400 {
            let good: Vec<f64> = (0..40).map(|_| random.random()).collect();
            let bad: Vec<f64> = (0..30).map(|_| random.random::<f64>() + 0.5).collect();
            let auroc = Auroc::of(&scored(&bad, &good)).unwrap();
            covered += u32::from((auroc.lower..=auroc.upper).contains(&truth));
        }
        assert!((368..=396).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn not_a_number_is_no_evidence() {
        let auroc = Auroc::of(&scored(&[f64::NAN], &[0.0, -1.0])).unwrap();
        assert_eq!(auroc.value, 0.0);
    }
}
