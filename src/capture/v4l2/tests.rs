#![allow(clippy::unwrap_used)]

use std::time::Duration;

use v4l::v4l_sys::*;

use super::camera::Camera;
use super::node::Control;
use super::test_node::{Device, MONOTONIC, MS, SIZE, Shared, Shot, TestNode};
use super::{V4l2, cameras};
use crate::capture::{
    CameraConfig, Captured, Clock, Controls, Error, FourCc, FrameSource, Source, StampSource,
    Timestamps, VirtualClock,
};

const WAIT: Duration = Duration::from_millis(50);

fn config() -> CameraConfig {
    CameraConfig {
        source: Source::Device("/dev/scripted".into()),
        width: SIZE.0,
        height: SIZE.1,
        period_ns: 10 * MS,
        formats: vec![FourCc::new(*b"GREY")],
        sample_bits: None,
        timestamps: Timestamps::Driver,
        controls: Controls::default(),
    }
}

/// A frame every 10 ms from 10 ms on, its number as its level.
fn shots(count: u8) -> impl Iterator<Item = Shot> {
    (0..count).map(|number| Shot::new(10 * MS * (i64::from(number) + 1), number))
}

fn device(shots: impl IntoIterator<Item = Shot>) -> (Shared, VirtualClock) {
    let clock = VirtualClock::default();
    (Shared::new(Device::new(&clock, shots)), clock)
}

fn unopened(shared: &Shared, clock: &VirtualClock) -> Camera<TestNode, VirtualClock> {
    Camera::new(config(), shared.opener(), clock.clone())
}

fn opened(shared: &Shared, clock: &VirtualClock) -> Camera<TestNode, VirtualClock> {
    let mut camera = unopened(shared, clock);
    camera.reopen().unwrap();
    camera
}

fn level(captured: &Captured) -> u8 {
    captured.content.as_ref().unwrap().luma().get_pixel(0, 0).0[0]
}

fn open_error(prepare: impl FnOnce(&mut Device)) -> String {
    let (shared, clock) = device([]);
    prepare(&mut shared.lock());
    unopened(&shared, &clock).reopen().unwrap_err().to_string()
}

#[test]
fn frames_come_in_order_with_sequence_and_stamp() {
    let (shared, clock) = device(shots(20));
    let mut camera = opened(&shared, &clock);
    for number in 0..20_u8 {
        let captured = camera.next_frame(WAIT).unwrap();
        assert_eq!((level(&captured), captured.sequence), (number, number.into()));
        assert_eq!(captured.stamp.ns, 10 * MS * (i64::from(number) + 1));
        assert_eq!(captured.stamp.source, StampSource::EndOfFrame);
    }
    assert_eq!(camera.counts().frames, 20);
    assert_eq!(shared.lock().violations, [""; 0]);
    assert_eq!(camera.agreed().unwrap(), "GREY 4x2, 4 bytes a row, Limited range");
}

#[test]
fn a_timeout_hands_nothing_over_and_the_stream_goes_on() {
    let (shared, clock) = device([Shot::new(500 * MS, 7)]);
    let mut camera = opened(&shared, &clock);
    for _ in 0..5 {
        assert!(camera.next_frame(WAIT).unwrap_err().is_timeout());
    }
    assert_eq!(clock.now_ns(), 250 * MS);
    assert!(camera.next_frame(Duration::ZERO).unwrap_err().is_timeout());
    assert_eq!(level(&camera.next_frame(Duration::from_secs(1)).unwrap()), 7);
    assert_eq!((camera.counts().timeouts, shared.lock().violations.len()), (6, 0));
}

#[test]
fn a_buffer_with_the_error_flag_is_a_bad_frame_in_its_place() {
    let mut bad = Shot::new(10 * MS, 1);
    bad.flags |= V4L2_BUF_FLAG_ERROR;
    let (shared, clock) = device([bad, Shot::new(20 * MS, 2)]);
    let mut camera = opened(&shared, &clock);
    let captured = camera.next_frame(WAIT).unwrap();
    assert!(matches!(captured.content, Err(Error::Flagged { sequence: 0, .. })));
    assert_eq!(level(&camera.next_frame(WAIT).unwrap()), 2);
    assert_eq!((camera.counts().flagged, camera.counts().frames), (1, 2));
}

#[test]
fn bytes_that_are_not_used_are_not_read() {
    for (bytes_used, is_whole) in [(8, true), (7, false), (0, false), (u32::MAX, true)] {
        let shot = Shot { bytes_used, ..Shot::new(10 * MS, 9) };
        let (shared, clock) = device([shot]);
        let captured = opened(&shared, &clock).next_frame(WAIT).unwrap();
        assert_eq!(captured.content.is_ok(), is_whole, "{bytes_used}");
    }
}

#[test]
fn a_reader_too_slow_gets_the_newest_and_the_driver_its_buffers_back() {
    let (shared, clock) = device(shots(20));
    let mut camera = opened(&shared, &clock);
    // Frames 0 to 3 fill the four buffers, 4 to 6 have none.
    clock.set(75 * MS);
    let captured = camera.next_frame(WAIT).unwrap();
    assert_eq!((level(&captured), camera.counts().stale), (3, 3));
    let captured = camera.next_frame(WAIT).unwrap();
    assert_eq!((captured.sequence, captured.stamp.ns), (7, 80 * MS));
    assert_eq!(camera.counts().lost, 3);
}

#[test]
fn what_waits_while_there_are_buffers_is_all_given_out() {
    let (shared, clock) = device(shots(20));
    let mut camera = opened(&shared, &clock);
    clock.set(35 * MS);
    for number in 0..3 {
        assert_eq!(level(&camera.next_frame(Duration::ZERO).unwrap()), number);
    }
    assert_eq!((camera.counts().stale, camera.counts().lost), (0, 0));
}

#[test]
fn a_camera_that_went_away_is_let_go_and_comes_back() {
    let (shared, clock) = device(shots(100));
    let mut camera = opened(&shared, &clock);
    camera.next_frame(WAIT).unwrap();
    shared.lock().away_ns = (15 * MS, 100 * MS);
    for _ in 0..3 {
        let error = camera.next_frame(WAIT).unwrap_err();
        assert!(error.needs_reopen(), "{error}");
    }
    // While it is held, it cannot come back.
    assert!(!shared.lock().is_open);
    assert!(camera.reopen().unwrap_err().needs_reopen());
    clock.set(101 * MS);
    camera.reopen().unwrap();
    let captured = camera.next_frame(WAIT).unwrap();
    assert_eq!((level(&captured), captured.sequence), (10, 0));
    let counts = camera.counts();
    assert_eq!((counts.disconnects, counts.opened, counts.lost), (1, 2, 0));
    assert_eq!(shared.lock().violations, [""; 0]);
}

#[test]
fn an_open_camera_may_be_opened_again() {
    let (shared, clock) = device(shots(9));
    let mut camera = opened(&shared, &clock);
    camera.reopen().unwrap();
    assert_eq!(level(&camera.next_frame(WAIT).unwrap()), 0);
}

#[test]
fn another_size_or_row_length_after_reopening_is_refused_until_the_first_is_back() {
    let (shared, clock) = device(shots(20));
    let mut camera = opened(&shared, &clock);
    shared.lock().size = (8, 2);
    let message = camera.reopen().unwrap_err().to_string();
    assert!(message.contains("GREY 4x2 was asked for and GREY 8x2 given"), "{message}");
    shared.lock().size = SIZE;
    shared.lock().stride = 16;
    let message = camera.reopen().unwrap_err().to_string();
    assert!(message.contains("delivers GREY 4x2, 16 bytes a row"), "{message}");
    assert!(camera.next_frame(WAIT).unwrap_err().needs_reopen());
    shared.lock().stride = SIZE.0;
    camera.reopen().unwrap();
    camera.next_frame(WAIT).unwrap();
}

#[test]
fn what_the_device_does_not_offer_is_refused_with_what_it_does() {
    let message = open_error(|device| device.formats = vec![FourCc::new(*b"H264")]);
    assert_eq!(message, "/dev/scripted: offers H264, none of which is wanted (GREY)");
    let message = open_error(|device| device.size = (6, 4));
    assert!(message.ends_with("GREY 6x4 given; offered are 6x4"), "{message}");
    let message = open_error(|device| device.stride = 3);
    assert!(message.contains("3 bytes a row"), "{message}");
    let message = open_error(|device| device.buffers_made = 1);
    assert!(message.contains("makes 1 buffers"), "{message}");
    let message = open_error(|device| device.identity.capabilities = V4L2_CAP_STREAMING);
    assert!(message.contains("captures no video"), "{message}");
}

#[test]
fn timestamps_of_another_clock_are_refused_and_their_buffer_goes_back() {
    let foreign =
        (1..9).map(|ms| Shot { flags: V4L2_BUF_FLAG_TIMESTAMP_COPY, ..Shot::new(ms * MS, 1) });
    let (shared, clock) = device(foreign.chain([Shot::new(20 * MS, 2)]));
    let mut camera = opened(&shared, &clock);
    for _ in 0..8 {
        let error = camera.next_frame(WAIT).unwrap_err();
        assert!(matches!(error, Error::ForeignClock { .. }), "{error}");
    }
    assert_eq!(level(&camera.next_frame(WAIT).unwrap()), 2);
    assert_eq!(camera.counts().foreign_clock, 8);
}

#[test]
fn a_loopback_device_gives_frames_with_the_time_of_their_arrival() {
    // What GStreamer wrote into the buffers means nothing here.
    let foreign = shots(9).map(|shot| Shot { flags: V4L2_BUF_FLAG_TIMESTAMP_COPY, ..shot });
    let (shared, clock) = device(foreign);
    let config = CameraConfig { timestamps: Timestamps::Arrival, ..config() };
    let mut camera = Camera::new(config, shared.opener(), clock.clone());
    camera.reopen().unwrap();
    for number in 0..3 {
        let captured = camera.next_frame(WAIT).unwrap();
        assert_eq!((level(&captured), captured.stamp.ns), (number, clock.now_ns()));
        assert_eq!(captured.stamp.source, StampSource::EndOfFrame);
    }
    // Frames 3 and 4 have waited: the time of the older one is not known, so nobody gets it.
    clock.set(55 * MS);
    let captured = camera.next_frame(WAIT).unwrap();
    assert_eq!((level(&captured), captured.stamp.ns), (4, 55 * MS));
    assert_eq!((camera.counts().stale, camera.counts().foreign_clock), (1, 0));
    assert_eq!(level(&camera.next_frame(WAIT).unwrap()), 5);
    assert_eq!(shared.lock().violations, [""; 0]);
}

#[test]
fn start_of_exposure_is_told_from_end_of_frame() {
    let flags = MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
    let (shared, clock) = device([Shot { flags, ..Shot::new(MS, 1) }]);
    let captured = opened(&shared, &clock).next_frame(WAIT).unwrap();
    assert_eq!(captured.stamp.source, StampSource::StartOfExposure);
}

#[test]
fn a_device_that_cries_wolf_is_not_asked_without_end() {
    let (shared, clock) = device([]);
    shared.lock().cries_wolf = true;
    let mut camera = opened(&shared, &clock);
    assert!(camera.next_frame(WAIT).unwrap_err().is_timeout());
    let waits = shared.lock().waits;
    assert!((1..=51).contains(&waits), "{waits} waits");
}

/// Whatever call fails and however, nothing panics, no rule of the kernel is broken, and once it
/// works again so does the camera.
#[test]
fn every_call_may_fail_once() {
    let failures = [libc::EIO, libc::ENODEV, libc::EINVAL, libc::EBUSY, libc::EPIPE];
    for code in failures {
        let mut number = 0;
        loop {
            number += 1;
            let (shared, clock) = device(shots(200));
            let mut camera = unopened(&shared, &clock);
            shared.lock().fails = Some((number, code));
            let mut frames = 0;
            let mut errors = 0;
            camera.reopen().unwrap_or_else(|_| errors += 1);
            while frames < 6 {
                match camera.next_frame(WAIT) {
                    Ok(captured) => {
                        captured.content.unwrap();
                        frames += 1;
                    }
                    Err(error) => {
                        assert!(error.needs_reopen(), "call {number}, {code}: {error}");
                        errors += 1;
                        camera.reopen().unwrap();
                    }
                }
            }
            assert_eq!(shared.lock().violations, [""; 0], "call {number}, {code}");
            let calls = shared.lock().calls;
            if calls < number {
                assert_eq!(errors, 0);
                break;
            }
            // Of the last buffer's way back the next call would tell.
            let noticed = errors + camera.counts().disconnects;
            assert!(noticed >= 1 && errors <= 2, "call {number}, {code}: {errors} errors");
        }
        assert!(number > 20, "{number} calls");
    }
}

#[test]
fn dropping_a_camera_whose_device_refuses_to_stop_does_not_panic() {
    let (shared, clock) = device(shots(3));
    let mut camera = opened(&shared, &clock);
    camera.next_frame(WAIT).unwrap();
    let next = shared.lock().calls + 1;
    shared.lock().fails = Some((next, libc::EINVAL));
    drop(camera);
    assert!(!shared.lock().is_open);
}

fn control(id: u32, name: &str, (minimum, maximum, step): (i64, i64, u64)) -> Control {
    let (name, flags, is_wide) = (name.to_owned(), 0, false);
    Control { id, name, minimum, maximum, step, flags, is_wide }
}

/// An automatic, what it governs, and one more, each with a value of its own.
fn with_controls(shared: &Shared) {
    shared.lock().controls = vec![
        (control(V4L2_CID_EXPOSURE_AUTO, "auto_exposure", (0, 3, 1)), 3),
        (control(V4L2_CID_EXPOSURE_ABSOLUTE, "exposure_time_absolute", (1, 5_000, 1)), 156),
        (control(V4L2_CID_AUTOGAIN, "gain_automatic", (0, 1, 1)), 1),
        (control(V4L2_CID_ANALOGUE_GAIN, "analogue_gain", (16, 96, 16)), 16),
        (control(0x0098_0900, "brightness", (-64, 64, 1)), 0),
    ];
}

fn controlled(text: &str, prepare: impl FnOnce(&Shared)) -> Result<Vec<i64>, String> {
    let (shared, clock) = device(shots(3));
    with_controls(&shared);
    prepare(&shared);
    let config = CameraConfig { controls: toml::from_str(text).unwrap(), ..config() };
    let mut camera = Camera::new(config, shared.opener(), clock);
    camera.reopen().map_err(|error| error.to_string())?;
    let values = shared.lock().controls.iter().map(|(_, value)| *value).collect();
    Ok(values)
}

#[test]
fn automatics_are_off_even_if_nothing_is_said() {
    assert_eq!(controlled("", |_| ()).unwrap(), [1, 156, 0, 16, 0]);
}

#[test]
fn controls_take_what_is_written_in_the_units_of_the_kernel() {
    let text = "exposure_us = 1200\ngain = 48\ndriver = { brightness = -3 }";
    assert_eq!(controlled(text, |_| ()).unwrap(), [1, 12, 0, 48, -3]);
}

#[test]
fn an_automatic_that_is_named_stays_as_it_is_named() {
    assert_eq!(controlled("driver = { gain_automatic = 1 }", |_| ()).unwrap()[2], 1);
}

#[test]
fn an_automatic_that_cannot_be_changed_now_is_left() {
    let freeze = |shared: &Shared| shared.lock().controls[2].0.flags = V4L2_CTRL_FLAG_INACTIVE;
    assert_eq!(controlled("", freeze).unwrap()[2], 1);
}

#[test]
fn controls_change_while_it_streams_and_stay_when_it_is_opened_again() {
    let (shared, clock) = device(shots(5));
    with_controls(&shared);
    let mut camera = opened(&shared, &clock);
    let read = |text: &str| toml::from_str::<Controls>(text).unwrap();
    camera.set_controls(&read("exposure_us = 1200\ngain = 48")).unwrap();
    let values = || shared.lock().controls.iter().map(|(_, value)| *value).collect::<Vec<i64>>();
    assert_eq!(values(), [1, 12, 0, 48, 0]);
    assert_eq!(level(&camera.next_frame(WAIT).unwrap()), 0);
    let refused = camera.set_controls(&read("gain = 17")).unwrap_err().to_string();
    assert!(refused.contains("17 is not 16 and a multiple of 16"), "{refused}");
    camera.set_controls(&read("exposure_us = 2400\ngain = 32")).unwrap();
    shared.lock().controls[3].1 = 96;
    camera.reopen().unwrap();
    assert_eq!(values(), [1, 24, 0, 32, 0]);
    assert_eq!(shared.lock().violations, [""; 0]);
}

#[test]
fn controls_that_do_not_take_their_value_are_errors() {
    for (text, stuck, says) in [
        ("gain = 17", None, "control analogue_gain: 17 is not 16 and a multiple of 16"),
        ("gain = 112", None, "control analogue_gain: 112 is not from 16 to 96"),
        ("white_balance_k = 4000", None, "control white_balance_k: not offered; there are auto_"),
        ("driver = { sharpness = 1 }", None, "control sharpness: not offered; there are auto_exp"),
        ("", Some(V4L2_CID_AUTOGAIN), "control gain_automatic: 0 was set and 1 is read back"),
    ] {
        let message = controlled(text, |shared| shared.lock().stuck = stuck).unwrap_err();
        assert!(message.starts_with(&format!("/dev/scripted: {says}")), "{message}");
    }
}

/// A camera of this machine, such as the kernel's vivid.
#[test]
fn a_real_camera_streams() {
    let found = cameras().into_iter().find_map(|(_, camera)| {
        let camera = camera.ok()?;
        let known = |name: &FourCc| crate::capture::PixelFormat::of(*name).is_ok();
        let (format, sizes) = camera.formats.into_iter().find(|(name, _)| known(name))?;
        let (width, height) = sizes.first()?.split(' ').next()?.split_once('x')?;
        Some((camera.bus_info, format, width.parse().ok()?, height.parse().ok()?))
    });
    let Some((bus_info, format, width, height)) = found else {
        crate::test_data::skip("a_real_camera_streams", "no V4L2 camera here (modprobe vivid)");
        return;
    };
    let (source, formats) = (Source::Bus(bus_info), vec![format]);
    let config = CameraConfig { source, width, height, formats, ..config() };
    let mut camera = V4l2::open(&config).unwrap();
    let mut last = None;
    for _ in 0..5 {
        let captured = camera.next_frame(Duration::from_secs(5)).unwrap();
        assert!(last.is_none_or(|last| captured.stamp.ns > last));
        last = Some(captured.stamp.ns);
    }
}
