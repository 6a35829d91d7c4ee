use std::collections::BTreeMap;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use super::curve::quantile;
use super::detection::{Outcome, TruthBox, average_precision};

/// Drawn again so often; the ends of a 95 % interval then rest on 25 draws each.
const RESAMPLES: usize = 1_000;
/// The same boxes give the same interval.
const SEED: u64 = 0x70_61_69_72;

/// A 95 % interval by drawing pairs again with replacement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// 2.5 % of the draws are below.
    pub lower: f64,
    /// 2.5 % of the draws are above.
    pub upper: f64,
    /// Pairs drawn from.
    pub pairs: usize,
}

/// Interval of the mean average precision (percentile bootstrap; Efron, 1979, The Annals of
/// Statistics 7). Whole pairs are drawn, as their boxes depend on each other; that frames of one
/// group do too is not covered. Nothing with fewer than two pairs or without a labelled box.
pub(crate) fn mean_ap_interval(
    outcomes: &[Outcome],
    truths: &[TruthBox],
    classes: usize,
) -> Option<Interval> {
    let sets = Sets::of(outcomes, truths, classes);
    let pairs = sets.pairs;
    if pairs < 2 || truths.is_empty() {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut weights = vec![0_u32; pairs];
    let mut draws = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        weights.fill(0);
        (0..pairs).for_each(|_| weights[random.random_range(0..pairs)] += 1);
        draws.extend(sets.mean_ap(&weights));
    }
    draws.sort_by(f64::total_cmp);
    Some(Interval { lower: quantile(&draws, 0.025)?, upper: quantile(&draws, 0.975)?, pairs })
}

/// Matching is within one pair, so a draw changes only how often each outcome counts.
struct Sets {
    pairs: usize,
    classes: Vec<Class>,
}

#[derive(Default, Clone)]
struct Class {
    /// Index of the pair among those drawn from, of each labelled box.
    labelled: Vec<usize>,
    /// By falling confidence: those of equal confidence, each with its pair and whether it is right.
    steps: Vec<Vec<(usize, bool)>>,
}

impl Sets {
    fn of(outcomes: &[Outcome], truths: &[TruthBox], classes: usize) -> Self {
        let all = outcomes.iter().map(|o| o.pair).chain(truths.iter().map(|t| t.pair));
        let mut indices: BTreeMap<usize, usize> = all.map(|pair| (pair, 0)).collect();
        indices.values_mut().enumerate().for_each(|(index, slot)| *slot = index);
        let mut sets = vec![Class::default(); classes];
        truths.iter().for_each(|truth| sets[truth.class].labelled.push(indices[&truth.pair]));
        for (class, set) in sets.iter_mut().enumerate() {
            let own: Vec<&Outcome> = outcomes.iter().filter(|o| o.class == class).collect();
            let step = |ties: &[&Outcome]| {
                ties.iter().map(|outcome| (indices[&outcome.pair], outcome.is_right)).collect()
            };
            set.steps = own.chunk_by(|a, b| a.confidence == b.confidence).map(step).collect();
        }
        Self { pairs: indices.len(), classes: sets }
    }

    /// The mean over the classes that the draw has labelled boxes of.
    fn mean_ap(&self, weights: &[u32]) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0);
        for class in &self.classes {
            let labelled: u32 = class.labelled.iter().map(|pair| weights[*pair]).sum();
            if labelled == 0 {
                continue;
            }
            let weighed = class.steps.iter().map(|ties| {
                ties.iter().fold((0.0, 0.0), |(right, wrong), (pair, is_right)| {
                    let weight = f64::from(weights[*pair]);
                    if *is_right { (right + weight, wrong) } else { (right, wrong + weight) }
                })
            });
            sum += average_precision(weighed, f64::from(labelled));
            count += 1;
        }
        (count > 0).then(|| sum / f64::from(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Rect;

    /// `pairs` pairs with one labelled box each; a share of the boxes is found.
    fn simulated(pairs: usize, found: usize) -> (Vec<Outcome>, Vec<TruthBox>) {
        let rect = Rect::new(0, 0, 5, 5);
        let truths = (0..pairs).map(|pair| TruthBox { pair: pair * 7, rect, class: pair % 2 });
        let outcomes = (0..pairs).map(|pair| Outcome {
            pair: pair * 7,
            class: pair % 2,
            confidence: 0.9,
            is_right: pair * found / pairs != (pair + 1) * found / pairs,
        });
        (outcomes.collect(), truths.collect())
    }

    #[test]
    fn the_interval_is_as_wide_as_that_of_the_rate_it_estimates() {
        // All outcomes tie, so each AP is (share right)^2: 0.64 +- about 2 * 0.8 * 1.96 * 0.028.
        let (outcomes, truths) = simulated(200, 160);
        let interval = mean_ap_interval(&outcomes, &truths, 2);
        assert!(
            interval.is_some_and(|i| (0.53..0.57).contains(&i.lower)
                && (0.71..0.75).contains(&i.upper)
                && i.pairs == 200),
            "{interval:?}"
        );
        assert_eq!(interval, mean_ap_interval(&outcomes, &truths, 2), "seeded");
    }

    #[test]
    fn one_pair_gives_no_interval() {
        let (outcomes, truths) = simulated(1, 1);
        assert_eq!(mean_ap_interval(&outcomes, &truths, 2), None);
        assert_eq!(mean_ap_interval(&outcomes, &[], 2), None);
    }
}
