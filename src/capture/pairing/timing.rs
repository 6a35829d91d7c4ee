use crate::capture::{Stamp, StampSource};

/// How many cameras can be paired.
pub(super) const CAMERAS: usize = 2;

/// One look at a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The camera, 0 or 1; others have no frames.
    pub camera: usize,
    /// From the trigger to the earliest exposure; 0 or more.
    pub delay_ns: i64,
}

/// What to do with a second frame in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InWindow {
    /// Each part is exposed once: a second frame means a false trigger somewhere, and the part is
    /// not inspected. Parts leave when their windows are over.
    #[default]
    One,
    /// The camera runs free and any frame in the window shows the part: the first is taken, and
    /// parts leave as soon as it is there.
    First,
}

/// How the timestamps of one camera become times of exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CameraTiming {
    /// Added to every timestamp: what the board's driver is off by.
    pub offset_ns: i64,
    /// From the start of exposure to the last pixel; taken off stamps of the end of a frame.
    pub frame_ns: i64,
}

/// When frames of a part are expected, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The look at the reference; `None` where a golden frame is the reference.
    pub reference: Option<View>,
    /// The look at the part under test.
    pub test: View,
    /// The length of every window.
    pub window_ns: i64,
    /// What a second frame means.
    pub in_window: InWindow,
    /// By camera.
    pub cameras: [CameraTiming; CAMERAS],
    /// The longest from a trigger to its being told; later ones are refused.
    pub trigger_latency_ns: i64,
    /// The longest from an exposure to its frame being told; later ones are counted.
    pub frame_latency_ns: i64,
}

/// The times from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
}

impl Timing {
    /// When the exposure of a frame of this camera began; cameras that are not there have no
    /// correction.
    pub fn exposure_ns(&self, camera: usize, stamp: Stamp) -> i64 {
        let CameraTiming { offset_ns, frame_ns } =
            self.cameras.get(camera).copied().unwrap_or_default();
        let frame_ns = match stamp.source {
            StampSource::StartOfExposure => 0,
            StampSource::EndOfFrame => frame_ns,
        };
        stamp.ns.saturating_add(offset_ns).saturating_sub(frame_ns)
    }

    /// The views that can have frames: a part with one of a third camera never has all of them.
    pub(super) fn views(&self) -> impl Iterator<Item = View> {
        self.reference.into_iter().chain([self.test]).filter(|view| view.camera < CAMERAS)
    }

    pub(super) fn views_of(&self, camera: usize) -> impl Iterator<Item = View> {
        self.views().filter(move |view| view.camera == camera)
    }

    pub(super) fn span(&self, view: View, trigger_ns: i64) -> Span {
        let from_ns = trigger_ns.saturating_add(view.delay_ns);
        Span { from_ns, to_ns: from_ns.saturating_add(self.window_ns) }
    }

    /// The first time at which every trigger that could claim this exposure has been told.
    pub(super) fn claimed_ns(&self, camera: usize, exposure_ns: i64) -> i64 {
        let shortest = self.views_of(camera).map(|view| view.delay_ns).min().unwrap_or(i64::MAX);
        exposure_ns.saturating_sub(shortest).saturating_add(self.trigger_latency_ns)
    }

    /// The end of the last window of a part.
    pub(super) fn end_ns(&self, trigger_ns: i64) -> i64 {
        self.views().map(|view| self.span(view, trigger_ns).to_ns).max().unwrap_or(trigger_ns)
    }
}

impl Span {
    pub(super) fn contains(&self, at_ns: i64) -> bool {
        (self.from_ns..=self.to_ns).contains(&at_ns)
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.from_ns <= other.to_ns && other.from_ns <= self.to_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_of_a_frames_end_loses_the_frames_length() {
        let camera = CameraTiming { offset_ns: -3, frame_ns: 20 };
        let timing = Timing {
            reference: None,
            test: View { camera: 1, delay_ns: 0 },
            window_ns: 1,
            in_window: InWindow::One,
            cameras: [CameraTiming::default(), camera],
            trigger_latency_ns: 0,
            frame_latency_ns: 0,
        };
        let end = Stamp { ns: 100, source: StampSource::EndOfFrame };
        assert_eq!(timing.exposure_ns(1, Stamp::start_of_exposure(100)), 97);
        assert_eq!(timing.exposure_ns(1, end), 77);
        assert_eq!(timing.exposure_ns(0, end), 100);
        assert_eq!(timing.exposure_ns(9, end), 100);
    }

    #[test]
    fn both_ends_of_a_window_belong_to_it() {
        let span = Span { from_ns: 5, to_ns: 9 };
        assert!(span.contains(5) && span.contains(9) && !span.contains(4) && !span.contains(10));
        assert!(span.overlaps(&Span { from_ns: 9, to_ns: 20 }));
        assert!(!span.overlaps(&Span { from_ns: 10, to_ns: 20 }));
    }
}
