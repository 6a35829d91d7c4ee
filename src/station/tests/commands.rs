//! Commands, by the socket and within the process.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::rig::*;
use crate::journal::Outcome;
use crate::station::{Command, Health, Station};

fn recipe(station: &Station, name: &str) -> Value {
    station.command(Command::Recipe { path: PathBuf::from(name) })
}

#[test]
fn a_recipe_changes_between_parts_and_is_read_back() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600\n[ejector]\ndelay_ms = 800\ntolerance_ms = 500");
    wait_for(&station, "parts pass", |status| status.counters.conforming >= 3);
    let answer = recipe(&station, "b.toml");
    assert_eq!((&answer["ok"], &answer["recipe"]["name"]), (&true.into(), &"b".into()));
    assert_eq!(answer["recipe"]["recipe_sha256"], "sha-b");
    wait_for(&station, "the new recipe's status", |status| status.recipe.name == "b");
    let finished = station.status().counters.finished;
    wait_for(&station, "more parts", |status| status.counters.finished >= finished + 40);
    // The old recipe is not needed any more, so that another change is possible.
    assert_eq!(recipe(&station, "a.toml")["ok"], true);
    let status = station.stop().unwrap();
    let parts = rig.check(&status);
    let first_b = parts.values().position(|part| part.recipe_sha256 == "sha-b").unwrap();
    let by_b = parts.values().filter(|part| part.recipe_sha256 == "sha-b").count();
    assert!(by_b >= 5, "{by_b}");
    // One block: no part of the old recipe after the first of the new one.
    let block = parts.values().skip(first_b).take(by_b);
    for part in block {
        assert_eq!(part.recipe_sha256, "sha-b");
        assert_ne!(part.outcome, Outcome::Conforming, "recipe b passes nothing");
    }
}

#[test]
fn a_recipe_that_cannot_be_put_in_force_changes_nothing() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    let answer = recipe(&station, "broken.toml");
    assert_eq!(answer["ok"], false);
    let error = answer["error"].as_str().unwrap();
    assert!(error.ends_with("broken.toml: stale; the recipe in force stays"), "{error}");
    rig.script.is_challenge_failing.store(true, Ordering::SeqCst);
    let error = recipe(&station, "b.toml")["error"].to_string();
    assert!(error.contains("judged conforming") && error.contains("stays"), "{error}");
    let before = station.status().counters.conforming;
    wait_for(&station, "still passing", |status| status.counters.conforming > before + 3);
    assert_eq!(station.status().recipe.name, "a");
    rig.check(&station.stop().unwrap());
}

#[test]
fn a_failed_challenge_holds_the_line_until_one_is_passed() {
    let rig = Rig::new();
    rig.script.is_challenge_failing.store(true, Ordering::SeqCst);
    let station = rig.start("deadline_ms = 5000");
    wait_for(&station, "parts are held", |status| status.counters.held >= 5);
    let status = station.status();
    assert_eq!((status.health, rig.passes()), (Health::Held, 0));
    assert!(status.reason.unwrap().contains("bad-1"));
    // Resuming does not make the goldens right.
    assert_eq!(station.command(Command::Resume {})["health"], "held");
    assert_eq!(station.command(Command::Challenge {})["ok"], false);
    rig.script.is_challenge_failing.store(false, Ordering::SeqCst);
    let answer = station.command(Command::Challenge {});
    assert_eq!((&answer["ok"], &answer["goldens"]), (&true.into(), &2.into()));
    wait_for(&station, "parts pass", |status| status.counters.conforming >= 3);
    rig.check(&station.stop().unwrap());
}

#[test]
fn hold_and_resume_are_by_hand() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    wait_for(&station, "parts pass", |status| status.counters.conforming >= 3);
    let answer = station.command(Command::Hold { reason: "cleaning".to_owned() });
    assert_eq!((&answer["health"], &answer["reason"]), (&"held".into(), &"cleaning".into()));
    let passes = rig.passes();
    wait_for(&station, "parts are held", |status| status.counters.held >= 5);
    assert_eq!(rig.passes(), passes);
    assert_eq!(station.command(Command::Resume {})["health"], "running");
    wait_for(&station, "parts pass", |status| status.counters.conforming >= passes + 3);
    rig.check(&station.stop().unwrap());
}

#[test]
fn the_socket_answers_each_line_with_one() {
    let rig = Rig::new();
    let mut config = rig.config("deadline_ms = 5000");
    config.trigger = crate::station::TriggerConfig::Software;
    let station = rig.start_with(config.clone());
    let path = rig.folder.path().join("socket");
    let stream = UnixStream::connect(&path).unwrap();
    let (mut writer, mut reader) = (stream.try_clone().unwrap(), BufReader::new(stream));
    let mut ask = |line: &str| -> Value {
        writeln!(writer, "{line}").unwrap();
        let mut answer = String::new();
        reader.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    };
    assert_eq!(ask(r#"{"command":"trigger"}"#)["number"], 1);
    assert_eq!(ask(r#"{"command":"trigger"}"#)["number"], 2);
    assert_eq!(ask(r#"{"command":"status"}"#)["status"]["name"], "test");
    assert!(ask("nonsense")["error"].to_string().contains("commands are trigger"));
    // A second station cannot take the socket, nor the journal.
    assert!(Station::start(config, rig.setup()).is_err());
    wait_for(&station, "both parts", |status| status.counters.finished == 2);
    assert_eq!(ask(r#"{"command":"stop"}"#)["ok"], true);
    let status = station.stop().unwrap();
    assert_eq!(status.counters.triggers, 2);
    assert!(!path.exists(), "the socket is gone");
    assert_eq!(rig.parts().len(), 2);
}

#[test]
fn a_trigger_by_command_needs_a_software_trigger() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    let answer = station.command(Command::Trigger {});
    assert!(answer["error"].to_string().contains("software"), "{answer}");
    station.stop().unwrap();
}

#[test]
fn a_line_without_end_and_a_crowd_are_refused() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    let path = rig.folder.path().join("socket");
    let answer = |stream: UnixStream| {
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        answer
    };
    let mut endless = UnixStream::connect(&path).unwrap();
    endless.write_all(&[b'x'; 16 << 10]).unwrap();
    assert!(answer(endless).contains("a line of more than 16384 bytes"));
    let open: Vec<UnixStream> = (0..8).map(|_| UnixStream::connect(&path).unwrap()).collect();
    // Connections are admitted in the order they came; one that was closed may still be counted.
    let crowd = answer(UnixStream::connect(&path).unwrap());
    assert!(crowd.contains("8 connections are open"), "{crowd}");
    drop(open);
    station.stop().unwrap();
}
