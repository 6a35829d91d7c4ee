//! Renders pairs of line-camera frames, to train CLIP on their differences.
//!
//! Everything that a production line never needs lives here; the run path is the crate `pairspec`.
//! Start at [`synth`].

pub mod synth;
