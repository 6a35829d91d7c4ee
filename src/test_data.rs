//! Real data for tests: where it is, and an honest word when it is not there.
//!
//! The suite in `tests/` includes this file too, so that both skip in the same way.

use std::io::Write;
use std::path::PathBuf;

/// The folder of DeepPCB, 1,000 real line-scan pairs: what `PAIRSPEC_DEEPPCB` names.
///
/// Where it is absent, says so on standard error itself, which the test harness does not capture:
/// `tests/run` counts these lines. A variable that names something else is a mistake, not a skip.
pub(crate) fn deeppcb(test: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("PAIRSPEC_DEEPPCB").filter(|value| !value.is_empty())
    else {
        skip(test, "PAIRSPEC_DEEPPCB names no copy of DeepPCB");
        return None;
    };
    let folder = PathBuf::from(folder);
    let manifest = folder.join("manifest.csv");
    assert!(manifest.is_file(), "PAIRSPEC_DEEPPCB: there is no {}", manifest.display());
    Some(folder)
}

/// Says that a test proves nothing here, and why.
pub(crate) fn skip(test: &str, reason: &str) {
    // Nothing can be done about a closed standard error.
    let _ = writeln!(std::io::stderr(), "SKIP {test}: {reason}");
}
