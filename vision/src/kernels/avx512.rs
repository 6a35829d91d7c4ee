use std::arch::x86_64::*;

use super::lanes::Lanes;

/// Sixteen values; needs AVX-512 F, BW, DQ and VL.
#[derive(Clone, Copy)]
pub(super) struct Sixteen;

/// The features that [`Sixteen`] needs, for `is_x86_feature_detected`.
pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[inline(always)]
fn first(count: usize) -> u16 {
    ((1_u32 << count) - 1) as u16
}

// SAFETY of all below: the trait's: called only where the instructions exist, on places that the
// caller has.
impl Lanes for Sixteen {
    const COUNT: usize = 16;
    const ROWS: usize = 12;
    type Vector = __m512;

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> __m512 {
        // SAFETY: see above; a masked load touches only what the mask names.
        unsafe { _mm512_maskz_loadu_ps(first(count), from) }
    }

    #[inline(always)]
    unsafe fn load_turned(from: *const f32, stride: usize) -> [__m512; 4] {
        // SAFETY: see above.
        unsafe {
            // Four rows that are four apart, one per quarter; a gather would be slower.
            let mut four = [_mm512_setzero_ps(); 4];
            for (row, vector) in four.iter_mut().enumerate() {
                let from = from.add(row * stride);
                let first = _mm512_castps128_ps512(_mm_loadu_ps(from));
                let half = _mm512_insertf32x4::<1>(first, _mm_loadu_ps(from.add(4 * stride)));
                let more = _mm512_insertf32x4::<2>(half, _mm_loadu_ps(from.add(8 * stride)));
                *vector = _mm512_insertf32x4::<3>(more, _mm_loadu_ps(from.add(12 * stride)));
            }
            let [a, b, c, d] = four;
            let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
            [
                _mm512_shuffle_ps::<0x44>(ab, cd),
                _mm512_shuffle_ps::<0xee>(ab, cd),
                _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm512_shuffle_ps::<0xee>(ab_high, cd_high),
            ]
        }
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        // SAFETY: see above.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(vector: __m512, to: *mut f32) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(to, vector) }
    }

    #[inline(always)]
    unsafe fn store_first(vector: __m512, to: *mut f32, count: usize) {
        // SAFETY: see above.
        unsafe { _mm512_mask_storeu_ps(to, first(count), vector) }
    }

    #[inline(always)]
    unsafe fn load_integers(from: *const i32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_cvtepi32_ps(_mm512_loadu_si512(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store_bytes(vector: __m512, to: *mut i8, count: usize) {
        // SAFETY: see above.
        unsafe {
            // Whatever is too large becomes the lowest integer, so only that side needs a bound.
            let vector = _mm512_min_ps(vector, _mm512_set1_ps(127.0));
            let bytes = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(vector));
            match count == 16 {
                true => _mm_storeu_si128(to.cast(), bytes),
                false => _mm_mask_storeu_epi8(to, first(count), bytes),
            }
        }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn min(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn round(vector: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(vector) }
    }

    #[inline(always)]
    unsafe fn times_power(vector: __m512, exponent: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe {
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(exponent), _mm512_set1_epi32(127));
            _mm512_mul_ps(vector, _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased)))
        }
    }

    #[inline(always)]
    unsafe fn abs(vector: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_abs_ps(vector) }
    }

    #[inline(always)]
    unsafe fn sum(vector: __m512) -> f32 {
        // SAFETY: see above.
        unsafe { _mm512_reduce_add_ps(vector) }
    }

    #[inline(always)]
    unsafe fn largest(vector: __m512) -> f32 {
        // SAFETY: see above.
        unsafe { _mm512_reduce_max_ps(vector) }
    }
}
