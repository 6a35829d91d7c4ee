//! Capture: frames from cameras and files, and which of them belong to which part.
//!
//! Owns the pixel formats of V4L2 and their conversion to luma, [`FrameSource`] with its
//! implementations (V4L2 cameras, files, and a wrapper that fails on purpose), the back-off between attempts to
//! open a camera again, and [`Pairing`]: a pure function of triggers, frames and time that gives
//! each part exactly one outcome. All times are nanoseconds of CLOCK_MONOTONIC.
//!
//! It inspects nothing, and decides nothing about a part but whether its frames are known.

mod backoff;
mod clock;
mod config;
mod error;
mod pairing;
mod pixels;
mod source;
mod v4l2;

pub use backoff::{Backoff, BackoffLimits};
pub use clock::{Clock, MonotonicClock, VirtualClock};
pub use config::{
    CameraConfig, CaptureConfig, Controls, Mode, RawCamera, RawCapture, RawInWindow, Source,
    Timestamps,
};
pub use error::Error;
pub use pairing::{
    CameraTiming, Counts, Exposed, FRAMES, Frames, InWindow, PARTS, Pairing, Part, Sighting,
    Timing, Trigger, Unpaired, View,
};
pub use pixels::{
    Converter, FourCc, ImageLayout, LumaRange, PIXEL_FORMATS, PixelFormat, format_list, preferred,
};
pub use source::{
    Captured, FaultPlan, Faulty, FrameSource, Playlist, Replay, Stamp, StampSource, open_source,
};
pub use v4l2::{
    CameraNode, DeviceControl, DeviceCounts, V4l2, cameras, device_controls, set_device_control,
};
