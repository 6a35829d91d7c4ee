use std::marker::PhantomData;
use std::ops::Range;

/// A slice that several threads fill, each its own part.
///
/// Only this module makes one, from a slice it has alone, and only its own functions split the
/// work: parts never overlap.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a slice borrowed exclusively; see above for why threads do not meet in it.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A part of it, below `len` and no other thread's.
    #[allow(clippy::mut_from_ref, reason = "the caller vouches that parts do not overlap")]
    pub(super) unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: within the slice, and nobody else's.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    /// The place of one value; it must be below `len`, and no other thread's.
    pub(super) unsafe fn at(&self, index: usize) -> *mut T {
        debug_assert!(index < self.len);
        // SAFETY: the caller keeps to the slice.
        unsafe { self.start.add(index) }
    }
}
