use std::sync::atomic::{AtomicU64, Ordering};

/// Hands out part numbers from a reserve that is durable, without waiting for the disk.
#[derive(Debug)]
pub(super) struct Numbers {
    next: AtomicU64,
    reserved_below: AtomicU64,
    undurable: AtomicU64,
    ahead: u64,
}

impl Numbers {
    /// `next` is the first to be handed out; `ahead` numbers are to be reserved from there on.
    pub(super) fn new(next: u64, ahead: u64) -> Self {
        Self {
            next: AtomicU64::new(next),
            reserved_below: AtomicU64::new(next),
            undurable: AtomicU64::new(0),
            ahead: ahead.max(2),
        }
    }

    /// The next number, and whether more should be reserved soon.
    ///
    /// When the disk did not let numbers be reserved in time, the number is handed out all the
    /// same and counted: the line goes on.
    pub(super) fn hand_out(&self) -> (u64, bool) {
        let number = self.next.fetch_add(1, Ordering::AcqRel);
        let reserved = self.reserved_below.load(Ordering::Acquire);
        if number >= reserved {
            self.undurable.fetch_add(1, Ordering::Relaxed);
        }
        (number, number + self.ahead / 2 >= reserved)
    }

    /// The first number that was not handed out.
    pub(super) fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// How many numbers are to be reserved ahead.
    pub(super) fn ahead(&self) -> u64 {
        self.ahead
    }

    /// Numbers below are reserved now.
    pub(super) fn set_reserved(&self, below: u64) {
        self.reserved_below.store(below, Ordering::Release);
    }

    /// How many were handed out before they were reserved.
    pub(super) fn undurable(&self) -> u64 {
        self.undurable.load(Ordering::Relaxed)
    }
}
