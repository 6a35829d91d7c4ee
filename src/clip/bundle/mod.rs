//! The bundle: one model as a directory, with everything needed to run it and to notice damage.
//!
//! Owns `bundle.toml`, the sums and parity vectors in it, and how a bundle comes into being: whole,
//! by one rename, or not at all.
//!
//! It does not know where weights come from.

mod derive;
mod draft;
mod manifest;
mod open;
mod parity;
mod verify;

pub use draft::Draft;
pub use manifest::{FileName, FileRecord, Gate, Manifest, ParityVector, TextSizes, VisionSizes};
pub use open::{Bundle, Precision};
pub use parity::{Tolerance, parity_pixels};
pub(crate) use parity::{measure_text, measure_vision};

pub use verify::Check;
