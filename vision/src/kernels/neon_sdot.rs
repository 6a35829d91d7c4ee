use std::arch::aarch64::*;
use std::arch::asm;

use super::Layout;
use super::compiled::compiled;
use super::neon::{Ahead, Four};
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
                _ => eight_rows(block, sums),
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
        let mut ahead = Ahead::of(block, steps);
        for step in 0..ahead.steps {
            ahead.call();
            rows_step(block, step, &mut all);
        }
        for step in ahead.steps..steps {
            rows_step(block, step, &mut all);
        }
        store(all, sums);
    }
}

#[inline(always)]
unsafe fn store<const ROWS: usize>(all: [[int32x4_t; 2]; ROWS], sums: *mut i32) {
    for (row, [low, high]) in all.into_iter().enumerate() {
        // SAFETY: the caller has room for 8 sums per row.
        unsafe {
            vst1q_s32(sums.add(row * 8), low);
            vst1q_s32(sums.add(row * 8 + 4), high);
        }
    }
}

/// Sixteen inputs.
#[inline(always)]
unsafe fn rows_step<const ROWS: usize>(
    block: &Block,
    step: usize,
    all: &mut [[int32x4_t; 2]; ROWS],
) {
    // SAFETY: as for `rows`; 128 bytes of the panel and 16 of each row belong to a step.
    unsafe {
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
}

/// Both vectors of a row by four of its values, or the loading of sixteen of these.
macro_rules! row {
    ($row:literal, $lane:literal, $low:literal, $high:literal) => {
        concat!(
            "sdot {l",
            $row,
            ":v}.4s, {w",
            $low,
            ":v}.16b, {v",
            $row,
            ":v}.4b[",
            $lane,
            "]\n",
            "sdot {h",
            $row,
            ":v}.4s, {w",
            $high,
            ":v}.16b, {v",
            $row,
            ":v}.4b[",
            $lane,
            "]\n",
        )
    };
    (load $row:literal) => {
        concat!("ldr {v", $row, ":q}, [{p", $row, "}, {at}]\n")
    };
}

/// Weights of four inputs, then all rows by them.
macro_rules! lane {
    ($lane:literal, $from:literal, $low:literal, $high:literal) => {
        concat!(
            lane!(weights $from, $low, $high),
            row!(0, $lane, $low, $high), row!(1, $lane, $low, $high),
            row!(2, $lane, $low, $high), row!(3, $lane, $low, $high),
            row!(4, $lane, $low, $high), row!(5, $lane, $low, $high),
            row!(6, $lane, $low, $high), row!(7, $lane, $low, $high),
        )
    };
    (first) => {
        concat!(
            lane!(weights 0, 0, 1),
            row!(load 0), row!(0, 0, 0, 1), row!(load 1), row!(1, 0, 0, 1),
            row!(load 2), row!(2, 0, 0, 1), row!(load 3), row!(3, 0, 0, 1),
            row!(load 4), row!(4, 0, 0, 1), row!(load 5), row!(5, 0, 0, 1),
            row!(load 6), row!(6, 0, 0, 1), row!(load 7), row!(7, 0, 0, 1),
        )
    };
    (weights $from:literal, $low:literal, $high:literal) => {
        concat!(
            "ldr {w", $low, ":q}, [{panel}, #", $from, "]\n",
            "ldr {w", $high, ":q}, [{panel}, #", $from, " + 16]\n",
        )
    };
}

/// As [`rows`], in an order of its own: a compiler puts the loads of a step first and in pairs, after
/// which Cortex-A76 has too few products to go on with (26.9 a cycle by llvm-mca, of 32).
#[inline(always)]
unsafe fn eight_rows(block: &Block, sums: *mut i32) {
    // SAFETY: as for `rows`.
    unsafe {
        let mut all = [[vdupq_n_s32(0); 2]; 8];
        let rows: [*const i8; 8] =
            std::array::from_fn(|row| block.activations.add(row * block.stride));
        let steps = block.inputs / 16;
        let mut ahead = Ahead::of(block, steps);
        for step in 0..ahead.steps {
            ahead.call();
            eight_rows_step(block, &rows, step, &mut all);
        }
        for step in ahead.steps..steps {
            eight_rows_step(block, &rows, step, &mut all);
        }
        store(all, sums);
    }
}

/// Sixteen inputs of eight rows.
#[inline(always)]
unsafe fn eight_rows_step(
    block: &Block,
    rows: &[*const i8; 8],
    step: usize,
    sums: &mut [[int32x4_t; 2]; 8],
) {
    let [[l0, h0], [l1, h1], [l2, h2], [l3, h3], [l4, h4], [l5, h5], [l6, h6], [l7, h7]] = sums;
    // SAFETY: as for `rows`; 128 bytes of the panel and 16 of each row belong to a step.
    unsafe {
        asm!(
            lane!(first),
            lane!(1, 32, 2, 3),
            lane!(2, 64, 0, 1),
            lane!(3, 96, 2, 3),
            panel = in(reg) block.panel.cast::<i8>().add(step * 128),
            at = in(reg) step * 16,
            p0 = in(reg) rows[0], p1 = in(reg) rows[1], p2 = in(reg) rows[2], p3 = in(reg) rows[3],
            p4 = in(reg) rows[4], p5 = in(reg) rows[5], p6 = in(reg) rows[6], p7 = in(reg) rows[7],
            l0 = inout(vreg) *l0, l1 = inout(vreg) *l1, l2 = inout(vreg) *l2, l3 = inout(vreg) *l3,
            l4 = inout(vreg) *l4, l5 = inout(vreg) *l5, l6 = inout(vreg) *l6, l7 = inout(vreg) *l7,
            h0 = inout(vreg) *h0, h1 = inout(vreg) *h1, h2 = inout(vreg) *h2, h3 = inout(vreg) *h3,
            h4 = inout(vreg) *h4, h5 = inout(vreg) *h5, h6 = inout(vreg) *h6, h7 = inout(vreg) *h7,
            v0 = out(vreg) _, v1 = out(vreg) _, v2 = out(vreg) _, v3 = out(vreg) _,
            v4 = out(vreg) _, v5 = out(vreg) _, v6 = out(vreg) _, v7 = out(vreg) _,
            w0 = out(vreg) _, w1 = out(vreg) _, w2 = out(vreg) _, w3 = out(vreg) _,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
}
