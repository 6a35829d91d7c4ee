//! CLIP: from a checkpoint to a bundle, and from a bundle to embeddings.
//!
//! Owns the bundle on disk, its import from Hugging Face directories and ready ONNX exports, the
//! tokenizer, the ONNX graphs of both towers and the encoders that run them. With it stands what
//! every derived file is tied to: sums and parity vectors.
//!
//! It does not judge: what a difference between embeddings means is not known here.

mod architecture;
mod bundle;
mod config;
mod embedding;
mod encoder;
mod engine;
mod error;
mod import;
pub mod onnx;
mod random;
mod safetensors;
mod tokenizer;
mod tokenizer_file;
mod weights;

pub use architecture::Architecture;
pub use bundle::{
    Bundle, Check, Draft, FileName, FileRecord, Gate, Manifest, ParityVector, Precision, TextSizes,
    Tolerance, VisionSizes, parity_pixels,
};
pub use config::{Activation, Config, Extra, Pooling, TextConfig, TowerConfig, VisionConfig};
pub use embedding::{Embedding, cosine, relative_error};
pub use encoder::{ImageEncoder, LoadTimes, TextEncoder};
pub(crate) use engine::Engine;
pub use error::Error;
pub use import::{ImportOptions, Side, import, random_bundle};
pub use onnx::WeightType;
pub use random::RandomWeights;
pub use safetensors::{Checkpoint, parse_safetensors_header, parse_shard_index};
pub use tokenizer::{Tokenizer, TokenizerError};
pub use weights::WeightSource;
