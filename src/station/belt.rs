//! The encoder's count, and what it was a moment ago.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Edges whose times are known: four seconds at 1 kHz.
const EDGES: usize = 4_096;
/// Of these, so many that no reader meets the writer among them.
const SAFE: u64 = EDGES as u64 - 64;

/// Written by the encoder's thread alone, read by the line without waiting.
#[derive(Debug)]
pub(super) struct Belt {
    count: AtomicU64,
    /// When the count became `n`, at `n` modulo [`EDGES`].
    at_ns: Box<[AtomicI64]>,
}

impl Default for Belt {
    fn default() -> Self {
        let at_ns = (0..EDGES).map(|_| AtomicI64::new(i64::MIN)).collect();
        Self { count: AtomicU64::new(0), at_ns }
    }
}

impl Belt {
    /// So many edges came, the last of them at this time, CLOCK_MONOTONIC.
    pub(super) fn advance(&self, ns: i64, edges: u64) {
        let count = self.count.load(Ordering::Relaxed);
        // Of those that the kernel could not keep nobody knows when they were.
        let placed = edges.min(EDGES as u64);
        for step in edges - placed + 1..=edges {
            self.place(count.wrapping_add(step)).store(ns, Ordering::Relaxed);
        }
        self.count.store(count.wrapping_add(edges), Ordering::Release);
    }

    /// How many edges came so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// How many had come at this time; the least that is known where it is too long ago.
    ///
    /// A trigger waits in queues while the belt moves on: its place is that of its own time.
    pub(super) fn count_at(&self, ns: i64) -> u64 {
        let now = self.count();
        let oldest = now.saturating_sub(SAFE);
        let mut count = now;
        while count > oldest && self.place(count).load(Ordering::Relaxed) > ns {
            count -= 1;
        }
        count
    }

    fn place(&self, count: u64) -> &AtomicI64 {
        &self.at_ns[(count % EDGES as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_that_of_the_time_that_is_asked_for() {
        let belt = Belt::default();
        (1..=10_000).for_each(|edge| belt.advance(edge * 100, 1));
        assert_eq!(belt.count(), 10_000);
        for (ns, expected) in
            [(1_000_000, 10_000), (2_000_000, 10_000), (999_999, 9_999), (900_050, 9_000)]
        {
            assert_eq!(belt.count_at(ns), expected, "{ns}");
        }
        assert_eq!(belt.count_at(0), 10_000 - SAFE, "the least that is known");
    }

    #[test]
    fn edges_that_were_missed_moved_the_belt_too() {
        let belt = Belt::default();
        belt.advance(100, 1);
        belt.advance(200, 4);
        assert_eq!([99, 100, 199, 200].map(|ns| belt.count_at(ns)), [0, 1, 1, 5]);
        belt.advance(300, 1_000_000);
        assert_eq!((belt.count_at(300), belt.count_at(301)), (1_000_005, 1_000_005));
    }
}
