use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    Arming, Error, FittedThresholds, Proportion, SpecFigures, Target, Totals, Unexplained,
};
use crate::files;

/// Far more than the figures of any sheet.
const MAX_FILE_BYTES: u64 = 8 << 20;

/// Thresholds, and what thresholds made in the same way reached on units they had not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What the reader of the figures must know.
    pub warnings: Vec<String>,
    /// What was wanted.
    pub target: Target,
    /// Limits of unexplained differences, fitted on everything.
    pub unexplained: Option<Unexplained>,
    /// All sentences together; decisions are those of the folds, on held-out units.
    pub totals: Totals,
    /// Each spec: threshold fitted on everything, figures on held-out units.
    pub specs: Vec<SpecFigures>,
    /// What was held out in turn.
    pub folds: Vec<FoldFigures>,
}

/// One fold of the cross-validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldFigures {
    /// The groups held out.
    pub held_out: String,
    /// Held-out conforming units that were rejected.
    pub false_rejects: Proportion,
    /// Held-out faulty units that passed.
    pub escapes: Proportion,
    /// Limits of unexplained differences, fitted on the other folds.
    pub unexplained: Option<Unexplained>,
    /// State of each spec, fitted on the other folds, in the order of the specs.
    pub specs: Vec<Arming>,
}

impl Calibration {
    /// The decision limits alone.
    pub fn thresholds(&self) -> FittedThresholds {
        let limit = |spec: &SpecFigures| (spec.id.clone(), spec.arming.threshold());
        FittedThresholds {
            specs: self.specs.iter().map(limit).collect(),
            unexplained: self.unexplained,
        }
    }

    /// As TOML text.
    ///
    /// # Errors
    /// [`Error::Record`] when a figure has no place in TOML.
    pub fn to_toml(&self) -> Result<String, Error> {
        toml::to_string(self).map_err(|error| record("calibration", error))
    }

    /// Reads what [`Calibration::to_toml`] wrote; `origin` names it in messages.
    ///
    /// # Errors
    /// [`Error::Record`] for unknown or missing keys, and for limits outside their range.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, Error> {
        let read: Self = toml::from_str(text).map_err(|error| record(origin, error))?;
        read.target.check().map_err(|error| record(origin, error))?;
        for spec in &read.specs {
            if let Some(limit) = spec.arming.threshold()
                && !(limit > 0.0 && limit <= 1.0)
            {
                let reason = format!("{}: threshold {limit}, expected above 0, at most 1", spec.id);
                return Err(record(origin, reason));
            }
        }
        let finite = |limits: &Unexplained| {
            limits.min_size.is_finite() && limits.min_size >= 0.0 && limits.max_cosine.is_finite()
        };
        if read.unexplained.is_some_and(|limits| !finite(&limits)) {
            return Err(record(origin, "unexplained: limits are not numbers in their range"));
        }
        Ok(read)
    }

    /// Reads a calibration file.
    ///
    /// # Errors
    /// [`Error::File`] and those of [`Calibration::from_toml`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = files::read_text(path, MAX_FILE_BYTES)?;
        Self::from_toml(&text, &path.display().to_string())
    }
}

fn record(origin: &str, reason: impl ToString) -> Error {
    Error::Record { origin: origin.to_owned(), reason: reason.to_string().trim_end().to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibrate::simulated::{ids, line};
    use crate::calibrate::{Plan, calibrate};
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    fn calibrated(units: usize) -> Calibration {
        let plan = Plan { target: Target::MaxFalseReject(0.1), folds: None, unexplained: true };
        calibrate(&line(units, 14), &[], &ids(), &plan).unwrap()
    }

    #[test]
    fn a_calibration_survives_its_file() {
        let calibration = calibrated(600);
        let text = calibration.to_toml().unwrap();
        let read = Calibration::from_toml(&text, "a.toml").unwrap();
        assert_eq!(read.thresholds(), calibration.thresholds());
        assert_eq!(read, calibration);
        let refusal = |text: &str| Calibration::from_toml(text, "a.toml").unwrap_err().to_string();
        assert!(refusal(&format!("surprise = 1\n{text}")).contains("surprise"));
        let limit = text.find("armed = 0.").unwrap();
        let zero = format!("{}armed = -0.{}", &text[..limit], &text[limit + 10..]);
        assert!(refusal(&zero).starts_with("a.toml: not a threshold calibration: open"));
    }

    #[test]
    fn a_cut_or_altered_file_never_panics() {
        let text = calibrated(120).to_toml().unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(15);
        for _ in 0..2_000 {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random_range(32..127);
            }
            bytes.truncate(random.random_range(0..bytes.len() * 2));
            let altered = String::from_utf8(bytes).unwrap();
            if let Ok(read) = Calibration::from_toml(&altered, "a.toml") {
                let limits = read.thresholds().specs;
                assert!(limits.iter().all(|(_, limit)| limit.is_none_or(|l| l > 0.0 && l <= 1.0)));
            }
        }
    }
}
