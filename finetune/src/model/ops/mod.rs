//! The operations of a transformer that are worth one pass over memory instead of many.
//!
//! Owns layer norm, softmax, bias and activation with their gradients. On a CPU each is one
//! vectorised pass; on any other device each is composed of the library's own operations, which is
//! also what the tests compare with.

mod bias;
mod layer_norm;
mod rows;
mod softmax;
mod vector;

pub(crate) use bias::{add_bias, add_bias_quick_gelu};
pub(crate) use layer_norm::layer_norm;
pub(crate) use softmax::{Mask, softmax};
