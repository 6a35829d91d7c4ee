//! One pair through all the rooms: from two frames to a verdict.
//!
//! Owns [`Inspector`], which holds what a recipe needs in memory (image tower, sentence vectors,
//! limits) and takes a pair through photo checks, registration, regions, embeddings and scores in
//! the one order there is; whatever fails on the way becomes [`NotInspected`], never a pass.
//!
//! It holds no algorithm of its own and writes nothing; `cli` and the station call it.

mod conditions;
mod coverage;
mod error;
mod goldens;
mod inspector;
mod measure;
mod outcome;
mod prefer;
mod reference;
mod variant;

pub use conditions::complaints;
pub use error::Error;
pub use goldens::Goldens;
pub use inspector::{Inspector, Opening};
pub use measure::{MeasuredRegion, Measurement};
pub use outcome::{Inspection, Timing};
pub use prefer::{Preference, Side};
pub use reference::Reference;
pub use variant::{Standing, identify};

pub use crate::verdict::NotInspected;
