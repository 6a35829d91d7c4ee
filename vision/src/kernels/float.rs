use std::ops::Range;

use super::finish::{Column, Finish, Sums};
use super::lanes::Lanes;
use super::linear::Target;
use super::memory::AlignedFloats;
use super::product::{Matrix, Product};
use super::write::Writer;
use super::{Activation, Kernel};

/// The widest and highest block of any kernel.
const MOST_SUMS: usize = 12 * 32;

/// The weights of a linear layer in f32, packed for one kernel.
///
/// Panel after panel of output channels; in a panel input channel after input channel.
#[derive(Debug)]
pub struct FloatWeights {
    values: AlignedFloats,
    /// Output channels of a panel.
    columns: usize,
    outputs: usize,
    inputs: usize,
    /// Per output channel, filled up to whole panels.
    bias: Vec<f32>,
}

/// A linear layer in f32: `activation(x * w + bias) + residual`.
#[derive(Debug, Clone, Copy)]
pub struct FloatLinear<'a> {
    /// `[rows, inputs]`.
    pub values: &'a [f32],
    /// Packed for the kernel that is asked.
    pub weights: &'a FloatWeights,
    /// Applied after the bias.
    pub activation: Activation,
    /// `[rows, outputs]`, added last.
    pub residual: Option<&'a [f32]>,
}

impl FloatWeights {
    /// Packs `[inputs, outputs]` for `kernel`; `None` when sizes contradict each other or one is
    /// zero. The bias is one per output channel, or empty.
    pub fn new(kernel: &dyn Kernel, values: &[f32], outputs: usize, bias: &[f32]) -> Option<Self> {
        let inputs = values.len().checked_div(outputs)?;
        let sizes = values.len() == inputs * outputs && (bias.is_empty() || bias.len() == outputs);
        if inputs == 0 || !sizes {
            return None;
        }
        let columns = kernel.float_columns();
        let padded = outputs.next_multiple_of(columns);
        let mut packed = AlignedFloats::zeroed(padded * inputs)?;
        let panels = packed.as_mut_slice().chunks_exact_mut(columns * inputs);
        for (panel, first) in panels.zip((0..outputs).step_by(columns)) {
            let width = columns.min(outputs - first);
            for (to, row) in panel.chunks_exact_mut(columns).zip(values.chunks_exact(outputs)) {
                to[..width].copy_from_slice(&row[first..first + width]);
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(padded, 0.0);
        Some(Self { values: packed, columns, outputs, inputs, bias })
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Input channels.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Panels of output channels.
    pub(super) fn panels(&self) -> usize {
        self.outputs.div_ceil(self.columns)
    }

    fn panel(&self, index: usize) -> &[f32] {
        let length = self.columns * self.inputs;
        &self.values.as_slice()[index * length..][..length]
    }
}

impl FloatLinear<'_> {
    /// Rows of values.
    pub fn rows(&self) -> usize {
        self.values.len() / self.weights.inputs
    }
}

/// Output channels of a panel: two vectors, which a block of rows keeps in registers.
pub(super) const fn columns<L: Lanes>() -> usize {
    2 * L::COUNT
}

/// See [`Kernel::float_linear`].
///
/// Panels are the outer loop, so that weights are read once; each sum runs over the inputs in
/// order, so that a value does not depend on the batch it is in.
#[inline(always)]
pub(super) unsafe fn run<L: Lanes>(
    linear: &FloatLinear,
    target: &Target,
    panels: Range<usize>,
) -> bool {
    let FloatLinear { values, weights, activation, residual } = *linear;
    let (rows, inputs, outputs) = (linear.rows(), weights.inputs, weights.outputs);
    assert!(values.len() == rows * inputs, "values are whole rows");
    assert!(weights.columns == columns::<L>(), "weights are packed for this kernel");
    assert!(target.len() == rows * outputs, "the target takes a value per sum");
    assert!(residual.is_none_or(|r| r.len() == rows * outputs), "a residual per sum");
    assert!(panels.end <= weights.panels(), "panels of these weights");
    let mut sums = Room([0.0; MOST_SUMS]);
    // SAFETY: the caller runs where the processor has the instructions of `L`; the sizes were just
    // checked, and `sums` holds any block.
    unsafe {
        let writer = Writer::new(*target);
        let mut finish = Finish::<L> { activation, residual, writer, outputs };
        let blocks = rows.div_ceil(L::ROWS);
        let last = panels.end.saturating_sub(1);
        for panel in panels {
            let first = panel * weights.columns;
            // Weights of a large model stream from memory: each block calls for its share of the
            // next panel, the processor does not guess across panels.
            let step = weights.columns.div_ceil(blocks.max(1));
            let next = weights.panel((panel + 1).min(last)).as_ptr();
            for index in 0..blocks {
                let block = rows * index / blocks..rows * (index + 1) / blocks;
                let product = Product {
                    left: Matrix {
                        start: values.as_ptr().add(block.start * inputs),
                        stride: inputs,
                    },
                    rows: block.len(),
                    right: Matrix { start: weights.panel(panel).as_ptr(), stride: weights.columns },
                    depth: inputs,
                    to: Matrix { start: sums.0.as_mut_ptr(), stride: weights.columns },
                    columns: weights.columns,
                    ahead: Some((next.wrapping_add(index * step * inputs), step)),
                };
                product.compute::<L>();
                let sums = OfBlock { weights, first, sums: &sums.0 };
                finish.put(&sums, block, (first, weights.columns), &[]);
            }
        }
        finish.writer.all_finite()
    }
}

/// The sums of a block, without their bias yet.
struct OfBlock<'a> {
    weights: &'a FloatWeights,
    /// The output channel of its first column.
    first: usize,
    sums: &'a [f32],
}

impl<L: Lanes> Sums<L> for OfBlock<'_> {
    type Column = Biased<L>;

    #[inline(always)]
    unsafe fn column(&self, done: usize) -> Biased<L> {
        // SAFETY: the caller runs where the processor has the instructions of `L`.
        unsafe {
            Biased {
                sums: self.sums[done..].as_ptr(),
                columns: self.weights.columns,
                bias: L::load(self.weights.bias[self.first + done..][..L::COUNT].as_ptr()),
            }
        }
    }
}

/// A vector's width of a block's sums.
struct Biased<L: Lanes> {
    /// The first row's; rows are `columns` apart.
    sums: *const f32,
    columns: usize,
    bias: L::Vector,
}

impl<L: Lanes> Column<L> for Biased<L> {
    #[inline(always)]
    unsafe fn vector(&self, row: usize) -> L::Vector {
        // SAFETY: the caller's: a row of the block.
        unsafe { L::add(L::load(self.sums.add(row * self.columns)), self.bias) }
    }
}

#[repr(align(64))]
struct Room([f32; MOST_SUMS]);
