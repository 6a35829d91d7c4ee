//! A camera that stopped delivering without saying so: driver and device are there, and no frame comes.

/// Parts without a frame after which a camera is opened again.
pub(super) const MOST_PARTS: u64 = 3;
/// Waits without a frame after which one that nobody triggers is.
pub(super) const MOST_WAITS: u32 = 3;

/// Counts what passed without a frame; told of frames and of waits that ended without one.
#[derive(Debug)]
pub(super) struct Silence {
    /// What makes a frame of this camera.
    cause: Cause,
    /// From a trigger to the last moment at which its frame may come.
    grace_ns: i64,
    /// Triggers when a frame came last.
    triggers: u64,
    /// Triggers there were at a moment, which have their frames after the grace.
    sample: Option<(i64, u64)>,
    waits: u32,
}

/// When a frame is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// For each part; a camera that is triggered by hardware has nothing to give while the line stands.
    Parts,
    /// All the time.
    Time,
}

impl Silence {
    pub(super) fn new(cause: Cause, grace_ns: i64) -> Self {
        Self { cause, grace_ns, triggers: 0, sample: None, waits: 0 }
    }

    /// It was opened, or delivered a frame, after so many triggers.
    pub(super) fn broken(&mut self, triggers: u64) {
        (self.triggers, self.sample, self.waits) = (triggers, None, 0);
    }

    /// A wait ended without a frame; why it is to be opened again, if it is.
    pub(super) fn waited(&mut self, now_ns: i64, triggers: u64) -> Option<String> {
        self.waits = self.waits.saturating_add(1);
        match self.cause {
            Cause::Time if self.waits >= MOST_WAITS => {
                Some(format!("no frame for {} waits (limit {MOST_WAITS}); it hangs", self.waits))
            }
            Cause::Time => None,
            Cause::Parts => self.unseen(now_ns, triggers).map(|parts| {
                format!("no frame of the last {parts} parts (limit {MOST_PARTS}); is its trigger connected?")
            }),
        }
    }

    /// Parts whose frames should have come, if they are too many.
    fn unseen(&mut self, now_ns: i64, triggers: u64) -> Option<u64> {
        let (at_ns, then) = *self.sample.get_or_insert((now_ns, triggers));
        // A clock that went back begins anew.
        if now_ns < at_ns {
            self.sample = None;
            return None;
        }
        if now_ns - at_ns < self.grace_ns {
            return None;
        }
        self.sample = Some((now_ns, triggers));
        let parts = then.saturating_sub(self.triggers);
        (parts >= MOST_PARTS).then_some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: i64 = 100;

    #[test]
    fn a_line_that_stands_is_no_reason() {
        let mut silence = Silence::new(Cause::Parts, GRACE);
        silence.broken(7);
        assert!((0..1_000).all(|wait| silence.waited(wait * GRACE, 7).is_none()));
        // Two parts are not enough, whatever the time.
        assert!((1_000..2_000).all(|wait| silence.waited(wait * GRACE, 9).is_none()));
    }

    #[test]
    fn three_parts_count_once_their_frames_should_have_come() {
        let mut silence = Silence::new(Cause::Parts, GRACE);
        silence.broken(0);
        assert_eq!(silence.waited(0, 0), None);
        assert_eq!(silence.waited(100, 3), None, "they came just now");
        assert_eq!(silence.waited(150, 3), None);
        let reason = silence.waited(200, 4);
        assert!(reason.is_some_and(|reason| reason.starts_with("no frame of the last 3 parts")));
        silence.broken(4);
        assert_eq!(silence.waited(400, 6), None);
        assert_eq!(silence.waited(600, 6), None);
    }

    #[test]
    fn a_camera_that_runs_freely_is_given_three_waits() {
        let mut silence = Silence::new(Cause::Time, GRACE);
        assert!((0..2).all(|wait| silence.waited(wait, 0).is_none()));
        silence.broken(0);
        assert!((0..2).all(|wait| silence.waited(wait, 0).is_none()));
        assert!(silence.waited(2, 0).is_some());
    }
}
