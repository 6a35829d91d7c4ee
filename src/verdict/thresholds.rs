use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why thresholds do not fit a sheet.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A limit that no score can reach, or every score does.
    #[error("{name} = {value}: expected more than {low} and at most {high}")]
    OutOfRange {
        /// The key.
        name: String,
        /// What was found.
        value: f32,
        /// Exclusive.
        low: f32,
        /// Inclusive.
        high: f32,
    },
    /// A sentence nobody calibrated.
    #[error("no threshold for spec {id:?}; run `pairspec calibrate` again")]
    Missing {
        /// The spec id.
        id: String,
    },
    /// A threshold for a sentence the sheet does not have.
    #[error("threshold for {id:?}, which the sheet does not have; run `pairspec calibrate` again")]
    Foreign {
        /// The id found.
        id: String,
    },
    /// Nothing could ever be found.
    #[error("no sentence is armed; calibrate with labelled faults that the model can tell apart")]
    NothingArmed,
}

/// The limits above which a score is a mismatch, as `pairspec calibrate` found them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Least confidence, in (0, 1], at which a fault or requirement is violated, by spec id.
    pub armed: BTreeMap<String, f32>,
    /// Sentences that the evidence did not allow to arm, each with the reason.
    #[serde(default)]
    pub unarmed: BTreeMap<String, String>,
    /// When a difference is too large to be left unexplained; never if `None`.
    #[serde(default)]
    pub unexplained: Option<UnexplainedLimits>,
}

/// A difference above this size that no sentence explains is a mismatch too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnexplainedLimits {
    /// `|d|` above which a region must be explained, in (0, 2].
    pub size: f32,
    /// Least cosine, in (-1, 1], at which a sentence counts as an explanation.
    pub cosine: f32,
}

impl Thresholds {
    /// Checks that these are limits, and one for each id that can be violated.
    ///
    /// Where sentences can be violated at least one must be armed: the rule of unexplained
    /// differences alone would pass what the sheet names.
    ///
    /// # Errors
    /// The first [`Error`] found.
    pub fn validate<'a>(&self, violable: impl Iterator<Item = &'a str>) -> Result<(), Error> {
        for (id, threshold) in &self.armed {
            in_range(id, *threshold, [0.0, 1.0])?;
        }
        if let Some(UnexplainedLimits { size, cosine }) = self.unexplained {
            in_range("unexplained.size", size, [0.0, 2.0])?;
            in_range("unexplained.cosine", cosine, [-1.0, 1.0])?;
        }
        let mut needs_arming = false;
        let mut foreign: Vec<&String> = self.armed.keys().chain(self.unarmed.keys()).collect();
        for id in violable {
            needs_arming = true;
            let before = foreign.len();
            foreign.retain(|known| *known != id);
            if foreign.len() == before {
                return Err(Error::Missing { id: id.to_owned() });
            }
        }
        if let Some(id) = foreign.first() {
            return Err(Error::Foreign { id: (*id).clone() });
        }
        if self.armed.is_empty() && (needs_arming || self.unexplained.is_none()) {
            return Err(Error::NothingArmed);
        }
        Ok(())
    }
}

fn in_range(name: &str, value: f32, [low, high]: [f32; 2]) -> Result<(), Error> {
    if value > low && value <= high {
        return Ok(());
    }
    Err(Error::OutOfRange { name: name.to_owned(), value, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armed(pairs: &[(&str, f32)]) -> Thresholds {
        let armed = pairs.iter().map(|(id, limit)| ((*id).to_owned(), *limit)).collect();
        Thresholds { armed, ..Thresholds::default() }
    }

    #[test]
    fn limits_that_cannot_be_are_refused() {
        for limit in [0.0, -1.0, 1.5, f32::NAN, f32::INFINITY] {
            let error = armed(&[("open", limit)]).validate(["open"].into_iter());
            assert!(matches!(error, Err(Error::OutOfRange { .. })), "{limit}");
        }
        assert_eq!(armed(&[("open", 1.0)]).validate(["open"].into_iter()), Ok(()));
    }

    #[test]
    fn thresholds_and_sheet_must_name_the_same_sentences() {
        let thresholds = armed(&[("open", 0.5)]);
        let missing = thresholds.validate(["open", "short"].into_iter());
        assert_eq!(missing, Err(Error::Missing { id: "short".into() }));
        let foreign = thresholds.validate(std::iter::empty());
        assert_eq!(foreign, Err(Error::Foreign { id: "open".into() }));
    }

    #[test]
    fn thresholds_that_can_find_nothing_are_refused() {
        let mut thresholds = armed(&[]);
        thresholds.unarmed.insert("open".into(), "no labelled example".into());
        assert_eq!(thresholds.validate(["open"].into_iter()), Err(Error::NothingArmed));
        thresholds.unexplained = Some(UnexplainedLimits { size: 0.5, cosine: 0.1 });
        assert_eq!(thresholds.validate(["open"].into_iter()), Err(Error::NothingArmed));
        thresholds.unarmed.clear();
        assert_eq!(thresholds.validate(std::iter::empty()), Ok(()));
    }
}
