use super::figures::Judged;
use super::fit::{self, Fit};
use super::folds::{Fold, divide};
use super::sample;
use super::{
    Calibration, Decision, Error, FoldFigures, Proportion, Sample, Target, Truth, Unjudged,
};

/// What thresholds are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// What they should reach.
    pub target: Target,
    /// Folds to divide the groups into; one for each group if not given.
    pub folds: Option<usize>,
    /// Whether limits of unexplained differences are set too.
    pub unexplained: bool,
}

/// Sets thresholds from labelled units and reports what they reach on units they have not seen.
///
/// Each fold's units are judged with limits fitted on the other folds alone (see [`Plan`]); all
/// figures are counts of these decisions. The thresholds returned are fitted on everything. AUROCs
/// need no fitting. Units that were not judged count as rejects.
///
/// # Errors
/// [`Error::EmptyClass`] when the evidence, or all of it outside one fold, lacks conforming or
/// faulty units; [`Error::Folds`]; [`Error::Argument`]; and what is refused in a sample.
pub fn calibrate(
    samples: &[Sample],
    unjudged: &[Unjudged],
    spec_ids: &[String],
    plan: &Plan,
) -> Result<Calibration, Error> {
    sample::check(samples, spec_ids)?;
    let target = plan.target.check()?;
    let units: Vec<&Sample> = samples.iter().filter(|s| s.truth != Truth::Skip).collect();
    let request =
        |place: String| fit::Request { spec_ids, target, unexplained: plan.unexplained, place };
    let all = fit::fit(&units, &request("in the evidence".to_owned()))?;
    let mut warnings = all.warnings.clone();
    let folds = divide(&units, plan.folds, &mut warnings)?;
    let mut decisions = vec![Decision { fired: Vec::new(), unexplained: false }; units.len()];
    let mut fold_figures = Vec::with_capacity(folds.len());
    for fold in &folds {
        let others = without(&units, fold);
        let fitted = fit::fit(&others, &request(format!("outside {}", fold.name)))?;
        let thresholds = fitted.thresholds(spec_ids);
        for &unit in &fold.held_out {
            decisions[unit] = Decision::of(units[unit], &thresholds);
        }
        fold_figures.push(figures_of(fold, fitted, (&units, &decisions)));
    }
    let judged = Judged { samples: &units, decisions: &decisions, unjudged, arming: &all.specs };
    let specs = spec_ids.iter().enumerate().map(|(spec, id)| judged.spec(id, spec)).collect();
    let totals = judged.totals();
    Ok(Calibration {
        target,
        warnings,
        unexplained: all.unexplained,
        totals,
        specs,
        folds: fold_figures,
    })
}

fn without<'a>(units: &[&'a Sample], fold: &Fold) -> Vec<&'a Sample> {
    let mut is_held_out = vec![false; units.len()];
    for &unit in &fold.held_out {
        is_held_out[unit] = true;
    }
    units.iter().zip(is_held_out).filter(|(_, held_out)| !held_out).map(|(unit, _)| *unit).collect()
}

fn figures_of(fold: &Fold, fit: Fit, (units, decisions): (&[&Sample], &[Decision])) -> FoldFigures {
    let (mut good, mut rejected, mut bad, mut passed) = (0, 0, 0, 0);
    for &unit in &fold.held_out {
        let is_mismatch = decisions[unit].is_mismatch();
        if units[unit].truth.is_fault() {
            bad += 1;
            passed += usize::from(!is_mismatch);
        } else {
            good += 1;
            rejected += usize::from(is_mismatch);
        }
    }
    FoldFigures {
        held_out: fold.name.clone(),
        false_rejects: Proportion::new(rejected, good),
        escapes: Proportion::new(passed, bad),
        unexplained: fit.unexplained,
        specs: fit.specs,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibrate::simulated::{ids, line};
    use crate::calibrate::{Arming, Evaluation, FittedThresholds};
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    fn plan(target: Target) -> Plan {
        Plan { target, folds: None, unexplained: true }
    }

    fn calibrated(samples: &[Sample], target: Target) -> Calibration {
        calibrate(samples, &[], &ids(), &plan(target)).unwrap()
    }

    #[test]
    fn false_rejects_on_unseen_units_are_about_what_was_wanted() {
        let calibration = calibrated(&line(1800, 1), Target::MaxFalseReject(0.05));
        let rejects = calibration.totals.false_rejects;
        assert!((0.03..0.06).contains(&rejects.rate().unwrap()), "{rejects:?}");
        assert_eq!(rejects.of(), 1200);
        assert!(calibration.warnings.is_empty(), "{:?}", calibration.warnings);
        // New units of the same line agree with the bounds.
        let fresh = evaluate(&line(6000, 2), &calibration.thresholds());
        let fresh = fresh.totals.false_rejects.rate().unwrap();
        assert!(rejects.lower() < fresh && fresh < rejects.upper(), "{fresh} {rejects:?}");
    }

    #[test]
    fn misses_on_unseen_units_are_about_what_was_wanted() {
        let calibration = calibrated(&line(1800, 3), Target::MaxMiss(0.05));
        let escapes = calibration.totals.escapes;
        assert!((0.02..0.07).contains(&escapes.rate().unwrap()), "{escapes:?}");
        let fresh = evaluate(&line(6000, 4), &calibration.thresholds()).totals.escapes;
        let fresh = fresh.rate().unwrap();
        assert!(escapes.lower() < fresh && fresh < escapes.upper(), "{fresh} {escapes:?}");
    }

    fn evaluate(samples: &[Sample], thresholds: &FittedThresholds) -> Evaluation {
        crate::calibrate::evaluate(samples, &[], thresholds).unwrap()
    }

    /// The wanted rate holds on average over many small studies, which is what it promises.
    #[test]
    fn the_wanted_false_reject_rate_is_not_exceeded_on_average() {
        let mut sum = 0.0;
        for seed in 0..40 {
            let calibration = calibrated(&line(180, 100 + seed), Target::MaxFalseReject(0.1));
            let fresh = evaluate(&line(1200, 200 + seed), &calibration.thresholds());
            sum += fresh.totals.false_rejects.rate().unwrap();
        }
        assert!((0.06..=0.105).contains(&(sum / 40.0)), "{}", sum / 40.0);
    }

    #[test]
    fn held_out_scores_never_move_the_limits_they_are_judged_with() {
        let samples = line(600, 5);
        let before = calibrated(&samples, Target::MaxFalseReject(0.05));
        let mut changed = samples.clone();
        for sample in changed.iter_mut().filter(|sample| sample.group == "board 2") {
            sample.confidences.iter_mut().for_each(|score| *score = 1.0 - *score);
            sample.size += 3.0;
        }
        let after = calibrated(&changed, Target::MaxFalseReject(0.05));
        for (fold, (before, after)) in before.folds.iter().zip(&after.folds).enumerate() {
            let same = before.specs == after.specs && before.unexplained == after.unexplained;
            assert_eq!(same, fold == 2, "fold {fold}");
        }
        assert!(after.folds[2].false_rejects.rate() > before.folds[2].false_rejects.rate());
    }

    #[test]
    fn a_sentence_that_scores_at_random_is_not_armed() {
        let mut random = ChaCha8Rng::seed_from_u64(6);
        let mut samples = line(600, 6);
        samples.iter_mut().for_each(|sample| sample.confidences[1] = random.random());
        let calibration = calibrated(&samples, Target::MaxFalseReject(0.05));
        let Arming::Unarmed(reason) = &calibration.specs[1].arming else {
            panic!("armed: {:?}", calibration.specs[1]);
        };
        assert!(reason.contains("no better than chance"), "{reason}");
        assert!(calibration.specs[0].arming.threshold().is_some());
        assert_eq!(calibration.thresholds().specs[1], ("short".to_owned(), None));
    }

    #[test]
    fn a_sentence_without_an_example_is_not_armed() {
        let mut samples = line(600, 7);
        samples.retain(|sample| sample.truth != Truth::Fault(1));
        let calibration = calibrated(&samples, Target::MaxFalseReject(0.05));
        assert_eq!(calibration.specs[1].arming, Arming::Unarmed("no labelled example".into()));
        assert_eq!(calibration.specs[1].missed.of(), 0);
    }

    #[test]
    fn an_empty_class_is_refused_by_name() {
        let only = |keep: fn(&Truth) -> bool| {
            let mut samples = line(60, 8);
            samples.retain(|sample| keep(&sample.truth));
            let target = Target::MaxFalseReject(0.05);
            calibrate(&samples, &[], &ids(), &plan(target)).unwrap_err().to_string()
        };
        assert!(only(Truth::is_fault).starts_with("no conforming unit in the evidence"));
        assert!(only(|truth| !truth.is_fault()).starts_with("no faulty unit in the evidence"));
        let mut apart = line(60, 9);
        for sample in &mut apart {
            sample.group = if sample.truth.is_fault() { "bad" } else { "good" }.into();
        }
        let error = calibrate(&apart, &[], &ids(), &plan(Target::MaxMiss(0.1))).unwrap_err();
        assert_eq!(error.to_string().split(';').next(), Some("no faulty unit outside bad"));
    }

    #[test]
    fn too_few_units_for_the_wanted_rate_are_told() {
        let calibration = calibrated(&line(90, 10), Target::MaxFalseReject(0.001));
        let told = calibration.warnings.iter().any(|warning| warning.contains("at least 999"));
        assert!(told, "{:?}", calibration.warnings);
        let on_all = evaluate(&line(90, 10), &calibration.thresholds());
        assert_eq!(on_all.totals.false_rejects.count(), 0);
    }

    #[test]
    fn a_miss_rate_out_of_reach_is_told() {
        let mut samples = line(600, 11);
        for sample in samples.iter_mut().filter(|sample| sample.truth == Truth::Fault(1)) {
            sample.truth = Truth::FaultOther("scratch".into());
            sample.confidences = vec![0.0, 0.0];
            sample.best_cosine = 0.9;
        }
        let calibration = calibrated(&samples, Target::MaxMiss(0.05));
        assert!(calibration.warnings.iter().any(|w| w.contains("cannot be met")));
    }

    #[test]
    fn a_large_difference_no_sentence_names_is_unexplained() {
        let mut samples = line(600, 12);
        for sample in samples.iter_mut().filter(|sample| sample.truth == Truth::Fault(1)) {
            sample.truth = Truth::FaultOther("scratch".into());
            sample.confidences = vec![0.0, 0.0];
            sample.size = 2.0;
            sample.best_cosine = 0.01;
        }
        let totals = calibrated(&samples, Target::MaxFalseReject(0.05)).totals;
        assert_eq!(totals.faulty_unexplained.count(), 100);
        assert!(totals.false_rejects.rate().unwrap() < 0.06);
        let without = Plan { unexplained: false, ..plan(Target::MaxFalseReject(0.05)) };
        let without = calibrate(&samples, &[], &ids(), &without).unwrap();
        assert_eq!(without.totals.faulty_unexplained.count(), 0);
        assert_eq!(without.unexplained, None);
    }

    #[test]
    fn what_was_not_inspected_is_a_reject_in_every_rate() {
        let samples = line(600, 13);
        let unjudged: Vec<Unjudged> = [Truth::Conforming, Truth::Fault(0), Truth::Skip]
            .into_iter()
            .map(|truth| Unjudged { pair: 9_999, truth })
            .collect();
        let plan = plan(Target::MaxFalseReject(0.05));
        let with = calibrate(&samples, &unjudged, &ids(), &plan).unwrap();
        let without = calibrate(&samples, &[], &ids(), &plan).unwrap();
        let counts = |proportion: Proportion| (proportion.count(), proportion.of());
        let (rejects, good) = counts(without.totals.false_rejects);
        assert_eq!(counts(with.totals.false_rejects), (rejects + 1, good + 1));
        let (escapes, bad) = counts(without.totals.escapes);
        assert_eq!(counts(with.totals.escapes), (escapes, bad + 1));
        assert_eq!(counts(with.totals.faulty_not_inspected), (1, bad + 1));
        assert_eq!(with.specs[0].escaped.of(), without.specs[0].escaped.of() + 1);
    }

    #[test]
    fn a_rate_that_is_none_is_refused() {
        for share in [-0.1, 1.0, f64::NAN] {
            let plan = plan(Target::MaxMiss(share));
            let error = calibrate(&line(60, 1), &[], &ids(), &plan).unwrap_err();
            assert!(matches!(error, Error::Argument { .. }), "{error}");
        }
    }
}
