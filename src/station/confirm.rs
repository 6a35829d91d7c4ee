//! Ejections that a sensor has to see.

use heapless::Deque;

/// Ejected parts between ejector and sensor.
const EXPECTED: usize = 64;

/// Which ejections have not been seen yet.
#[derive(Debug)]
pub(super) struct Confirmations {
    within_ns: i64,
    /// Part and the time by which it must be seen.
    expected: Deque<(u64, i64), EXPECTED>,
    /// Ejections that were never seen.
    pub(super) missed: u64,
}

impl Confirmations {
    pub(super) fn new(within_ns: i64) -> Self {
        Self { within_ns, expected: Deque::new(), missed: 0 }
    }

    /// A part was not let through at this time; the oldest expectation is given up for lack of room.
    pub(super) fn expect(&mut self, number: u64, at_ns: i64) {
        if self.expected.is_full() {
            self.expected.pop_front();
            self.missed += 1;
        }
        // There is room now.
        let _ = self.expected.push_back((number, at_ns.saturating_add(self.within_ns)));
    }

    /// The sensor saw something: the first part that is expected.
    pub(super) fn seen(&mut self, at_ns: i64) -> Option<u64> {
        let (number, by_ns) = *self.expected.front()?;
        if at_ns > by_ns {
            return None;
        }
        self.expected.pop_front();
        Some(number)
    }

    /// A part that was not seen in time; ask until there is none.
    pub(super) fn overdue(&mut self, now_ns: i64) -> Option<u64> {
        let (number, by_ns) = *self.expected.front()?;
        if now_ns <= by_ns {
            return None;
        }
        self.expected.pop_front();
        self.missed += 1;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ejection_is_seen_once_or_overdue_once() {
        let mut confirmations = Confirmations::new(100);
        confirmations.expect(1, 0);
        confirmations.expect(2, 50);
        assert_eq!(confirmations.overdue(100), None);
        assert_eq!(confirmations.seen(90), Some(1));
        assert_eq!(confirmations.overdue(151), Some(2));
        assert_eq!((confirmations.overdue(1_000), confirmations.seen(160)), (None, None));
        assert_eq!(confirmations.missed, 1);
    }

    #[test]
    fn a_late_edge_confirms_nothing() {
        let mut confirmations = Confirmations::new(100);
        confirmations.expect(1, 0);
        assert_eq!(confirmations.seen(101), None);
        assert_eq!(confirmations.overdue(101), Some(1));
    }

    #[test]
    fn what_does_not_fit_counts_as_missed() {
        let mut confirmations = Confirmations::new(100);
        (0..EXPECTED as u64 + 3).for_each(|number| confirmations.expect(number, 0));
        assert_eq!((confirmations.missed, confirmations.seen(1)), (3, Some(3)));
    }
}
