#![allow(clippy::unwrap_used)]

use super::*;
use crate::station::core::Ejector;

/// A station with everything that has no default, and a delay.
const TEXT: &str = "\
name = 'line 3'
recipe = 'recipe.toml'
deadline_ms = 120

[capture]
mode = 'golden'
delay_ms = 20
window_ms = 5

[capture.test]
folder = 'frames'
width = 640
height = 480
rate_hz = 30

[trigger]
kind = 'interval'
rate_hz = 30

[ejector]
delay_ms = 400

[journal]
folder = 'journal'
";

fn parse(text: &str) -> Result<StationConfig, Error> {
    StationConfig::parse(text, Path::new("/srv/line/station.toml"))
}

fn message(from: &str, to: &str) -> String {
    assert!(TEXT.contains(from), "{from}");
    parse(&TEXT.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn paths_start_from_the_folder_of_the_file() {
    let config = parse(TEXT).unwrap();
    assert_eq!(config.recipe, Path::new("/srv/line/recipe.toml"));
    assert_eq!(config.journal.folder, Path::new("/srv/line/journal"));
    let ejector = Ejector::After { delay_ns: 400_000_000, tolerance_ns: 5_000_000 };
    assert_eq!((config.core.ejector, config.socket), (ejector, None));
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let text = message("deadline_ms = 120", "deadline = 120");
    assert!(text.starts_with("/srv/line/station.toml: TOML parse error at line 3"), "{text}");
}

#[test]
fn a_value_that_cannot_work_is_named_with_its_line() {
    for (from, to, expected) in [
        ("deadline_ms = 120", "deadline_ms = 15", "line 3: deadline_ms = 15: more than the 20 ms"),
        ("window_ms = 5", "window_ms = 0", "line 8: capture.window_ms = 0: from 0.1"),
        ("width = 640", "width = 0", "line 12: capture.test.width = 0: from 2"),
        ("kind = 'interval'", "kind = 'software'", "line 18: trigger.rate_hz = a value: only"),
        ("kind = 'interval'", "kind = 'gpio'", "line 16: trigger.input = nothing: gpio needs"),
        ("rate_hz = 30\n\n[e", "rate_hz = 0\n\n[e", "line 18: trigger.rate_hz = 0: from 0.01"),
        ("delay_ms = 400", "delay_ms = 90", "line 21: ejector.delay_ms = 90: at least deadline_ms"),
        ("delay_ms = 400", "delay_ms = 90000", "line 21: ejector.delay_ms = 90000: at most 17033"),
        ("name = 'line 3'", "name = ' '", "line 1: name = \"\": a name"),
    ] {
        let text = message(from, to);
        assert!(text.contains(&format!("/srv/line/station.toml, {expected}")), "{text}");
    }
}

#[test]
fn a_free_running_camera_makes_its_own_parts() {
    let free = TEXT.replace("kind = 'interval'\nrate_hz = 30", "kind = 'free-running'");
    let error = parse(&free).unwrap_err().to_string();
    assert!(error.contains("capture.delay_ms = 20: 0 with a free-running"), "{error}");
    let free = free.replace("delay_ms = 20", "delay_ms = 0");
    let timing = parse(&free).unwrap().core.timing;
    assert_eq!(timing.trigger_latency_ns, 105_000_000);
    let error = parse(&free.replace("window_ms = 5", "window_ms = 50")).unwrap_err().to_string();
    assert!(error.contains("less than the 33.3 ms from frame to frame"), "{error}");
}

#[test]
fn goldens_lie_with_their_recipe() {
    let with = |manifest: &str| parse(&format!("{TEXT}[challenge]\nmanifest = '{manifest}'\n"));
    assert_eq!(with("goldens/all.csv").unwrap().challenge, Some("goldens/all.csv".into()));
    for outside in ["../all.csv", "/etc/all.csv", ""] {
        let error = with(outside).unwrap_err().to_string();
        assert!(error.contains("challenge.manifest"), "{error}");
    }
}

#[test]
fn a_board_brings_its_threads_and_its_limit() {
    assert_eq!(parse(TEXT).unwrap().threads().get(), 1);
    let config = parse(&format!("board = 'raspberry-pi-5'\n{TEXT}")).unwrap();
    let here = std::thread::available_parallelism().unwrap().get();
    assert_eq!(config.threads().get(), here.min(4));
    assert_eq!(config.board.unwrap().thermal.unwrap().warn_c, 75.0);
    let folder = tempfile::tempdir().unwrap();
    let file =
        include_str!("../../../board/jetson-nano.toml").replace("warn_c = 85", "warn_c = 61");
    std::fs::write(folder.path().join("mine.toml"), file).unwrap();
    let path = folder.path().join("station.toml");
    let config = StationConfig::parse(&format!("board = 'mine.toml'\n{TEXT}"), &path).unwrap();
    assert_eq!(config.board.unwrap().thermal.unwrap().warn_c, 61.0);
}

#[test]
fn frames_that_are_dated_by_their_arrival_are_warned_of() {
    let device = "device = '/dev/v4l/by-path/bridge'\ntimestamps = 'arrival'";
    let text = TEXT.replace("folder = 'frames'", device);
    let warnings = parse(&text).unwrap().warnings();
    assert!(warnings.iter().any(|it| it.contains("are dated by their arrival")), "{warnings:?}");
}

#[test]
fn a_station_without_goldens_or_with_pulse_to_reject_is_warned_of() {
    assert_eq!(parse(TEXT).unwrap().warnings().len(), 1);
    let text = format!(
        "{TEXT}[challenge]\nmanifest = 'm.csv'\n[outputs]\nwiring = 'pulse-to-reject'\n\
         reject = {{ chip = 'c', line = 1 }}\nfault = {{ chip = 'c', line = 'FAULT' }}\n"
    );
    let warnings = parse(&text).unwrap().warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("pulse-to-reject"), "{warnings:?}");
}
