//! Pairs of crops to learn from, cut where inspection would look.
//!
//! Owns the way from a pair with boxes to labelled crops: the same registration and change
//! proposals that inspection runs, each region labelled by the boxes as `pairspec evaluate` does,
//! and the [`Pool`] that keeps them in memory or in one file.
//!
//! It knows neither sentences nor models.

mod cut;
mod gather;
mod pool;

pub use cut::{Cutter, frame, margin_px};
pub use gather::{Error, Refused, from_manifest, from_pairs, from_renderer, pairs};
pub use pool::{CropPair, Pool, PoolError};
