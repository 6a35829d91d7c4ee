#![allow(clippy::unwrap_used)]

use super::*;

const GOLDEN: &str = r#"
mode = "golden"
delay_ms = 30
window_ms = 20

[test]
device = "/dev/v4l/by-path/platform-a"
width = 640
height = 480
rate_hz = 30
"#;

const REFERENCE: &str = r#"
[reference]
device = "/dev/v4l/by-path/platform-b"
width = 640
height = 480
rate_hz = 30
frame_offset_ms = -1.5
frame_ms = 12.25
"#;

fn read(text: &str) -> RawCapture {
    toml::from_str(text).unwrap()
}

fn two_cameras() -> String {
    GOLDEN.replace("golden", "two-cameras") + REFERENCE
}

/// The golden station with one line exchanged, or added at the start or end.
fn message(from: &str, to: &str) -> String {
    let text = if from == "<" { format!("{to}\n{GOLDEN}") } else { GOLDEN.replace(from, to) };
    assert_ne!(text, GOLDEN);
    read(&text).validate().unwrap_err().to_string()
}

#[test]
fn a_golden_station_has_one_view_of_one_camera() {
    let config = read(GOLDEN).validate().unwrap();
    assert_eq!(config.timing.reference, None);
    assert_eq!(config.timing.test, View { camera: 0, delay_ns: 30_000_000 });
    assert_eq!(config.timing.window_ns, 20_000_000);
    assert_eq!(config.timing.in_window, InWindow::One);
    assert_eq!(config.timeout, Duration::from_millis(500));
    assert_eq!((config.cameras.len(), config.cameras[0].period_ns), (1, 33_333_333));
    assert_eq!(config.cameras[0].formats[0].to_string(), "GREY");
}

#[test]
fn two_cameras_have_a_view_each_and_corrections_of_their_own() {
    let config = read(&two_cameras()).validate().unwrap();
    assert_eq!(config.timing.reference, Some(View { camera: 1, delay_ns: 30_000_000 }));
    let correction = CameraTiming { offset_ns: -1_500_000, frame_ns: 12_250_000 };
    assert_eq!(config.timing.cameras, [CameraTiming::default(), correction]);
    let path = PathBuf::from("/dev/v4l/by-path/platform-b");
    assert_eq!(config.cameras[1].source, Source::Device(path));
}

#[test]
fn one_camera_twice_has_two_views_of_one_camera() {
    let text = GOLDEN.replace("golden\"", "twice\"\nreference_delay_ms = 80");
    let config = read(&text).validate().unwrap();
    assert_eq!(config.timing.reference, Some(View { camera: 0, delay_ns: 80_000_000 }));
    assert_eq!(config.cameras.len(), 1);
}

#[test]
fn values_out_of_range_name_key_and_range() {
    for (from, to, says) in [
        ("delay_ms = 30", "delay_ms = -1", "capture.delay_ms = -1: from 0 to 60000"),
        ("delay_ms = 30", "delay_ms = nan", "capture.delay_ms = NaN: from 0"),
        ("window_ms = 20", "window_ms = 0", "capture.window_ms = 0: from 0.1 to 10000"),
        ("<", "trigger_latency_ms = 1e9", "capture.trigger_latency_ms = 1000000000: from 0"),
        ("<", "frame_latency_ms = -0.1", "capture.frame_latency_ms = -0.1: from 0 to 10000"),
        ("<", "timeout_ms = 9", "capture.timeout_ms = 9: from 10 to 60000"),
        ("width = 640", "width = 1", "capture.test.width = 1: from 2 to 16384"),
        ("height = 480", "height = 16385", "capture.test.height = 16385: from 2 to 16384"),
        ("= 640\nheight = 480", "= 9999\nheight = 9999", "9999 (height = 9999): at most 67108864"),
        ("rate_hz = 30", "rate_hz = 0", "capture.test.rate_hz = 0: from 0.1 to 1000"),
        ("rate_hz = 30", "rate_hz = inf", "capture.test.rate_hz = inf: from 0.1 to 1000"),
        (
            "rate_hz = 30",
            "rate_hz = 30\nframe_offset_ms = 1001",
            "capture.test.frame_offset_ms = 1001: from -1000 to 1000",
        ),
        ("rate_hz = 30", "rate_hz = 30\nframe_ms = -1", "capture.test.frame_ms = -1: from 0"),
        ("rate_hz = 30", "rate_hz = 30\nsample_bits = 7", "capture.test.sample_bits = 7: from 8"),
        ("rate_hz = 30", "rate_hz = 30\nformats = []", "formats = nothing: at least one FourCC"),
        ("rate_hz = 30", "rate_hz = 30\nformats = [\"GREY\", \"GREY\"]", "GREY once"),
        ("rate_hz = 30", "rate_hz = 30\nformats = [\"H264\"]", "format H264 is not supported; "),
        (
            "device = \"/dev/v4l/by-path/platform-a\"",
            "folder = \"f\"\ntimestamps = \"arrival\"",
            "capture.test.timestamps = arrival: only devices have it",
        ),
        ("/dev/v4l/by-path", "video", "device = video/platform-a: an absolute path"),
        (
            "device",
            "folder = \"f\"\ndevice",
            "capture.test.device = /dev/v4l/by-path/platform-a: only one of",
        ),
        ("device = \"/dev/v4l/by-path/platform-a\"", "", "device = nothing: a device, or else"),
    ] {
        let message = message(from, to);
        assert!(message.contains(says), "{to} gave {message}");
    }
}

#[test]
fn sections_that_do_not_fit_the_mode_are_refused() {
    let error = |text: &str| read(text).validate().unwrap_err().to_string();
    let two = two_cameras();
    for (text, says) in [
        (GOLDEN.replace("golden", "two-cameras"), "needs a [capture.reference] camera"),
        (GOLDEN.replace("golden", "twice"), "capture.mode = twice: twice needs reference_delay"),
        (two.replace("two-cameras", "golden"), "only two-cameras has a [capture.reference]"),
        (two.replace("two-cameras", "twice"), "only two-cameras has a [capture.reference]"),
        (two.replace("platform-b", "platform-a"), "another device than the test's"),
        (GOLDEN.replace("golden\"", "golden\"\nreference_delay_ms = 1"), "golden has no"),
        (
            GOLDEN.replace("golden\"", "twice\"\nreference_delay_ms = 50"),
            "capture.reference_delay_ms = 50: more than window_ms = 20 from delay_ms = 30",
        ),
    ] {
        let message = error(&text);
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn a_rate_that_would_push_frames_out_is_refused() {
    let message = message("rate_hz = 30", "rate_hz = 120");
    assert!(
        message.starts_with("capture.test.rate_hz = 120: at most 115.4, so that 16 frames hold"),
        "{message}"
    );
    let text = GOLDEN.replace("rate_hz = 30", "rate_hz = 115");
    read(&text).validate().unwrap();
}

#[test]
fn unknown_keys_modes_and_names_are_refused_with_their_line() {
    for (from, to) in [
        ("window_ms = 20", "window_us = 20"),
        ("\"golden\"", "\"three-cameras\""),
        ("rate_hz = 30", "rate_hz = 30\ntimestamps = \"guess\""),
        ("rate_hz = 30", "rate_hz = 30\nfps = 30"),
        ("rate_hz = 30", "rate_hz = 30\nformats = [\"TOOLONG\"]"),
        ("width = 640", "width = -640"),
    ] {
        let error = toml::from_str::<RawCapture>(&GOLDEN.replace(from, to)).unwrap_err();
        assert!(error.to_string().contains("line "), "{error}");
    }
}

#[test]
fn what_is_written_reads_back_equal() {
    let raw = read(&two_cameras());
    assert_eq!(toml::from_str::<RawCapture>(&toml::to_string(&raw).unwrap()).unwrap(), raw);
}

#[test]
fn only_names_by_order_are_unstable() {
    let is_stable = |path: &str| Source::Device(PathBuf::from(path)).is_stable();
    assert!(!is_stable("/dev/video0"));
    assert!(is_stable("/dev/v4l/by-path/a") && is_stable("/dev/left"));
}
