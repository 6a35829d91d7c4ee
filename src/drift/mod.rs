//! Drift: photos and scores that change slowly, before they make verdicts wrong.
//!
//! Owns an EWMA control chart for each of a few figures of a part (focus, exposure, framing, scores
//! of conforming parts, mean embeddings), with a baseline that is learned from the first parts or
//! written in the recipe, limits for a warning and for a hold, and the trend of the last 200 parts.
//! Numbers in, a [`State`] out.
//!
//! It has no clock and no files, and it stops nothing: the station decides what a hold means.

mod chart;
mod config;
mod error;
mod figure;
mod mean;
#[cfg(test)]
mod tests;
mod watch;

pub use chart::{Point, TREND};
pub use config::{Baseline, DriftConfig, FigureConfig, RawDrift, RawFigure};
pub use error::Error;
pub use figure::Figure;
pub use watch::{Alarm, Drift, FigureStatus, Sample, Saved, State};
