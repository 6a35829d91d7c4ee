//! Int8: quantized models run by integer arithmetic, and what lies between by fused operators.
//!
//! Owns the operators made of the kernels of each kind of processor ([`kernels`], of `vision`), and the
//! rewriting of an ONNX graph that puts them in the place of what they compute, before tract sees it.
//!
//! It makes no int8 model: scales come from the file.

mod ops;
mod rewrite;
#[cfg(test)]
pub(crate) mod test_qdq;

pub use pairspec_vision::kernels::{self, Error, with_threads};
pub use rewrite::{Rewritten, rewrite};
