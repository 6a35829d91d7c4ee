use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time that sources and triggers share, in nanoseconds.
pub trait Clock: Send {
    /// Now.
    fn now_ns(&self) -> i64;
    /// Returns when the clock has reached `at_ns`; at once if it has.
    fn sleep_until(&self, at_ns: i64);
}

/// CLOCK_MONOTONIC, the clock of V4L2 buffers and of GPIO edges.
#[derive(Debug, Clone, Copy, Default)]
pub struct MonotonicClock;

impl Clock for MonotonicClock {
    fn now_ns(&self) -> i64 {
        let now = clock_gettime(ClockId::Monotonic);
        now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
    }

    fn sleep_until(&self, at_ns: i64) {
        let wait = at_ns.saturating_sub(self.now_ns());
        if let Ok(wait) = u64::try_from(wait) {
            std::thread::sleep(Duration::from_nanos(wait));
        }
    }
}

/// A clock that stands still until somebody sleeps: a day of line time in as long as the work of a
/// day takes. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct VirtualClock(Arc<AtomicI64>);

impl VirtualClock {
    /// A clock that shows `now_ns`.
    pub fn starting_at(now_ns: i64) -> Self {
        Self(Arc::new(AtomicI64::new(now_ns)))
    }

    /// Sets the time, backwards too: what a clock must not do is a fault worth trying.
    pub fn set(&self, now_ns: i64) {
        self.0.store(now_ns, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now_ns(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn sleep_until(&self, at_ns: i64) {
        self.0.fetch_max(at_ns, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_goes_on_while_it_sleeps() {
        let clock = MonotonicClock;
        let until = clock.now_ns() + 2_000_000;
        clock.sleep_until(until);
        assert!(clock.now_ns() >= until);
        clock.sleep_until(0);
    }

    #[test]
    fn a_virtual_clock_moves_by_sleep_alone_and_never_back_by_it() {
        let clock = VirtualClock::starting_at(5);
        let other = clock.clone();
        other.sleep_until(9);
        other.sleep_until(7);
        assert_eq!(clock.now_ns(), 9);
    }
}
