use super::Layout;
use super::compiled::compiled;
use super::lanes::One;
use super::tile::{Block, Tile};

/// Plain Rust: the oracle of all other kernels, and the last resort of unknown processors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scalar;

compiled!(Scalar, "scalar", ScalarTile, One);

struct ScalarTile;

impl Tile for ScalarTile {
    const ROWS: usize = 4;
    const LAYOUT: Layout = Layout { columns: 8, group: 4, step: 4, offset: 0 };

    unsafe fn compute(block: &Block, _: *const i32, sums: *mut i32) {
        let Layout { columns, group, .. } = Self::LAYOUT;
        // SAFETY: the caller gives a panel of `columns * inputs` bytes, `rows` rows of `inputs`
        // values `stride` apart, and room for `rows * columns` sums.
        unsafe {
            let panel = std::slice::from_raw_parts(block.panel, columns * block.inputs);
            for row in 0..block.rows {
                let start = block.activations.add(row * block.stride);
                let values = std::slice::from_raw_parts(start, block.inputs);
                let sums = std::slice::from_raw_parts_mut(sums.add(row * columns), columns);
                sums.fill(0);
                for (values, weights) in
                    values.chunks_exact(group).zip(panel.chunks_exact(columns * group))
                {
                    for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(group)) {
                        for (&value, &weight) in values.iter().zip(weights) {
                            *sum += i32::from(value) * i32::from(weight as i8);
                        }
                    }
                }
            }
        }
    }
}
