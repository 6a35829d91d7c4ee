//! Registration of a pair, and whether its photos were taken in the recipe's conditions.
//!
//! Owns [`align()`], which brings the test frame into the reference's coordinates (translation,
//! small rotation and scale, a smooth local field where boards warp), measures how well it
//! succeeded and refuses what it cannot align; and [`measure`] and [`check`], which compare
//! exposure, saturation, contrast and focus of a photo with the recipe's limits.
//!
//! It sets no threshold of a verdict and does not say what a difference means.

mod coarse;
mod config;
mod correlate;
mod error;
mod estimate;
mod limits;
mod local;
mod motion;
mod patch;
mod photo;
mod plane;
mod refine;
mod register;
mod registration;
mod repeats;
mod resample;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod scene;
mod solve;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stdout)]
mod tests;
mod texture;
mod window;

pub use config::{AlignConfig, AlignMode};
pub use error::Error;
pub use photo::{PhotoConfig, PhotoFault, PhotoFigures, PhotoProfile, check, measure};
pub use register::align;
pub use registration::{Aligned, LocalShifts, Registration};
