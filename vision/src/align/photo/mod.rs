//! Photo checks: was this picture taken in the recipe's conditions?
//!
//! Owns the figures of a photo (exposure, saturation, contrast, focus, noise, lighting; for binary
//! images part of white and specks) and the limits that a recipe sets for them.
//!
//! It does not know the reference frame: framing is what registration measures.

mod check;
mod config;
mod edges;
mod histogram;
mod measure;

pub use check::{PhotoFault, check};
pub use config::{PhotoConfig, PhotoProfile};
pub use measure::{PhotoFigures, measure};
