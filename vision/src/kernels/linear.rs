use std::borrow::Cow;
use std::ops::Range;

use super::finish::{Column, Finish, Sums};
use super::lanes::Lanes;
use super::memory::LINE;
use super::shared::Shared;
use super::tile::{Block, Tile};
use super::write::Writer;
use super::{Activation, PackedWeights};

/// The widest and highest tile of any kernel.
const MOST_SUMS: usize = 32 * 32;

/// A linear layer: `activation(sum * scale + bias) + residual`.
#[derive(Debug, Clone, Copy)]
pub struct Linear<'a> {
    /// `[rows, inputs]`.
    pub activations: &'a [i8],
    /// Packed for the kernel that is asked.
    pub weights: &'a PackedWeights,
    /// Applied after the bias.
    pub activation: Activation,
    /// `[rows, outputs]`, added last.
    pub residual: Option<&'a [f32]>,
}

/// Where values go.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// As they are.
    Floats(Shared<'a, f32>),
    /// Multiplied with the inverse of a scale and rounded to the nearest byte.
    Bytes(Shared<'a, i8>, f32),
}

impl Linear<'_> {
    /// Rows of activations.
    pub fn rows(&self) -> usize {
        self.activations.len() / self.weights.inputs()
    }

    fn check<T: Tile>(&self) {
        let whole = self.activations.len().is_multiple_of(self.weights.inputs());
        assert!(whole, "activations are whole rows");
        assert!(self.weights.layout() == T::LAYOUT, "weights are packed for this kernel");
    }

    /// Rows as long as packed weights; what is behind the inputs meets zeros.
    fn padded<T: Tile>(&self) -> Cow<'_, [i8]> {
        let (inputs, padded) = (self.weights.inputs(), self.weights.padded_inputs());
        if inputs == padded {
            return Cow::Borrowed(self.activations);
        }
        let mut rows = vec![0; self.rows() * padded];
        let both = rows.chunks_exact_mut(padded).zip(self.activations.chunks_exact(inputs));
        both.for_each(|(to, from)| to[..inputs].copy_from_slice(from));
        Cow::Owned(rows)
    }
}

impl Target<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Floats(slice) => slice.len(),
            Self::Bytes(slice, _) => slice.len(),
        }
    }
}

/// All sums, `[rows, outputs]`.
#[inline(always)]
pub(super) unsafe fn sums<T: Tile>(linear: &Linear) -> Vec<i32> {
    linear.check::<T>();
    let outputs = linear.weights.outputs();
    let mut all = vec![0; linear.rows() * outputs];
    let mut sink = Raw { outputs, columns: T::LAYOUT.columns, all: &mut all };
    // SAFETY: the caller runs where the processor has the instructions of `T`.
    unsafe { tiles::<T>(linear, 0..linear.weights.panels(), &mut sink) };
    all
}

/// See [`Kernel::linear`](super::Kernel::linear).
#[inline(always)]
pub(super) unsafe fn run<T: Tile, L: Lanes>(
    linear: &Linear,
    target: &Target,
    panels: Range<usize>,
) -> bool {
    linear.check::<T>();
    let values = linear.rows() * linear.weights.outputs();
    assert!(target.len() == values, "the target takes a value per sum");
    assert!(linear.residual.is_none_or(|r| r.len() == values), "a residual per sum");
    assert!(panels.end <= linear.weights.panels(), "panels of these weights");
    let columns = T::LAYOUT.columns;
    // SAFETY: the caller runs where the processor has the instructions of `T` and `L`; the sizes
    // that `Finished` relies on were just checked.
    unsafe {
        let Linear { weights, activation, residual, .. } = *linear;
        let writer = Writer::new(*target);
        let finish = Finish { activation, residual, writer, outputs: weights.outputs() };
        let mut sink = Finished::<L> { weights, columns, finish };
        tiles::<T>(linear, panels, &mut sink);
        sink.finish.writer.all_finite()
    }
}

/// What becomes of a tile's sums. A trait and not a closure: a closure cannot be told to be inlined
/// into the function that is compiled for the processor.
trait Sink {
    /// Takes the sums of these rows, `[rows, columns]`; `ahead` is to be called into the cache
    /// meanwhile.
    unsafe fn take(&mut self, rows: Range<usize>, panel: usize, sums: &[i32], ahead: &[u8]);
}

/// Computes the tiles of some panels and hands out each: its rows, its panel and its sums.
///
/// Panels are the outer loop, so that weights are read once; rows are cut into blocks of equal
/// height, since a low block leaves most of the multipliers idle.
#[inline(always)]
unsafe fn tiles<T: Tile>(linear: &Linear, panels: Range<usize>, sink: &mut impl Sink) {
    let (rows, weights) = (linear.rows(), linear.weights);
    if rows == 0 || panels.is_empty() {
        return;
    }
    let activations = linear.padded::<T>();
    let stride = weights.padded_inputs();
    let mut starts = vec![0; rows];
    if T::LAYOUT.offset != 0 {
        for (start, row) in starts.iter_mut().zip(activations.chunks_exact(stride)) {
            // The zeros behind the inputs carry no offset, and meet zeros here.
            // SAFETY: the caller runs where the processor has the instructions of `T`.
            *start = -i32::from(T::LAYOUT.offset) * unsafe { T::row_sum(row) };
        }
    }
    let blocks = rows.div_ceil(T::ROWS);
    let mut sums = Room([0; MOST_SUMS]);
    let height = rows.div_ceil(blocks);
    // SAFETY: as above.
    unsafe { T::start(height) };
    for panel in panels.clone() {
        let next = if panel + 1 < panels.end { weights.panel(panel + 1) } else { &[] };
        let lines = (next.len() / LINE).div_ceil(blocks);
        let share = lines * LINE;
        // Memory answers evenly: what is called for in the products alone makes them wait.
        let early = lines * stride / (stride + T::FINISHING) * LINE;
        for index in 0..blocks {
            let range = match T::ONE_HEIGHT {
                true => (index * height).min(rows - height)..((index + 1) * height).min(rows),
                false => rows * index / blocks..rows * (index + 1) / blocks,
            };
            let ahead = next.chunks(share.max(1)).nth(index).unwrap_or(&[]);
            let (ahead, later) = ahead.split_at(early.min(ahead.len()));
            let block = Block {
                activations: activations[range.start * stride..].as_ptr(),
                stride,
                rows: range.len(),
                panel: weights.panel(panel).as_ptr(),
                inputs: stride,
                ahead: ahead.as_ptr(),
                ahead_lines: ahead.len() / LINE,
            };
            // SAFETY: as above; the block is within both slices, and `sums` holds any tile.
            unsafe { T::compute(&block, starts[range.start..].as_ptr(), sums.0.as_mut_ptr()) };
            let count = range.len() * T::LAYOUT.columns;
            // SAFETY: as above.
            unsafe { sink.take(range, panel, &sums.0[..count], later) };
        }
    }
    // SAFETY: as above.
    unsafe { T::finish() };
}

#[repr(align(64))]
struct Room([i32; MOST_SUMS]);

/// Keeps the sums.
struct Raw<'a> {
    outputs: usize,
    columns: usize,
    all: &'a mut [i32],
}

impl Sink for Raw<'_> {
    #[inline(always)]
    unsafe fn take(&mut self, rows: Range<usize>, panel: usize, sums: &[i32], _: &[u8]) {
        let column = panel * self.columns;
        let width = self.columns.min(self.outputs - column);
        for (row, sums) in rows.zip(sums.chunks_exact(self.columns)) {
            self.all[row * self.outputs + column..][..width].copy_from_slice(&sums[..width]);
        }
    }
}

/// Turns sums into values.
struct Finished<'a, L: Lanes> {
    weights: &'a PackedWeights,
    columns: usize,
    finish: Finish<'a, L>,
}

impl<L: Lanes> Sink for Finished<'_, L> {
    #[inline(always)]
    unsafe fn take(&mut self, rows: Range<usize>, panel: usize, sums: &[i32], ahead: &[u8]) {
        let columns = self.columns;
        assert!(sums.len() >= rows.len() * columns, "a sum per row");
        let first = panel * columns;
        let tile = OfTile { weights: self.weights, columns, first, sums };
        // SAFETY: `run` checked that residual and target hold a value per sum.
        unsafe { self.finish.put(&tile, rows, (first, columns), ahead) }
    }
}

/// The sums of a tile, not scaled yet.
struct OfTile<'a> {
    weights: &'a PackedWeights,
    columns: usize,
    /// The output channel of its first column.
    first: usize,
    sums: &'a [i32],
}

impl<L: Lanes> Sums<L> for OfTile<'_> {
    type Column = Scaled<L>;

    #[inline(always)]
    unsafe fn column(&self, done: usize) -> Scaled<L> {
        let channels = self.first + done..self.first + done + L::COUNT;
        // SAFETY: the caller runs where the processor has the instructions of `L`.
        unsafe {
            Scaled {
                sums: self.sums[done..].as_ptr(),
                columns: self.columns,
                scale: L::load(self.weights.scales[channels.clone()].as_ptr()),
                bias: L::load(self.weights.bias[channels].as_ptr()),
            }
        }
    }
}

/// A vector's width of a tile's sums.
struct Scaled<L: Lanes> {
    /// The first row's; rows are `columns` apart.
    sums: *const i32,
    columns: usize,
    scale: L::Vector,
    bias: L::Vector,
}

impl<L: Lanes> Column<L> for Scaled<L> {
    #[inline(always)]
    unsafe fn vector(&self, row: usize) -> L::Vector {
        // SAFETY: the caller's: a row of the tile.
        unsafe {
            L::fma(L::load_integers(self.sums.add(row * self.columns)), self.scale, self.bias)
        }
    }
}

/// The first `count` values at `from`, zeros behind.
#[inline(always)]
pub(super) unsafe fn some<L: Lanes>(from: *const f32, count: usize) -> L::Vector {
    // SAFETY: the caller has `count` values there.
    unsafe { if count == L::COUNT { L::load(from) } else { L::load_first(from, count) } }
}

/// Writes the first `count` values.
#[inline(always)]
pub(super) unsafe fn store_some<L: Lanes>(vector: L::Vector, to: *mut f32, count: usize) {
    // SAFETY: the caller has room for `count` values there.
    unsafe {
        match count == L::COUNT {
            true => L::store(vector, to),
            false => L::store_first(vector, to, count),
        }
    }
}
