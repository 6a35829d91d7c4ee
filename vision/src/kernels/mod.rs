//! Kernels: the arithmetic of a transformer, once per kind of processor.
//!
//! Owns the integer matrix product and everything between two of them: scaling, bias, activation,
//! residual sums, quantization, LayerNorm and attention. One file per processor says how a tile of
//! the integer product is computed and what a vector of f32 is; all else is written once over these
//! (`Tile` and `Lanes`) and compiled for each. `scalar` is plain Rust
//! and the oracle of the others: integer sums are equal to its sums, f32 values within two units in
//! the last place.
//!
//! It knows nothing of graphs, and allocates nothing but scratch.
#![allow(unsafe_code)]

mod ahead;
mod attention;
mod choice;
mod compiled;
mod error;
mod finish;
mod float;
mod lanes;
mod linear;
mod math;
mod memory;
mod norm;
mod packed;
mod peak;
mod pool;
mod product;
mod quantize;
mod run;
mod scalar;
mod shared;
mod tile;
mod write;

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_vnni;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_sdot;
#[cfg(target_arch = "aarch64")]
mod neon_smull;

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::ops::Range;

pub use attention::{Attention, Mask};
pub use choice::{chosen, kernel_named, supported};
pub use error::Error;
pub use float::{FloatLinear, FloatWeights};
pub use linear::{Linear, Target};
pub use memory::give_back;
pub use packed::{Layout, MOST_INPUTS, PackedWeights, Weights};
pub use peak::{Peak, peaks};
pub use pool::with_threads;
pub use run::{Output, attention, float_linear, layer_norm, linear, quantize};
pub use shared::Shared;

/// What is computed on the values of a linear layer before they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// `x * (1 + erf(x / sqrt(2))) / 2`. Source: Hendrycks and Gimpel, arXiv 1606.08415.
    Gelu,
    /// `x * sigmoid(1.702 * x)`. Source: the same.
    QuickGelu,
}

/// Scale and shift of a LayerNorm, one of each per channel.
#[derive(Debug, Clone, Copy)]
pub struct Norm<'a> {
    /// Multiplied with the normalised values.
    pub scale: &'a [f32],
    /// Added to them.
    pub shift: &'a [f32],
    /// Added to the variance.
    pub epsilon: f32,
}

/// The arithmetic of one kind of processor.
///
/// Methods that write bytes say whether all values were finite: a byte cannot tell, and a NaN
/// must not become a number.
pub trait Kernel: Debug + Send + Sync {
    /// What `PAIRSPEC_KERNEL` calls it.
    fn name(&self) -> &'static str;

    /// How it wants weights.
    fn layout(&self) -> Layout;

    /// The sums of a linear layer alone, `[rows, outputs]`.
    ///
    /// # Panics
    /// When activations or weights are of other sizes or another kernel's, as all methods.
    fn sums(&self, linear: &Linear) -> Vec<i32>;

    /// A linear layer over a range of its panels, which are
    /// `outputs.div_ceil(layout().columns)`; whether all values were finite.
    fn linear(&self, linear: &Linear, target: &Target, panels: Range<usize>) -> bool;

    /// Output channels that lie together in its [`FloatWeights`].
    fn float_columns(&self) -> usize;

    /// A linear layer in f32 over a range of its panels, which are
    /// `outputs.div_ceil(float_columns())`; whether all values were finite.
    fn float_linear(&self, linear: &FloatLinear, target: &Target, panels: Range<usize>) -> bool;

    /// `values / scale` rounded to the nearest byte, halves to even; whether all were finite.
    fn quantize(&self, values: &[f32], scale: f32, bytes: &mut [i8]) -> bool;

    /// LayerNorm of some rows, of `norm.scale.len()` values each; whether all were finite.
    fn layer_norm(&self, values: &[f32], norm: &Norm, target: &Target, rows: Range<usize>) -> bool;

    /// Attention of the heads in the range, counted over the batch: sequence `i / heads`, head
    /// `i % heads`; whether all values were finite.
    fn attention(&self, attention: &Attention, target: &Target, heads: Range<usize>) -> bool;

    /// An activation alone, in place.
    fn activate(&self, activation: Activation, values: &mut [f32]);
}
