//! Renders pairs of line-camera frames, and trains CLIP on their differences.
//!
//! Everything that a production line never needs lives here; the run path is the crate `pairspec`.
//! Data flows one way: [`synth`] renders pairs, [`crops`] cuts them as inspection would, `train`
//! learns from the crops, [`evaluate`] says what was learned.

pub mod crops;
pub mod describe;
mod dice;
pub mod evaluate;
mod export;
mod labelled;
mod model;
pub mod synth;
pub mod train;
