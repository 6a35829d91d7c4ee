use std::arch::aarch64::*;

use super::Layout;
use super::compiled::compiled;
use super::neon::{Ahead, Four};
use super::tile::{Block, Tile};

/// NEON without dot products (Cortex-A53, A57, A72: Raspberry Pi 4, Jetson Nano): `SMULL` and
/// `SMLAL2` add two products in 16 bits, `SADALP` adds pairs of those to 32.
///
/// Two products fit: 2 * 128 * 127 < 2^15, since no weight is -128.
#[derive(Debug, Clone, Copy)]
pub(super) struct NeonSmull;

compiled!(NeonSmull, "neon-smull", SmullTile, Four, "neon");

/// 4 rows by 4 columns, each sum in four parts.
struct SmullTile;

impl Tile for SmullTile {
    const ROWS: usize = 4;
    const LAYOUT: Layout = Layout { columns: 4, group: 16, step: 16, offset: 0 };

    #[inline(always)]
    unsafe fn compute(block: &Block, _: *const i32, sums: *mut i32) {
        // SAFETY: the caller's.
        unsafe {
            match block.rows {
                1 => rows::<1>(block, sums),
                2 => rows::<2>(block, sums),
                3 => rows::<3>(block, sums),
                _ => rows::<4>(block, sums),
            }
        }
    }
}

#[inline(always)]
unsafe fn rows<const ROWS: usize>(block: &Block, sums: *mut i32) {
    // SAFETY: the caller's: rows of `inputs` bytes, a multiple of 16, a panel of 4 times as many,
    // and room for 4 sums per row.
    unsafe {
        let mut all = [[vdupq_n_s32(0); 4]; ROWS];
        let steps = block.inputs / 16;
        let mut ahead = Ahead::of(block, steps);
        for step in 0..ahead.steps {
            ahead.call();
            rows_step(block, step, &mut all);
        }
        for step in ahead.steps..steps {
            rows_step(block, step, &mut all);
        }
        for (row, [a, b, c, d]) in all.into_iter().enumerate() {
            let four = vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
            vst1q_s32(sums.add(row * 4), four);
        }
    }
}

/// Sixteen inputs.
#[inline(always)]
unsafe fn rows_step<const ROWS: usize>(
    block: &Block,
    step: usize,
    all: &mut [[int32x4_t; 4]; ROWS],
) {
    // SAFETY: as for `rows`; 64 bytes of the panel and 16 of each row belong to a step.
    unsafe {
        let panel = block.panel.cast::<i8>().add(step * 64);
        let weights = [
            vld1q_s8(panel),
            vld1q_s8(panel.add(16)),
            vld1q_s8(panel.add(32)),
            vld1q_s8(panel.add(48)),
        ];
        for (row, sums) in all.iter_mut().enumerate() {
            let values = vld1q_s8(block.activations.add(row * block.stride + step * 16));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                let pairs = vmull_s8(vget_low_s8(values), vget_low_s8(weights));
                *sum = vpadalq_s16(*sum, vmlal_high_s8(pairs, values, weights));
            }
        }
    }
}
