use heapless::Deque;

/// What a rate is taken over.
const MINUTE_NS: i64 = 60_000_000_000;
/// From one sample to the next.
const EVERY_NS: i64 = 1_000_000_000;
/// Samples of a minute, and that before it.
const SAMPLES: usize = 61;

/// How many things happen per minute, from their count now and then.
#[derive(Debug, Default)]
pub(super) struct Rate(Deque<(i64, u64), SAMPLES>);

impl Rate {
    /// Per minute over the last minute, or since the first look if that is shorter.
    pub(super) fn look(&mut self, now_ns: i64, count: u64) -> f64 {
        let is_due = |last: &(i64, u64)| now_ns.saturating_sub(last.0) >= EVERY_NS;
        if self.0.back().is_none_or(is_due) {
            if self.0.is_full() {
                self.0.pop_front();
            }
            // There is room now.
            let _ = self.0.push_back((now_ns, count));
        }
        while self.0.len() > 1 && self.0.front().is_some_and(|(at, _)| now_ns - at > MINUTE_NS) {
            self.0.pop_front();
        }
        let Some((since_ns, before)) = self.0.front() else { return 0.0 };
        let minutes = (now_ns - since_ns).max(EVERY_NS) as f64 / MINUTE_NS as f64;
        count.saturating_sub(*before) as f64 / minutes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_line_has_its_rate_from_the_first_seconds_on() {
        let mut rate = Rate::default();
        for tick in 0..3_000 {
            // Ten looks and two parts a second.
            let found = rate.look(tick * 100_000_000, tick as u64 / 5);
            if tick > 100 {
                // One part more or less in ten seconds.
                assert!((found - 120.0).abs() <= 6.0 + 1e-9, "tick {tick}: {found}");
            }
        }
    }

    #[test]
    fn a_line_that_stands_is_at_zero_after_a_minute() {
        let mut rate = Rate::default();
        rate.look(0, 0);
        rate.look(EVERY_NS, 600);
        let mut found = f64::NAN;
        for second in 2..=70 {
            found = rate.look(second * EVERY_NS, 600);
        }
        assert!(found.abs() < 1e-9, "{found}");
    }
}
