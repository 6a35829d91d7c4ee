//! The operator's desk and the charts of drift at a running line.

use std::sync::atomic::Ordering;

use super::rig::*;
use crate::input::ACTIONS;
use crate::journal::{EventSource, Reader, Record};
use crate::station::core::HoldKind;
use crate::station::onlookers::DeskWork;
use crate::station::{By, Command, Health, Station};

pub(super) fn events(rig: &Rig) -> Vec<(EventSource, String, String)> {
    let reader = Reader::open(&rig.folder.path().join("journal")).unwrap();
    let rows = reader.after(0, 100_000).unwrap();
    let event = |row: crate::journal::Row| match row.entry.record {
        Record::Event(event) => Some((event.source, event.name, event.detail)),
        _ => None,
    };
    rows.into_iter().filter_map(event).collect()
}

#[test]
fn framing_that_drifts_holds_the_line_and_is_forgiven_when_it_is_mended() {
    let rig = Rig::new();
    rig.script.watches_drift.store(true, Ordering::SeqCst);
    let station = rig.start("deadline_ms = 600");
    wait_for(&station, "a baseline", |status| status.counters.conforming >= 45);
    assert_eq!(station.status().health, Health::Running);
    rig.script.shift_px.store(20, Ordering::SeqCst);
    wait_for(&station, "a hold", |status| status.health == Health::Held);
    let status = station.status();
    let reason = status.reason.unwrap();
    assert!(reason.starts_with("drift: ") && reason.contains("shift_x"), "{reason}");
    assert!(status.drift.iter().any(|figure| figure.level >= 1.0), "{:?}", status.drift);
    rig.script.shift_px.store(0, Ordering::SeqCst);
    assert_eq!(station.command(Command::Resume {})["ok"], true);
    wait_for(&station, "as it was", |status| status.health == Health::Running);
    rig.script.shift_px.store(20, Ordering::SeqCst);
    wait_for(&station, "a second hold", |status| status.health == Health::Held);
    // What is now is meant to be so.
    assert_eq!(station.command(Command::Relearn {})["ok"], true);
    assert_eq!(station.command(Command::Resume {})["ok"], true);
    let passed = station.status().counters.conforming;
    wait_for(&station, "parts pass", |status| status.counters.conforming >= passed + 10);
    assert_eq!(station.status().health, Health::Running);
    rig.check(&station.stop().unwrap());
    let names: Vec<String> = events(&rig).into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names.iter().filter(|name| *name == "drift_hold").count(), 2, "{names:?}");
    assert!(names.iter().any(|name| name == "relearn"), "{names:?}");
}

#[test]
fn what_is_usual_is_known_after_a_restart() {
    let rig = Rig::new();
    rig.script.watches_drift.store(true, Ordering::SeqCst);
    let station = rig.start("deadline_ms = 600");
    wait_for(&station, "a baseline", |status| status.counters.conforming >= 45);
    station.stop().unwrap();
    // From the first part on it is another picture than yesterday.
    rig.script.shift_px.store(20, Ordering::SeqCst);
    let station = rig.start("deadline_ms = 600");
    wait_for(&station, "a hold", |status| status.health == Health::Held);
    assert!(station.status().counters.finished < 45, "it did not learn that as usual");
    station.stop().unwrap();
}

#[test]
fn presses_do_what_the_lock_allows_and_are_in_the_journal() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600\nrecipes = ['b.toml']\n[input]");
    let mut desk = desk(&station, &rig, false);
    press(&mut desk, "hold");
    wait_for(&station, "held", |status| status.health == Health::Held);
    press(&mut desk, "resume");
    wait_for(&station, "running", |status| status.health == Health::Running);
    press(&mut desk, "next-recipe");
    press(&mut desk, "select-recipe");
    assert_eq!(station.status().recipe.name, "a", "locked");
    rig.check(&station.stop().unwrap());
    let told = events(&rig);
    let has = |name: &str, text: &str| {
        told.iter().any(|(source, found, detail)| {
            *source == EventSource::Operator && found == name && detail.contains(text)
        })
    };
    assert!(has("hold", "by button 1") && has("resume", "by button 1"), "{told:?}");
    assert!(has("refused", "next-recipe: locked"), "{told:?}");
}

#[test]
fn an_operator_who_may_changes_to_the_recipe_that_is_pointed_at() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600\nrecipes = ['b.toml']\n[input]");
    wait_for(&station, "it runs", |status| status.health == Health::Running);
    let mut desk = desk(&station, &rig, true);
    press(&mut desk, "next-recipe");
    press(&mut desk, "select-recipe");
    wait_for(&station, "the other recipe", |status| status.recipe.name == "b");
    rig.check(&station.stop().unwrap());
}

#[test]
fn every_press_is_in_the_journal_with_what_became_of_it() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600\nrecipes = ['b.toml']\n[input]");
    wait_for(&station, "it runs", |status| status.health == Health::Running);
    let mut desk = desk(&station, &rig, true);
    press(&mut desk, "next-screen");
    press(&mut desk, "select-recipe");
    press(&mut desk, "next-recipe");
    rig.script.challenge_ms.store(500, Ordering::SeqCst);
    press(&mut desk, "challenge");
    press(&mut desk, "challenge");
    press(&mut desk, "select-recipe");
    wait_for(&station, "the challenge is over", |status| {
        status.health == Health::Running && !status.is_challenging
    });
    press(&mut desk, "acknowledge");
    rig.check(&station.stop().unwrap());
    let told = events(&rig);
    for (name, text) in [
        ("pressed", "next-screen: trend, by button 1"),
        ("refused", "select-recipe: no recipe is pointed at, by button 1"),
        ("pressed", "next-recipe: b, by button 1"),
        ("pressed", "challenge: begun, by button 1"),
        ("refused", "challenge: a challenge or a change of recipe is under way, by button 1"),
        ("refused", "select-recipe: a challenge or a change of recipe is under way, by button 1"),
        ("pressed", "acknowledge, by button 1"),
    ] {
        let is_it = |(source, found, detail): &(EventSource, String, String)| {
            *source == EventSource::Operator && found == name && detail == text
        };
        assert_eq!(told.iter().filter(|event| is_it(event)).count(), 1, "{text}: {told:?}");
    }
}

#[test]
fn a_challenge_that_is_under_way_has_not_failed() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600\n[input]");
    wait_for(&station, "parts pass", |status| status.counters.conforming >= 1);
    rig.script.challenge_ms.store(1_000, Ordering::SeqCst);
    let mut desk = desk(&station, &rig, false);
    let commander = station.commander();
    // By the socket or the plant, not by the desk.
    let by = By::new(EventSource::Plant, "plc");
    let asked = std::thread::spawn(move || commander.command(Command::Challenge {}, by));
    wait_for(&station, "it is under way", |status| status.is_challenging);
    let status = station.status();
    assert_eq!((status.health, status.is_challenge_failed), (Health::Held, false));
    assert_eq!(status.held_by, Some(HoldKind::Challenging));
    press(&mut desk, "resume");
    assert_eq!(asked.join().unwrap()["ok"], true);
    wait_for(&station, "it was passed", |status| status.health == Health::Running);
    rig.check(&station.stop().unwrap());
    let told = events(&rig);
    assert!(!told.iter().any(|(_, name, _)| name == "refused"), "{told:?}");
}

#[test]
fn the_panel_is_there_before_the_challenge_and_its_losses_are_in_the_status() {
    let rig = Rig::new();
    rig.script.challenge_ms.store(1_000, Ordering::SeqCst);
    let station =
        rig.start("deadline_ms = 600\n[panel]\nframebuffer = '/nonexistent/fb0'\n[input]");
    // At once: it was tried while the goldens were being judged.
    let desk = station.status().desk;
    assert!(desk.display_failures >= 1, "{desk:?}");
    assert!(desk.display_fault.is_some_and(|fault| fault.contains("/nonexistent/fb0")));
    rig.script.challenge_ms.store(0, Ordering::SeqCst);
    wait_for(&station, "parts pass all the same", |status| status.counters.conforming >= 3);
    rig.check(&station.stop().unwrap());
}

fn desk(station: &Station, rig: &Rig, may_change_recipe: bool) -> DeskWork {
    let config = rig.config("deadline_ms = 600\nrecipes = ['b.toml']\n[input]");
    let mut inputs = config.inputs.clone().unwrap();
    inputs.lock.may_change_recipe = may_change_recipe;
    DeskWork::of(station, &config.recipes, inputs)
}

fn press(desk: &mut DeskWork, action: &str) {
    let action = ACTIONS.into_iter().find(|known| known.name() == action).unwrap();
    desk.pressed(action, "button 1");
}
