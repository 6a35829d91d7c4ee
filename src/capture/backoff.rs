/// How long to wait between attempts to open a source again, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffLimits {
    /// After the first failure; each further one doubles it.
    pub first_ns: i64,
    /// The longest wait, which bounds how long a camera that is back goes unnoticed.
    pub most_ns: i64,
    /// A source that stayed open this long has recovered: one that fails sooner is flapping, and
    /// its waits go on growing.
    pub stable_ns: i64,
}

impl Default for BackoffLimits {
    /// 100 ms, 1.6 s and 10 s: a camera that is back is in use within 3 s, its start included.
    fn default() -> Self {
        Self { first_ns: 100_000_000, most_ns: 1_600_000_000, stable_ns: 10_000_000_000 }
    }
}

/// When to try again: a state machine without a clock, told what happened and when.
#[derive(Debug, Clone)]
pub struct Backoff {
    limits: BackoffLimits,
    failures: u32,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Open { since_ns: i64 },
    Waiting { until_ns: i64 },
}

impl Backoff {
    /// A source that has not been opened yet: the first attempt is due at once.
    pub fn new(limits: BackoffLimits) -> Self {
        Self { limits, failures: 0, state: State::Waiting { until_ns: i64::MIN } }
    }

    /// Notes that an attempt to open failed, or that an open source was lost; gives the time of
    /// the next attempt.
    pub fn failed(&mut self, now_ns: i64) -> i64 {
        if let State::Open { since_ns } = self.state
            && now_ns.saturating_sub(since_ns) >= self.limits.stable_ns
        {
            self.failures = 0;
        }
        let until_ns = now_ns.saturating_add(self.wait_ns());
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting { until_ns };
        until_ns
    }

    /// Notes that the source was opened.
    pub fn opened(&mut self, now_ns: i64) {
        self.state = State::Open { since_ns: now_ns };
    }

    /// Whether to try now.
    ///
    /// A clock that was set back never makes the wait longer than the limit.
    pub fn is_due(&self, now_ns: i64) -> bool {
        match self.state {
            State::Open { .. } => false,
            State::Waiting { until_ns } => {
                now_ns >= until_ns || until_ns.saturating_sub(now_ns) > self.limits.most_ns
            }
        }
    }

    /// Failures since the source was last stable.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    fn wait_ns(&self) -> i64 {
        let Self { limits, failures, .. } = self;
        let factor = 1_i64.checked_shl((*failures).min(62)).unwrap_or(i64::MAX);
        limits.first_ns.saturating_mul(factor).clamp(0, limits.most_ns.max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn backoff() -> Backoff {
        Backoff::new(BackoffLimits::default())
    }

    #[test]
    fn the_first_attempt_is_due_at_once() {
        assert!(backoff().is_due(0) && backoff().is_due(i64::MIN));
    }

    #[test]
    fn waits_double_up_to_the_limit_and_stay_there() {
        let mut backoff = backoff();
        let waits: Vec<i64> = (0..8).map(|_| backoff.failed(5 * MS) - 5 * MS).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 1600, 1600, 1600].map(|wait| wait * MS));
        for _ in 0..10_000 {
            assert_eq!(backoff.failed(0), 1600 * MS);
        }
    }

    #[test]
    fn nothing_is_due_before_its_time_or_while_open() {
        let mut backoff = backoff();
        let next = backoff.failed(MS);
        assert!(!backoff.is_due(next - 1) && backoff.is_due(next));
        backoff.opened(next);
        assert!(!backoff.is_due(next + 1_000_000 * MS));
    }

    #[test]
    fn a_flapping_source_waits_ever_longer_and_a_stable_one_starts_anew() {
        let mut backoff = backoff();
        backoff.failed(0);
        backoff.opened(100 * MS);
        assert_eq!(backoff.failed(200 * MS), 400 * MS);
        backoff.opened(400 * MS);
        let lost = 400 * MS + 10_000 * MS;
        assert_eq!(backoff.failed(lost), lost + 100 * MS);
        assert_eq!(backoff.failures(), 1);
    }

    #[test]
    fn a_clock_set_back_does_not_stop_the_attempts() {
        let mut backoff = backoff();
        backoff.failed(1_000_000 * MS);
        assert!(backoff.is_due(0));
    }

    #[test]
    fn no_time_overflows() {
        let mut backoff = backoff();
        assert_eq!(backoff.failed(i64::MAX), i64::MAX);
        backoff.opened(i64::MIN);
        backoff.failed(i64::MAX);
        assert_eq!(backoff.failures(), 1);
    }
}
