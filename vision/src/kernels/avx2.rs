use std::arch::x86_64::*;

use super::Layout;
use super::compiled::compiled;
use super::lanes::Lanes;
use super::tile::{Block, Tile};

/// AVX2 with FMA: `vpmaddubsw` adds pairs of products of unsigned and signed bytes in 16 bits.
///
/// It saturates, so the sign of an activation moves into the weight: products of a size up to 128
/// and a weight up to 127 fit in pairs, 2 * 128 * 127 < 2^15.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2;

impl Avx2 {
    pub(super) fn detected() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }
}

compiled!(Avx2, "avx2", Avx2Tile, Eight, "avx2,fma");

/// 4 rows by two vectors.
struct Avx2Tile;

impl Tile for Avx2Tile {
    const ROWS: usize = 4;
    const LAYOUT: Layout = Layout { columns: 16, group: 4, step: 4, offset: 0 };

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
    // SAFETY: the caller's: rows of `inputs` bytes, a panel of 16 times as many, and room for 16
    // sums per row; a prefetch may name any address.
    unsafe {
        let ones = _mm256_set1_epi16(1);
        let mut all = [[_mm256_setzero_si256(); 2]; ROWS];
        for group in 0..block.inputs / 4 {
            if group < block.ahead_lines {
                _mm_prefetch::<_MM_HINT_T1>(block.ahead.add(group * 64).cast());
            }
            let weights = block.panel.add(group * 64);
            let low = _mm256_loadu_si256(weights.cast());
            let high = _mm256_loadu_si256(weights.add(32).cast());
            for (row, sums) in all.iter_mut().enumerate() {
                let place = block.activations.add(row * block.stride + group * 4);
                let values = _mm256_set1_epi32(place.cast::<i32>().read_unaligned());
                let sizes = _mm256_abs_epi8(values);
                for (sum, weights) in sums.iter_mut().zip([low, high]) {
                    let pairs = _mm256_maddubs_epi16(sizes, _mm256_sign_epi8(weights, values));
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                }
            }
        }
        for (row, [low, high]) in all.into_iter().enumerate() {
            _mm256_storeu_si256(sums.add(row * 16).cast(), low);
            _mm256_storeu_si256(sums.add(row * 16 + 8).cast(), high);
        }
    }
}

/// Eight values; needs AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Eight;

/// All bits in the first `count` of eight places.
#[inline(always)]
unsafe fn first(count: usize) -> __m256i {
    const BITS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: `count` is at most 8.
    unsafe { _mm256_loadu_si256(BITS.as_ptr().add(8 - count).cast()) }
}

// SAFETY of all below: the trait's: called only where the instructions exist, on places that the
// caller has.
impl Lanes for Eight {
    const COUNT: usize = 8;
    const ROWS: usize = 6;
    type Vector = __m256;

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> __m256 {
        // SAFETY: see above; a masked load touches only what the mask names.
        unsafe { _mm256_maskload_ps(from, first(count)) }
    }

    #[inline(always)]
    unsafe fn load_turned(from: *const f32, stride: usize) -> [__m256; 4] {
        // SAFETY: see above.
        unsafe {
            // Two rows that are four apart, one per half; a gather would be slower.
            let mut four = [_mm256_setzero_ps(); 4];
            for (row, vector) in four.iter_mut().enumerate() {
                let from = from.add(row * stride);
                let first = _mm256_castps128_ps256(_mm_loadu_ps(from));
                *vector = _mm256_insertf128_ps::<1>(first, _mm_loadu_ps(from.add(4 * stride)));
            }
            let [a, b, c, d] = four;
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            [
                _mm256_shuffle_ps::<0x44>(ab, cd),
                _mm256_shuffle_ps::<0xee>(ab, cd),
                _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
            ]
        }
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        // SAFETY: see above.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(vector: __m256, to: *mut f32) {
        // SAFETY: see above.
        unsafe { _mm256_storeu_ps(to, vector) }
    }

    #[inline(always)]
    unsafe fn store_first(vector: __m256, to: *mut f32, count: usize) {
        // SAFETY: see above.
        unsafe { _mm256_maskstore_ps(to, first(count), vector) }
    }

    #[inline(always)]
    unsafe fn load_integers(from: *const i32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cvtepi32_ps(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store_bytes(vector: __m256, to: *mut i8, count: usize) {
        // SAFETY: see above.
        unsafe {
            // Whatever is too large becomes the lowest integer, so only that side needs a bound.
            let integers = _mm256_cvtps_epi32(_mm256_min_ps(vector, _mm256_set1_ps(127.0)));
            let (low, high) =
                (_mm256_castsi256_si128(integers), _mm256_extracti128_si256::<1>(integers));
            let words = _mm_packs_epi32(low, high);
            let bytes = _mm_packs_epi16(words, words);
            if count == 8 {
                return _mm_storel_epi64(to.cast(), bytes);
            }
            let bytes = _mm_cvtsi128_si64(bytes).to_le_bytes();
            std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), to, count);
        }
    }

    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn div(a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn max(a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn min(a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn round(vector: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(vector) }
    }

    #[inline(always)]
    unsafe fn times_power(vector: __m256, exponent: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(exponent), _mm256_set1_epi32(127));
            _mm256_mul_ps(vector, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased)))
        }
    }

    #[inline(always)]
    unsafe fn abs(vector: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), vector) }
    }

    #[inline(always)]
    unsafe fn sum(vector: __m256) -> f32 {
        // SAFETY: see above.
        unsafe {
            let half =
                _mm_add_ps(_mm256_castps256_ps128(vector), _mm256_extractf128_ps::<1>(vector));
            let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps::<1>(quarter, quarter)))
        }
    }

    #[inline(always)]
    unsafe fn largest(vector: __m256) -> f32 {
        // SAFETY: see above.
        unsafe {
            let half =
                _mm_max_ps(_mm256_castps256_ps128(vector), _mm256_extractf128_ps::<1>(vector));
            let quarter = _mm_max_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_max_ss(quarter, _mm_shuffle_ps::<1>(quarter, quarter)))
        }
    }
}
