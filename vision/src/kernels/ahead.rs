use super::lanes::Lanes;
use super::memory::LINE;

/// Bytes from call to call when so many are called into the cache in so many steps, and whether a step
/// needs many calls or a few do; no bytes, no gap.
///
/// A step makes one of two numbers of calls, which are less than a line apart where lines are fewer: a
/// loop of as many turns as there are lines ends in another place than the processor guessed.
#[inline(always)]
pub(super) fn gap(bytes: usize, steps: usize, [few, many]: [usize; 2]) -> (usize, bool) {
    match bytes.div_ceil(steps * few) {
        gap if gap <= LINE => (gap, false),
        _ => (bytes.div_ceil(steps * many).min(LINE), true),
    }
}

/// What is called into the cache step by step.
pub(super) struct Ahead {
    place: *const u8,
    gap: usize,
    many: bool,
}

impl Ahead {
    const FEW: usize = 2;
    const MANY: usize = 8;

    /// All of `bytes`, in so many steps.
    #[inline(always)]
    pub(super) fn of(bytes: &[u8], steps: usize) -> Self {
        let (gap, many) = gap(bytes.len(), steps, [Self::FEW, Self::MANY]);
        Self { place: bytes.as_ptr(), gap, many }
    }

    /// Calls a step's share, maybe some bytes behind the last.
    #[inline(always)]
    pub(super) unsafe fn call<L: Lanes>(&mut self) {
        if self.gap == 0 {
            return;
        }
        // SAFETY: the caller runs where the processor has the instructions of `L`.
        unsafe {
            self.calls::<L, { Self::FEW }>();
            if self.many {
                self.calls::<L, { Self::MANY - Self::FEW }>();
            }
        }
    }

    #[inline(always)]
    unsafe fn calls<L: Lanes, const N: usize>(&mut self) {
        for _ in 0..N {
            // SAFETY: as above; a prefetch may name any address.
            unsafe { L::prefetch(self.place.cast()) };
            self.place = self.place.wrapping_add(self.gap);
        }
    }
}
