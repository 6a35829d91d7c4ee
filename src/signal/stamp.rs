//! Kernel timestamps of edges as nanoseconds of CLOCK_MONOTONIC.

/// The clock that edge timestamps are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StampClock {
    /// CLOCK_MONOTONIC.
    Monotonic,
    /// CLOCK_REALTIME: version 1 of the interface before Linux 5.7.
    Realtime,
}

/// What both clocks show at one moment, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) monotonic_ns: i64,
    pub(super) realtime_ns: i64,
}

impl StampClock {
    /// The clock of an interface version on a kernel of this release, such as `4.9.337-tegra`.
    ///
    /// Source: Linux commit f8850206e160 ("gpio: remove hardcoded realtime clock"), first in 5.7.
    /// A release that cannot be read is taken for an old one only if its major number is.
    pub(super) fn of(is_version_1: bool, release: &str) -> Self {
        let mut numbers = release
            .split(|digit: char| !digit.is_ascii_digit())
            .map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if is_version_1 && version < (5, 7) { Self::Realtime } else { Self::Monotonic }
    }

    /// A stamp of this clock as a time of CLOCK_MONOTONIC, `now` being shortly after it.
    ///
    /// A realtime clock that was set between the edge and now moves the result by as much, which
    /// pairing sees as a trigger too late or in the future.
    pub(super) fn to_monotonic(self, stamp_ns: u64, now: Moment) -> i64 {
        let stamp_ns = i64::try_from(stamp_ns).unwrap_or(i64::MAX);
        match self {
            Self::Monotonic => stamp_ns,
            Self::Realtime => {
                now.monotonic_ns.saturating_sub(now.realtime_ns.saturating_sub(stamp_ns))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_1_of_old_kernels_counts_real_time() {
        for (is_version_1, release, expected) in [
            (true, "4.9.337-tegra", StampClock::Realtime),
            (true, "5.6.19", StampClock::Realtime),
            (true, "5.7.0", StampClock::Monotonic),
            (true, "5.10.104-tegra", StampClock::Monotonic),
            (false, "4.9.337-tegra", StampClock::Monotonic),
            (true, "6.12-rc1", StampClock::Monotonic),
            (true, "", StampClock::Realtime),
        ] {
            assert_eq!(StampClock::of(is_version_1, release), expected, "{release}");
        }
    }

    #[test]
    fn a_real_time_stamp_becomes_as_old_as_it_was() {
        let now = Moment { monotonic_ns: 5_000, realtime_ns: 1_700_000_000_000_005_000 };
        let stamp = 1_700_000_000_000_004_100;
        assert_eq!(StampClock::Realtime.to_monotonic(stamp, now), 4_100);
        assert_eq!(StampClock::Monotonic.to_monotonic(4_100, now), 4_100);
    }

    #[test]
    fn no_stamp_overflows() {
        let now = Moment { monotonic_ns: i64::MAX, realtime_ns: i64::MIN };
        assert_eq!(StampClock::Monotonic.to_monotonic(u64::MAX, now), i64::MAX);
        StampClock::Realtime.to_monotonic(u64::MAX, now);
    }
}
