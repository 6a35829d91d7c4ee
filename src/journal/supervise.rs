use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; what it panics with becomes a reason.
///
/// What it worked on may be half changed: the caller lets go of it, or looks again.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        // What a panic carries may panic when it is dropped.
        std::mem::forget(panic);
        format!("it panicked: {}", text.unwrap_or_else(|| "no reason given".to_owned()))
    })
}
