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
                // What a processor's registers do not hold is not compiled for it.
                match rows {
                    1 => self.block::<L, VECTORS, 1, WHOLE, AHEAD>([row, column], ahead),
                    2 => self.block::<L, VECTORS, 2, WHOLE, AHEAD>([row, column], ahead),
                    3 => self.block::<L, VECTORS, 3, WHOLE, AHEAD>([row, column], ahead),
                    4 => self.block::<L, VECTORS, 4, WHOLE, AHEAD>([row, column], ahead),
                    5 if L::ROWS >= 5 => {
                        self.block::<L, VECTORS, 5, WHOLE, AHEAD>([row, column], ahead)
                    }
                    6 if L::ROWS >= 6 => {
                        self.block::<L, VECTORS, 6, WHOLE, AHEAD>([row, column], ahead)
                    }
                    7 if L::ROWS >= 7 => {
                        self.block::<L, VECTORS, 7, WHOLE, AHEAD>([row, column], ahead)
                    }
                    8 if L::ROWS >= 8 => {
                        self.block::<L, VECTORS, 8, WHOLE, AHEAD>([row, column], ahead)
                    }
                    9 if L::ROWS >= 9 => {
                        self.block::<L, VECTORS, 9, WHOLE, AHEAD>([row, column], ahead)
                    }
                    10 if L::ROWS >= 10 => {
                        self.block::<L, VECTORS, 10, WHOLE, AHEAD>([row, column], ahead)
                    }
                    11 if L::ROWS >= 11 => {
                        self.block::<L, VECTORS, 11, WHOLE, AHEAD>([row, column], ahead)
                    }
                    12 if L::ROWS >= 12 => {
                        self.block::<L, VECTORS, 12, WHOLE, AHEAD>([row, column], ahead)
                    }
                    _ => unreachable!("blocks are at most {} high", L::ROWS),
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
            let fours = if L::BY_FOUR { self.depth - self.depth % 4 } else { 0 };
            for term in (0..fours).step_by(4) {
                if AHEAD {
                    for _ in 0..4 {
                        L::prefetch(ahead);
                        ahead = ahead.wrapping_add(step);
                    }
                }
                let mut values = [L::splat(0.0); ROWS];
                for (index, values) in values.iter_mut().enumerate() {
                    *values = L::load(left.add(index * self.left.stride + term));
                }
                let next = (right, self.right.stride);
                add_term::<L, 0, VECTORS, ROWS>(&mut sums, values, next, count);
                add_term::<L, 1, VECTORS, ROWS>(&mut sums, values, next, count);
                add_term::<L, 2, VECTORS, ROWS>(&mut sums, values, next, count);
                add_term::<L, 3, VECTORS, ROWS>(&mut sums, values, next, count);
                right = right.add(4 * self.right.stride);
            }
            for term in fours..self.depth {
                if AHEAD {
                    L::prefetch(ahead);
                    ahead = ahead.wrapping_add(step);
                }
                let vectors = vectors_of::<L, VECTORS>(right, count);
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

/// Adds one of the four terms that `values` has of each row.
#[inline(always)]
unsafe fn add_term<L: Lanes, const WHICH: i32, const VECTORS: usize, const ROWS: usize>(
    sums: &mut [[L::Vector; VECTORS]; ROWS],
    values: [L::Vector; ROWS],
    (right, stride): (*const f32, usize),
    count: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let vectors = vectors_of::<L, VECTORS>(right.add(WHICH as usize * stride), count);
        for (sums, values) in sums.iter_mut().zip(values) {
            for (sum, vector) in sums.iter_mut().zip(vectors) {
                *sum = L::fma_of::<WHICH>(values, vector, *sum);
            }
        }
    }
}

/// Vectors side by side, of the last one the first `count` values.
#[inline(always)]
unsafe fn vectors_of<L: Lanes, const VECTORS: usize>(
    from: *const f32,
    count: usize,
) -> [L::Vector; VECTORS] {
    // SAFETY: the caller's.
    unsafe {
        let mut vectors = [L::splat(0.0); VECTORS];
        for (index, vector) in vectors.iter_mut().enumerate() {
            *vector = some::<L>(from.add(index * L::COUNT), count);
        }
        vectors
    }
}
