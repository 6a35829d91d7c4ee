//! Photo checks: was this picture taken in the recipe's conditions?

mod check;
mod config;
mod measure;

pub use check::{PhotoFault, check};
pub use config::{PhotoConfig, PhotoProfile};
pub use measure::{PhotoFigures, measure};
