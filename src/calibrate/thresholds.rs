use serde::{Deserialize, Serialize};

use super::{Error, Sample};

/// What the thresholds should reach; shares are of units, 0 to below 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// At most this share of the conforming units is called a mismatch.
    MaxFalseReject(f64),
    /// At most this share of the faulty units passes.
    MaxMiss(f64),
    /// As many faulty units as possible are found and named right, and as few others called faulty:
    /// the best F, which takes both mistakes as equally bad.
    BestF,
}

impl Target {
    /// Refuses a share that is none.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub(crate) fn check(self) -> Result<Self, Error> {
        let (what, value) = match self {
            Self::MaxFalseReject(share) => ("wanted false-reject rate", share),
            Self::MaxMiss(share) => ("wanted miss rate", share),
            Self::BestF => return Ok(self),
        };
        match (0.0..1.0).contains(&value) {
            true => Ok(self),
            false => Err(Error::Argument { what, value, range: "0 to below 1" }),
        }
    }
}

/// Whether a sentence may reject parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arming {
    /// It fires at this confidence and above, above 0 and at most 1.
    Armed(f32),
    /// It never fires, for this reason.
    Unarmed(String),
}

impl Arming {
    /// The threshold of an armed sentence.
    pub fn threshold(&self) -> Option<f32> {
        match self {
            Self::Armed(threshold) => Some(*threshold),
            Self::Unarmed(_) => None,
        }
    }

    /// Whether a sentence with this confidence fires.
    pub fn fires(&self, confidence: f32) -> bool {
        self.threshold().is_some_and(|threshold| confidence >= threshold)
    }
}

/// When a difference that no sentence names is a mismatch: its size is above `min_size` and no
/// sentence, allowed ones included, reaches the cosine `max_cosine`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unexplained {
    /// Length of the difference embedding.
    pub min_size: f32,
    /// Highest cosine of any sentence.
    pub max_cosine: f32,
}

impl Unexplained {
    /// Whether a difference of this size and best cosine is one.
    pub fn fires(&self, size: f32, best_cosine: f32) -> bool {
        size > self.min_size && best_cosine < self.max_cosine
    }
}

/// Decision limits, ready for a recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedThresholds {
    /// Spec id and threshold on its confidence (fires at and above it), nothing when not armed.
    pub specs: Vec<(String, Option<f32>)>,
    /// The limits of unexplained differences, where they could be set.
    pub unexplained: Option<Unexplained>,
}

/// What fired on one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// For each spec whether its sentence fired.
    pub fired: Vec<bool>,
    /// Whether the difference counts as unexplained.
    pub unexplained: bool,
}

impl Decision {
    /// Judges a sample whose lists match the thresholds.
    pub fn of(sample: &Sample, thresholds: &FittedThresholds) -> Self {
        let fires = |(confidence, (_, threshold)): (&f32, &(String, Option<f32>))| {
            threshold.is_some_and(|threshold| *confidence >= threshold)
        };
        let unexplained = thresholds.unexplained;
        Self {
            fired: sample.confidences.iter().zip(&thresholds.specs).map(fires).collect(),
            unexplained: unexplained.is_some_and(|u| u.fires(sample.size, sample.best_cosine)),
        }
    }

    /// Whether the unit is a mismatch.
    pub fn is_mismatch(&self) -> bool {
        self.unexplained || self.fired.contains(&true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::Truth;

    #[test]
    fn a_sentence_fires_at_its_threshold_and_a_size_only_above_its_limit() {
        let unexplained = Some(Unexplained { min_size: 1.0, max_cosine: 0.2 });
        let specs = vec![("open".to_owned(), Some(0.5)), ("short".to_owned(), None)];
        let thresholds = FittedThresholds { specs, unexplained };
        let judged = |confidences: [f32; 2], size, best_cosine| {
            let (group, truth) = (String::new(), Truth::Conforming);
            let confidences = confidences.to_vec();
            let sample = Sample { pair: 0, group, truth, confidences, size, best_cosine };
            let decision = Decision::of(&sample, &thresholds);
            (decision.fired.clone(), decision.unexplained, decision.is_mismatch())
        };
        assert_eq!(judged([0.5, 1.0], 0.0, 1.0), (vec![true, false], false, true));
        assert_eq!(judged([0.499, 1.0], 1.0, 0.0), (vec![false, false], false, false));
        assert_eq!(judged([0.0, 0.0], 1.001, 0.199), (vec![false, false], true, true));
        assert_eq!(judged([0.0, 0.0], 1.001, 0.2), (vec![false, false], false, false));
    }
}
