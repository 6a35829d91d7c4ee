use std::arch::asm;
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
    const LAYOUT: Layout = Layout { columns: 32, group: 4, step: 16, offset: 128 };

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
                8 => eight(block, starts, sums),
                9 => nine(block, starts, sums),
                10 => ten(block, starts, sums),
                11 => eleven(block, starts, sums),
                _ => twelve(block, starts, sums),
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

/// The tile of a given height, the registers of its two sums per row and where each row is.
///
/// In assembly for one reason: rows are addressed by four pointers and multiples of the stride, so
/// that little but products is left to the two units that multiply. Compiled, an addition per row
/// took a quarter of their time.
macro_rules! tile {
    ($name:ident, $(($low:literal, $high:literal, $at:literal)),*) => {
        #[target_feature(enable = "avx512f,avx512vnni")]
        unsafe fn $name(block: &Block, starts: *const i32, sums: *mut i32) {
            // Four input channels of all rows; `$d` bytes into the step.
            macro_rules! group {
                ($d:literal) => {
                    concat!(
                        "vmovdqa64 zmm24, [{panel} + 32*", $d, "]\n",
                        "vmovdqa64 zmm25, [{panel} + 32*", $d, " + 64]\n",
                        $("vpbroadcastd zmm26, dword ptr [", $at, " + ", $d, "]\n",
                        "vpdpbusd zmm", $low, ", zmm24, zmm26\n",
                        "vpdpbusd zmm", $high, ", zmm25, zmm26\n",)*
                    )
                };
            }
            let steps = block.inputs / 16;
            // The panel itself, which is there already, when nothing is to be fetched.
            let (ahead, apart) = match block.ahead_lines {
                0 => (block.panel, 0),
                lines => (block.ahead, lines.div_ceil(steps).min(2) * 64),
            };
            // SAFETY: the caller's: rows of `inputs` bytes, a multiple of 16, a panel of 32 times
            // as many on a cache line, a start per row and room for 32 sums per row; a prefetch may
            // name any address.
            unsafe {
                asm!(
                    $(concat!("vpbroadcastd zmm", $low, ", dword ptr [{starts} + 2*", $low, "]"),
                    concat!("vmovdqa64 zmm", $high, ", zmm", $low),)*
                    "2:",
                    group!("0"),
                    "prefetcht1 [{ahead}]",
                    group!("4"),
                    group!("8"),
                    "prefetcht1 [{ahead} + 64]",
                    group!("12"),
                    "add {panel}, 512",
                    "add {a}, 16",
                    "add {b}, 16",
                    "add {c}, 16",
                    "add {d}, 16",
                    "add {ahead}, {apart}",
                    "dec {steps}",
                    "jnz 2b",
                    $(concat!("vmovdqu64 [{sums} + 64*", $low, "], zmm", $low),
                    concat!("vmovdqu64 [{sums} + 64*", $high, "], zmm", $high),)*
                    starts = in(reg) starts,
                    panel = inout(reg) block.panel => _,
                    a = inout(reg) block.activations => _,
                    b = inout(reg) block.activations.wrapping_add(3 * block.stride) => _,
                    c = inout(reg) block.activations.wrapping_add(6 * block.stride) => _,
                    d = inout(reg) block.activations.wrapping_add(9 * block.stride) => _,
                    stride = in(reg) block.stride,
                    ahead = inout(reg) ahead => _,
                    apart = in(reg) apart,
                    steps = inout(reg) steps => _,
                    sums = in(reg) sums,
                    out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _,
                    out("zmm5") _, out("zmm6") _, out("zmm7") _, out("zmm8") _, out("zmm9") _,
                    out("zmm10") _, out("zmm11") _, out("zmm12") _, out("zmm13") _,
                    out("zmm14") _, out("zmm15") _, out("zmm16") _, out("zmm17") _,
                    out("zmm18") _, out("zmm19") _, out("zmm20") _, out("zmm21") _,
                    out("zmm22") _, out("zmm23") _, out("zmm24") _, out("zmm25") _,
                    out("zmm26") _,
                    options(nostack),
                );
            }
        }
    };
}

tile!(
    eight,
    ("0", "1", "{a}"),
    ("2", "3", "{a} + {stride}"),
    ("4", "5", "{a} + 2*{stride}"),
    ("6", "7", "{b}"),
    ("8", "9", "{b} + {stride}"),
    ("10", "11", "{b} + 2*{stride}"),
    ("12", "13", "{c}"),
    ("14", "15", "{c} + {stride}")
);
tile!(
    nine,
    ("0", "1", "{a}"),
    ("2", "3", "{a} + {stride}"),
    ("4", "5", "{a} + 2*{stride}"),
    ("6", "7", "{b}"),
    ("8", "9", "{b} + {stride}"),
    ("10", "11", "{b} + 2*{stride}"),
    ("12", "13", "{c}"),
    ("14", "15", "{c} + {stride}"),
    ("16", "17", "{c} + 2*{stride}")
);
tile!(
    ten,
    ("0", "1", "{a}"),
    ("2", "3", "{a} + {stride}"),
    ("4", "5", "{a} + 2*{stride}"),
    ("6", "7", "{b}"),
    ("8", "9", "{b} + {stride}"),
    ("10", "11", "{b} + 2*{stride}"),
    ("12", "13", "{c}"),
    ("14", "15", "{c} + {stride}"),
    ("16", "17", "{c} + 2*{stride}"),
    ("18", "19", "{d}")
);
tile!(
    eleven,
    ("0", "1", "{a}"),
    ("2", "3", "{a} + {stride}"),
    ("4", "5", "{a} + 2*{stride}"),
    ("6", "7", "{b}"),
    ("8", "9", "{b} + {stride}"),
    ("10", "11", "{b} + 2*{stride}"),
    ("12", "13", "{c}"),
    ("14", "15", "{c} + {stride}"),
    ("16", "17", "{c} + 2*{stride}"),
    ("18", "19", "{d}"),
    ("20", "21", "{d} + {stride}")
);
tile!(
    twelve,
    ("0", "1", "{a}"),
    ("2", "3", "{a} + {stride}"),
    ("4", "5", "{a} + 2*{stride}"),
    ("6", "7", "{b}"),
    ("8", "9", "{b} + {stride}"),
    ("10", "11", "{b} + 2*{stride}"),
    ("12", "13", "{c}"),
    ("14", "15", "{c} + {stride}"),
    ("16", "17", "{c} + 2*{stride}"),
    ("18", "19", "{d}"),
    ("20", "21", "{d} + {stride}"),
    ("22", "23", "{d} + 2*{stride}")
);

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
