use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

/// A line of the cache.
pub(super) const LINE: usize = 64;
/// What the processor's translation of addresses covers at once, where the system lets it.
const HUGE_PAGE: usize = 2 << 20;
/// Layers are cut from regions of this size: most are smaller than a large page.
const REGION: usize = 8 * HUGE_PAGE;

/// Bytes that start on a cache line, on large pages where the system has them.
///
/// Weights of a large model stream from memory at every inference, and with small pages the
/// processor looks up an address every 4 KiB.
#[derive(Debug)]
pub(super) struct AlignedBytes {
    region: Arc<Region>,
    offset: usize,
    len: usize,
}

/// The region that the next layers are cut from, and how much of it is taken.
static OPEN: Mutex<Option<(Arc<Region>, usize)>> = Mutex::new(None);

impl AlignedBytes {
    /// Zeros; `None` when so many bytes have no addresses.
    pub(super) fn zeroed(len: usize) -> Option<Self> {
        let taken = len.checked_next_multiple_of(LINE)?;
        if taken > REGION / 2 {
            return Some(Self { region: Arc::new(Region::new(taken)?), offset: 0, len });
        }
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_none_or(|(_, used)| REGION - used < taken) {
            *open = Some((Arc::new(Region::new(REGION)?), 0));
        }
        let (region, used) = open.as_mut()?;
        let offset = *used;
        *used += taken;
        Some(Self { region: Arc::clone(region), offset, len })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        // SAFETY: this piece of the region is nobody else's, and its bytes were set to zero.
        unsafe { std::slice::from_raw_parts(self.start(), self.len) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as above; the borrow of `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len) }
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: the piece lies within the region.
        unsafe { self.region.start.as_ptr().add(self.offset) }
    }
}

impl Drop for AlignedBytes {
    /// A region that only the next layers could be cut from is let go of: a model that was closed
    /// leaves nothing behind.
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        // This piece holds one count, `OPEN` the other.
        if Arc::strong_count(&self.region) == 2
            && open.as_ref().is_some_and(|(region, _)| Arc::ptr_eq(region, &self.region))
        {
            *open = None;
        }
    }
}

/// Zeroed memory straight from the system: what a heap hands out again lies on small pages.
#[derive(Debug)]
struct Region {
    start: NonNull<u8>,
    #[cfg(target_os = "linux")]
    mapped: (NonNull<u8>, usize),
    #[cfg(not(target_os = "linux"))]
    layout: std::alloc::Layout,
}

// SAFETY: it owns its bytes, and hands out pieces that do not overlap.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

#[cfg(target_os = "linux")]
impl Region {
    /// `None` when the system has no room.
    fn new(len: usize) -> Option<Self> {
        let huge = len >= HUGE_PAGE;
        // So much more that it can start on a large page; what is not touched takes no memory.
        let room = if huge { len.checked_add(HUGE_PAGE)? } else { len.max(1) };
        // SAFETY: a new mapping at a place of the system's choice touches no memory in use.
        let mapped = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            libc::mmap(std::ptr::null_mut(), room, protection, flags, -1, 0)
        };
        if mapped == libc::MAP_FAILED {
            return None;
        }
        let mapped = NonNull::new(mapped.cast::<u8>())?;
        let mut start = mapped;
        if huge {
            // SAFETY: less than a large page is skipped, for which there is room.
            start = unsafe { mapped.add(mapped.align_offset(HUGE_PAGE)) };
            // SAFETY: the range is within the mapping; advice does not change its bytes. Whether
            // the system agrees makes no difference but in speed.
            unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
        }
        Some(Self { start, mapped: (mapped, room) })
    }
}

#[cfg(target_os = "linux")]
impl Drop for Region {
    fn drop(&mut self) {
        let (mapped, room) = self.mapped;
        // SAFETY: mapped with this length, and no piece is left.
        unsafe { libc::munmap(mapped.as_ptr().cast(), room) };
    }
}

#[cfg(not(target_os = "linux"))]
impl Region {
    fn new(len: usize) -> Option<Self> {
        let layout = std::alloc::Layout::from_size_align(len.max(1), LINE).ok()?;
        // SAFETY: the layout is not empty.
        let start = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })?;
        Some(Self { start, layout })
    }
}

#[cfg(not(target_os = "linux"))]
impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and no piece is left.
        unsafe { std::alloc::dealloc(self.start.as_ptr(), self.layout) };
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

/// Has the heap return to the system what was freed within it: a model's own copy of its weights
/// would stay beside the packed one.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it touches nothing that is allocated.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_zero_start_on_lines_and_do_not_overlap() {
        let sizes = [1, 64, 65, 4096, 300_000, HUGE_PAGE + 1, REGION / 2 + 1, REGION, 0, 7];
        let mut pieces: Vec<_> =
            sizes.iter().map(|&len| AlignedBytes::zeroed(len).unwrap()).collect();
        for (index, piece) in pieces.iter_mut().enumerate() {
            assert!(piece.as_slice().iter().all(|&byte| byte == 0));
            assert_eq!(piece.as_slice().len(), sizes[index]);
            assert_eq!(piece.as_slice().as_ptr().align_offset(LINE), 0);
            piece.as_mut_slice().fill(index as u8 + 1);
        }
        for (index, piece) in pieces.iter().enumerate() {
            assert!(piece.as_slice().iter().all(|&byte| byte == index as u8 + 1));
        }
    }

    #[test]
    fn a_region_goes_with_its_last_piece() {
        let (kept, region) = {
            let first = AlignedBytes::zeroed(REGION / 2).unwrap();
            let second = AlignedBytes::zeroed(100).unwrap();
            let region = Arc::downgrade(&second.region);
            drop(first);
            (second, region)
        };
        assert!(region.upgrade().is_some());
        drop(kept);
        // Others' pieces may have been cut from it meanwhile: tests run beside each other.
        let left = region.upgrade().map_or(0, |region| Arc::strong_count(&region));
        assert!(left != 2, "nobody's region is still open");
    }

    #[test]
    fn more_than_there_are_addresses_is_refused() {
        assert!(AlignedBytes::zeroed(usize::MAX).is_none());
        assert!(AlignedBytes::zeroed(usize::MAX / 2).is_none());
    }
}
