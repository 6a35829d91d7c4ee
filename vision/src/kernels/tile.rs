use super::Layout;

/// The integer product of one processor, tile by tile.
pub(super) trait Tile {
    /// The most rows of activations in a tile.
    const ROWS: usize;
    /// How panels lie; a tile is as wide as a panel.
    const LAYOUT: Layout;

    /// Whether all tiles of a layer have the height of the first; the last then computes some
    /// rows again.
    const ONE_HEIGHT: bool = false;

    /// Input channels whose products take about as long as what becomes of a tile's sums; zero where
    /// products take nearly all the time. The next panel is called for in both, evenly.
    const FINISHING: usize = 0;

    /// Called once per thread and linear layer, before its tiles, with the height of the highest.
    #[inline(always)]
    unsafe fn start(_height: usize) {}

    /// Called once after them.
    #[inline(always)]
    unsafe fn finish() {}

    /// Writes the sums of a block of rows, `[block.rows, LAYOUT.columns]`.
    ///
    /// With an offset `o` in the layout, weights are `w + o`, so `starts` holds `-o * sum(row)` and
    /// each sum begins there; without, `starts` is not read.
    unsafe fn compute(block: &Block, starts: *const i32, sums: *mut i32);

    /// The sum of one row of activations.
    #[inline(always)]
    unsafe fn row_sum(row: &[i8]) -> i32 {
        row.iter().map(|&value| i32::from(value)).sum()
    }
}

/// A block of rows of activations, and the panel of weights they meet.
pub(super) struct Block {
    /// The first row.
    pub(super) activations: *const i8,
    /// Bytes from row to row.
    pub(super) stride: usize,
    /// Between 1 and `Tile::ROWS`.
    pub(super) rows: usize,
    pub(super) panel: *const u8,
    /// Input channels, a multiple of the layout's step; rows are as long.
    pub(super) inputs: usize,
    /// This block's share of the next panel, to be called into the cache meanwhile: weights of a
    /// large model stream from memory, and the processor does not guess across panels. Into the
    /// second level: in the first there is room for one panel.
    pub(super) ahead: *const u8,
    /// Cache lines of it.
    pub(super) ahead_lines: usize,
}
