use crate::capture::Stamp;

/// A part that passed the trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    /// The number it is known by from here to the ejector.
    pub number: u64,
    /// When it triggered, CLOCK_MONOTONIC.
    pub ns: i64,
}

/// A frame that arrived, `P` being its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting<P> {
    /// The driver's sequence number.
    pub sequence: u32,
    /// The driver's timestamp.
    pub stamp: Stamp,
    /// The pixels; `None` when they are damaged: the frame still occupies its place.
    pub content: Option<P>,
}

/// A frame that belongs to a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposed<P> {
    /// When its exposure began.
    pub exposure_ns: i64,
    /// The driver's sequence number.
    pub sequence: u32,
    /// The pixels.
    pub content: P,
}

/// The frames of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frames<P> {
    /// The reference; `None` where a golden frame is the reference.
    pub reference: Option<Exposed<P>>,
    /// The part under test.
    pub test: Exposed<P>,
}

/// A part that leaves, with the one outcome it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<P> {
    /// Its number and time.
    pub trigger: Trigger,
    /// Its frames, or why it cannot be inspected.
    pub outcome: Result<Frames<P>, Unpaired>,
}

/// Why the frames of a part are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unpaired {
    /// The window passed without a frame.
    #[error("camera {camera}: no frame in the part's window")]
    NoFrame {
        /// The camera, 0 or 1.
        camera: usize,
    },
    /// More frames than exposures.
    #[error("camera {camera}: two frames in the part's window")]
    TwoFrames {
        /// The camera.
        camera: usize,
    },
    /// The frame could show another part just as well.
    #[error("camera {camera}: a frame lies in the windows of two parts; they are too close")]
    Ambiguous {
        /// The camera.
        camera: usize,
    },
    /// The frame is known and its pixels are not sound.
    #[error("camera {camera}: the part's frame is damaged")]
    Damaged {
        /// The camera.
        camera: usize,
    },
    /// What could have been the part's frame was pushed out, or is not known any more.
    #[error("camera {camera}: frames of the part's window were lost to overload")]
    FramesLost {
        /// The camera.
        camera: usize,
    },
    /// More parts in flight than are held.
    #[error("more than {limit} parts are waiting for their frames")]
    TooManyParts {
        /// How many are held.
        limit: usize,
    },
    /// The trigger was told so late that its frames may have gone.
    #[error("the trigger was told {late_ms} ms late")]
    LateTrigger {
        /// From the trigger to its being told.
        late_ms: i64,
    },
    /// Times cannot be compared.
    #[error("a clock went backwards or ahead; capture must be restarted")]
    ClockJump,
}
