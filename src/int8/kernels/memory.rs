use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// A line of the cache.
const LINE: usize = 64;
/// What the processor's translation of addresses covers at once, where the system lets it.
const HUGE_PAGE: usize = 2 << 20;

/// Bytes that start on a cache line; large ones on large pages.
///
/// Weights of a large model stream from memory at every inference, and with small pages the
/// processor looks up an address every 4 KiB: a sixth of the time on AMX.
#[derive(Debug)]
pub(super) struct AlignedBytes {
    start: NonNull<u8>,
    layout: Layout,
    len: usize,
}

// SAFETY: it owns its bytes alone, as a `Vec` does.
unsafe impl Send for AlignedBytes {}
// SAFETY: as above.
unsafe impl Sync for AlignedBytes {}

impl AlignedBytes {
    /// Zeros; `None` when so many bytes have no addresses.
    pub(super) fn zeroed(len: usize) -> Option<Self> {
        let align = if len < HUGE_PAGE { LINE } else { HUGE_PAGE };
        let layout = Layout::from_size_align(len.max(1), align).ok()?;
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc(layout) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
        // Before the first write, which settles how large pages are.
        advise(start, len / HUGE_PAGE * HUGE_PAGE);
        // SAFETY: `len` bytes were allocated.
        unsafe { start.write_bytes(0, len) };
        Some(Self { start, layout, len })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` bytes were allocated and set.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as above; the borrow of `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

/// As [`AlignedBytes`], of f32 values.
#[derive(Debug)]
pub(super) struct AlignedFloats(AlignedBytes);

impl AlignedFloats {
    /// Zeros; `None` when so many values have no addresses.
    pub(super) fn zeroed(len: usize) -> Option<Self> {
        AlignedBytes::zeroed(len.checked_mul(size_of::<f32>())?).map(Self)
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        let bytes = self.0.as_slice();
        // SAFETY: bytes start on a cache line, are whole values in number, and any bits are one.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<f32>()) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        let bytes = self.0.as_mut_slice();
        let len = bytes.len() / size_of::<f32>();
        // SAFETY: as above; the borrow of `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), len) }
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

/// Asks for large pages; whether the system agrees makes no difference but in speed.
#[cfg(target_os = "linux")]
fn advise(start: NonNull<u8>, len: usize) {
    if len > 0 {
        // SAFETY: these bytes were just allocated; the advice does not change them.
        unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: NonNull<u8>, _: usize) {}
