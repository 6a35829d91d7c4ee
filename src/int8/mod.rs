//! Int8: quantized models run by integer arithmetic, and what lies between by fused operators.
//!
//! Owns the kernels of each kind of processor, the operators made of them, and the rewriting of an
//! ONNX graph that puts them in the place of what they compute, before tract sees it.
//!
//! It makes no int8 model: scales come from the file.

mod error;
pub mod kernels;
mod ops;
mod pool;
mod rewrite;
#[cfg(test)]
pub(crate) mod test_qdq;

pub use error::Error;
pub use pool::with_threads;
pub use rewrite::{Rewritten, rewrite};
