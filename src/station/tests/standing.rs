//! What a restart finds: the recipe in force and a hold, whatever ended the process.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::rig::*;
use crate::station::core::HoldKind;
use crate::station::{Command, Health, Station};

fn start(rig: &Rig) -> Station {
    rig.start("deadline_ms = 5000")
}

fn recipe(station: &Station, name: &str) {
    let answer = station.command(Command::Recipe { path: PathBuf::from(name) });
    assert_eq!(answer["ok"], true, "{answer}");
}

fn file(rig: &Rig) -> PathBuf {
    rig.folder.path().join("journal/standing.json")
}

/// Waits until the file says so, and ends the station as a power cut would for that file.
fn cut_when(rig: &Rig, station: Station, says: &[&str]) {
    let text = || fs::read_to_string(file(rig)).unwrap_or_default();
    wait_for(&station, "it is written", |_| says.iter().all(|it| text().contains(it)));
    let kept = text();
    station.stop().unwrap();
    fs::write(file(rig), kept).unwrap();
}

#[test]
fn a_hold_and_the_recipe_in_force_outlive_a_crash() {
    let rig = Rig::new();
    let station = start(&rig);
    recipe(&station, "b.toml");
    station.command(Command::Hold { reason: "jam".to_owned() });
    cut_when(&rig, station, &["\"jam\"", "sha-b"]);
    let station = start(&rig);
    wait_for(&station, "held", |status| status.health == Health::Held);
    let status = station.status();
    assert_eq!((status.recipe.name.as_str(), status.reason.as_deref()), ("b", Some("jam")));
    assert_eq!(status.held_by, Some(HoldKind::Hand));
    station.command(Command::Resume {});
    recipe(&station, "a.toml");
    cut_when(&rig, station, &["sha-a", "\"hold\":null"]);
    let station = start(&rig);
    wait_for(&station, "running", |status| status.health == Health::Running);
    assert_eq!(station.status().recipe.name, "a");
    station.stop().unwrap();
}

#[test]
fn a_recipe_that_changed_while_nobody_ran_it_holds_the_line() {
    let rig = Rig::new();
    let station = start(&rig);
    recipe(&station, "b.toml");
    cut_when(&rig, station, &["sha-b"]);
    rig.script.limits.store(1, Ordering::SeqCst);
    let station = start(&rig);
    wait_for(&station, "held", |status| status.health == Health::Held);
    let status = station.status();
    assert_eq!(status.recipe.name, "a", "that of the station file");
    assert_eq!(status.held_by, Some(HoldKind::Recipe));
    assert!(
        status
            .reason
            .unwrap()
            .ends_with("b.toml: changed since it was in force; select a recipe, then resume")
    );
    station.command(Command::Resume {});
    cut_when(&rig, station, &["limits-1", "\"hold\":null"]);
    // Its own recipe, too, unless somebody stopped it in order to edit that.
    rig.script.limits.store(2, Ordering::SeqCst);
    let station = start(&rig);
    wait_for(&station, "held", |status| status.health == Health::Held);
    station.command(Command::Resume {});
    wait_for(&station, "running", |status| status.health == Health::Running);
    station.stop().unwrap();
    rig.script.limits.store(3, Ordering::SeqCst);
    let station = start(&rig);
    wait_for(&station, "running", |status| status.health == Health::Running);
    station.stop().unwrap();
}

#[test]
fn a_damaged_file_holds_the_line_and_says_why() {
    let rig = Rig::new();
    start(&rig).stop().unwrap();
    fs::write(file(&rig), "{\"format\":1,").unwrap();
    let station = start(&rig);
    wait_for(&station, "held", |status| status.health == Health::Held);
    let reason = station.status().reason.unwrap();
    assert!(reason.starts_with("the recipe in force is not known: "), "{reason}");
    station.stop().unwrap();
}
