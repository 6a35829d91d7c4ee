//! `pairspec board`, on whatever machine this is, and the files of the package.

use std::fs;
use std::path::Path;

use crate::harness::Folder;

const PROFILES: [&str; 6] = [
    "raspberry-pi-4",
    "raspberry-pi-5",
    "jetson-nano",
    "jetson-orin",
    "emulated",
    "generic-x86-64",
];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_built_in_board_is_listed() {
    let listed = Folder::new().run(&["board", "list"]).exits(0).stdout.clone();
    let names: Vec<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, PROFILES);
}

#[test]
fn a_board_of_another_architecture_lacks_something_and_says_so_in_json_too() {
    let other = if cfg!(target_arch = "aarch64") { "generic-x86-64" } else { "raspberry-pi-4" };
    let folder = Folder::new();
    let check = |more: &[&str]| {
        folder.run(&[&["board", "check", "--data", ".", "--board", other], more].concat())
    };
    let report = check(&["--json"]).exits(1).json();
    assert_eq!((&report["board"], &report["complete"]), (&other.into(), &false.into()));
    let facts = report["facts"].as_array().unwrap();
    let of = |topic: &str| facts.iter().find(|fact| fact["topic"] == topic).unwrap();
    assert_eq!(of("board")["state"], "lacking");
    assert_eq!(of("data")["state"], "good");
    let lines = check(&[]).exits(1).stdout.clone();
    assert_eq!(lines.lines().count(), facts.len() + 1, "{lines}");
}

#[test]
fn a_profile_of_ones_own_is_read_and_its_wiring_warned_of() {
    let folder = Folder::new();
    let text = fs::read_to_string(repository().join("board/raspberry-pi-4.toml")).unwrap();
    folder.write("mine.toml", text);
    folder.edit("mine.toml", "energise-to-pass", "pulse-to-reject");
    let check = ["board", "check", "--board", "mine.toml"];
    let lines = folder.run(&check).exits(1).stdout.clone();
    assert!(lines.contains("WARNING wiring     pulse-to-reject: a dead box"), "{lines}");
    folder.edit("mine.toml", "threads = 4", "treads = 4");
    folder.run(&check).fails(&["mine.toml", "line 8"]);
    folder.edit("mine.toml", "treads = 4", "threads = 4");
    folder.edit("mine.toml", "pass = 27", "pass = 22");
    folder.run(&check).fails(&["mine.toml, line 31: gpio.reject = 22: another line than pass's"]);
}

#[test]
fn a_station_file_is_written_from_a_profile_and_never_over_another() {
    let folder = Folder::new();
    let write = ["board", "station", "--board", "jetson-nano", "-o", "station.toml"];
    folder.run(&write).exits(0).prints(&["station.toml written, of Jetson Nano"]);
    let text = folder.text("station.toml");
    for line in ["board = \"jetson-nano\"", "pass = { chip = \"tegra-gpio\", line = 50 }"] {
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }
    let facts =
        folder.run(&["board", "check", "--station", "station.toml"]).exits(1).stdout.clone();
    assert!(facts.contains("/dev/v4l/by-path/FILL-IN"), "{facts}");
    folder.run(&write).fails(&["station.toml: is there already"]);
    let absent = ["board", "station", "--board", "abacus", "-o", "other.toml"];
    folder.run(&absent).fails(&["these are raspberry-pi-4,"]);
    folder.edit("station.toml", "jetson-nano", "abacus");
    folder
        .run(&["run", "station.toml", "--dry-run"])
        .fails(&["station.toml, line 4: board = abacus: ", "these are raspberry-pi-4,"]);
}

#[test]
fn what_is_no_board_or_no_camera_is_an_error() {
    let folder = Folder::new();
    let fails = |arguments: &[&str], fact| {
        folder.run(&[&["board"], arguments].concat()).fails(&[fact]);
    };
    fails(&["check", "--board", "raspberry-pi-3"], "these are raspberry-pi-4, raspberry-pi-5,");
    fails(&["check", "--board", "absent.toml"], "absent.toml");
    fails(&["controls", "/dev/absent-video"], "/dev/absent-video: disconnected");
    fails(&["controls", "/dev/null"], "/dev/null: no V4L2 device");
    fails(&["probe"], "DEVICE|BUS_INFO");
    fails(&["probe", "/dev/absent", "--size", "1x1"], "such as 640x480");
    fails(&["probe", "/dev/absent", "--formats", "H264"], "H264 is not supported");
    fails(&["probe", "/dev/absent", "--rate", "0"], "--rate 0: from 0.1 to 1000");
    let lines =
        folder.run(&["board", "probe", "/dev/absent", "--seconds", "1"]).exits(1).stdout.clone();
    assert!(lines.lines().next().unwrap().contains("/dev/absent: disconnected"), "{lines}");
}

/// The unit and the package name the same paths, user and folder as the profiles.
#[test]
fn unit_package_and_profiles_agree() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let unit = read("board/debian/scripts/pairspec.service");
    for line in [
        "Type=notify",
        "Restart=on-failure",
        "SuccessExitStatus=1",
        "RestartPreventExitStatus=78",
        "RuntimeDirectory=pairspec",
        "DeviceAllow=char-video4linux rw",
        "DeviceAllow=char-gpiochip rw",
        "DeviceAllow=char-fb rw",
        "DeviceAllow=char-drm rw",
        "DeviceAllow=char-spi rw",
        "DeviceAllow=char-input r",
        "ExecStart=/usr/bin/pairspec run /etc/pairspec/station.toml",
        "User=pairspec",
        "StateDirectory=pairspec",
        "ProtectSystem=strict",
        "ExecStopPost=/usr/bin/pairspec run --release /etc/pairspec/station.toml",
    ] {
        assert!(unit.lines().any(|it| it == line), "{line}");
    }
    // A skipped unit is never started again, a group that is not there ends it, and nothing waits for
    // a service that nobody wants.
    for word in ["ExecCondition=", "SupplementaryGroups=", "udev-settle"] {
        assert!(!unit.contains(word), "{word}");
    }
    let users = read("board/debian/sysusers/pairspec.conf");
    assert!(users.contains("u pairspec - "));
    for group in ["gpio", "input", "render", "spi", "video"] {
        for line in [format!("g {group} -"), format!("m pairspec {group}")] {
            assert!(users.lines().any(|it| it == line), "{line}");
        }
    }
    let rules = read("board/debian/udev.rules");
    let awake = rules.lines().find(|line| line.contains("power/control")).unwrap();
    assert!(awake.contains("ENV{DEVTYPE}==\"usb_device\""), "{awake}");
    for name in PROFILES {
        let profile = read(&format!("board/{name}.toml"));
        assert!(profile.contains("folder = \"/var/lib/pairspec\""), "{name}");
    }
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    for asset in assets {
        let source = asset[0].as_str().unwrap();
        let is_there = source.starts_with("target/") || source.contains('*');
        assert!(is_there || repository().join(source).is_file(), "{source}");
    }
}
