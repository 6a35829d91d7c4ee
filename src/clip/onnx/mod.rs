//! ONNX graphs of CLIP towers: written from a configuration and weights, read back, checked.
//!
//! Owns the form of every model file in a bundle. Opset 17, standard operators, one input and one
//! output per tower, both with a free batch dimension. Every linear layer, the patch embedding
//! included, is one `Gemm` with `transB = 1` on 2-D tensors and is named after its weights:
//!
//! - onnxruntime and the quantizer find them by operator and name, nothing has to be matched
//!   (a `MatMul` followed by `Add` ran an int8 model seven times slower there);
//! - weights stay as checkpoints store them, `[outputs, inputs]`: bytes are copied, never
//!   transposed, and an output channel is a row;
//! - `transB` costs nothing in tract, which packs constant weights when it prepares a model.
//!
//! The last block of the image tower computes the class token only, since nothing else reaches the
//! embedding; that is exact.
//!
//! It does not run models.

mod block;
mod check;
mod graph;
mod interface;
mod read;
mod stream;
mod text;
mod vision;
mod write;

pub use check::{check_model, parse_model};
pub(crate) use check::{decode_model, opset};
pub use graph::WeightType;
pub(crate) use interface::{Input, Interface};
pub(crate) use read::external_files;
pub use read::{external_data_inlined, half_weights_widened};
pub(crate) use stream::decode_stream;
pub(crate) use text::text_graph;
pub(crate) use vision::vision_graph;
pub(crate) use write::write_graph;

/// The operator set of graphs written here.
pub const OPSET: i64 = 17;
