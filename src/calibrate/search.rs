use super::fit::{Familiar, is_of};
use super::{Sample, Unexplained};

/// Limits of the specs (nothing where no threshold works) and of unexplained differences.
pub(crate) type Limits = (Vec<Option<f32>>, Option<Unexplained>);

/// What limits are searched on; both classes hold at least one unit.
pub(crate) struct Evidence<'a> {
    pub(crate) conforming: Vec<&'a Sample>,
    pub(crate) faulty: Vec<&'a Sample>,
    /// For each spec whether it may fire.
    pub(crate) armed: Vec<bool>,
    pub(crate) familiar: Option<Familiar>,
}

/// The lowest limits at which at most a share of the conforming units fires.
///
/// Every spec lets the same number of conforming units fire, the largest with which all of them
/// together stay within the share. Of `n` conforming units `r` may fire with `r + 1 <= share *
/// (n + 1)`: then a further conforming unit fires with a chance of at most the share (conformal
/// prediction; Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, section
/// 2.3; with one score this is exact, with several that share a level it is close).
pub(crate) fn most_rejects(
    evidence: &Evidence<'_>,
    share: f64,
    warnings: &mut Vec<String>,
) -> Limits {
    let budget = budget(evidence.conforming.len(), share).unwrap_or_else(|| {
        warnings.push(too_few("conforming", evidence.conforming.len(), share));
        0
    });
    // At level m a unit fires when at most m units score as high as it, by any of the scores.
    let mut levels = vec![usize::MAX; evidence.conforming.len()];
    for (spec, _) in evidence.armed.iter().enumerate().filter(|(_, armed)| **armed) {
        lower_levels(&mut levels, evidence.conforming.iter().map(|s| Some(s.confidences[spec])));
    }
    if let Some(familiar) = evidence.familiar {
        lower_levels(&mut levels, evidence.conforming.iter().map(|s| unfamiliar(s, familiar)));
    }
    levels.sort_unstable();
    // The budget is below the number of units because the share is below 1.
    let level = levels[budget].saturating_sub(1).min(evidence.conforming.len() - 1);
    let limit =
        |spec: usize| evidence.armed[spec].then(|| evidence.quiet_above(spec, level)).flatten();
    let limits = (0..evidence.armed.len()).map(limit).collect();
    (limits, evidence.unexplained_above(level))
}

/// The highest limits at which at most a share of the faulty units passes.
///
/// Every spec may miss the same share of its own faults, the largest with which at most `r` of all
/// `n` faulty units pass, `r + 1 <= share * (n + 1)`; a fault caught by any sentence, or as
/// unexplained, does not pass. `unexplained_level` conforming units may be unexplained.
pub(crate) fn lowest_misses(
    evidence: &Evidence<'_>,
    (share, unexplained_level): (f64, usize),
    warnings: &mut Vec<String>,
) -> Limits {
    let faulty = evidence.faulty.len();
    let budget = budget(faulty, share).unwrap_or_else(|| {
        warnings.push(too_few("faulty", faulty, share));
        0
    });
    let unexplained = evidence.unexplained_above(unexplained_level);
    let own: Vec<Vec<f32>> = (0..evidence.armed.len()).map(|spec| evidence.own(spec)).collect();
    let limits = |allowed: f64| -> Vec<Option<f32>> {
        own.iter().enumerate().map(|(spec, own)| evidence.firing_from(spec, own, allowed)).collect()
    };
    let mut candidates: Vec<f64> = own
        .iter()
        .flat_map(|own| (0..own.len()).map(|misses| misses as f64 / own.len() as f64))
        .collect();
    candidates.sort_by(f64::total_cmp);
    candidates.dedup();
    let passes = candidates
        .partition_point(|allowed| evidence.passing(&limits(*allowed), unexplained) <= budget);
    let allowed = passes.checked_sub(1).map_or(0.0, |index| candidates[index]);
    let limits = limits(allowed);
    if passes == 0 {
        warnings.push(format!(
            "the wanted miss rate cannot be met: {} of {faulty} faulty units pass even where every \
             armed sentence fires on all of its labelled faults",
            evidence.passing(&limits, unexplained),
        ));
    }
    (limits, unexplained)
}

impl Evidence<'_> {
    /// A threshold at which at most `level` (below their number) conforming units fire: halfway
    /// from the highest confidence that must stay quiet to the next one seen, so that rounding on
    /// another processor changes nothing.
    fn quiet_above(&self, spec: usize, level: usize) -> Option<f32> {
        let mut quiet: Vec<f32> = self.conforming.iter().map(|s| s.confidences[spec]).collect();
        quiet.sort_by(|a, b| b.total_cmp(a));
        let cut = quiet[level];
        let next = self.own(spec).into_iter().chain(quiet).filter(|score| *score > cut);
        let limit = match next.min_by(f32::total_cmp) {
            Some(next) => (cut + (next - cut) / 2.0).max(cut.next_up()),
            None => cut.next_up(),
        };
        (limit <= 1.0).then_some(limit)
    }

    /// The size limit at which at most `level` conforming units are unexplained, where it is known what
    /// is familiar.
    pub(super) fn unexplained_above(&self, level: usize) -> Option<Unexplained> {
        let familiar = self.familiar?;
        let mut sizes: Vec<f32> =
            self.conforming.iter().filter_map(|sample| unfamiliar(sample, familiar)).collect();
        sizes.sort_by(|a, b| b.total_cmp(a));
        let level = level.min(self.conforming.len() - 1);
        let min_size = sizes.get(level).copied().unwrap_or(familiar.usual_size);
        Some(Unexplained { min_size, max_cosine: familiar.max_cosine })
    }

    /// Confidences of the spec on its own faults, rising; none when it may not fire.
    fn own(&self, spec: usize) -> Vec<f32> {
        let faults = self.faulty.iter().filter(|sample| self.armed[spec] && is_of(sample, spec));
        let mut own: Vec<f32> = faults.map(|sample| sample.confidences[spec]).collect();
        own.sort_by(f32::total_cmp);
        own
    }

    /// A threshold at which at most a share `allowed` of the spec's own faults (rising) is missed:
    /// halfway from the lowest confidence that must fire down to the next one seen.
    fn firing_from(&self, spec: usize, own: &[f32], allowed: f64) -> Option<f32> {
        // Candidates are multiples of 1 / len; the small term keeps them whole.
        let misses = (allowed * own.len() as f64 + 1e-9) as usize;
        let lowest = *own.get(misses)?;
        let others = self.conforming.iter().map(|sample| sample.confidences[spec]);
        let below = others.chain(own.iter().copied()).filter(|score| *score < lowest);
        let next = below.max_by(f32::total_cmp).unwrap_or(0.0);
        // A limit of 0 would fire on everything.
        Some((lowest - (lowest - next) / 2.0).max(f32::MIN_POSITIVE))
    }

    /// Faulty units on which nothing fires.
    fn passing(&self, limits: &[Option<f32>], unexplained: Option<Unexplained>) -> usize {
        let passes = |sample: &&&Sample| {
            let fires = |(score, limit): (&f32, &Option<f32>)| limit.is_some_and(|l| *score >= l);
            !sample.confidences.iter().zip(limits).any(fires)
                && !unexplained.is_some_and(|u| u.fires(sample.size, sample.best_cosine))
        };
        self.faulty.iter().filter(passes).count()
    }
}

/// How many of `units` may go wrong, or nothing if even none is too many to show the share.
fn budget(units: usize, share: f64) -> Option<usize> {
    // The small term keeps products such as 0.05 * 100 whole.
    ((share * (units + 1) as f64 + 1e-9) as usize).checked_sub(1)
}

fn too_few(class: &str, units: usize, share: f64) -> String {
    match share > 0.0 {
        true => format!(
            "{units} {class} units cannot show a rate of {share}, at least {} are needed; none of \
             them may go wrong",
            (1.0 / share).ceil() as u64 - 1
        ),
        false => format!("no number of {class} units can show a rate of 0"),
    }
}

/// The size of a unit that would be unexplained if it were large enough.
fn unfamiliar(sample: &Sample, familiar: Familiar) -> Option<f32> {
    let unlike = sample.best_cosine < familiar.max_cosine && sample.size > familiar.usual_size;
    unlike.then_some(sample.size)
}

/// Lowers the level of each unit to the number of units that score at least as high.
fn lower_levels(levels: &mut [usize], scores: impl Iterator<Item = Option<f32>>) {
    let mut ranked: Vec<(f32, usize)> =
        scores.enumerate().filter_map(|(unit, score)| Some((score?, unit))).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut reached = 0;
    for ties in ranked.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        reached += ties.len();
        for (_, unit) in ties {
            levels[*unit] = levels[*unit].min(reached);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::Truth;
    use crate::calibrate::simulated::scored;

    fn rejects(conforming: &[[f32; 2]], faulty: &[[f32; 2]], share: f64) -> Vec<Option<f32>> {
        let conforming = scored(&Truth::Conforming, conforming);
        let faulty = scored(&Truth::Fault(0), faulty);
        let evidence = Evidence {
            conforming: conforming.iter().collect(),
            faulty: faulty.iter().collect(),
            armed: vec![true, true],
            familiar: None,
        };
        most_rejects(&evidence, share, &mut Vec::new()).0
    }

    #[test]
    fn one_more_unit_must_fit_into_the_share() {
        assert_eq!(budget(99, 0.02), Some(1));
        assert_eq!(budget(98, 0.02), Some(0));
        assert_eq!(budget(48, 0.02), None);
        assert_eq!(budget(99, 0.05), Some(4), "products are not cut below whole numbers");
        assert_eq!(budget(1_000_000, 0.0), None);
    }

    #[test]
    fn the_specs_share_the_rejects() {
        // Nine units, two may fire: the highest of each spec.
        let conforming = [
            [0.9, 0.1],
            [0.1, 0.75],
            [0.5, 0.2],
            [0.2, 0.5],
            [0.0, 0.0],
            [0.0, 0.0],
            [0.0, 0.0],
            [0.0, 0.0],
            [0.0, 0.0],
        ];
        let limits = rejects(&conforming, &[[0.6, 0.0], [0.95, 0.0]], 0.3);
        assert_eq!(limits, [Some(0.55), Some(0.625)], "halfway to the next score seen");
        let limits = rejects(&conforming, &[[0.6, 0.0]], 0.1);
        assert_eq!(limits[0], Some(0.9_f32.next_up()), "none may fire and nothing is above");
    }

    #[test]
    fn a_spec_whose_conforming_units_reach_one_has_no_limit() {
        let limits = rejects(&[[1.0, 0.2]; 4], &[[1.0, 0.9]], 0.2);
        assert_eq!(limits, [None, Some(0.2_f32.next_up())]);
    }

    #[test]
    fn every_spec_may_miss_the_same_share_of_its_own() {
        let own: Vec<[f32; 2]> = (1..=9).map(|score| [score as f32 / 10.0, 0.0]).collect();
        let (faulty, other) = (scored(&Truth::Fault(0), &own), scored(&Truth::Fault(1), &[]));
        let conforming = scored(&Truth::Conforming, &[[0.0, 0.0], [0.24, 0.0]]);
        let evidence = Evidence {
            conforming: conforming.iter().collect(),
            faulty: faulty.iter().chain(&other).collect(),
            armed: vec![true, false],
            familiar: None,
        };
        let mut warnings = Vec::new();
        // Nine units, two may pass: 0.3 fires, 0.24 is the next below.
        let (limits, _) = lowest_misses(&evidence, (0.3, 0), &mut warnings);
        assert!(limits[0].is_some_and(|limit| (limit - 0.27).abs() < 1e-6), "{limits:?}");
        assert_eq!((limits[1], warnings.len()), (None, 0));
        let (limits, _) = lowest_misses(&evidence, (0.05, 0), &mut warnings);
        assert!(limits[0].is_some_and(|limit| (limit - 0.05).abs() < 1e-6), "{limits:?}");
        assert!(warnings[0].contains("at least 19"), "{warnings:?}");
    }
}
