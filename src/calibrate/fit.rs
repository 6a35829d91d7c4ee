use super::auroc::{Auroc, Scored};
use super::best_f::best_f;
use super::curve::quantile;
use super::search::{Evidence, lowest_misses, most_rejects};
use super::{Arming, Error, FittedThresholds, Sample, Target, Truth, Unexplained};

/// Share of the known differences whose best cosine lies below the cosine limit.
const UNFAMILIAR: f64 = 0.05;
/// Fewer known differences say nothing of their lowest 5 %.
const FEWEST_KNOWN: usize = 20;
/// The size limit is never below this quantile of the conforming sizes.
const USUAL_SIZES: f64 = 0.95;
/// Share of the conforming units that may be unexplained where no false-reject rate is wanted.
const UNEXPLAINED_CONFORMING: f64 = 0.01;

/// Limits fitted on some samples, and whether these samples meet the target with them.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    /// One for each spec.
    pub(crate) specs: Vec<Arming>,
    pub(crate) unexplained: Option<Unexplained>,
    /// What the reader of the figures must know.
    pub(crate) warnings: Vec<String>,
}

impl Fit {
    /// The limits alone.
    pub(crate) fn thresholds(&self, spec_ids: &[String]) -> FittedThresholds {
        let limits = self.specs.iter().map(Arming::threshold);
        FittedThresholds {
            specs: spec_ids.iter().cloned().zip(limits).collect(),
            unexplained: self.unexplained,
        }
    }
}

/// What is fitted, for the messages: "in the evidence", "outside group a".
pub(crate) struct Request<'a> {
    pub(crate) spec_ids: &'a [String],
    pub(crate) target: Target,
    pub(crate) unexplained: bool,
    pub(crate) place: String,
}

/// Fits limits to checked samples without [`Truth::Skip`].
///
/// A sentence is armed when there are faults labelled with it and the 95 % interval of its AUROC
/// against the conforming units lies above 0.5. All armed sentences share one level, which the
/// target determines: see [`most_rejects`], [`lowest_misses`] and [`best_f`].
///
/// # Errors
/// [`Error::EmptyClass`] without a conforming or without a faulty unit.
pub(crate) fn fit(samples: &[&Sample], request: &Request<'_>) -> Result<Fit, Error> {
    let conforming: Vec<&Sample> =
        samples.iter().copied().filter(|s| s.truth == Truth::Conforming).collect();
    let faulty: Vec<&Sample> = samples.iter().copied().filter(|s| s.truth.is_fault()).collect();
    for (class, units) in [("conforming", &conforming), ("faulty", &faulty)] {
        if units.is_empty() {
            return Err(Error::EmptyClass { class, place: request.place.clone() });
        }
    }
    let arming: Vec<Result<(), String>> =
        (0..request.spec_ids.len()).map(|spec| may_arm(samples, spec)).collect();
    let armed = arming.iter().map(Result::is_ok).collect();
    let mut warnings = Vec::new();
    let familiar = match request.unexplained {
        true => Familiar::of(&conforming, &faulty).map_err(|why| warnings.push(why)).ok(),
        false => None,
    };
    let unexplained_level = (conforming.len() as f64 * UNEXPLAINED_CONFORMING) as usize;
    let evidence = Evidence { conforming, faulty, armed, familiar };
    let (limits, unexplained) = match request.target {
        Target::MaxFalseReject(share) => most_rejects(&evidence, share, &mut warnings),
        Target::MaxMiss(share) => {
            lowest_misses(&evidence, (share, unexplained_level), &mut warnings)
        }
        Target::BestF => best_f(&evidence, unexplained_level),
    };
    let specs = arming.into_iter().zip(limits).map(|(may, limit)| armed_at(may, limit)).collect();
    Ok(Fit { specs, unexplained, warnings })
}

/// Which differences are large and unlike anything labelled.
///
/// The cosine limit is consulted for large differences only, and the direction of a tiny one is
/// noise. So the limit is a low quantile over the labelled faults that have a sentence and over
/// those benign units which are at least as large as all but the smallest of these faults: 95 % of
/// what is known and large has a better sentence than an unexplained difference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Familiar {
    pub(crate) max_cosine: f32,
    /// 95 % of the conforming units are at most so large.
    pub(crate) usual_size: f32,
}

impl Familiar {
    fn of(conforming: &[&Sample], faulty: &[&Sample]) -> Result<Self, String> {
        let known = |sample: &&&Sample| matches!(sample.truth, Truth::Fault(_));
        let sizes = sorted(faulty.iter().filter(known).map(|sample| sample.size));
        let Some(smallest) = quantile(&sizes, UNFAMILIAR) else {
            return Err("unexplained differences are not judged: no fault has a sentence".into());
        };
        let large = |sample: &&&Sample| f64::from(sample.size) >= smallest;
        let units = faulty.iter().filter(known).chain(conforming.iter().filter(large));
        let cosines = sorted(units.map(|sample| sample.best_cosine));
        let found = cosines.len();
        match quantile(&cosines, UNFAMILIAR) {
            Some(limit) if found >= FEWEST_KNOWN => {
                let sizes = sorted(conforming.iter().map(|sample| sample.size));
                let usual = quantile(&sizes, USUAL_SIZES).unwrap_or(0.0);
                Ok(Self { max_cosine: limit as f32, usual_size: usual as f32 })
            }
            _ => Err(format!(
                "unexplained differences are not judged: {found} labelled units are large enough \
                 to say what is familiar, at least {FEWEST_KNOWN} are needed"
            )),
        }
    }
}

fn may_arm(samples: &[&Sample], spec: usize) -> Result<(), String> {
    match spec_auroc(samples.iter().copied(), spec) {
        None => Err("no labelled example".to_owned()),
        Some(auroc) if !auroc.is_above_chance() => Err(format!(
            "AUROC {:.3}, 95 % interval {:.3} to {:.3}: no better than chance",
            auroc.value, auroc.lower, auroc.upper
        )),
        Some(_) => Ok(()),
    }
}

/// AUROC of a spec's confidence, its labelled faults against the conforming units.
pub(crate) fn spec_auroc<'a>(
    samples: impl Iterator<Item = &'a Sample>,
    spec: usize,
) -> Option<Auroc> {
    Auroc::of(&spec_scores(samples, spec))
}

/// A spec's confidence on its labelled faults and on the conforming units, for a ROC curve or a
/// histogram of this spec alone; NaN where a sample has no such confidence.
pub fn spec_scores<'a>(samples: impl IntoIterator<Item = &'a Sample>, spec: usize) -> Vec<Scored> {
    let own = |sample: &&Sample| sample.truth == Truth::Conforming || is_of(sample, spec);
    let scored = |sample: &Sample| Scored {
        cluster: sample.pair,
        bad: is_of(sample, spec),
        score: sample.confidences.get(spec).map_or(f64::NAN, |score| f64::from(*score)),
    };
    samples.into_iter().filter(own).map(scored).collect()
}

/// Whether the label of a sample is the fault of this spec.
pub(crate) fn is_of(sample: &Sample, spec: usize) -> bool {
    sample.truth == Truth::Fault(spec)
}

fn armed_at(may: Result<(), String>, limit: Option<f32>) -> Arming {
    match (may, limit) {
        (Err(reason), _) => Arming::Unarmed(reason),
        (Ok(()), Some(limit)) => Arming::Armed(limit),
        (Ok(()), None) => Arming::Unarmed(
            "conforming units reach confidence 1, so that no threshold keeps them quiet".into(),
        ),
    }
}

fn sorted(values: impl Iterator<Item = f32>) -> Vec<f64> {
    let mut values: Vec<f64> = values.map(f64::from).collect();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibrate::simulated::{ids, line};

    fn fitted(samples: &[Sample]) -> Fit {
        let samples: Vec<&Sample> = samples.iter().collect();
        let target = Target::MaxFalseReject(0.1);
        let request =
            Request { spec_ids: &ids(), target, unexplained: true, place: "in a test".into() };
        fit(&samples, &request).unwrap()
    }

    #[test]
    fn known_faults_are_familiar_and_large_strangers_are_not() {
        let limits = fitted(&line(600, 1)).unexplained.unwrap();
        // Faults have cosines from 0.4, sizes from 0.6; 95 % of the conforming sizes are below 0.61.
        assert!((0.1..0.45).contains(&limits.max_cosine), "{limits:?}");
        assert!(limits.min_size > 0.55, "{limits:?}");
        let strange = line(600, 1).iter().filter(|s| limits.fires(s.size, s.best_cosine)).count();
        assert!(strange < 40, "{strange}");
    }

    #[test]
    fn few_units_do_not_say_what_is_familiar() {
        let fit = fitted(&line(60, 2));
        assert_eq!(fit.unexplained, Some(fit.unexplained.unwrap()));
        let fit = fitted(&line(30, 2));
        assert_eq!(fit.unexplained, None);
        assert!(fit.warnings.iter().any(|w| w.contains("at least 20")), "{:?}", fit.warnings);
    }

    #[test]
    fn a_sentence_that_conforming_parts_saturate_is_not_armed() {
        let mut samples = line(600, 3);
        for (index, sample) in samples.iter_mut().enumerate() {
            if index % 5 == 1 {
                sample.confidences[0] = 1.0;
            }
        }
        let fit = fitted(&samples);
        assert!(matches!(&fit.specs[0], Arming::Unarmed(why) if why.contains("confidence 1")));
        assert!(matches!(fit.specs[1], Arming::Armed(_)));
    }
}
