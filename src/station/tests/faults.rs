//! What fails while the line runs, and that it goes on without passing anything by it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::rig::*;
use crate::journal::Outcome;
use crate::journal::test_panics::{Place, panic_at};
use crate::signal::{LineName, RawEdge, RawInput};
use crate::station::{ConfirmationConfig, Ejector, Health, Station, TriggerConfig};

fn passed(station: &Station, more: u64) {
    let before = station.status().counters.conforming;
    wait_for(station, "parts pass", |status| status.counters.conforming >= before + more);
}

#[test]
fn a_verdict_after_the_deadline_is_no_pass() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600");
    passed(&station, 3);
    rig.script.judge_ms.store(900, Ordering::SeqCst);
    wait_for(&station, "deadlines are missed", |status| status.counters.deadline_missed > 0);
    wait_for(&station, "late verdicts", |status| status.counters.late_verdicts > 0);
    rig.script.judge_ms.store(0, Ordering::SeqCst);
    passed(&station, 3);
    let parts = rig.check(&station.stop().unwrap());
    assert!(stage(&parts, "deadline") > 0);
}

#[test]
fn a_lost_camera_passes_nothing_and_comes_back() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    passed(&station, 3);
    rig.script.is_camera_gone.store(true, Ordering::SeqCst);
    wait_for(&station, "degraded", |status| status.health == Health::Degraded);
    let unpaired = station.status().counters.unpaired;
    wait_for(&station, "parts unpaired", |status| status.counters.unpaired >= unpaired + 8);
    let reason = station.status().reason.unwrap();
    assert!(reason.contains("test camera: numbered: disconnected (unplugged)"), "{reason}");
    rig.script.is_camera_gone.store(false, Ordering::SeqCst);
    let back = Instant::now();
    wait_for(&station, "running", |status| status.health == Health::Running);
    let took = back.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    passed(&station, 3);
    let parts = rig.check(&station.stop().unwrap());
    assert!(stage(&parts, "capture") >= 8);
}

#[test]
fn a_camera_that_hangs_without_a_word_is_opened_again() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    passed(&station, 3);
    rig.script.camera_hangs.store(true, Ordering::SeqCst);
    wait_for(&station, "degraded", |status| status.health == Health::Degraded);
    let reason = station.status().reason.unwrap();
    assert!(reason.starts_with("test camera: numbered: no frame of the last "), "{reason}");
    // Degraded as long as opening it does not help, and tried again and again.
    let reopened = || rig.script.reopened.load(Ordering::SeqCst);
    wait_for(&station, "opened twice", |_| reopened() >= 2);
    assert_eq!(station.status().health, Health::Degraded);
    rig.script.reopening_helps.store(true, Ordering::SeqCst);
    wait_for(&station, "running", |status| status.health == Health::Running);
    passed(&station, 3);
    rig.check(&station.stop().unwrap());
}

#[test]
fn a_camera_thread_that_panics_is_started_again() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    passed(&station, 3);
    rig.script.camera_panics.store(true, Ordering::SeqCst);
    wait_for(&station, "degraded", |status| status.health == Health::Degraded);
    wait_for(&station, "running", |status| status.health == Health::Running);
    passed(&station, 3);
    rig.check(&station.stop().unwrap());
}

#[test]
fn an_inspection_that_panics_costs_its_part_and_is_started_again() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    passed(&station, 3);
    rig.script.judge_panics.store(true, Ordering::SeqCst);
    wait_for(&station, "restarted", |status| status.inspector_restarts == 1);
    wait_for(&station, "running", |status| status.health == Health::Running);
    passed(&station, 3);
    let parts = rig.check(&station.stop().unwrap());
    assert!(stage(&parts, "inspection") >= 1);
    assert_eq!(rig.script.opened_judges.load(Ordering::SeqCst), 2);
}

#[test]
fn an_inspection_that_hangs_is_replaced_and_its_verdict_is_nobodys() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600\ninspection_timeout_ms = 1000");
    passed(&station, 3);
    rig.script.judge_hangs.store(true, Ordering::SeqCst);
    wait_for(&station, "restarted", |status| status.inspector_restarts == 1);
    passed(&station, 3);
    // Until the thread that hung has spoken after all.
    let judged = station.status().counters.inspected;
    wait_for(&station, "four seconds", |status| status.counters.inspected >= judged + 110);
    let parts = rig.check(&station.stop().unwrap());
    assert!(stage(&parts, "deadline") >= 1);
}

#[test]
fn a_full_disk_stops_the_journal_and_not_the_outputs() {
    let rig = Rig::new();
    let mut config = rig.config("deadline_ms = 5000");
    config.journal.settings.database_bytes = 40 << 10;
    config.journal.settings.queue = 64;
    let station = rig.start_with(config);
    wait_for(&station, "degraded", |status| status.health == Health::Degraded);
    assert!(station.status().reason.unwrap().starts_with("journal: "));
    passed(&station, 10);
    wait_for(&station, "records dropped", |status| status.journal.dropped_parts > 0);
    let status = station.stop().unwrap();
    assert_eq!(status.counters.triggers, status.counters.finished);
    assert_eq!(rig.passes(), status.counters.conforming);
}

#[test]
fn parts_that_come_faster_than_verdicts_are_counted() {
    let rig = Rig::new();
    rig.script.judge_ms.store(130, Ordering::SeqCst);
    let station = rig.start("deadline_ms = 5000\nwaiting = 2");
    wait_for(&station, "overload", |status| status.counters.overload_rejected >= 10);
    passed(&station, 2);
    let status = station.stop().unwrap();
    let parts = rig.check(&status);
    assert_eq!(stage(&parts, "overload") as u64, status.counters.overload_rejected);
}

#[test]
fn outputs_that_fail_or_panic_pass_nothing_and_are_taken_again() {
    for fault in 0..2 {
        let rig = Rig::new();
        let station = rig.start("deadline_ms = 5000");
        passed(&station, 2);
        let flags = [&rig.script.outputs_fail, &rig.script.outputs_panic];
        flags[fault].store(true, Ordering::SeqCst);
        wait_for(&station, "output failed", |status| status.counters.signal_failed == 1);
        wait_for(&station, "running", |status| status.health == Health::Running);
        passed(&station, 2);
        let parts = rig.check(&station.stop().unwrap());
        assert_eq!(stage(&parts, "output"), 1);
    }
}

#[test]
fn on_failure_hold_waits_for_somebody() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000\non_failure = 'hold'");
    passed(&station, 3);
    rig.script.judge_panics.store(true, Ordering::SeqCst);
    wait_for(&station, "held", |status| status.health == Health::Held);
    let conforming = station.status().counters.conforming;
    wait_for(&station, "held parts", |status| status.counters.held >= 5);
    assert_eq!(station.status().counters.conforming, conforming);
    rig.check(&station.stop().unwrap());
}

#[test]
fn a_stop_while_parts_are_in_flight_passes_none_of_them() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 2000\n[ejector]\ndelay_ms = 3000");
    wait_for(&station, "parts on the belt", |status| status.in_flight > 20);
    let status = station.stop().unwrap();
    let parts = rig.check(&status);
    assert!(stage(&parts, "stopped") > 5);
    let passed = parts.values().filter(|part| part.outcome == Outcome::Conforming).count();
    assert_eq!((passed, rig.passes()), (0, 0));
}

#[test]
fn an_ejection_that_no_sensor_saw_holds_the_line() {
    let rig = Rig::new();
    let mut config = rig.config("deadline_ms = 5000");
    let input = RawInput {
        chip: "no such chip".to_owned(),
        line: LineName::Offset(0),
        edge: RawEdge::Rising,
        active_low: false,
        debounce_us: 0,
    };
    let input = input.validate("input").unwrap();
    config.confirmation = Some(ConfirmationConfig { input, within_ns: 100_000_000 });
    let station = rig.start_with(config);
    wait_for(&station, "held", |status| status.health == Health::Held);
    let status = station.status();
    assert!(status.reason.unwrap().contains("no sensor saw its ejection"));
    wait_for(&station, "parts are held", |status| status.counters.held >= 3);
    rig.check(&station.stop().unwrap());
}

#[test]
fn a_belt_that_moves_without_anything_else_carries_its_parts_out() {
    let rig = Rig::new();
    let mut config = rig.config("deadline_ms = 5000");
    config.trigger = TriggerConfig::Software;
    config.core.ejector = Ejector::AfterPulses { pulses: 100, tolerance: 10 };
    let station = rig.start_with(config);
    station.trigger_at(station.first_ns());
    wait_for(&station, "the verdict", |status| status.counters.inspected == 1);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(station.status().in_flight, 1);
    station.move_belt(100);
    wait_for(&station, "the pass", |status| status.counters.conforming == 1);
    rig.check(&station.stop().unwrap());
}

#[test]
fn a_station_that_nobody_holds_any_more_ends_in_order() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    passed(&station, 3);
    drop(station);
    let parts = rig.parts();
    assert_eq!(stage(&parts, "crash"), 0);
    assert!(!rig.recorded.is_active(crate::signal::Output::Pass));
}

#[test]
fn thresholds_that_were_edited_are_not_taken_up_by_an_inspector_that_starts_again() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 600");
    passed(&station, 3);
    rig.script.limits.store(2, Ordering::SeqCst);
    rig.script.judge_panics.store(true, Ordering::SeqCst);
    let is_refused = |reason: &String| reason.contains("changed since it was put in force");
    wait_for(&station, "refused", |status| status.reason.as_ref().is_some_and(is_refused));
    rig.script.limits.store(0, Ordering::SeqCst);
    wait_for(&station, "running", |status| status.health == Health::Running);
    passed(&station, 3);
    assert_eq!(station.status().recipe.thresholds_sha256, "limits-0");
    let parts = rig.check(&station.stop().unwrap());
    assert!(parts.values().all(|part| part.thresholds_sha256 == "limits-0"));
}

#[test]
fn a_journal_that_panics_goes_on_and_the_outputs_never_notice() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    passed(&station, 3);
    let journal = rig.folder.path().join("journal");
    // Tried again every quarter of a second; parts go through all the while.
    panic_at(&journal, Place::BeforeCommit, 2);
    wait_for(&station, "degraded", |status| status.health == Health::Degraded);
    let reason = station.status().reason.unwrap_or_default();
    assert!(reason.is_empty() || reason.contains("panicked: on purpose"), "{reason}");
    passed(&station, 3);
    wait_for(&station, "went on", |status| status.journal.restarts == 2);
    wait_for(&station, "running", |status| status.health == Health::Running);
    panic_at(&journal.join(crate::journal::IMAGES), Place::Image, 1);
    wait_for(&station, "an image is lost", |status| status.journal.parts_without_images == 1);
    passed(&station, 3);
    // No record is lost: every number has its one outcome.
    rig.check(&station.stop().unwrap());
}
