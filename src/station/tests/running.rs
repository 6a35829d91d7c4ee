//! Sound runs, and cameras that deliver badly.

use std::sync::atomic::Ordering;

use super::rig::*;
use crate::capture::FaultPlan;
use crate::journal::Outcome;
use crate::station::{Health, StationConfig};

#[test]
fn good_parts_pass_and_bad_ones_do_not() {
    let mut rig = Rig::new();
    rig.parts = Some(45);
    let station = rig.start("deadline_ms = 5000");
    wait_for_end(&station);
    let status = station.stop().unwrap();
    let parts = rig.check(&status);
    assert_eq!(status.health, Health::Running);
    assert!(status.counters.conforming >= 10 && status.counters.mismatch >= 4, "{status:#?}");
    let judged = parts.values().find(|part| part.outcome == Outcome::Conforming).unwrap();
    assert_eq!((&*judged.recipe_sha256, &*judged.model_sha256), ("sha-a", "model"));
    assert!(judged.timing_ms.contains_key("to_leaving"));
}

/// The station stops by itself after its parts.
fn wait_for_end(station: &crate::station::Station) {
    let start = std::time::Instant::now();
    while station.is_running() {
        assert!(start.elapsed() < PATIENCE, "{:#?}", station.status());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn parts_on_the_belt_leave_at_the_ejector() {
    let mut rig = Rig::new();
    rig.parts = Some(30);
    let more = "deadline_ms = 600\n[ejector]\ndelay_ms = 1000\ntolerance_ms = 500";
    let station = rig.start(more);
    wait_for(&station, "many parts on the belt", |status| status.in_flight > 15);
    wait_for_end(&station);
    let status = station.stop().unwrap();
    let parts = rig.check(&status);
    assert!(status.counters.conforming >= 5, "{status:#?}");
    for part in parts.values().filter(|part| part.outcome == Outcome::Conforming) {
        assert!(part.timing_ms["to_leaving"] >= 1_000.0, "{part:?}");
    }
}

#[test]
fn frames_that_are_dropped_and_jitter_cost_their_parts_alone() {
    let mut rig = Rig::new();
    rig.plan = FaultPlan { seed: 7, drop: 0.3, jitter_ns: 4_000_000, ..FaultPlan::default() };
    rig.parts = Some(60);
    let station = rig.start("deadline_ms = 5000");
    wait_for_end(&station);
    let status = station.stop().unwrap();
    let parts = rig.check(&status);
    assert!(stage(&parts, "capture") >= 8, "{status:#?}");
    assert!(status.counters.conforming >= 8 && status.frames.dropped >= 8, "{status:#?}");
}

#[test]
fn triggers_that_jitter_are_paired_by_time() {
    let mut rig = Rig::new();
    rig.plan = FaultPlan { seed: 11, drop: 0.3, ..FaultPlan::default() };
    let config = rig.config("deadline_ms = 5000");
    let config = StationConfig { trigger: crate::station::TriggerConfig::Software, ..config };
    let station = rig.start_with(config.clone());
    let first_ns = station.first_ns();
    for part in 0..50_i64 {
        let jitter_ns = (part * 7_919 % 13 - 6) * 1_000_000;
        let at_ns = first_ns + part * PERIOD_MS as i64 * 1_000_000 + jitter_ns;
        station.trigger_at(at_ns);
    }
    wait_for(&station, "all parts", |status| status.counters.finished == 50);
    let status = station.stop().unwrap();
    rig.check(&status);
    assert!(status.counters.conforming > 5 && status.counters.not_inspected > 5, "{status:#?}");
}

#[test]
fn a_free_running_camera_makes_the_parts_itself() {
    let mut rig = Rig::new();
    rig.parts = Some(30);
    let mut config = rig.config("deadline_ms = 5000");
    config.trigger = crate::station::TriggerConfig::FreeRunning;
    config.core.timing.test.delay_ns = 0;
    if let Some(reference) = &mut config.core.timing.reference {
        reference.delay_ns = 0;
    }
    config.core.timing.trigger_latency_ns = 200_000_000;
    config.capture.timing = config.core.timing;
    let station = rig.start_with(config);
    wait_for_end(&station);
    let status = station.stop().unwrap();
    rig.check(&status);
    assert!(status.counters.conforming >= 5, "{status:#?}");
}

#[test]
fn a_run_leaves_evidence_of_every_reject_and_of_some_passes() {
    let mut rig = Rig::new();
    rig.parts = Some(30);
    let station = rig.start("deadline_ms = 5000");
    wait_for_end(&station);
    let status = station.stop().unwrap();
    let parts = rig.check(&status);
    let images = walk(&rig.folder.path().join("journal/evidence"));
    let bad = parts.values().filter(|part| part.outcome == Outcome::Mismatch).count();
    assert!(images >= 2 * bad, "{images} images of {bad} bad parts");
    assert!(images < 2 * parts.len(), "{images} images");
    assert_eq!(rig.script.opened_judges.load(Ordering::SeqCst), 1);
}

fn walk(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}
