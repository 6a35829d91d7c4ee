use std::time::Duration;

/// Processor time that the panel may take: a share of one core, with a little saved up.
///
/// Time that goes by earns time to draw. A drawing may begin whenever some is left, may overdraw it, and the
/// next one then waits until the debt is earned: what comes meanwhile is skipped.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    share: f64,
    most_s: f64,
    saved_s: f64,
    at: Duration,
}

/// Of one core.
pub(super) const SHARE: f64 = 0.03;
/// So much time to draw can be saved up: a whole screen on a slow board.
pub(super) const MOST_SAVED: Duration = Duration::from_millis(60);

impl Budget {
    /// Full at `now`.
    pub(super) fn new(share: f64, most: Duration, now: Duration) -> Self {
        let most_s = most.as_secs_f64();
        Self { share, most_s, saved_s: most_s, at: now }
    }

    /// How long to wait until the next drawing; zero when it may begin.
    pub(super) fn wait(&mut self, now: Duration) -> Duration {
        self.earn(now);
        if self.saved_s > 0.0 {
            return Duration::ZERO;
        }
        // A little more, so that the wait does not end a rounding too early.
        Duration::from_secs_f64((-self.saved_s / self.share).min(3_600.0))
            + Duration::from_micros(1)
    }

    /// Notes what a drawing took.
    pub(super) fn spend(&mut self, took: Duration, now: Duration) {
        self.earn(now);
        self.saved_s -= took.as_secs_f64();
    }

    fn earn(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.saved_s = (self.saved_s + passed * self.share).min(self.most_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn drawings_of_any_cost_stay_within_the_share() {
        for cost in [1, 10, 50, 400] {
            let mut budget = Budget::new(0.03, ms(60), ms(0));
            let (mut now, mut spent) = (ms(0), ms(0));
            while now < ms(200_000) {
                let wait = budget.wait(now);
                if wait.is_zero() {
                    spent += ms(cost);
                    now += ms(cost);
                    budget.spend(ms(cost), now);
                } else {
                    now += wait;
                }
            }
            let most = 0.03 * now.as_secs_f64() + 0.06 + ms(cost).as_secs_f64();
            assert!(spent.as_secs_f64() <= most, "{cost}: {spent:?} of {now:?}");
            assert!(spent.as_secs_f64() >= 0.02 * now.as_secs_f64(), "{cost}: {spent:?}");
        }
    }

    #[test]
    fn a_part_a_second_at_ten_milliseconds_is_never_kept_waiting() {
        let mut budget = Budget::new(0.03, ms(60), ms(0));
        for second in 0..1_000 {
            assert_eq!(budget.wait(ms(1_000 * second)), Duration::ZERO);
            budget.spend(ms(10), ms(1_000 * second + 10));
        }
    }

    #[test]
    fn a_clock_that_goes_backwards_earns_nothing_and_does_not_panic() {
        let mut budget = Budget::new(0.03, ms(60), ms(5_000));
        budget.spend(ms(100), ms(10));
        assert!(budget.wait(ms(0)) > ms(1_000));
    }
}
