#![allow(clippy::unwrap_used)]

use super::*;

/// A root with these files.
fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

#[test]
fn an_empty_root_says_nothing_and_breaks_nothing() {
    let machine = Machine::of_files(root(&[]).path());
    assert_eq!((machine.model, machine.memory_mb, machine.throttled), (None, 0, None));
    assert!(machine.zones.is_empty() && machine.displays.is_empty());
    assert!(machine.cpu_features.is_empty() && machine.groups.is_empty() && !machine.is_root);
}

#[test]
fn a_raspberry_pi_is_read_from_its_files() {
    let root = root(&[
        ("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0"),
        ("proc/sys/kernel/osrelease", "6.6.31+rpt-rpi-2712\n"),
        (
            "proc/cpuinfo",
            "processor\t: 0\nFeatures\t: fp asimd asimddp\nprocessor\t: 1\nFeatures\t: fp asimd\n",
        ),
        ("proc/meminfo", "MemTotal:        4131184 kB\nMemFree: 1 kB\n"),
        (
            "proc/self/status",
            "Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1001\t1000\t1000\nGroups:\t44 993 77\n",
        ),
        ("etc/group", "video:x:44:\ngpio:x:993:\nline:x:1001:\nlinex:x:1000:\n"),
        ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
        ("sys/class/thermal/thermal_zone0/temp", "48350\n"),
        ("sys/class/thermal/thermal_zone1/type", "off\n"),
        ("sys/class/graphics/fb0/virtual_size", "480,320\n"),
        ("sys/class/graphics/fb0/bits_per_pixel", "16\n"),
        ("sys/class/graphics/fbcon/rotate", "0\n"),
        ("sys/class/watchdog/watchdog0/identity", "Broadcom BCM2835 Watchdog timer\n"),
        ("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n"),
        ("run/systemd/timesync/synchronized", ""),
    ]);
    let machine = Machine::of_files(root.path());
    assert_eq!(machine.model.unwrap(), "Raspberry Pi 5 Model B Rev 1.0");
    assert_eq!((machine.release.as_str(), machine.memory_mb), ("6.6.31+rpt-rpi-2712", 4034));
    // What not every processor has is not had.
    assert!(machine.cpu_features.iter().eq(["asimd", "fp"]));
    assert!(machine.groups.iter().eq(["77", "gpio", "line", "video"]));
    let zone = |kind: &str, celsius| Zone { kind: kind.to_owned(), celsius };
    assert_eq!(machine.zones, [zone("cpu-thermal", Some(48.35)), zone("off", None)]);
    let display = Display { path: "/dev/fb0".into(), size: (480, 320), bits: 16 };
    assert_eq!(machine.displays, [display]);
    assert_eq!(machine.throttled, Some(Err("under-voltage, throttled".to_owned())));
    assert_eq!(machine.watchdogs[0].0, Path::new("/dev/watchdog0"));
    assert_eq!((machine.clock_synchronised, machine.is_root), (Some(true), false));
}

#[test]
fn a_cooling_device_at_work_is_throttling() {
    let cooled = |state| {
        let files = [
            ("sys/class/thermal/cooling_device0/type", "pwm-fan\n"),
            ("sys/class/thermal/cooling_device0/cur_state", "3\n"),
            ("sys/class/thermal/cooling_device1/type", "cpufreq-cpu0\n"),
            ("sys/class/thermal/cooling_device1/cur_state", state),
        ];
        throttled(root(&files).path())
    };
    assert_eq!(cooled("0\n"), Some(Ok(())));
    assert_eq!(cooled("2\n"), Some(Err("cpufreq-cpu0 is at step 2".to_owned())));
    assert_eq!(cooled("x\n"), None);
}

#[test]
fn a_folder_that_is_not_there_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let good = DataFolder::look(folder.path());
    assert!(good.problem.is_none() && good.free_mb.is_some(), "{good:?}");
    assert!(DataFolder::look(&folder.path().join("absent")).problem.is_some());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn this_machine_can_be_read() {
    let machine = Machine::read();
    assert!(machine.processors > 0 && machine.memory_mb > 0, "{machine:?}");
    assert!(machine.kernel.unwrap().is_ok());
}
