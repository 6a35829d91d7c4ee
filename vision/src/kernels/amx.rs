use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use std::sync::OnceLock;

use super::Layout;
use super::ahead::gap;
use super::avx512::{self, Sixteen};
use super::compiled::compiled;
use super::memory::LINE;
use super::tile::{Block, Tile};

/// AMX: `tdpbssd` multiplies 16 x 64 with 64 x 16 signed bytes at once.
///
/// The instructions have no stable intrinsics, hence the assembly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amx;

impl Amx {
    /// Whether the processor has it and Linux lets this process use it: tiles are large, and
    /// threads only get room to save them in after asking.
    pub(super) fn detected() -> bool {
        static DETECTED: OnceLock<bool> = OnceLock::new();
        *DETECTED.get_or_init(|| avx512::detected() && has_instructions() && permitted())
    }
}

compiled!(Amx, "amx-int8", AmxTile, Sixteen, "avx512f,avx512bw,avx512dq,avx512vl,fma,avx2");

/// AMX-TILE and AMX-INT8, and the system saves tiles. Source: Intel SDM, CPUID leaf 7 (EDX bits
/// 24 and 25), XCR0 bits 17 and 18.
fn has_instructions() -> bool {
    const OSXSAVE: u32 = 1 << 27;
    const BOTH: u32 = 3 << 24;
    const TILES: u64 = 3 << 17;
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & OSXSAVE == 0 || __cpuid_count(7, 0).edx & BOTH != BOTH
    {
        return false;
    }
    #[target_feature(enable = "xsave")]
    fn saved() -> u64 {
        // SAFETY: the caller saw OSXSAVE, so `xgetbv` exists.
        unsafe { _xgetbv(0) }
    }
    // SAFETY: as above.
    unsafe { saved() & TILES == TILES }
}

/// Asks Linux; source: its Documentation/arch/x86/xstate.rst.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const REQUEST: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: the call changes nothing but what this process may use; a system that does not know
    // it gives an error.
    unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// Two by two tiles of 16 x 16 sums.
struct AmxTile;

/// The shapes of the eight tile registers. Source: Intel SDM, LDTILECFG.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Tile for AmxTile {
    const ROWS: usize = 32;
    const LAYOUT: Layout = Layout { columns: 32, group: 4, step: 64, offset: 0 };
    const ONE_HEIGHT: bool = true;
    const FINISHING: usize = 768;

    /// Registers 0 to 3 hold sums, 4 and 5 activations, 6 and 7 weights.
    #[inline(always)]
    unsafe fn start(height: usize) {
        let (upper, lower) = (height.min(16) as u8, height.saturating_sub(16) as u8);
        let mut shapes = Shapes {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [0; 16],
            rows: [0; 16],
        };
        for (tile, rows) in
            [upper, upper, lower, lower, upper, lower, 16, 16].into_iter().enumerate()
        {
            // A tile without rows must have no columns either.
            shapes.rows[tile] = rows;
            shapes.row_bytes[tile] = if rows == 0 { 0 } else { 64 };
        }
        // SAFETY: the caller runs where AMX is; the shapes are valid.
        unsafe {
            asm!("ldtilecfg [{0}]", in(reg) &shapes, options(nostack, readonly));
        }
    }

    #[inline(always)]
    unsafe fn finish() {
        // SAFETY: as above.
        unsafe {
            asm!("tilerelease", options(nostack, nomem));
        }
    }

    #[inline(always)]
    unsafe fn compute(block: &Block, _: *const i32, sums: *mut i32) {
        // SAFETY: the caller's: `start` was called with this height, rows are a whole number of
        // 64 bytes long, and there is room for 32 sums per row.
        unsafe {
            match block.rows > 16 {
                true => two_by_two(block, sums),
                false => one_by_two(block, sums),
            }
        }
    }
}

/// Four independent products of full tiles, `loops` times, for measuring.
pub(super) fn products(loops: u64) {
    // SAFETY: `Amx::detected` comes first.
    unsafe {
        AmxTile::start(32);
        asm!(
            "2:",
            "tdpbssd tmm0, tmm4, tmm6",
            "tdpbssd tmm1, tmm4, tmm7",
            "tdpbssd tmm2, tmm5, tmm6",
            "tdpbssd tmm3, tmm5, tmm7",
            "dec {0}",
            "jnz 2b",
            inout(reg) loops => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            options(nostack, nomem),
        );
        AmxTile::finish();
    }
}

/// Calls for part of the next panel in one step of 64 input channels, by few calls or by many: see [`gap`].
macro_rules! fetches {
    () => {
        concat!(
            fetches!(four),
            "test {many}, {many}\njz 3f\n",
            fetches!(four),
            fetches!(four),
            fetches!(four),
            "3:\n"
        )
    };
    (four) => {
        concat!(fetches!(one), fetches!(one), fetches!(one), fetches!(one))
    };
    (one) => {
        "prefetcht1 [{ahead}]\nadd {ahead}, {gap}\n"
    };
}

/// What [`fetches`] takes.
struct Fetched {
    ahead: *const u8,
    gap: usize,
    /// Not zero where many calls are needed.
    many: usize,
}

impl Fetched {
    fn of(block: &Block) -> Self {
        let (gap, many) = gap(block.ahead_lines * LINE, block.inputs / 64, [4, 16]);
        // The panel itself is there already.
        let ahead = if gap == 0 { block.panel } else { block.ahead };
        Self { ahead, gap, many: many.into() }
    }
}

#[inline(always)]
unsafe fn two_by_two(block: &Block, sums: *mut i32) {
    let Fetched { ahead, gap, many } = Fetched::of(block);
    // SAFETY: the caller's; a prefetch may name any address.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{upper} + {stride}]",
            "tileloadd tmm6, [{panel} + {row}]",
            "tileloadd tmm7, [{panel} + {row} + 64]",
            "tdpbssd tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{lower} + {stride}]",
            "tdpbssd tmm1, tmm4, tmm7",
            fetches!(),
            "tdpbssd tmm2, tmm5, tmm6",
            "tdpbssd tmm3, tmm5, tmm7",
            "add {upper}, 64",
            "add {lower}, 64",
            "add {panel}, 2048",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{sums} + {row}], tmm0",
            "tilestored [{sums} + {row} + 64], tmm1",
            "tilestored [{under} + {row}], tmm2",
            "tilestored [{under} + {row} + 64], tmm3",
            upper = inout(reg) block.activations => _,
            lower = inout(reg) block.activations.add(16 * block.stride) => _,
            stride = in(reg) block.stride,
            panel = inout(reg) block.panel => _,
            row = in(reg) 128_usize,
            ahead = inout(reg) ahead => _,
            gap = in(reg) gap,
            many = in(reg) many,
            steps = inout(reg) block.inputs / 64 => _,
            sums = in(reg) sums,
            under = in(reg) sums.add(16 * 32),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

#[inline(always)]
unsafe fn one_by_two(block: &Block, sums: *mut i32) {
    let Fetched { ahead, gap, many } = Fetched::of(block);
    // SAFETY: as above.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "2:",
            "tileloadd tmm4, [{upper} + {stride}]",
            "tileloadd tmm6, [{panel} + {row}]",
            "tileloadd tmm7, [{panel} + {row} + 64]",
            "tdpbssd tmm0, tmm4, tmm6",
            fetches!(),
            "tdpbssd tmm1, tmm4, tmm7",
            "add {upper}, 64",
            "add {panel}, 2048",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{sums} + {row}], tmm0",
            "tilestored [{sums} + {row} + 64], tmm1",
            upper = inout(reg) block.activations => _,
            stride = in(reg) block.stride,
            panel = inout(reg) block.panel => _,
            row = in(reg) 128_usize,
            ahead = inout(reg) ahead => _,
            gap = in(reg) gap,
            many = in(reg) many,
            steps = inout(reg) block.inputs / 64 => _,
            sums = in(reg) sums,
            out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
