use std::time::Instant;

/// Loops of one measurement, about a few milliseconds.
const LOOPS: u64 = 2_000_000;
/// The best of so many counts: whatever else runs can only make it slower.
const REPEATS: usize = 9;

/// What one core can do at most, in multiplications with addition per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// The instruction.
    pub instruction: &'static str,
    /// Products per second.
    pub rate: f64,
}

/// The peak rates of this core's instructions for int8 and f32 products, measured on registers
/// alone; nothing on processors without vector kernels.
pub fn peaks() -> Vec<Peak> {
    let mut all = Vec::new();
    native(&mut all);
    all
}

fn best(instruction: &'static str, products: u64, run: impl Fn(u64)) -> Peak {
    let once = || {
        let started = Instant::now();
        run(LOOPS);
        (LOOPS * products) as f64 / started.elapsed().as_secs_f64()
    };
    let rate = (0..REPEATS).map(|_| once()).fold(0.0, f64::max);
    Peak { instruction, rate }
}

#[cfg(target_arch = "x86_64")]
fn native(all: &mut Vec<Peak>) {
    // Twelve independent products in a loop: enough to hide their latency.
    macro_rules! measured {
        ($name:literal, $register:literal, $products:literal) => {{
            macro_rules! one {
                ($sum:literal) => {
                    concat!(
                        $name, " ", $register, $sum, ", ", $register, "14, ", $register, "15"
                    )
                };
            }
            best($name, 12 * $products, |loops| {
                // SAFETY: the caller found the instruction; only registers named here change.
                unsafe {
                    std::arch::asm!(
                        "2:",
                        one!("0"), one!("1"), one!("2"), one!("3"), one!("4"), one!("5"),
                        one!("6"), one!("7"), one!("8"), one!("9"), one!("10"), one!("11"),
                        "dec {0}",
                        "jnz 2b",
                        inout(reg) loops => _,
                        out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
                        out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
                        out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                        options(nostack, nomem),
                    );
                }
            })
        }};
    }
    if super::avx512_vnni::Avx512Vnni::detected() {
        all.push(measured!("vpdpbusd", "zmm", 64));
        all.push(measured!("vfmadd231ps", "zmm", 16));
    } else if super::avx_vnni::AvxVnni::detected() {
        all.push(measured!("{{vex}} vpdpbusd", "ymm", 32));
        all.push(measured!("vfmadd231ps", "ymm", 8));
    } else if super::avx2::Avx2::detected() {
        all.push(measured!("vfmadd231ps", "ymm", 8));
    }
    if super::amx::Amx::detected() {
        all.push(best("tdpbssd", 4 * 16 * 16 * 64, super::amx::products));
    }
}

#[cfg(target_arch = "aarch64")]
fn native(all: &mut Vec<Peak>) {
    macro_rules! measured {
        ($name:literal, $to:literal, $from:literal, $products:literal) => {{
            macro_rules! one {
                ($sum:literal) => {
                    concat!($name, " v", $sum, $to, ", v30", $from, ", v31", $from)
                };
            }
            best($name, 12 * $products, |loops| {
                // SAFETY: the caller found the instruction; only registers named here change.
                unsafe {
                    std::arch::asm!(
                        ".arch_extension dotprod",
                        "2:",
                        one!("0"), one!("1"), one!("2"), one!("3"), one!("4"), one!("5"),
                        one!("6"), one!("7"), one!("16"), one!("17"), one!("18"), one!("19"),
                        "subs {0}, {0}, #1",
                        "b.ne 2b",
                        inout(reg) loops => _,
                        out("v0") _, out("v1") _, out("v2") _, out("v3") _,
                        out("v4") _, out("v5") _, out("v6") _, out("v7") _,
                        out("v16") _, out("v17") _, out("v18") _, out("v19") _,
                        options(nostack, nomem),
                    );
                }
            })
        }};
    }
    if super::neon_sdot::NeonSdot::detected() {
        all.push(measured!("sdot", ".4s", ".16b", 16));
    } else {
        all.push(measured!("smlal", ".8h", ".8b", 8));
    }
    all.push(measured!("fmla", ".4s", ".4s", 4));
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn native(_: &mut Vec<Peak>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_a_processor() {
        for peak in peaks() {
            assert!(peak.rate > 1e8 && peak.rate < 1e14, "{peak:?}");
        }
    }
}
