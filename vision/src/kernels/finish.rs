use std::ops::Range;

use super::Activation;
use super::ahead::Ahead;
use super::lanes::Lanes;
use super::linear::some;
use super::math::{Activate, Gelu, Nothing, QuickGelu};
use super::write::{TOGETHER, Writer};

/// What becomes of the values of a linear layer, integer or not: activation, residual, store.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a, L: Lanes> {
    pub(super) activation: Activation,
    /// `[rows, outputs]`, added last.
    pub(super) residual: Option<&'a [f32]>,
    pub(super) writer: Writer<'a, L>,
    /// Values of a row of residual and target.
    pub(super) outputs: usize,
}

/// A block of a linear layer's values, as a kernel leaves it.
pub(super) trait Sums<L: Lanes> {
    /// A column of vectors.
    type Column: Column<L>;

    /// The column that begins `done` values into a row.
    unsafe fn column(&self, done: usize) -> Self::Column;
}

/// A vector's width of a block, with scale and bias applied.
pub(super) trait Column<L: Lanes> {
    /// The vector of a row of the block.
    unsafe fn vector(&self, row: usize) -> L::Vector;
}

impl<L: Lanes> Finish<'_, L> {
    /// Takes a block: some rows, and the columns from `first` on that there are of `columns`; and
    /// calls `ahead` into the cache meanwhile.
    #[inline(always)]
    pub(super) unsafe fn put(
        &mut self,
        sums: &impl Sums<L>,
        rows: Range<usize>,
        (first, columns): (usize, usize),
        ahead: &[u8],
    ) {
        let width = columns.min(self.outputs - first);
        // SAFETY: the caller's.
        unsafe {
            match self.activation {
                Activation::None => self.block::<Nothing>(sums, rows, (first, width), ahead),
                Activation::Gelu => self.block::<Gelu>(sums, rows, (first, width), ahead),
                Activation::QuickGelu => self.block::<QuickGelu>(sums, rows, (first, width), ahead),
            }
        }
    }

    #[inline(always)]
    unsafe fn block<A: Activate>(
        &mut self,
        sums: &impl Sums<L>,
        rows: Range<usize>,
        (first, width): (usize, usize),
        ahead: &[u8],
    ) {
        let mut local = *self;
        let groups = width.div_ceil(L::COUNT) * rows.len().div_ceil(TOGETHER);
        let mut ahead = Ahead::of(ahead, groups);
        for done in (0..width).step_by(L::COUNT) {
            let place = rows.start * self.outputs + first + done;
            let count = L::COUNT.min(width - done);
            // SAFETY: the caller has these sums, checked that residual and target hold a value for
            // each, and runs where the processor has the instructions of `L`.
            unsafe {
                let column = sums.column(done);
                if count == L::COUNT && rows.len() >= TOGETHER {
                    for row in (0..rows.len()).step_by(TOGETHER) {
                        ahead.call::<L>();
                        // The last may do some again, rather than be fewer.
                        let row = row.min(rows.len() - TOGETHER);
                        let mut values = [L::splat(0.0); TOGETHER];
                        for (index, value) in values.iter_mut().enumerate() {
                            *value = column.vector(row + index);
                        }
                        let place = place + row * self.outputs;
                        local.rows(A::of::<L, TOGETHER>(values), place, L::COUNT);
                    }
                } else {
                    for row in 0..rows.len() {
                        let values = A::of::<L, 1>([column.vector(row)]);
                        local.rows(values, place + row * self.outputs, count);
                    }
                }
            }
        }
        *self = local;
    }

    /// The first `count` values of vectors of successive rows, from `place` on.
    #[inline(always)]
    unsafe fn rows<const N: usize>(
        &mut self,
        mut values: [L::Vector; N],
        place: usize,
        count: usize,
    ) {
        // SAFETY: as above.
        unsafe {
            if let Some(residual) = self.residual {
                for (row, value) in values.iter_mut().enumerate() {
                    let residual = residual.as_ptr().add(place + row * self.outputs);
                    *value = L::add(*value, some::<L>(residual, count));
                }
            }
            self.writer.put(values, (place, self.outputs), count);
        }
    }
}
