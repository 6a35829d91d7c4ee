use std::arch::x86_64::*;

use super::Layout;
use super::avx2::{Avx2, Eight};
use super::compiled::compiled;
use super::tile::{Block, Tile};

/// AVX-VNNI: the 256-bit `vpdpbusd` of processors without AVX-512. See `avx512_vnni` for the
/// offset of the weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct AvxVnni;

impl AvxVnni {
    pub(super) fn detected() -> bool {
        Avx2::detected() && is_x86_feature_detected!("avxvnni")
    }
}

compiled!(AvxVnni, "avx-vnni", AvxVnniTile, Eight, "avx2,fma,avxvnni");

/// 6 rows by two vectors: 12 of the 16 registers hold sums.
struct AvxVnniTile;

impl Tile for AvxVnniTile {
    const ROWS: usize = 6;
    const LAYOUT: Layout = Layout { columns: 16, group: 4, step: 4, offset: 128 };

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
                _ => rows::<6>(block, starts, sums),
            }
        }
    }
}

#[inline(always)]
unsafe fn rows<const ROWS: usize>(block: &Block, starts: *const i32, sums: *mut i32) {
    // SAFETY: the caller's: rows of `inputs` bytes, a panel of 16 times as many, a start per row
    // and room for 16 sums per row; a prefetch may name any address.
    unsafe {
        let mut all = [[_mm256_setzero_si256(); 2]; ROWS];
        for (row, sums) in all.iter_mut().enumerate() {
            *sums = [_mm256_set1_epi32(*starts.add(row)); 2];
        }
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
                sums[0] = _mm256_dpbusd_avx_epi32(sums[0], low, values);
                sums[1] = _mm256_dpbusd_avx_epi32(sums[1], high, values);
            }
        }
        for (row, [low, high]) in all.into_iter().enumerate() {
            _mm256_storeu_si256(sums.add(row * 16).cast(), low);
            _mm256_storeu_si256(sums.add(row * 16 + 8).cast(), high);
        }
    }
}
