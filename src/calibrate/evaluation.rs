use serde::Serialize;

use super::figures::Judged;
use super::sample;
use super::{
    Arming, Decision, Error, FittedThresholds, Sample, SpecFigures, Totals, Truth, Unjudged,
};

/// What given thresholds reach on labelled units, which should be others than they were set with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// All sentences together.
    pub totals: Totals,
    /// Each spec.
    pub specs: Vec<SpecFigures>,
}

/// Counts what `thresholds` decide on labelled samples, whose confidences are in the order of the
/// thresholds. A class may be empty; its rates are then unknown.
///
/// # Errors
/// What is refused in a sample.
pub fn evaluate(
    samples: &[Sample],
    unjudged: &[Unjudged],
    thresholds: &FittedThresholds,
) -> Result<Evaluation, Error> {
    let ids: Vec<String> = thresholds.specs.iter().map(|(id, _)| id.clone()).collect();
    sample::check(samples, &ids)?;
    let units: Vec<&Sample> = samples.iter().filter(|s| s.truth != Truth::Skip).collect();
    let decisions: Vec<Decision> =
        units.iter().map(|unit| Decision::of(unit, thresholds)).collect();
    let state = |(_, limit): &(String, Option<f32>)| match limit {
        Some(limit) => Arming::Armed(*limit),
        None => Arming::Unarmed("no threshold in the recipe".to_owned()),
    };
    let arming: Vec<Arming> = thresholds.specs.iter().map(state).collect();
    let judged = Judged { samples: &units, decisions: &decisions, unjudged, arming: &arming };
    let specs = ids.iter().enumerate().map(|(spec, id)| judged.spec(id, spec)).collect();
    Ok(Evaluation { totals: judged.totals(), specs })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibrate::simulated::line;

    fn thresholds(limit: f32) -> FittedThresholds {
        let specs = vec![("open".to_owned(), Some(limit)), ("short".to_owned(), None)];
        FittedThresholds { specs, unexplained: None }
    }

    #[test]
    fn counts_are_those_of_the_decisions() {
        let samples = line(600, 1);
        let found = evaluate(&samples, &[], &thresholds(0.5)).unwrap();
        let count = |truth: &Truth, fires: bool| {
            let units = samples.iter().filter(|s| s.truth == *truth);
            units.filter(|s| (s.confidences[0] >= 0.5) == fires).count() as u64
        };
        let [open, short] = &found.specs[..] else { panic!("{found:?}") };
        assert_eq!(open.missed.count(), count(&Truth::Fault(0), false));
        assert_eq!(open.false_rejects.count(), count(&Truth::Conforming, true));
        assert_eq!(short.missed.count(), 100, "it has no threshold");
        assert_eq!(short.escaped.count(), count(&Truth::Fault(1), false));
        let passed = open.escaped.count() + short.escaped.count();
        assert_eq!(found.totals.escapes.count(), passed);
        let point = found.totals.operating_point().unwrap();
        assert_eq!(point.found, 1.0 - passed as f64 / 200.0);
    }

    #[test]
    fn without_a_faulty_unit_its_rates_are_unknown() {
        let mut samples = line(60, 2);
        samples.retain(|sample| !sample.truth.is_fault());
        let totals = evaluate(&samples, &[], &thresholds(0.5)).unwrap().totals;
        assert_eq!((totals.escapes.rate(), totals.auroc), (None, None));
        assert_eq!(totals.operating_point(), None);
        assert_eq!(evaluate(&[], &[], &thresholds(0.5)).unwrap().totals.false_rejects.rate(), None);
    }
}
