#![allow(clippy::unwrap_used)]

use super::*;
use crate::board::{Display, Zone};
use crate::capture::FourCc;

fn board() -> Board {
    Board::find("raspberry-pi-4").unwrap()
}

fn set(names: &[&str]) -> std::collections::BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A machine that has all that the board asks for.
fn whole() -> Machine {
    let camera = CameraNode {
        path: "/dev/video0".into(),
        stable: vec!["/dev/v4l/by-path/platform-x".into()],
        card: "Sensor".to_owned(),
        bus_info: "platform:x".to_owned(),
        formats: vec![
            (FourCc::new(*b"YUYV"), vec!["640x480".to_owned()]),
            (FourCc::new(*b"GREY"), vec!["1280x720".to_owned()]),
        ],
    };
    let chip = GpioChip {
        label: "pinctrl-bcm2711".to_owned(),
        lines: 58,
        interface: 2,
        taken: vec![(17, "pairspec trigger".to_owned()), (3, "LED".to_owned())],
    };
    Machine {
        architecture: "aarch64",
        model: Some("Raspberry Pi 4 Model B".to_owned()),
        cpu_features: set(&["asimd", "fp"]),
        kernel: Some(Ok("neon-smull".to_owned())),
        processors: 4,
        memory_mb: 3_900,
        cameras: vec![("/dev/video0".into(), Ok(camera))],
        gpio_chips: vec![("/dev/gpiochip0".into(), Ok(chip))],
        displays: vec![Display { path: "/dev/fb0".into(), size: (480, 320), bits: 16 }],
        zones: vec![Zone { kind: "cpu-thermal".to_owned(), celsius: Some(50.0) }],
        throttled: Some(Ok(())),
        clock_synchronised: Some(true),
        watchdogs: vec![("/dev/watchdog0".into(), "BCM".to_owned())],
        groups: set(&["video", "gpio"]),
        ..Machine::default()
    }
}

fn drm(board: &mut Board) {
    if let Some(display) = &mut board.display {
        display.device = crate::board::DisplayNode::Drm("/dev/dri/card0".into());
    }
}

#[test]
fn a_drm_card_that_is_there_is_good() {
    let found = troubles(|board, machine, _| {
        drm(board);
        machine.display_nodes.push("/dev/dri/card0".into());
    });
    assert!(found.is_empty(), "{found:?}");
}

fn data() -> DataFolder {
    DataFolder { path: "/var/lib/pairspec".into(), problem: None, free_mb: Some(9_000) }
}

/// The facts that are not good, of a machine that was changed.
fn troubles(change: impl FnOnce(&mut Board, &mut Machine, &mut DataFolder)) -> Vec<Fact> {
    let (mut board, mut machine, mut data) = (board(), whole(), data());
    change(&mut board, &mut machine, &mut data);
    check(&board, &machine, &data).into_iter().filter(|it| it.state != State::Good).collect()
}

fn trouble(state: State, change: impl FnOnce(&mut Board, &mut Machine, &mut DataFolder)) -> String {
    let found = troubles(change);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].state, state, "{found:?}");
    format!("{}: {}", found[0].topic, found[0].text)
}

fn chip(machine: &mut Machine) -> &mut GpioChip {
    machine.gpio_chips[0].1.as_mut().unwrap()
}

#[test]
fn a_whole_machine_lacks_nothing_and_every_fact_has_a_line() {
    assert_eq!(troubles(|_, _, _| ()), []);
    let facts = check(&board(), &whole(), &data());
    let topics: Vec<&str> = facts.iter().map(|fact| fact.topic).collect();
    let expected = "board processor int8 threads memory camera gpio wiring display thermal \
                    throttling clock watchdog data groups";
    assert_eq!(topics.join(" "), expected);
    assert!(facts.iter().all(|fact| !fact.text.contains('\n')));
}

#[test]
fn a_camera_is_named_by_what_stays_and_the_boards_first_format() {
    let facts = check(&board(), &whole(), &data());
    let camera = facts.iter().find(|fact| fact.topic == "camera").unwrap();
    assert_eq!(
        camera.text,
        "/dev/v4l/by-path/platform-x (/dev/video0, Sensor): GREY 1280x720; offers YUYV, GREY"
    );
}

#[test]
fn what_is_absent_is_lacking() {
    use State::Lacking;
    for (found, says) in [
        (trouble(Lacking, |_, it, _| it.cpu_features.clear()), "processor: has no asimd"),
        (trouble(Lacking, |_, it, _| it.memory_mb = 900), "memory: 900 MiB, 1800 are"),
        (trouble(Lacking, |_, it, _| it.cameras.clear()), "camera: no V4L2 device captures"),
        (
            trouble(Lacking, |_, it, _| it.gpio_chips.clear()),
            "gpio: no chip pinctrl-bcm2711: there",
        ),
        (trouble(Lacking, |_, it, _| it.displays.clear()), "display: /dev/fb0 is not there"),
        (trouble(Lacking, |board, _, _| drm(board)), "display: /dev/dri/card0 is not there"),
        (trouble(Lacking, |_, it, _| it.zones.clear()), "thermal: no zone cpu-thermal"),
        (trouble(Lacking, |_, it, _| it.watchdogs.clear()), "watchdog: /dev/watchdog0 is not"),
        (trouble(Lacking, |_, it, _| it.groups.clear()), "groups: not in video, gpio: add"),
        (trouble(Lacking, |_, it, _| it.clock_synchronised = Some(false)), "clock: not sync"),
        (trouble(Lacking, |_, it, _| it.kernel = Some(Err("none".into()))), "int8: none"),
        (trouble(Lacking, |_, _, it| it.free_mb = Some(5)), "data: /var/lib/pairspec: 5 MiB free"),
        (
            trouble(Lacking, |_, _, it| it.problem = Some("read-only".to_owned())),
            "data: /var/lib/pairspec: cannot be written to (read-only)",
        ),
        (
            trouble(Lacking, |_, it, _| it.displays[0].size = (320, 240)),
            "display: /dev/fb0: 320x240, 16 bits; 480x320 are expected",
        ),
        (
            trouble(Lacking, |_, it, _| it.cameras[0].1 = Err("permission denied".to_owned())),
            "camera: /dev/video0: permission denied",
        ),
    ] {
        assert!(found.starts_with(says), "{found}");
    }
}

#[test]
fn lines_that_cannot_be_had_are_named() {
    use State::Lacking;
    let found = trouble(Lacking, |_, machine, _| chip(machine).label = "other".to_owned());
    assert_eq!(found, "gpio: no chip pinctrl-bcm2711: /dev/gpiochip0 is other");
    let found = trouble(Lacking, |_, machine, _| chip(machine).lines = 20);
    assert!(found.ends_with("pass is on line 27, which it does not have"), "{found}");
    let found = trouble(Lacking, |_, machine, _| chip(machine).interface = 1);
    assert!(found.ends_with("interface 1; interface 2 is expected"), "{found}");
    let found = trouble(Lacking, |_, machine, _| chip(machine).taken.push((27, "w1".to_owned())));
    assert!(found.ends_with("line 27 (pass) is taken by \"w1\""), "{found}");
}

#[test]
fn wiring_that_passes_when_the_box_is_dead_is_warned_of() {
    let wiring =
        |board: &mut Board| board.gpio.as_mut().unwrap().wiring = LineWiring::PulseToReject;
    let found = trouble(State::Warning, |board, _, _| wiring(board));
    assert!(found.starts_with("wiring: pulse-to-reject: a dead box"), "{found}");
    let found = trouble(State::Lacking, |board, _, _| {
        board.gpio.as_mut().unwrap().lines.retain(|(name, _)| *name != "pass");
    });
    assert!(found.contains("without a pass line"), "{found}");
}

#[test]
fn what_works_and_is_not_as_expected_is_a_warning() {
    use State::Warning;
    for (found, says) in [
        (trouble(Warning, |_, it, _| it.model = Some("Other".into())), "board: Other, aarch64"),
        (trouble(Warning, |_, it, _| it.processors = 2), "threads: 2 at once; the profile says 4"),
        (trouble(Warning, |_, it, _| it.kernel = Some(Ok("scalar".into()))), "int8: kernel scalar"),
        (trouble(Warning, |_, it, _| it.zones[0].celsius = Some(75.0)), "thermal: cpu-thermal at"),
        (trouble(Warning, |_, it, _| it.throttled = Some(Err("x".into()))), "throttling: x: slow"),
        (trouble(Warning, |_, it, _| it.clock_synchronised = None), "clock: nothing says"),
        (trouble(Warning, |_, it, _| it.is_root = true), "groups: root; the station should"),
    ] {
        assert!(found.starts_with(says), "{found}");
    }
}

#[test]
fn another_architecture_lacks_whatever_else_it_has() {
    let found = trouble(State::Lacking, |_, machine, _| machine.architecture = "x86_64");
    assert!(found.ends_with("Raspberry Pi 4 Model B is aarch64"), "{found}");
}
