use std::arch::aarch64::*;
use std::arch::asm;

use super::Layout;
use super::compiled::compiled;
use super::neon::{Four, prefetch};
use super::tile::{Block, Tile};

/// NEON with `SDOT`, four products of signed bytes per sum: Cortex-A55, A76 and later (Raspberry
/// Pi 5, Jetson Orin).
///
/// The intrinsic is not stable, hence the assembly.
#[derive(Debug, Clone, Copy)]
pub(super) struct NeonSdot;

impl NeonSdot {
    pub(super) fn detected() -> bool {
        std::arch::is_aarch64_feature_detected!("dotprod")
    }
}

compiled!(NeonSdot, "neon-sdot", SdotTile, Four, "neon,dotprod");

/// 8 rows by two vectors: 16 registers hold sums, 8 activations, 8 weights.
struct SdotTile;

impl Tile for SdotTile {
    const ROWS: usize = 8;
    const LAYOUT: Layout = Layout { columns: 8, group: 4, step: 16, offset: 0 };

    #[inline(always)]
    unsafe fn compute(block: &Block, _: *const i32, sums: *mut i32) {
        // SAFETY: the caller's.
        unsafe {
            match block.rows {
                1 => rows::<1>(block, sums),
                2 => rows::<2>(block, sums),
                3 => rows::<3>(block, sums),
                4 => rows::<4>(block, sums),
                5 => rows::<5>(block, sums),
                6 => rows::<6>(block, sums),
                7 => rows::<7>(block, sums),
                _ => rows::<8>(block, sums),
            }
        }
    }
}

/// `sum += weights . values[LANE]`, over four bytes each.
macro_rules! sdot {
    ($sum:expr, $weights:expr, $values:expr, $lane:literal) => {
        asm!(
            concat!("sdot {0:v}.4s, {1:v}.16b, {2:v}.4b[", $lane, "]"),
            inout(vreg) $sum,
            in(vreg) $weights,
            in(vreg) $values,
            options(pure, nomem, nostack, preserves_flags)
        )
    };
}

#[inline(always)]
unsafe fn rows<const ROWS: usize>(block: &Block, sums: *mut i32) {
    // SAFETY: the caller's: rows of `inputs` bytes, a multiple of 16, a panel of 8 times as many,
    // and room for 8 sums per row.
    unsafe {
        let mut all = [[vdupq_n_s32(0); 2]; ROWS];
        let steps = block.inputs / 16;
        let ahead = block.ahead_lines.div_ceil(steps);
        for step in 0..steps {
            for line in step * ahead..((step + 1) * ahead).min(block.ahead_lines) {
                prefetch(block.ahead.add(line * 64));
            }
            let panel = block.panel.cast::<i8>().add(step * 128);
            let mut values = [vdupq_n_s8(0); ROWS];
            for (row, values) in values.iter_mut().enumerate() {
                *values = vld1q_s8(block.activations.add(row * block.stride + step * 16));
            }
            for half in 0..2 {
                let weights = panel.add(half * 16);
                let [a, b, c, d] = [
                    vld1q_s8(weights),
                    vld1q_s8(weights.add(32)),
                    vld1q_s8(weights.add(64)),
                    vld1q_s8(weights.add(96)),
                ];
                for (sums, values) in all.iter_mut().zip(values) {
                    sdot!(sums[half], a, values, "0");
                    sdot!(sums[half], b, values, "1");
                    sdot!(sums[half], c, values, "2");
                    sdot!(sums[half], d, values, "3");
                }
            }
        }
        for (row, [low, high]) in all.into_iter().enumerate() {
            vst1q_s32(sums.add(row * 8), low);
            vst1q_s32(sums.add(row * 8 + 4), high);
        }
    }
}
