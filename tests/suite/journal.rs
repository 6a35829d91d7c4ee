//! `pairspec journal`, and a journal whose writer is killed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pairspec::journal::{Event, EventSource, Outcome, Part, Settings, Writer};

use crate::harness::Folder;
use crate::shared::journal::{self, Kills};

const KILLED_IN: &str = "PAIRSPEC_TEST_KILLED_JOURNAL";

/// Three parts: one that conforms, one mismatch, one not inspected.
fn written(folder: &Folder) {
    let writer = Writer::open(&folder.path("journal"), Settings::default()).unwrap();
    let late = Outcome::not_inspected("deadline", "120 ms, limit 100 ms");
    for (unix_ms, outcome) in
        [(1_000, Outcome::Conforming), (86_400_000, Outcome::Mismatch), (90_000_000, late)]
    {
        let part = Part {
            number: writer.next_number(),
            outcome,
            scores: Vec::new(),
            timing_ms: Default::default(),
            recipe_sha256: "ab".to_owned(),
            model_sha256: "cd".to_owned(),
            thresholds_sha256: "ef".to_owned(),
        };
        assert!(writer.append_part(unix_ms, part));
    }
    writer.append_event(Event::new(EventSource::Operator, "acknowledged", "by hand"));
    writer.close().unwrap();
}

#[test]
fn a_list_is_filtered_by_verdict_number_and_time() {
    let folder = Folder::new();
    written(&folder);
    let list = |more: &[&str]| folder.run(&[&["journal", "list", "journal"], more].concat());
    let all = list(&[]);
    all.exits(0).prints(&["part 1: conforming", "acknowledged (operator): by hand"]);
    all.prints(&["part 3: not inspected: deadline: 120 ms, limit 100 ms"]);
    let lines = |more: &[&str]| list(&[more, &["--json"]].concat()).exits(0).json_lines();
    let numbers = |more: &[&str]| -> Vec<u64> {
        lines(more).iter().filter_map(|line| line["number"].as_u64()).collect()
    };
    assert_eq!(numbers(&["--verdict", "not_inspected"]), [3]);
    assert_eq!(numbers(&["--from", "2", "--to", "2"]), [2]);
    assert_eq!(numbers(&["--since", "1970-01-02", "--until", "1970-01-02T01:00:00Z"]), [2]);
    assert_eq!(lines(&["--newest", "2"]).len(), 2);
    list(&["--since", "yesterday"]).fails(&["yesterday", "expected 2026-05-01"]);
}

#[test]
fn a_part_is_shown_with_all_that_is_known_of_it() {
    let folder = Folder::new();
    written(&folder);
    folder.run(&["journal", "show", "journal", "2"]).exits(0).prints(&["\"mismatch\"", "\"ab\""]);
    folder.run(&["journal", "show", "journal", "99"]).fails(&["part 99: no record of it"]);
    folder.run(&["journal", "show", "nowhere", "2"]).fails(&["nowhere", "no journal here"]);
}

#[test]
fn each_exported_line_carries_what_its_hash_is_made_of() {
    let folder = Folder::new();
    written(&folder);
    folder.run(&["journal", "export", "journal", "--out", "all.jsonl"]).exits(0);
    let text = folder.text("all.jsonl");
    folder.run(&["journal", "export", "journal"]).exits(0).prints(&[&text]);
    let lines = crate::harness::json_lines(&text);
    assert!(lines.len() >= 7);
    for (line, value) in text.lines().zip(&lines) {
        let [previous, hash] = ["previous", "hash"].map(|key| value[key].as_str().unwrap());
        let record = line.split_once("\"record\":").unwrap().1.strip_suffix('}').unwrap();
        let hashed = format!("{previous}\n{}\n{record}", value["seq"]);
        assert_eq!(pairspec::files::sha256(hashed.as_bytes()), hash);
    }
}

#[test]
fn verify_fails_at_the_first_record_that_does_not_hold() {
    let folder = Folder::new();
    written(&folder);
    let verify = |more: &[&str]| folder.run(&[&["journal", "verify", "journal"], more].concat());
    let holds = verify(&["--images"]);
    holds.exits(0).prints(&["of them parts", "0 images hold"]);
    let head = holds.stdout.lines().last().unwrap().strip_prefix("head ").unwrap().to_owned();
    verify(&["--head", &head]).exits(0);
    let (seq, _) = head.split_once(':').unwrap();
    let other = format!("{seq}:{}", "0".repeat(64));
    verify(&["--head", &other]).exits(1).prints(&["BROKEN at record", "not the one that is known"]);
    verify(&["--head", "7"]).fails(&["expected SEQ:HASH"]);
    // The words of a record stand as they are in the file.
    let file = "journal/journal.sqlite";
    let mut changed = folder.read(file);
    let at = changed.windows(8).position(|bytes| bytes == b"\"mismatc").unwrap();
    changed[at + 1..at + 9].copy_from_slice(b"nismatch");
    folder.write(file, changed);
    verify(&[]).exits(1).prints(&["BROKEN at record"]);
}

/// What the test below kills; by itself it has nothing to do.
#[test]
fn a_process_to_be_killed() {
    if let Some(folder) = std::env::var_os(KILLED_IN) {
        journal::write_for_ever(Path::new(&folder));
    }
}

#[cfg(unix)]
#[test]
fn a_journal_survives_sigkill_at_any_moment() {
    const ROUNDS: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let mut kills = Kills::default();
    for round in 0..ROUNDS {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "journal::a_process_to_be_killed", "--nocapture"]);
        command.env(KILLED_IN, folder.path());
        let delay = journal::delay(round, Duration::from_millis(300));
        journal::kill(folder.path(), command, delay, &mut kills);
    }
    assert!(kills.in_flow >= ROUNDS / 4, "killed too early to prove anything: {kills:?}");
    assert!(kills.acknowledged > 0 && kills.crashed > 0, "{kills:?}");
}
