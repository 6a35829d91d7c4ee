use serde::{Deserialize, Serialize};

use super::acceptance::Acceptance;
use super::auroc::{Auroc, Scored};
use super::fit::{is_of, spec_auroc};
use super::{
    Arming, Decision, Error, FittedThresholds, Proportion, RocPoint, Sample, Truth, Unjudged,
};

/// What one sentence reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecFigures {
    /// The spec's id.
    pub id: String,
    /// Its threshold, or why it has none.
    pub arming: Arming,
    /// Its labelled faults on which it stayed quiet, out of those judged.
    pub missed: Proportion,
    /// Its labelled faults that passed because nothing fired, out of all.
    pub escaped: Proportion,
    /// Conforming units on which it fired, out of those judged.
    pub false_rejects: Proportion,
    /// Its labelled faults against the conforming units by its confidence.
    pub auroc: Option<Auroc>,
}

/// What all sentences and the rule of unexplained differences reached together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Conforming units called a mismatch or not inspected, out of all.
    pub false_rejects: Proportion,
    /// Faulty units that passed, out of all; one that was not inspected did not pass.
    pub escapes: Proportion,
    /// Conforming units that were not inspected, out of all.
    pub conforming_not_inspected: Proportion,
    /// Faulty units that were not inspected, out of all.
    pub faulty_not_inspected: Proportion,
    /// Conforming units that only the rule of unexplained differences rejects, out of those judged.
    pub conforming_unexplained: Proportion,
    /// Faulty units that only the rule of unexplained differences rejects, out of those judged.
    pub faulty_unexplained: Proportion,
    /// Faulty against conforming units by the highest confidence of any armed sentence.
    pub auroc: Option<Auroc>,
}

impl Totals {
    /// The figures of an attribute agreement study over the same decisions.
    pub fn acceptance(&self) -> Acceptance {
        Acceptance::new(self.escapes, self.false_rejects)
    }

    /// Share of the conforming units rejected and of the faulty ones found; nothing when a class
    /// is empty.
    pub fn operating_point(&self) -> Option<RocPoint> {
        let false_rejects = self.false_rejects.rate()?;
        Some(RocPoint { false_rejects, found: 1.0 - self.escapes.rate()? })
    }
}

/// Decisions on checked samples, to be counted.
pub(crate) struct Judged<'a> {
    pub(crate) samples: &'a [&'a Sample],
    /// One for each sample.
    pub(crate) decisions: &'a [Decision],
    pub(crate) unjudged: &'a [Unjudged],
    /// For each spec the state that tables show.
    pub(crate) arming: &'a [Arming],
}

impl Judged<'_> {
    /// The figures of the spec with this index.
    pub(crate) fn spec(&self, id: &str, spec: usize) -> SpecFigures {
        let fired = |decision: &Decision| decision.fired[spec];
        let own = |sample: &Sample| is_of(sample, spec);
        let unjudged = self.unjudged.iter().filter(|unit| unit.truth == Truth::Fault(spec)).count();
        let judged = self.count(own, |_| true);
        let passed = self.count(own, |decision| !decision.is_mismatch());
        SpecFigures {
            id: id.to_owned(),
            arming: self.arming[spec].clone(),
            missed: Proportion::new(self.count(own, |decision| !fired(decision)), judged),
            escaped: Proportion::new(passed, judged + unjudged),
            false_rejects: Proportion::new(
                self.count(is_conforming, fired),
                self.count(is_conforming, |_| true),
            ),
            auroc: spec_auroc(self.samples.iter().copied(), spec),
        }
    }

    /// The figures of all specs together.
    pub(crate) fn totals(&self) -> Totals {
        let unjudged = |truth: fn(&Truth) -> bool| {
            self.unjudged.iter().filter(|unit| truth(&unit.truth)).count()
        };
        let unjudged_good = unjudged(|truth| *truth == Truth::Conforming);
        let unjudged_bad = unjudged(Truth::is_fault);
        let judged_good = self.count(is_conforming, |_| true);
        let judged_bad = self.count(is_faulty, |_| true);
        let (good, bad) = (judged_good + unjudged_good, judged_bad + unjudged_bad);
        let rejected = self.count(is_conforming, Decision::is_mismatch);
        let passed = self.count(is_faulty, |decision| !decision.is_mismatch());
        Totals {
            false_rejects: Proportion::new(rejected + unjudged_good, good),
            escapes: Proportion::new(passed, bad),
            conforming_not_inspected: Proportion::new(unjudged_good, good),
            faulty_not_inspected: Proportion::new(unjudged_bad, bad),
            conforming_unexplained: Proportion::new(
                self.count(is_conforming, only_unexplained),
                judged_good,
            ),
            faulty_unexplained: Proportion::new(
                self.count(is_faulty, only_unexplained),
                judged_bad,
            ),
            auroc: Auroc::of(&self.overall()),
        }
    }

    fn overall(&self) -> Vec<Scored> {
        let is_armed: Vec<bool> = self.arming.iter().map(|a| a.threshold().is_some()).collect();
        self.samples.iter().map(|sample| overall(sample, &is_armed)).collect()
    }

    fn count(
        &self,
        sample: impl Fn(&Sample) -> bool,
        decision: impl Fn(&Decision) -> bool,
    ) -> usize {
        let units = self.samples.iter().zip(self.decisions);
        units.filter(|(unit, judged)| sample(unit) && decision(judged)).count()
    }
}

/// The units of a study for a ROC curve or a histogram, with the highest confidence of any spec
/// that has a threshold; skipped units are left out.
pub fn overall_scores(samples: &[Sample], thresholds: &FittedThresholds) -> Vec<Scored> {
    let is_armed: Vec<bool> = thresholds.specs.iter().map(|(_, limit)| limit.is_some()).collect();
    samples.iter().filter(|s| s.truth != Truth::Skip).map(|s| overall(s, &is_armed)).collect()
}

/// The same units with scores of another judge, the plain pixel difference for example.
///
/// # Errors
/// [`Error::Count`] unless there is one score for each sample (skipped ones included), and
/// [`Error::Score`] for NaN.
pub fn scored_by(samples: &[Sample], scores: &[f64]) -> Result<Vec<Scored>, Error> {
    let (found, expected) = (scores.len(), samples.len());
    if found != expected {
        return Err(Error::Count { what: "scores of the samples".into(), found, expected });
    }
    if let Some((sample, &value)) = samples.iter().zip(scores).find(|(_, score)| score.is_nan()) {
        let (pair, what) = (sample.pair, "score to compare with".to_owned());
        return Err(Error::Score { pair, what, value, range: "any number" });
    }
    let units = samples.iter().zip(scores).filter(|(sample, _)| sample.truth != Truth::Skip);
    let unit = |(sample, score): (&Sample, &f64)| Scored {
        cluster: sample.pair,
        bad: sample.truth.is_fault(),
        score: *score,
    };
    Ok(units.map(unit).collect())
}

fn overall(sample: &Sample, is_armed: &[bool]) -> Scored {
    let armed = sample.confidences.iter().zip(is_armed).filter(|(_, is_armed)| **is_armed);
    let score = armed.map(|(confidence, _)| f64::from(*confidence)).fold(0.0, f64::max);
    Scored { cluster: sample.pair, bad: sample.truth.is_fault(), score }
}

fn is_conforming(sample: &Sample) -> bool {
    sample.truth == Truth::Conforming
}

fn is_faulty(sample: &Sample) -> bool {
    sample.truth.is_fault()
}

fn only_unexplained(decision: &Decision) -> bool {
    decision.unexplained && !decision.fired.contains(&true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibrate::simulated::line;

    #[test]
    fn only_armed_sentences_count_in_the_score_of_a_unit() {
        let samples = line(12, 1);
        let specs = vec![("open".to_owned(), None), ("short".to_owned(), Some(0.5))];
        let scored = overall_scores(&samples, &FittedThresholds { specs, unexplained: None });
        for (sample, unit) in samples.iter().zip(&scored) {
            assert_eq!(unit.score, f64::from(sample.confidences[1]));
            assert_eq!((unit.bad, unit.cluster), (sample.truth.is_fault(), sample.pair));
        }
    }

    #[test]
    fn scores_of_another_judge_keep_to_the_units() {
        let mut samples = line(3, 1);
        samples[1].truth = Truth::Skip;
        let scored = scored_by(&samples, &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(scored.iter().map(|unit| unit.score).collect::<Vec<_>>(), [1.0, 3.0]);
        assert!(matches!(scored_by(&samples, &[1.0]), Err(Error::Count { found: 1, .. })));
        assert!(matches!(scored_by(&samples, &[f64::NAN; 3]), Err(Error::Score { .. })));
    }
}
