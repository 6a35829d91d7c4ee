//! CLIP: from a checkpoint to a bundle, and from a bundle to embeddings.
//!
//! Owns the bundle on disk, its import from Hugging Face directories and ready ONNX exports, the
//! tokenizer, the ONNX graphs of both towers and the encoders that run them. With it stands what
//! every derived file is tied to: sums and parity vectors.
//!
//! It does not judge: what a difference between embeddings means is not known here.

mod config;
mod embedding;
mod engine;
mod error;
pub mod onnx;
mod random;
mod safetensors;
mod weights;

pub use config::{Activation, Config, Extra, Pooling, TextConfig, TowerConfig, VisionConfig};
pub use embedding::{Embedding, cosine, relative_error};
pub use error::Error;
pub use random::RandomWeights;
pub use safetensors::{Checkpoint, parse_safetensors_header, parse_shard_index};
pub use weights::WeightSource;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct TokenizerError;

#[cfg(test)]
mod experiment;
