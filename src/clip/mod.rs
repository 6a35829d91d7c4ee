//! CLIP bundles: what is on disk, the tokenizer, import, ONNX export and the encoders.
//!
//! With `int8` and `quantize` the only room that names tract.
//!
//! It knows no verdicts.

mod tokenizer;
mod tokenizer_file;

pub use tokenizer::{Tokenizer, TokenizerError};
