use std::arch::x86_64::*;

use super::Layout;
use super::avx512::{self, Sixteen};
use super::compiled::compiled;
use super::tile::{Block, Tile};

/// AVX-512 with VNNI: `vpdpbusd` multiplies unsigned with signed bytes, four products per sum.
///
/// Weights are the unsigned side (`w + 128`), so that activations are broadcast straight from
/// memory as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512Vnni;

impl Avx512Vnni {
    pub(super) fn detected() -> bool {
        avx512::detected() && is_x86_feature_detected!("avx512vnni")
    }
}

compiled!(
    Avx512Vnni,
    "avx512-vnni",
    VnniTile,
    Sixteen,
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,avx2"
);

/// 12 rows by two vectors: 24 of the 32 registers hold sums.
pub(super) struct VnniTile;

impl Tile for VnniTile {
    const ROWS: usize = 12;
    const LAYOUT: Layout = Layout { columns: 32, group: 4, step: 4, offset: 128 };

    #[inline(always)]
    unsafe fn compute(block: &Block, starts: *const i32, sums: *mut i32) {
        // SAFETY: the caller's.
        unsafe {
            match block.rows {
                1 => rows::<1>(block, starts, sums),
                2 => rows::<2>(block, starts, sums),
                3 => rows::<3>(block, starts, sums),
                4 => rows::<4>(block, starts, sums),
                5 => rows::<5>(block, starts, sums),
                6 => rows::<6>(block, starts, sums),
                7 => rows::<7>(block, starts, sums),
                8 => rows::<8>(block, starts, sums),
                9 => rows::<9>(block, starts, sums),
                10 => rows::<10>(block, starts, sums),
                11 => rows::<11>(block, starts, sums),
                _ => rows::<12>(block, starts, sums),
            }
        }
    }

    #[inline(always)]
    unsafe fn row_sum(row: &[i8]) -> i32 {
        let mut sum = 0;
        // SAFETY: the caller's; the loop stays within the row.
        unsafe {
            let ones = _mm512_set1_epi8(1);
            let mut sums = _mm512_setzero_si512();
            let pieces = row.chunks_exact(64);
            for value in pieces.remainder() {
                sum += i32::from(*value);
            }
            for piece in pieces {
                sums = _mm512_dpbusd_epi32(sums, ones, _mm512_loadu_si512(piece.as_ptr().cast()));
            }
            sum + _mm512_reduce_add_epi32(sums)
        }
    }
}

#[inline(always)]
unsafe fn rows<const ROWS: usize>(block: &Block, starts: *const i32, sums: *mut i32) {
    // SAFETY: the caller's: rows of `inputs` bytes, a panel of 32 times as many, a start per row
    // and room for 32 sums per row; a prefetch may name any address.
    unsafe {
        let mut all = [[_mm512_setzero_si512(); 2]; ROWS];
        for (row, sums) in all.iter_mut().enumerate() {
            *sums = [_mm512_set1_epi32(*starts.add(row)); 2];
        }
        let groups = block.inputs / 4;
        let fetched = groups.min(block.ahead_lines);
        for group in 0..fetched {
            _mm_prefetch::<_MM_HINT_T1>(block.ahead.add(group * 64).cast());
            step(block, group, &mut all);
        }
        for group in fetched..groups {
            step(block, group, &mut all);
        }
        for (row, [low, high]) in all.into_iter().enumerate() {
            _mm512_storeu_si512(sums.add(row * 32).cast(), low);
            _mm512_storeu_si512(sums.add(row * 32 + 16).cast(), high);
        }
    }
}

#[inline(always)]
unsafe fn step<const ROWS: usize>(block: &Block, group: usize, all: &mut [[__m512i; 2]; ROWS]) {
    // SAFETY: as above; `group` is below `inputs / 4`.
    unsafe {
        let weights = block.panel.add(group * 128);
        let low = _mm512_loadu_si512(weights.cast());
        let high = _mm512_loadu_si512(weights.add(64).cast());
        for (row, sums) in all.iter_mut().enumerate() {
            let place = block.activations.add(row * block.stride + group * 4);
            let values = _mm512_set1_epi32(place.cast::<i32>().read_unaligned());
            sums[0] = _mm512_dpbusd_epi32(sums[0], low, values);
            sums[1] = _mm512_dpbusd_epi32(sums[1], high, values);
        }
    }
}
