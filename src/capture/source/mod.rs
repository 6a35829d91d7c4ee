//! Sources of frames: one trait, and what implements it without a camera.
//!
//! Owns what a frame is when it arrives ([`Captured`]: sequence number, timestamp, pixels or the
//! reason there are none), lists of files played as a camera would deliver them, and a wrapper that
//! fails on purpose, by a seed.
//!
//! It knows no part and no trigger.

mod faulty;
mod open;
mod playlist;
mod replay;
mod stamp;

use std::time::Duration;

pub use faulty::{FaultPlan, Faulty};
pub use open::open_source;
pub use playlist::Playlist;
pub use replay::Replay;
pub use stamp::{Stamp, StampSource};

use super::{Controls, Error};
use crate::frame::Frame;

/// A frame as it arrives.
#[derive(Debug)]
pub struct Captured {
    /// Counts every frame the device took, delivered or not (`v4l2_buffer.sequence`): a gap is
    /// frames lost. Starts anew when the source is opened.
    pub sequence: u32,
    /// When it was taken.
    pub stamp: Stamp,
    /// The pixels, grey; or why they cannot be trusted: the frame was taken, so it still occupies
    /// its place among the others.
    pub content: Result<Frame, Error>,
}

/// A camera, or what stands in for one; frames come in the order they were taken.
pub trait FrameSource: Send {
    /// What messages call it, such as `/dev/video0`.
    fn name(&self) -> &str;

    /// Waits for the next frame, at most `timeout`; with a timeout of zero, gives a frame that is
    /// there already.
    ///
    /// # Errors
    /// [`Error::Timeout`] when there was none; what [`Error::needs_reopen`] says so of, until
    /// [`FrameSource::reopen`] succeeds; [`Error::Ended`] when there will be none again.
    fn next_frame(&mut self, timeout: Duration) -> Result<Captured, Error>;

    /// Lets go of the device and opens it again.
    ///
    /// # Errors
    /// [`Error::Disconnected`] while it is away.
    fn reopen(&mut self) -> Result<(), Error>;

    /// Sets these controls instead of those before and reads them back, now and whenever it is opened
    /// again. What is not a device has none, and takes whatever it is given.
    ///
    /// # Errors
    /// [`Error::Control`] when the device does not take one, [`Error::Disconnected`] while it is away: it
    /// is opened with these all the same.
    fn set_controls(&mut self, controls: &Controls) -> Result<(), Error> {
        let _ = controls;
        Ok(())
    }
}

impl FrameSource for Box<dyn FrameSource> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn next_frame(&mut self, timeout: Duration) -> Result<Captured, Error> {
        (**self).next_frame(timeout)
    }

    fn reopen(&mut self) -> Result<(), Error> {
        (**self).reopen()
    }

    fn set_controls(&mut self, controls: &Controls) -> Result<(), Error> {
        (**self).set_controls(controls)
    }
}

/// Nanoseconds of a duration, at most what a time can hold.
pub(in crate::capture) fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod test_camera;
#[cfg(test)]
pub(in crate::capture) use test_camera::{NumberedCamera, number_of};
