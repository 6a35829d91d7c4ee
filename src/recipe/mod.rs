//! Recipes: all that is specific to one product, read from TOML and checked once.
//!
//! Owns the recipe file (which bundle, which sheet, how to align, photograph and cut) and the
//! threshold file `pairspec calibrate` writes, each tied by SHA-256 sums to what it was made from.
//!
//! It opens no camera, no model and no image.

mod error;
mod file;
mod thresholds;

pub use error::Error;
pub use file::{Recipe, Variant};
pub use thresholds::{MadeWith, ThresholdFile};
