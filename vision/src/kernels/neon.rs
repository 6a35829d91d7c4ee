use std::arch::aarch64::*;

use super::lanes::Lanes;
use super::tile::Block;

/// Four values; NEON is part of every 64-bit ARM processor.
#[derive(Clone, Copy)]
pub(super) struct Four;

// SAFETY of all below: the trait's: on places that the caller has; the instructions always exist.
impl Lanes for Four {
    const COUNT: usize = 4;
    // With twice as many sums, and a vector of each row's values, as registers go.
    const ROWS: usize = 8;
    const BY_FOUR: bool = true;
    type Vector = float32x4_t;

    #[inline(always)]
    unsafe fn fma_of<const WHICH: i32>(
        four: float32x4_t,
        vector: float32x4_t,
        sum: float32x4_t,
    ) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vfmaq_laneq_f32::<WHICH>(sum, vector, four) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> float32x4_t {
        let mut all = [0.0; 4];
        // SAFETY: see above; `count` is below four.
        unsafe {
            std::ptr::copy_nonoverlapping(from, all.as_mut_ptr(), count);
            vld1q_f32(all.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn load_turned(from: *const f32, stride: usize) -> [float32x4_t; 4] {
        // SAFETY: see above.
        unsafe {
            let (a, b) = (vld1q_f32(from), vld1q_f32(from.add(stride)));
            let (c, d) = (vld1q_f32(from.add(2 * stride)), vld1q_f32(from.add(3 * stride)));
            let even = [vtrn1q_f32(a, b), vtrn1q_f32(c, d)].map(|it| vreinterpretq_f64_f32(it));
            let odd = [vtrn2q_f32(a, b), vtrn2q_f32(c, d)].map(|it| vreinterpretq_f64_f32(it));
            [
                vreinterpretq_f32_f64(vtrn1q_f64(even[0], even[1])),
                vreinterpretq_f32_f64(vtrn1q_f64(odd[0], odd[1])),
                vreinterpretq_f32_f64(vtrn2q_f64(even[0], even[1])),
                vreinterpretq_f32_f64(vtrn2q_f64(odd[0], odd[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store(vector: float32x4_t, to: *mut f32) {
        // SAFETY: see above.
        unsafe { vst1q_f32(to, vector) }
    }

    #[inline(always)]
    unsafe fn store_first(vector: float32x4_t, to: *mut f32, count: usize) {
        let mut all = [0.0; 4];
        // SAFETY: see above; `count` is below four.
        unsafe {
            vst1q_f32(all.as_mut_ptr(), vector);
            std::ptr::copy_nonoverlapping(all.as_ptr(), to, count);
        }
    }

    #[inline(always)]
    unsafe fn load_integers(from: *const i32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vcvtq_f32_s32(vld1q_s32(from)) }
    }

    #[inline(always)]
    unsafe fn store_bytes(vector: float32x4_t, to: *mut i8, count: usize) {
        // SAFETY: see above; every conversion saturates.
        unsafe {
            let words = vqmovn_s32(vcvtnq_s32_f32(vector));
            let bytes = vreinterpret_u32_s8(vqmovn_s16(vcombine_s16(words, words)));
            if count == 4 {
                return to.cast::<u32>().write_unaligned(vget_lane_u32::<0>(bytes));
            }
            let four = vget_lane_u32::<0>(bytes).to_le_bytes();
            std::ptr::copy_nonoverlapping(four.as_ptr().cast(), to, count);
        }
    }

    #[inline(always)]
    unsafe fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn div(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vdivq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn max(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vmaxq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn min(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vminq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    unsafe fn round(vector: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vrndnq_f32(vector) }
    }

    #[inline(always)]
    unsafe fn times_power(vector: float32x4_t, exponent: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe {
            let biased = vaddq_s32(vcvtq_s32_f32(exponent), vdupq_n_s32(127));
            vmulq_f32(vector, vreinterpretq_f32_s32(vshlq_n_s32::<23>(biased)))
        }
    }

    #[inline(always)]
    unsafe fn abs(vector: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vabsq_f32(vector) }
    }

    #[inline(always)]
    unsafe fn sum(vector: float32x4_t) -> f32 {
        // SAFETY: see above.
        unsafe { vaddvq_f32(vector) }
    }

    #[inline(always)]
    unsafe fn largest(vector: float32x4_t) -> f32 {
        // SAFETY: see above.
        unsafe { vmaxvq_f32(vector) }
    }
}

/// A block's share of the next panel, which is called into the cache in the first of its steps, so that
/// the others count nothing but themselves.
pub(super) struct Ahead {
    line: *const u8,
    /// Lines in a step.
    lines: usize,
    /// Steps to call it in.
    pub(super) steps: usize,
}

impl Ahead {
    /// What a block of so many steps has to call.
    #[inline(always)]
    pub(super) fn of(block: &Block, steps: usize) -> Self {
        let lines = block.ahead_lines.div_ceil(steps);
        let steps = if lines == 0 { 0 } else { block.ahead_lines.div_ceil(lines) };
        Self { line: block.ahead, lines, steps }
    }

    /// Calls a step's lines, maybe some behind the last: a prefetch never faults.
    #[inline(always)]
    pub(super) unsafe fn call(&mut self) {
        for _ in 0..self.lines {
            // SAFETY: a prefetch may name any address.
            unsafe {
                std::arch::asm!(
                    "prfm pldl2keep, [{0}]",
                    in(reg) self.line,
                    options(nostack, readonly, preserves_flags)
                );
            }
            self.line = self.line.wrapping_add(64);
        }
    }
}
