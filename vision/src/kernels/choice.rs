use std::sync::OnceLock;

use super::Error;
use super::Kernel;
use super::scalar::Scalar;

/// Names the kernel that runs, for comparisons and for finding faults.
const VARIABLE: &str = "PAIRSPEC_KERNEL";

/// The kernel of this process: the fastest this processor supports, or the one that the
/// environment variable `PAIRSPEC_KERNEL` names.
///
/// # Errors
/// [`Error::Kernel`] when the variable names one that does not exist or cannot run here.
pub fn chosen() -> Result<&'static dyn Kernel, Error> {
    static CHOSEN: OnceLock<Result<&'static dyn Kernel, String>> = OnceLock::new();
    let choose = || match std::env::var(VARIABLE) {
        Ok(name) => kernel_named(&name).map_err(|_| name),
        Err(std::env::VarError::NotUnicode(name)) => Err(name.display().to_string()),
        Err(std::env::VarError::NotPresent) => Ok(fastest()),
    };
    match CHOSEN.get_or_init(choose) {
        Ok(kernel) => Ok(*kernel),
        Err(name) => Err(unknown(name)),
    }
}

/// The kernel of this name.
///
/// # Errors
/// [`Error::Kernel`] when there is none, or this processor lacks its instructions.
pub fn kernel_named(name: &str) -> Result<&'static dyn Kernel, Error> {
    supported().into_iter().find(|kernel| kernel.name() == name).ok_or_else(|| unknown(name))
}

/// The kernels that run on this processor, the fastest first; the last is the scalar one.
pub fn supported() -> Vec<&'static dyn Kernel> {
    let mut found: Vec<&'static dyn Kernel> = Vec::new();
    add_native(&mut found);
    found.push(&Scalar);
    found
}

fn fastest() -> &'static dyn Kernel {
    supported().into_iter().next().unwrap_or(&Scalar)
}

fn unknown(name: &str) -> Error {
    let supported = supported().iter().map(|kernel| kernel.name()).collect::<Vec<_>>().join(", ");
    Error::Kernel { variable: VARIABLE, name: name.to_owned(), supported }
}

#[cfg(target_arch = "x86_64")]
fn add_native(found: &mut Vec<&'static dyn Kernel>) {
    if super::amx::Amx::detected() {
        found.push(&super::amx::Amx);
    }
    if super::avx512_vnni::Avx512Vnni::detected() {
        found.push(&super::avx512_vnni::Avx512Vnni);
    }
    if super::avx_vnni::AvxVnni::detected() {
        found.push(&super::avx_vnni::AvxVnni);
    }
    if super::avx2::Avx2::detected() {
        found.push(&super::avx2::Avx2);
    }
}

#[cfg(target_arch = "aarch64")]
fn add_native(found: &mut Vec<&'static dyn Kernel>) {
    if super::neon_sdot::NeonSdot::detected() {
        found.push(&super::neon_sdot::NeonSdot);
    }
    found.push(&super::neon_smull::NeonSmull);
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn add_native(_: &mut Vec<&'static dyn Kernel>) {}
