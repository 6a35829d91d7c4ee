use crate::capture::Error;

// Of `videodev2.h`; the documentation's page "Buffers" lists them under "Buffer Flags".
const TIMESTAMP_MASK: u32 = 0x0000_e000;
const TIMESTAMP_MONOTONIC: u32 = 0x0000_2000;
const TSTAMP_SRC_MASK: u32 = 0x0007_0000;
const TSTAMP_SRC_SOE: u32 = 0x0001_0000;

/// What happened at the time of a stamp (`V4L2_BUF_FLAG_TSTAMP_SRC_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampSource {
    /// The exposure began.
    StartOfExposure,
    /// The last pixel was received; also what drivers mean that say nothing.
    EndOfFrame,
}

/// When a frame was taken, by its driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Nanoseconds of CLOCK_MONOTONIC.
    pub ns: i64,
    /// What happened then.
    pub source: StampSource,
}

impl Stamp {
    /// A stamp at the start of exposure.
    pub fn start_of_exposure(ns: i64) -> Self {
        Self { ns, source: StampSource::StartOfExposure }
    }

    /// The stamp of a frame that was there at this time: it ended before, by how much is not known.
    pub fn of_arrival(ns: i64) -> Self {
        Self { ns, source: StampSource::EndOfFrame }
    }

    /// The stamp of a dequeued buffer: its flags and its `timeval`; `origin` names the device.
    ///
    /// # Errors
    /// [`Error::ForeignClock`] unless the flags say CLOCK_MONOTONIC: other times cannot be
    /// compared with those of triggers.
    pub fn of_buffer(flags: u32, timeval: (i64, i64), origin: &str) -> Result<Self, Error> {
        let clock = flags & TIMESTAMP_MASK;
        if clock != TIMESTAMP_MONOTONIC {
            return Err(Error::ForeignClock { origin: origin.to_owned(), clock });
        }
        let source = match flags & TSTAMP_SRC_MASK {
            TSTAMP_SRC_SOE => StampSource::StartOfExposure,
            _ => StampSource::EndOfFrame,
        };
        let (seconds, microseconds) = timeval;
        let ns = seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(microseconds.saturating_mul(1_000));
        Ok(Self { ns, source })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn flags_say_clock_and_moment() {
        // Further flags (mapped, done, timecode) change nothing.
        let stamp = |flags: u32| Stamp::of_buffer(flags | 0x0107, (12, 345_678), "cam").unwrap();
        let ns = 12_345_678_000;
        assert_eq!(stamp(0x2000), Stamp { ns, source: StampSource::EndOfFrame });
        assert_eq!(stamp(0x1_2000), Stamp { ns, source: StampSource::StartOfExposure });
    }

    #[test]
    fn an_unknown_clock_is_refused() {
        for clock in [0, 0x4000_u32] {
            let error = Stamp::of_buffer(clock | 0x1_0000, (1, 0), "cam").unwrap_err();
            assert!(error.to_string().starts_with(&format!("cam: timestamps of clock {clock:#x}")));
        }
    }

    #[test]
    fn no_timeval_overflows() {
        let stamp = Stamp::of_buffer(0x2000, (i64::MAX, i64::MAX), "cam").unwrap();
        assert_eq!(stamp.ns, i64::MAX);
    }
}
