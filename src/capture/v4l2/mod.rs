//! V4L2: cameras of the Linux kernel, streamed through mapped buffers.
//!
//! Owns the way from a device node to [`Captured`](super::Captured) frames: finding the camera by a
//! name that outlives a replug, agreeing on a format, fixing the controls, the buffers and who has
//! which, and what to do when the device goes away. The ioctls are behind one small trait, so that
//! every step runs in tests on a scripted device; the kernel's side of it is the only `unsafe`.
//!
//! It decides neither when to open a camera again nor which part a frame shows.

mod camera;
mod controls;
mod identity;
mod kernel;
mod list;
mod mapping;
mod negotiate;
mod node;
mod stream;

pub use camera::DeviceCounts;
pub use list::{CameraNode, DeviceControl, cameras, device_controls, set_device_control};

use std::time::Duration;

use super::{CameraConfig, Captured, Controls, Error, FrameSource, MonotonicClock};
use camera::Camera;
use kernel::KernelNode;

/// A V4L2 camera.
pub struct V4l2(Camera<KernelNode, MonotonicClock>);

impl V4l2 {
    /// A camera that is not opened yet: [`FrameSource::reopen`] does it, and until then there are
    /// no frames.
    ///
    /// # Errors
    /// [`Error::Unsuited`] for a configuration that names no device.
    pub fn new(config: &CameraConfig) -> Result<Self, Error> {
        let opener = identity::opener(&config.source)?;
        Ok(Self(Camera::new(config.clone(), opener, MonotonicClock)))
    }

    /// A camera that streams.
    ///
    /// # Errors
    /// Those of [`V4l2::new`] and of opening: absent, denied, in use, no camera, format or size not
    /// offered, a control that does not take its value.
    pub fn open(config: &CameraConfig) -> Result<Self, Error> {
        let mut camera = Self::new(config)?;
        camera.reopen()?;
        Ok(camera)
    }

    /// What happened since it was made.
    pub fn counts(&self) -> DeviceCounts {
        self.0.counts()
    }

    /// What the device agreed to, in words: format, size, bytes a row; `None` before it was opened.
    pub fn agreed(&self) -> Option<String> {
        self.0.agreed()
    }
}

impl FrameSource for V4l2 {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn next_frame(&mut self, timeout: Duration) -> Result<Captured, Error> {
        self.0.next_frame(timeout)
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.0.reopen()
    }

    fn set_controls(&mut self, controls: &Controls) -> Result<(), Error> {
        self.0.set_controls(controls)
    }
}

#[cfg(test)]
mod test_node;
#[cfg(test)]
mod tests;
