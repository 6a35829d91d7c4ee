//! Recipes: all that is specific to one product, read from TOML and checked once.
//!
//! Owns the recipe file (which bundle, which sheet, how to align, photograph and cut), the
//! threshold file `pairspec calibrate` writes and the list of goldens beside the recipe, each tied by
//! SHA-256 sums to what it was made from.
//!
//! It opens no camera, no model and no image.

mod error;
mod file;
mod golden;
mod goldens;
mod thresholds;

pub use error::Error;
pub use file::{Recipe, Variant};
pub use golden::{Date, Golden, GoldenState, Listed, Shows, day_of, today};
pub use goldens::{GoldenList, NewGolden};
pub use thresholds::{MadeWith, ThresholdFile};
