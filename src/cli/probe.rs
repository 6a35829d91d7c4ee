use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::common::print;
use super::{CONFORMING, MISMATCH};
use crate::capture::{
    Backoff, BackoffLimits, CameraConfig, Captured, Clock, Controls, DeviceCounts, Error, FourCc,
    FrameSource, MonotonicClock, PixelFormat, Source, Timestamps, V4l2,
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A device node, or where a camera is plugged in (`bus_info`), as `board check` lists them
    #[arg(required = true, value_name = "DEVICE|BUS_INFO")]
    cameras: Vec<String>,
    /// Frames to take from each camera
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    frames: u64,
    /// Columns and rows
    #[arg(long, value_name = "WxH", default_value = "640x480", value_parser = size)]
    size: (u32, u32),
    /// Frames a second
    #[arg(long, value_name = "HZ", default_value_t = 30.0)]
    rate: f64,
    /// Pixel formats, the best first
    #[arg(long, value_name = "FOURCC", value_delimiter = ',', value_parser = format)]
    formats: Vec<FourCc>,
    /// A control of the device by its usual name, which is set and read back; automatics are off
    #[arg(long = "control", value_name = "NAME=VALUE", value_parser = control)]
    controls: Vec<(String, i64)>,
    /// Date frames by their arrival, as a loopback device needs it
    #[arg(long)]
    arrival: bool,
    /// Give up after so long
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    seconds: u64,
}

/// Takes the frames; exit 1 when a camera gave fewer than asked for.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut cameras = Vec::new();
    for name in &arguments.cameras {
        cameras.push(V4l2::new(&config(arguments, name)?)?);
    }
    let ends = Instant::now() + Duration::from_secs(arguments.seconds);
    let probes = thread::scope(|scope| {
        let threads = cameras.into_iter().enumerate().map(|(index, camera)| {
            scope.spawn(move || probe(camera, index, (arguments.frames, ends)))
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let mut is_whole = true;
    for result in probes {
        let Ok(counts) = result else { bail!("a capture thread ended by itself") };
        is_whole &= counts?.frames >= arguments.frames;
    }
    Ok(if is_whole { CONFORMING } else { MISMATCH })
}

fn config(arguments: &Arguments, name: &str) -> anyhow::Result<CameraConfig> {
    if !(0.1..=1_000.0).contains(&arguments.rate) {
        bail!("--rate {}: from 0.1 to 1000", arguments.rate);
    }
    let default = ["GREY", "Y10", "NV12", "YUYV", "UYVY", "RGB3", "BGR3", "MJPG"];
    let formats = match arguments.formats.is_empty() {
        true => default.into_iter().filter_map(|name| format(name).ok()).collect(),
        false => arguments.formats.clone(),
    };
    Ok(CameraConfig {
        source: source(name),
        width: arguments.size.0,
        height: arguments.size.1,
        period_ns: (1e9 / arguments.rate).round() as i64,
        formats,
        sample_bits: None,
        timestamps: if arguments.arrival { Timestamps::Arrival } else { Timestamps::Driver },
        controls: Controls {
            driver: arguments.controls.iter().cloned().collect(),
            ..Controls::default()
        },
    })
}

/// A device node by its path, or by where it is plugged in.
pub(super) fn source(name: &str) -> Source {
    match name.starts_with('/') {
        true => Source::Device(PathBuf::from(name)),
        false => Source::Bus(name.to_owned()),
    }
}

/// Takes frames until there are enough or the time is over.
fn probe(
    mut camera: V4l2,
    index: usize,
    (frames, ends): (u64, Instant),
) -> anyhow::Result<DeviceCounts> {
    let clock = MonotonicClock;
    let mut backoff = Backoff::new(BackoffLimits::default());
    let mut is_open = false;
    while camera.counts().frames < frames && Instant::now() < ends {
        if !is_open {
            match camera.reopen() {
                Ok(()) => {
                    is_open = true;
                    backoff.opened(clock.now_ns());
                    let agreed = camera.agreed().unwrap_or_default();
                    tell(index, json!({ "opened": camera.name(), "agreed": agreed }))?;
                }
                Err(error) => {
                    tell(index, json!({ "error": error.to_string() }))?;
                    clock.sleep_until(backoff.failed(clock.now_ns()));
                }
            }
            continue;
        }
        match camera.next_frame(Duration::from_millis(500)) {
            Ok(captured) => tell(index, frame(&captured))?,
            Err(error) => {
                tell(index, problem(&error))?;
                if error.needs_reopen() {
                    is_open = false;
                    clock.sleep_until(backoff.failed(clock.now_ns()));
                }
            }
        }
    }
    let counts = camera.counts();
    tell(index, json!({ "counts": counts }))?;
    Ok(counts)
}

fn frame(captured: &Captured) -> Value {
    let mut line = json!({
        "sequence": captured.sequence,
        "stamp_ns": captured.stamp.ns,
        "stamp_of": format!("{:?}", captured.stamp.source),
    });
    match &captured.content {
        Ok(frame) => {
            let luma = frame.luma();
            let sum: u64 = luma.as_raw().iter().map(|level| u64::from(*level)).sum();
            line["size"] = json!([frame.width(), frame.height()]);
            line["mean"] = json!(sum as f64 / luma.as_raw().len().max(1) as f64);
        }
        Err(error) => line["unreadable"] = json!(error.to_string()),
    }
    line
}

fn problem(error: &Error) -> Value {
    if error.is_timeout() {
        return json!({ "timeout": error.to_string() });
    }
    json!({ "error": error.to_string() })
}

/// One line, in one piece: other cameras write too.
fn tell(camera: usize, mut line: Value) -> anyhow::Result<()> {
    line["camera"] = json!(camera);
    let text = format!("{line}\n");
    print(|out| out.write_all(text.as_bytes()))
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parse = || {
        let (width, height) = text.split_once('x')?;
        let size = (width.parse().ok()?, height.parse().ok()?);
        let range = 2..=16_384;
        (range.contains(&size.0) && range.contains(&size.1)).then_some(size)
    };
    parse().ok_or_else(|| "such as 640x480, from 2 to 16384 each".to_owned())
}

fn format(text: &str) -> Result<FourCc, String> {
    let name = FourCc::try_from(text.to_owned())?;
    PixelFormat::of(name).map(|format| format.fourcc()).map_err(|error| error.to_string())
}

pub(super) fn control(text: &str) -> Result<(String, i64), String> {
    let parse = || {
        let (name, value) = text.split_once('=')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    parse().ok_or_else(|| "such as brightness=10".to_owned())
}
