//! `pairspec run`: the whole process, stopped in order and killed.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pairspec::station::StationConfig;
use serde_json::Value;

use crate::harness::Folder;
use crate::shared::journal::delay;
use crate::shared::station::{self, Kills};
use crate::test_data::deeppcb;

const PATIENCE: Duration = Duration::from_secs(120);

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_pairspec"))
}

fn written(folder: &Folder) -> PathBuf {
    station::write(&folder.path(""), &station::bundled_recipe())
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ask(folder: &Folder, line: &str) -> Value {
    // The file is there a moment before anybody listens.
    wait_for("somebody listens", || UnixStream::connect(folder.path("socket")).is_ok());
    let mut stream = UnixStream::connect(folder.path("socket")).unwrap();
    writeln!(stream, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// The exit code of a process that ends by itself.
fn code(mut child: Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("the station does not stop");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

#[test]
fn a_station_of_files_judges_its_parts_and_stops() {
    let folder = Folder::new();
    written(&folder);
    // Time enough on any machine.
    folder.edit("station.toml", "deadline_ms = 240", "deadline_ms = 3000\nwaiting = 16");
    folder.edit("station.toml", "[ejector]\ndelay_ms = 250", "[ejector]\ndelay_ms = 3000");
    let run = folder.run(&["run", "station.toml", "--dry-run", "--parts", "9", "--status-json"]);
    run.exits(0);
    let status = run.json_lines().pop().unwrap();
    assert_eq!(status["health"], "running");
    assert_eq!(status["recipe"]["name"], "board");
    let counters = &status["counters"];
    assert!(counters["finished"].as_u64() >= Some(9), "{counters}");
    assert!(counters["inspected"].as_u64() >= Some(3), "{counters}");
    let [conforming, crashed] = station::outcomes(&folder.path("journal"));
    assert_eq!((Some(conforming), crashed), (counters["conforming"].as_u64(), 0));
    // The third of the three pairs is a fault: each part was judged by its own frames.
    let parts = parts_of(&folder);
    let judged: Vec<_> = parts.iter().filter(|part| part.1 != "not_inspected").collect();
    for (number, verdict, _) in &judged {
        let expected = if (number - 1) % 3 == 2 { "mismatch" } else { "conforming" };
        assert_eq!(verdict, expected, "part {number}");
    }
    assert!(judged.len() >= 3, "{parts:?}");
}

/// Real boards beside each other: the station says of each what `batch` says.
#[test]
fn real_boards_are_judged_at_the_line_as_they_are_from_a_manifest() {
    const PAIRS: usize = 6;
    let test = "real_boards_are_judged_at_the_line_as_they_are_from_a_manifest";
    let Some(data) = deeppcb(test) else { return };
    let folder = Folder::new();
    written(&folder);
    let manifest = std::fs::read_to_string(data.join("manifest.csv")).unwrap();
    let mut rows = Vec::new();
    for (index, row) in manifest.lines().skip(1).step_by(150).take(PAIRS).enumerate() {
        let fields: Vec<&str> = row.split(',').collect();
        for (to, from) in [("references", fields[4]), ("tests", fields[5])] {
            folder.write(&format!("{to}/{index}.png"), std::fs::read(data.join(from)).unwrap());
        }
        rows.push(format!("{index},references/{index}.png,tests/{index}.png"));
    }
    folder.manifest("", &rows.iter().map(String::as_str).collect::<Vec<&str>>());
    let batch = folder.run(&["batch", "manifest.csv"]).json_lines();
    let text = folder.text("station.toml");
    let text = text
        .replace("= 320", "= 640")
        .replace("rate_hz = 10", "rate_hz = 2")
        .replace("deadline_ms = 240", "deadline_ms = 60000\nwaiting = 32")
        .replace("[ejector]\ndelay_ms = 250\ntolerance_ms = 100\n", "");
    folder.write("station.toml", text);
    let parts = PAIRS.to_string();
    folder.run(&["run", "station.toml", "--dry-run", "--parts", &parts]).exits(0);
    let verdicts = parts_of(&folder);
    assert!(verdicts.len() >= PAIRS);
    let mut judged = 0;
    for (number, verdict, reason) in verdicts.iter().take(PAIRS) {
        if reason.as_deref() != Some("capture") {
            let expected = batch[*number as usize - 1]["verdict"].as_str();
            assert_eq!(Some(verdict.as_str()), expected, "part {number}");
            judged += 1;
        }
    }
    assert!(judged >= PAIRS / 2, "{verdicts:?}");
}

/// Number, verdict and stage of the parts in the journal.
fn parts_of(folder: &Folder) -> Vec<(u64, String, Option<String>)> {
    let records = folder.run(&["journal", "list", "journal", "--json"]).json_lines();
    let parts = records.iter().filter(|record| record["kind"] == "part");
    let of = |record: &Value| {
        let stage = record["stage"].as_str().map(str::to_owned);
        (record["number"].as_u64().unwrap(), record["verdict"].as_str().unwrap().to_owned(), stage)
    };
    parts.map(of).collect()
}

#[test]
fn sigterm_gives_every_part_its_outcome_and_leaves_no_output_active() {
    let folder = Folder::new();
    let file = written(&folder);
    let child = station::spawn(program(), &file);
    wait_for("a part passes", || station::passes(&file) > 0);
    signal(&child, "TERM");
    assert_eq!(code(child), Some(0));
    assert!(station::is_safe(&file), "{:?}", station::changes(&file));
    let [conforming, crashed] = station::outcomes(&folder.path("journal"));
    assert_eq!((conforming, crashed), (station::passes(&file), 0));
}

#[test]
fn goldens_that_are_judged_wrong_hold_the_line_and_the_exit_code_says_so() {
    let folder = Folder::new();
    let file = written(&folder);
    // The same recipe with its own copy of the goldens, one label of which is a lie.
    let demo = station::bundled_recipe().parent().unwrap().to_owned();
    let recipe = std::fs::read_to_string(demo.join("recipe.toml")).unwrap();
    let absolute = |name: &str| demo.join(name).canonicalize().unwrap().display().to_string();
    let recipe = recipe
        .replace("\"..\"", &format!("{:?}", absolute("..")))
        .replace("\"../../../cal", &format!("\"{}/cal", absolute("../../..")));
    folder.write("recipe.toml", recipe);
    for name in ["specs.toml", "specs.cache"] {
        folder.write(name, std::fs::read(demo.join(name)).unwrap());
    }
    folder.manifest(
        ",label",
        &["good,references/0.png,tests/0.png,ok", "bad,references/1.png,tests/1.png,open"],
    );
    let bundled = station::bundled_recipe().display().to_string();
    folder.edit("station.toml", &bundled, "recipe.toml");
    folder.edit("station.toml", "[journal]", "[challenge]\nmanifest = 'manifest.csv'\n[journal]");
    let child = station::spawn(program(), &file);
    wait_for("held parts", || {
        folder.path("socket").exists()
            && ask(&folder, r#"{"command":"status"}"#)["status"]["counters"]["held"].as_u64()
                > Some(1)
    });
    let status = &ask(&folder, r#"{"command":"status"}"#)["status"];
    assert!(status["reason"].to_string().contains("expected mismatch"), "{status}");
    // With the truth, it passes.
    folder.manifest(
        ",label",
        &["good,references/0.png,tests/0.png,ok", "bad,references/2.png,tests/2.png,open"],
    );
    assert_eq!(station::passes(&file), 0);
    assert_eq!(ask(&folder, r#"{"command":"challenge"}"#)["goldens"], 2);
    wait_for("a part passes", || station::passes(&file) > 0);
    assert_eq!(ask(&folder, r#"{"command":"hold"}"#)["health"], "held");
    assert_eq!(ask(&folder, r#"{"command":"stop"}"#)["ok"], true);
    assert_eq!(code(child), Some(1));
}

#[test]
fn what_cannot_run_says_why() {
    let folder = Folder::new();
    written(&folder);
    let fails = |facts: &[&str]| {
        folder.run(&["run", "station.toml", "--dry-run"]).fails(facts);
    };
    folder.run(&["run", "station.toml"]).fails(&["wires no line", "--dry-run"]);
    folder.edit("station.toml", "deadline_ms = 240", "deadline_ms = -1");
    fails(&["station.toml, line 3: deadline_ms = -1: from 1 to 60000"]);
    folder.edit("station.toml", "deadline_ms = -1", "deadline_ms = 240\nspeed = 1");
    fails(&["station.toml: TOML parse error at line 4", "unknown field `speed`"]);
    folder.edit("station.toml", "speed = 1\n", "");
    folder.edit("station.toml", "recipe.toml", "other.toml");
    fails(&["other.toml"]);
    folder.run(&["run", "nowhere.toml"]).fails(&["nowhere.toml"]);
}

#[test]
fn a_service_manager_is_told_when_another_start_is_of_no_use() {
    let folder = Folder::new();
    written(&folder);
    let start = ["run", "station.toml", "--dry-run"];
    let fails = |fact: &str| {
        folder.run_as_service(&start).exits(78).warns(&[fact]);
        folder.run(&start).exits(2);
    };
    let recipe = station::bundled_recipe().display().to_string();
    folder.edit("station.toml", &recipe, "other.toml");
    fails("other.toml");
    folder.edit("station.toml", "other.toml", &recipe);
    folder.edit("station.toml", "deadline_ms = 240", "deadline_ms = -1");
    fails("station.toml, line 3");
    folder.edit("station.toml", "deadline_ms = -1", "deadline_ms = 240");
    std::fs::create_dir_all(folder.path("journal")).unwrap();
    folder.write("journal/journal.sqlite", "no database at all, but text that is long enough");
    fails("journal.sqlite");
}

#[test]
fn a_service_waits_for_what_comes_late() {
    let folder = Folder::new();
    written(&folder);
    folder.edit("station.toml", "socket = 'socket'", "socket = 'late/socket'");
    let start = ["run", "station.toml", "--dry-run", "--parts", "1"];
    folder.run(&start).fails(&["late/socket"]);
    let mut command = folder.command();
    command.env("NOTIFY_SOCKET", "/nonexistent/notify").args(start);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("; tried again")));
    std::fs::create_dir(folder.path("late")).unwrap();
    std::thread::spawn(move || lines.count());
    assert_eq!(code(child), Some(0));
}

#[test]
fn outputs_that_a_dead_process_left_active_are_let_go_of() {
    let folder = Folder::new();
    let file = written(&folder);
    folder.write("levels.jsonl", "{\"ns\":1,\"output\":\"pass\",\"is_active\":true}\n");
    assert!(!station::is_safe(&file));
    let levels = ["--dry-run", "--levels", "levels.jsonl"];
    folder.run(&[&["run", "station.toml", "--release"], &levels[..]].concat()).exits(0);
    assert!(station::is_safe(&file), "{:?}", station::changes(&file));
}

#[test]
fn the_station_of_the_readme_is_one() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, after) = readme.split_once("## At the line").unwrap();
    let (_, after) = after.split_once("```toml\n").unwrap();
    let (text, _) = after.split_once("```").unwrap();
    let config = StationConfig::parse(text, Path::new("/etc/pairspec/line3.toml")).unwrap();
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
}

#[test]
fn a_hold_outlives_a_kill() {
    let folder = Folder::new();
    let path = written(&folder);
    let mut child = station::spawn(program(), &path);
    assert_eq!(ask(&folder, r#"{"command":"hold","reason":"jam"}"#)["ok"], true);
    let standing = folder.path("journal/standing.json");
    let is_written = || std::fs::read_to_string(&standing).is_ok_and(|text| text.contains("jam"));
    wait_for("the hold is written", is_written);
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let before = station::passes(&path);
    let mut child = station::spawn(program(), &path);
    let health = || {
        let status = ask(&folder, r#"{"command":"status"}"#)["status"].clone();
        (status["health"] == "held" && status["counters"]["held"] != 0, status["reason"].clone())
    };
    wait_for("parts are held", || health().0);
    assert_eq!((health().1, station::passes(&path)), ("jam".into(), before));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_station_that_is_killed_passes_nothing_more_and_leaves_no_number_without_an_outcome() {
    let folder = Folder::new();
    let file = written(&folder);
    let mut kills = Kills::default();
    for seed in 0..4 {
        station::kill(program(), &file, delay(seed, Duration::from_millis(700)), &mut kills);
    }
    assert!(kills.crashed > 0 && kills.conforming > 0, "{kills:?}");
}
