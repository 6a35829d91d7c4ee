//! Training: losses over difference embeddings, gradients in parallel, the optimizer, checkpoints.
//!
//! Owns what every recipe shares: the difference loss with its no-change logit, the requirement and
//! caption terms, exact data-parallel gradients, AdamW with its schedule, checkpoints that resume to
//! the bit, and the plots of a run. Recipes put them together: [`scratch`] trains both towers.
//!
//! It renders and cuts nothing; samples come from `crops`, sentences from `describe`.
//!
//! Tensors with gradients are candle's, not burn's: a step of a ViT of 2.7 million parameters, 64 images
//! of 65 tokens, took 1.0 s with candle 0.11 under mimalloc, 1.8 s with candle under glibc's allocator and
//! 1.7 s with burn 0.22's ndarray under it, on two cores; burn under another allocator was not tried. Of a step of `models/default/train.toml`, half the time is its
//! matrix product, with AVX-512 where there is any; the passes around it are fused in `model::ops`,
//! and mimalloc keeps what is freed, without which a fifth of the time went into clearing pages.

mod augment;
mod checkpoint;
mod differences;
mod engine;
mod loss;
mod optimizer;
mod origin;
mod plot;
mod run;
mod sampler;
mod schedule;
pub mod scratch;
mod settings;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
pub mod text;
mod total;
pub mod tune;
mod validate;
mod vocabulary;

pub use augment::Symmetry;
pub use checkpoint::Error as CheckpointError;
pub use optimizer::AdamConfig;
pub use run::{Report, Session};
pub use schedule::{EpochSchedule, Schedule};
pub use settings::{BatchConfig, Settings, Terms};
pub use validate::Validation;
