use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Error, Figure};

/// The `[drift]` section of a recipe, as it is written; without it nothing is watched.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDrift {
    /// Parts that a baseline is learned from, 20 to 100,000; 200 when absent.
    pub baseline_parts: Option<u32>,
    /// The weight of the newest part, 0.001 to 1; 0.1 when absent.
    pub smoothing: Option<f64>,
    /// A warning this many standard deviations of the smoothed value from the baseline, 1 to 100;
    /// 5 when absent.
    pub warn_sigmas: Option<f64>,
    /// A hold this many from it, more than `warn_sigmas`, up to 1,000; 10 when absent.
    pub hold_sigmas: Option<f64>,
    /// A warning or hold ends when so many parts in a row as three times `1 / smoothing` were below
    /// this part of its limit, 0.1 to 1; 0.5 when absent.
    pub release: Option<f64>,
    /// What is different for one figure, by its name.
    #[serde(default)]
    pub figures: BTreeMap<Figure, RawFigure>,
}

/// A `[drift.figures.NAME]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFigure {
    /// Not watched when false.
    pub watch: Option<bool>,
    /// A baseline that is not learned: the mean; `deviation` belongs to it.
    pub mean: Option<f64>,
    /// Its standard deviation.
    pub deviation: Option<f64>,
    /// The least standard deviation that is reckoned with; in the figure's unit.
    pub least_deviation: Option<f64>,
    /// In the place of that of all figures.
    pub warn_sigmas: Option<f64>,
    /// In the place of that of all figures.
    pub hold_sigmas: Option<f64>,
}

/// How drift is watched; every value was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftConfig {
    /// Parts that a baseline is learned from.
    pub baseline_parts: u32,
    /// The weight of the newest part.
    pub smoothing: f64,
    /// A state ends below this part of its limit.
    pub release: f64,
    /// By the places of [`Figure::ALL`]; `None` is not watched.
    pub figures: [Option<FigureConfig>; Figure::ALL.len()],
}

/// How one figure is watched; every value was checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FigureConfig {
    /// A baseline that is not learned.
    pub baseline: Option<Baseline>,
    /// The least standard deviation that is reckoned with, above 0.
    pub least_deviation: f64,
    /// Standard deviations of the smoothed value to a warning.
    pub warn_sigmas: f64,
    /// Standard deviations of the smoothed value to a hold, more than to a warning.
    pub hold_sigmas: f64,
}

/// What a figure is like when all is well.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub deviation: f64,
}

impl RawDrift {
    /// Checks every value against its range and the others.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first that cannot work, with its key.
    pub fn validate(&self) -> Result<DriftConfig, Error> {
        let baseline_parts = self.baseline_parts.unwrap_or(200);
        in_range("baseline_parts", f64::from(baseline_parts), (20.0, 100_000.0))?;
        let usual = RawFigure {
            warn_sigmas: Some(self.warn_sigmas.unwrap_or(5.0)),
            hold_sigmas: Some(self.hold_sigmas.unwrap_or(10.0)),
            ..RawFigure::default()
        };
        check_limits("", &usual, &usual)?;
        let mut figures = [None; Figure::ALL.len()];
        for (place, figure) in Figure::ALL.into_iter().enumerate() {
            let raw = self.figures.get(&figure).cloned().unwrap_or_default();
            let checked = raw.validate(figure, &usual)?;
            figures[place] = raw.watch.unwrap_or(true).then_some(checked);
        }
        Ok(DriftConfig {
            baseline_parts,
            smoothing: in_range("smoothing", self.smoothing.unwrap_or(0.1), (0.001, 1.0))?,
            release: in_range("release", self.release.unwrap_or(0.5), (0.1, 1.0))?,
            figures,
        })
    }
}

impl RawFigure {
    fn validate(&self, figure: Figure, usual: &Self) -> Result<FigureConfig, Error> {
        let key = |name: &str| format!("figures.{figure}.{name}");
        let [warn_sigmas, hold_sigmas] = check_limits(&key(""), self, usual)?;
        let least = self.least_deviation.unwrap_or(figure.least_deviation());
        let baseline = match (self.mean, self.deviation) {
            (None, None) => None,
            (Some(mean), Some(deviation)) => Some(Baseline {
                mean: in_range(&key("mean"), mean, (-1e9, 1e9))?,
                deviation: in_range(&key("deviation"), deviation, (0.0, 1e9))?,
            }),
            (Some(_), None) => {
                return Err(invalid(&key("deviation"), "nothing", "that of the mean"));
            }
            (None, Some(_)) => {
                return Err(invalid(&key("mean"), "nothing", "that of the deviation"));
            }
        };
        Ok(FigureConfig {
            baseline,
            least_deviation: in_range(&key("least_deviation"), least, (1e-9, 1e9))?,
            warn_sigmas,
            hold_sigmas,
        })
    }
}

/// The limits of a figure, each its own or the usual one.
fn check_limits(key: &str, raw: &RawFigure, usual: &RawFigure) -> Result<[f64; 2], Error> {
    let either = |own: Option<f64>, usual: Option<f64>| own.or(usual).unwrap_or(f64::NAN);
    let warn = either(raw.warn_sigmas, usual.warn_sigmas);
    let hold = either(raw.hold_sigmas, usual.hold_sigmas);
    in_range(&format!("{key}warn_sigmas"), warn, (1.0, 100.0))?;
    in_range(&format!("{key}hold_sigmas"), hold, (1.0, 1_000.0))?;
    if hold <= warn {
        let expected = format!("more than warn_sigmas = {warn}");
        return Err(invalid(&format!("{key}hold_sigmas"), hold, expected));
    }
    Ok([warn, hold])
}

fn in_range(key: &str, found: f64, (least, most): (f64, f64)) -> Result<f64, Error> {
    if (least..=most).contains(&found) {
        return Ok(found);
    }
    Err(invalid(key, found, format!("{least} to {most}")))
}

fn invalid(key: &str, found: impl fmt::Display, expected: impl Into<String>) -> Error {
    Error::Invalid { key: key.to_owned(), found: found.to_string(), expected: expected.into() }
}
