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
