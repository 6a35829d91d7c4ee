use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    CameraTiming, Error, FRAMES, FourCc, InWindow, PixelFormat, Timing, View, format_list,
};

mod checks;
mod controls;

pub use controls::Controls;

/// Where the two frames of a part come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A camera for the reference and a camera for the test.
    TwoCameras,
    /// One camera; the reference is a golden frame of the recipe.
    Golden,
    /// One camera that sees each part twice: first the reference, then the test, or the other way.
    Twice,
}

/// What a second frame in a window means; see [`InWindow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawInWindow {
    /// The part is not inspected.
    #[default]
    One,
    /// The first is taken.
    First,
}

/// Where the time of a frame comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timestamps {
    /// The driver, which knows best.
    #[default]
    Driver,
    /// The moment at which the program gets the frame, for loopback devices: their drivers pass on
    /// whatever a program wrote.
    Arrival,
}

/// The `[capture]` section of a station, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCapture {
    /// Where the pair comes from.
    pub mode: Mode,
    /// From the trigger to the start of the window, 0 to 60,000 ms.
    pub delay_ms: f64,
    /// The same for the reference: as `delay_ms` when absent; `twice` needs it, `golden` has none.
    pub reference_delay_ms: Option<f64>,
    /// Length of the window, 0.1 to 10,000 ms; at least the jitter of trigger and exposure.
    pub window_ms: f64,
    /// What a second frame in the window means.
    #[serde(default)]
    pub frames_in_window: RawInWindow,
    /// The longest from a trigger to the program, 0 to 10,000 ms.
    #[serde(default = "default_trigger_latency_ms")]
    pub trigger_latency_ms: f64,
    /// The longest from the start of exposure to the program, 0 to 10,000 ms.
    #[serde(default = "default_frame_latency_ms")]
    pub frame_latency_ms: f64,
    /// Without a frame for so long, a source is asked whether it is still there, 10 to 60,000 ms.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: f64,
    /// The camera of the part under test.
    pub test: RawCamera,
    /// The camera of the reference; only `two-cameras` has one.
    pub reference: Option<RawCamera>,
}

/// One camera, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCamera {
    /// The device: a stable path such as `/dev/v4l/by-path/...`.
    pub device: Option<PathBuf>,
    /// Instead of a device: where it is plugged in, as `pairspec board check` lists it; for systems
    /// without stable paths.
    pub bus_info: Option<String>,
    /// Instead of a device: a folder of PNG and JPEG files, played at `rate_hz`.
    pub folder: Option<PathBuf>,
    /// Instead of a device: a manifest, whose test or reference frames are played at `rate_hz`.
    pub manifest: Option<PathBuf>,
    /// Columns, 2 to 16,384.
    pub width: u32,
    /// Rows, 2 to 16,384.
    pub height: u32,
    /// Frames a second, 0.1 to 1,000; of a triggered camera, the most it will see.
    pub rate_hz: f64,
    /// FourCC names, the best first.
    #[serde(default = "default_formats")]
    pub formats: Vec<FourCc>,
    /// Significant bits of 16-bit samples where the format's name is not the truth, 8 to 16.
    pub sample_bits: Option<u8>,
    /// Where the time of a frame comes from; folders and manifests have `driver` alone.
    #[serde(default)]
    pub timestamps: Timestamps,
    /// What this board's timestamps are off by, added to them, -1,000 to 1,000 ms.
    #[serde(default)]
    pub frame_offset_ms: f64,
    /// From the start of exposure to the last pixel, 0 to 1,000 ms; taken off where the
    /// stamp is of the end of a frame, as that of an arrival is.
    #[serde(default)]
    pub frame_ms: f64,
    /// Exposure, gain and the like; only devices have them.
    #[serde(default)]
    pub controls: Controls,
}

fn default_trigger_latency_ms() -> f64 {
    10.0
}

fn default_frame_latency_ms() -> f64 {
    100.0
}

fn default_timeout_ms() -> f64 {
    500.0
}

/// Grey first, whose bytes are luma already, then what cameras have in common.
fn default_formats() -> Vec<FourCc> {
    [
        *b"GREY", *b"Y10P", *b"Y10 ", *b"Y12P", *b"Y12 ", *b"NV12", *b"YUYV", *b"UYVY", *b"RGB3",
        *b"BGR3", *b"MJPG",
    ]
    .map(FourCc::new)
    .to_vec()
}

/// How parts are captured; every value was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptureConfig {
    /// Where the pair comes from.
    pub mode: Mode,
    /// When frames are expected.
    pub timing: Timing,
    /// How long to wait for one frame.
    pub timeout: Duration,
    /// One or two cameras, in the order of [`View::camera`]: the test's, then the reference's.
    pub cameras: Vec<CameraConfig>,
}

/// One camera; every value was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraConfig {
    /// What delivers the frames.
    pub source: Source,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// From one frame to the next, in nanoseconds.
    pub period_ns: i64,
    /// Formats to ask for, the best first; all can be converted.
    pub formats: Vec<FourCc>,
    /// For [`ImageLayout::sample_bits`](super::ImageLayout::sample_bits).
    pub sample_bits: Option<u8>,
    /// Where the time of a frame comes from.
    pub timestamps: Timestamps,
    /// What the device is set to; automatics are off.
    pub controls: Controls,
}

/// What delivers frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A V4L2 device node.
    Device(PathBuf),
    /// The V4L2 device that is plugged in there (`v4l2_capability.bus_info`).
    Bus(String),
    /// A folder of files.
    Folder(PathBuf),
    /// The test frames of a manifest.
    TestFrames(PathBuf),
    /// The reference frames of a manifest.
    ReferenceFrames(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(bus_info) => out.write_str(bus_info),
            Self::Device(path)
            | Self::Folder(path)
            | Self::TestFrames(path)
            | Self::ReferenceFrames(path) => path.display().fmt(out),
        }
    }
}

impl Source {
    /// Whether the name still means the same camera after a restart: `/dev/video0` is whichever
    /// came first.
    pub fn is_stable(&self) -> bool {
        match self {
            Self::Bus(_) | Self::Folder(_) => true,
            Self::TestFrames(_) | Self::ReferenceFrames(_) => true,
            Self::Device(path) => !path.to_string_lossy().starts_with("/dev/video"),
        }
    }
}

impl RawCapture {
    /// Checks every value against its range and the others.
    ///
    /// # Errors
    /// [`Error::BadConfig`] for the first that cannot work, with its key.
    pub fn validate(&self) -> Result<CaptureConfig, Error> {
        self.check_times()?;
        self.check_mode()?;
        let cameras = self.cameras()?;
        self.check_views_apart()?;
        self.check_held_frames()?;
        Ok(CaptureConfig {
            mode: self.mode,
            timing: self.timing(),
            timeout: Duration::from_nanos(nanoseconds(self.timeout_ms).unsigned_abs()),
            cameras,
        })
    }

    fn cameras(&self) -> Result<Vec<CameraConfig>, Error> {
        let mut cameras = vec![self.test.checked("capture.test")?];
        if let Some(reference) = &self.reference {
            cameras.push(reference.checked("capture.reference")?);
            self.check_devices_differ()?;
        }
        Ok(cameras)
    }

    fn timing(&self) -> Timing {
        let delay_ns = |ms: Option<f64>| nanoseconds(ms.unwrap_or(self.delay_ms));
        let reference_camera = usize::from(self.reference.is_some());
        let reference =
            View { camera: reference_camera, delay_ns: delay_ns(self.reference_delay_ms) };
        let correction = |camera: Option<&RawCamera>| {
            camera.map_or(CameraTiming::default(), RawCamera::correction)
        };
        Timing {
            reference: (self.mode != Mode::Golden).then_some(reference),
            test: View { camera: 0, delay_ns: delay_ns(None) },
            window_ns: nanoseconds(self.window_ms),
            in_window: match self.frames_in_window {
                RawInWindow::One => InWindow::One,
                RawInWindow::First => InWindow::First,
            },
            cameras: [correction(Some(&self.test)), correction(self.reference.as_ref())],
            trigger_latency_ns: nanoseconds(self.trigger_latency_ms),
            frame_latency_ns: nanoseconds(self.frame_latency_ms),
        }
    }
}

impl RawCamera {
    fn correction(&self) -> CameraTiming {
        let [offset_ns, frame_ns] = [self.frame_offset_ms, self.frame_ms].map(nanoseconds);
        CameraTiming { offset_ns, frame_ns }
    }

    fn checked(&self, section: &str) -> Result<CameraConfig, Error> {
        let source = self.check_source(section)?;
        self.check_size(section)?;
        self.check_numbers(section)?;
        self.check_formats(section)?;
        self.check_timestamps(section, &source)?;
        self.controls.check(section)?;
        Ok(CameraConfig {
            source,
            width: self.width,
            height: self.height,
            period_ns: nanoseconds(1_000.0 / self.rate_hz).max(1),
            formats: self.formats.clone(),
            sample_bits: self.sample_bits,
            timestamps: self.timestamps,
            controls: self.controls.clone(),
        })
    }
}

fn nanoseconds(ms: f64) -> i64 {
    (ms * 1e6).round() as i64
}

#[cfg(test)]
mod tests;
