use super::lanes::Lanes;
use super::linear::{some, store_some};

/// A product of f32 matrices, `to = factor * left * right`, each with its distance from row to row.
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub(super) left: Matrix<*const f32>,
    /// Rows of the result.
    pub(super) rows: usize,
    pub(super) right: Matrix<*const f32>,
    /// Terms of each sum.
    pub(super) depth: usize,
    pub(super) to: Matrix<*mut f32>,
    /// Columns of the result.
    pub(super) columns: usize,
    /// What is needed next: so many values further with each term it is called into the cache.
    pub(super) ahead: Option<(*const f32, usize)>,
}

/// Where a matrix starts, and values from row to row.
#[derive(Clone, Copy)]
pub(super) struct Matrix<P> {
    pub(super) start: P,
    pub(super) stride: usize,
}

impl Product {
    /// Computes it, block by block in registers; each sum runs over the depth in order, so that a
    /// value does not depend on how rows were cut.
    #[inline(always)]
    pub(super) unsafe fn compute<L: Lanes>(&self) {
        // SAFETY: the caller's.
        unsafe {
            match self.ahead {
                None => self.strips::<L, false>((self.right.start, 0)),
                Some(ahead) => self.strips::<L, true>(ahead),
            }
        }
    }

    #[inline(always)]
    unsafe fn strips<L: Lanes, const AHEAD: bool>(&self, ahead: (*const f32, usize)) {
        let whole = self.columns - self.columns % L::COUNT;
        let mut column = 0;
        // SAFETY: the caller's matrices hold what the sizes say, and it runs where the processor
        // has the instructions of `L`.
        unsafe {
            while column + 2 * L::COUNT <= whole {
                self.strip::<L, 2, true, AHEAD>(column, ahead);
                column += 2 * L::COUNT;
            }
            if column < whole {
                self.strip::<L, 1, true, AHEAD>(column, ahead);
                column += L::COUNT;
            }
            if column < self.columns {
                self.strip::<L, 1, false, AHEAD>(column, ahead);
            }
        }
    }

    /// All rows of some columns: `VECTORS` vectors, or without `WHOLE` the columns that are left.
    #[inline(always)]
    unsafe fn strip<L: Lanes, const VECTORS: usize, const WHOLE: bool, const AHEAD: bool>(
        &self,
        column: usize,
        ahead: (*const f32, usize),
    ) {
        let blocks = self.rows.div_ceil(L::ROWS);
        for index in 0..blocks {
            let row = self.rows * index / blocks;
            let rows = self.rows * (index + 1) / blocks - row;
            // SAFETY: as above; blocks are at most `ROWS` high.
            unsafe {
                match rows {
                    1 => self.block::<L, VECTORS, 1, WHOLE, AHEAD>([row, column], ahead),
                    2 => self.block::<L, VECTORS, 2, WHOLE, AHEAD>([row, column], ahead),
                    3 => self.block::<L, VECTORS, 3, WHOLE, AHEAD>([row, column], ahead),
                    4 => self.block::<L, VECTORS, 4, WHOLE, AHEAD>([row, column], ahead),
                    5 => self.block::<L, VECTORS, 5, WHOLE, AHEAD>([row, column], ahead),
                    6 => self.block::<L, VECTORS, 6, WHOLE, AHEAD>([row, column], ahead),
                    7 => self.block::<L, VECTORS, 7, WHOLE, AHEAD>([row, column], ahead),
                    8 => self.block::<L, VECTORS, 8, WHOLE, AHEAD>([row, column], ahead),
                    9 => self.block::<L, VECTORS, 9, WHOLE, AHEAD>([row, column], ahead),
                    10 => self.block::<L, VECTORS, 10, WHOLE, AHEAD>([row, column], ahead),
                    11 => self.block::<L, VECTORS, 11, WHOLE, AHEAD>([row, column], ahead),
                    _ => self.block::<L, VECTORS, 12, WHOLE, AHEAD>([row, column], ahead),
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn block<
        L: Lanes,
        const VECTORS: usize,
        const ROWS: usize,
        const WHOLE: bool,
        const AHEAD: bool,
    >(
        &self,
        [row, column]: [usize; 2],
        (mut ahead, step): (*const f32, usize),
    ) {
        // A constant where it can be: a branch within the loop makes the compiler move sums about.
        let count = if WHOLE { L::COUNT } else { self.columns - column };
        // SAFETY: as above.
        unsafe {
            let mut sums = [[L::splat(0.0); VECTORS]; ROWS];
            let left = self.left.start.add(row * self.left.stride);
            let mut right = self.right.start.add(column);
            for term in 0..self.depth {
                if AHEAD {
                    L::prefetch(ahead);
                    ahead = ahead.wrapping_add(step);
                }
                let mut vectors = [L::splat(0.0); VECTORS];
                for (index, vector) in vectors.iter_mut().enumerate() {
                    *vector = some::<L>(right.add(index * L::COUNT), count);
                }
                for (index, sums) in sums.iter_mut().enumerate() {
                    let value = L::splat(*left.add(index * self.left.stride + term));
                    for (sum, vector) in sums.iter_mut().zip(vectors) {
                        *sum = L::fma(value, vector, *sum);
                    }
                }
                right = right.add(self.right.stride);
            }
            for (index, sums) in sums.into_iter().enumerate() {
                let to = self.to.start.add((row + index) * self.to.stride + column);
                for (vector, sum) in sums.into_iter().enumerate() {
                    store_some::<L>(sum, to.add(vector * L::COUNT), count);
                }
            }
        }
    }
}
