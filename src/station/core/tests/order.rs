//! What a sound line does.

use super::*;
use crate::station::core::{Health, HoldKind, IN_FLIGHT};

#[test]
fn a_conforming_part_gets_one_pulse_when_it_is_at_the_ejector() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.part(1, 0, Outcome::Conforming);
    bench.until(1_000);
    assert_eq!(bench.outcomes(), named(&[(1, "conforming")]));
    let expected = [(500 * MS, Output::Pass, true), (520 * MS, Output::Pass, false)];
    assert_eq!(bench.changes, expected);
    assert_eq!(bench.core.health(), (Health::Running, None));
    assert_eq!((bench.kept, bench.core.in_flight()), (vec![1], 0));
}

#[test]
fn a_part_that_does_not_conform_gets_the_reject_pulse_and_no_other() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.part(1, 0, Outcome::Mismatch);
    bench.part(2, 50, Outcome::not_inspected("photo", "too dark"));
    bench.until(1_000);
    assert_eq!(bench.outcomes(), named(&[(1, "mismatch"), (2, "photo")]));
    assert!(bench.changes.iter().all(|change| change.1 == Output::Reject));
    assert_eq!(bench.changes.len(), 4);
}

#[test]
fn many_parts_between_camera_and_ejector_leave_in_order_with_pulses_of_their_own() {
    let mut bench = Bench::new(config(ejector_after(500)));
    for number in 1..=20 {
        let outcome = if number % 3 == 0 { Outcome::Mismatch } else { Outcome::Conforming };
        bench.part(number, 30 * number as i64, outcome);
    }
    assert!(bench.core.in_flight() > 10);
    bench.until(2_000);
    let numbers: Vec<u64> = bench.finished.iter().map(|part| part.number).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<u64>>());
    let due = (1..=20).filter(|number| number % 3 != 0).map(|number| 500 + 30 * number);
    assert_eq!(bench.passes_ms(), due.collect::<Vec<i64>>());
    for pulse in bench.changes.chunks(2) {
        assert_eq!((pulse[1].0 - pulse[0].0, pulse[1].2), (20 * MS, false), "{pulse:?}");
    }
}

#[test]
fn a_pulse_ends_before_that_of_a_part_close_behind() {
    let mut bench = Bench::new(config(ejector_after(500)));
    for (number, ms) in [(1, 0), (2, 8)] {
        bench.until(ms);
        bench.trigger(number);
    }
    for (number, ms) in [(1, 11), (2, 19)] {
        bench.until(ms);
        bench.frame(number);
        bench.until(ms + 3);
        bench.verdict(Outcome::Conforming);
    }
    bench.until(1_000);
    assert_eq!(bench.outcomes(), named(&[(1, "conforming"), (2, "conforming")]));
    let changes: Vec<(i64, bool)> = bench.changes.iter().map(|it| (it.0 / MS, it.2)).collect();
    assert_eq!(changes, [(500, true), (506, false), (508, true), (528, false)]);
    assert_eq!(bench.core.counters().cut_pulses, 1);
}

#[test]
fn a_pulse_has_its_length_however_far_the_next_part_is() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.part(1, 0, Outcome::Conforming);
    bench.part(2, 400, Outcome::Conforming);
    bench.until(2_000);
    let changes: Vec<i64> = bench.changes.iter().map(|change| change.0 / MS).collect();
    assert_eq!(changes, [500, 520, 900, 920]);
}

#[test]
fn a_rejected_part_is_not_passed_by_the_pulse_of_the_part_before() {
    let mut bench = Bench::new(config(Ejector::AtVerdict));
    bench.part(1, 0, Outcome::Conforming);
    bench.trigger(2);
    bench.until(31);
    bench.frame(2);
    bench.until(35);
    bench.verdict(Outcome::Mismatch);
    bench.until(200);
    let changes: Vec<(i64, Output, bool)> =
        bench.changes.iter().map(|it| (it.0 / MS, it.1, it.2)).collect();
    let expected = [
        (20, Output::Pass, true),
        (35, Output::Pass, false),
        (35, Output::Reject, true),
        (55, Output::Reject, false),
    ];
    assert_eq!(changes, expected);
}

#[test]
fn at_the_verdict_parts_leave_in_the_order_of_their_triggers() {
    let mut bench = Bench::new(config(Ejector::AtVerdict));
    bench.trigger(1);
    bench.until(12);
    bench.frame(1);
    bench.until(20);
    bench.trigger(2);
    // The frame of part 2 never comes, which is known before part 1 is judged.
    bench.until(70);
    assert_eq!((bench.judging, bench.finished.len()), (Some(1), 0));
    bench.verdict(Outcome::Conforming);
    bench.until(100);
    assert_eq!(bench.outcomes(), named(&[(1, "conforming"), (2, "capture")]));
}

#[test]
fn encoder_pulses_carry_parts_however_the_belt_runs() {
    let ejector = Ejector::AfterPulses { pulses: 100, tolerance: 3 };
    let mut bench = Bench::new(config(ejector));
    bench.core.encoder(40);
    bench.part(1, 0, Outcome::Conforming);
    bench.core.encoder(90);
    bench.part(2, 50, Outcome::Conforming);
    bench.core.encoder(139);
    bench.until(5_000);
    assert_eq!(bench.outcomes(), []);
    bench.core.encoder(140);
    bench.until(5_030);
    assert_eq!(bench.outcomes(), named(&[(1, "conforming")]));
    // The count jumped past the second part.
    bench.core.encoder(194);
    bench.until(5_060);
    assert_eq!(bench.outcomes(), named(&[(1, "conforming"), (2, "late")]));
    assert_eq!(bench.passes_ms().len(), 1);
}

#[test]
fn nothing_passes_before_the_challenge() {
    let mut core: Core<u64> = Core::new(config(ejector_after(200)));
    assert_eq!(core.health().0, Health::Starting);
    core.inspector_ready();
    let mut bench = Bench::new(config(ejector_after(200)));
    bench.core = core;
    bench.part(1, 0, Outcome::Conforming);
    bench.until(300);
    assert_eq!(bench.outcomes(), named(&[(1, "starting")]));
    bench.core.start();
    bench.part(2, 400, Outcome::Conforming);
    bench.until(700);
    assert_eq!(bench.passes_ms(), [600]);
}

#[test]
fn a_held_line_passes_nothing_until_it_is_resumed() {
    let mut bench = Bench::new(config(ejector_after(200)));
    bench.part(1, 0, Outcome::Conforming);
    bench.core.hold(HoldKind::Hand, "by hand");
    bench.part(2, 30, Outcome::Mismatch);
    bench.until(300);
    assert_eq!(bench.outcomes(), named(&[(1, "held"), (2, "mismatch")]));
    assert_eq!(bench.core.health(), (Health::Held, Some("by hand".to_owned())));
    bench.core.resume();
    bench.part(3, 400, Outcome::Conforming);
    bench.until(700);
    assert_eq!((bench.passes_ms(), bench.core.counters().held), (vec![600], 1));
}

#[test]
fn parts_in_flight_keep_the_recipe_they_triggered_under() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.trigger(1);
    bench.core.set_recipe(1);
    assert!(bench.core.needs_recipe(0) && bench.core.needs_recipe(1));
    bench.until(12);
    bench.frame(1);
    bench.until(20);
    bench.verdict(Outcome::Conforming);
    bench.part(2, 40, Outcome::Conforming);
    assert!(bench.core.needs_recipe(0));
    bench.until(1_000);
    assert!(!bench.core.needs_recipe(0));
    let recipes: Vec<u32> = bench.finished.iter().map(|part| part.recipe).collect();
    assert_eq!(recipes, [0, 1]);
}

#[test]
fn more_parts_than_fit_are_told_at_once() {
    let ejector = Ejector::AfterPulses { pulses: 1_000, tolerance: 1 };
    let mut bench = Bench::new(config(ejector));
    for number in 1..=IN_FLIGHT as u64 + 2 {
        bench.until(20 * number as i64);
        bench.core.encoder(number);
        bench.trigger(number);
    }
    let last = IN_FLIGHT as u64;
    assert_eq!(bench.outcomes(), named(&[(last + 1, "overload"), (last + 2, "overload")]));
    bench.core.encoder(2_000);
    bench.until(20_000);
    assert_eq!(bench.finished.len(), IN_FLIGHT + 2);
    assert!(bench.passes_ms().is_empty());
}

#[test]
fn counters_leave_nothing_out() {
    let mut bench = Bench::new(config(ejector_after(150)));
    bench.part(1, 0, Outcome::Conforming);
    bench.part(2, 30, Outcome::Mismatch);
    bench.until(60);
    bench.trigger(3);
    bench.until(65);
    let counters = bench.core.counters();
    assert_eq!(counters.triggers, counters.finished + bench.core.in_flight() as u64);
    bench.until(500);
    let counters = bench.core.counters();
    assert_eq!((counters.triggers, counters.finished, counters.inspected), (3, 3, 2));
    assert_eq!((counters.conforming, counters.mismatch, counters.not_inspected), (1, 1, 1));
    assert_eq!(counters.unpaired, 1);
    let [leaving, inspection] = bench.core.latencies();
    assert_eq!((leaving.count, inspection.count), (3, 2));
    assert_eq!((leaving.min_ms, inspection.max_ms), (150.0, 8.0));
}

#[test]
fn each_of_two_passes_has_an_edge_of_its_own() {
    let mut bench = Bench::new(config(Ejector::AtVerdict));
    for (number, ms) in [(1, 0), (2, 7)] {
        bench.until(ms);
        bench.trigger(number);
    }
    for (number, ms) in [(1, 12), (2, 18)] {
        bench.until(ms);
        bench.frame(number);
    }
    bench.until(20);
    bench.verdict(Outcome::Conforming);
    bench.until(21);
    bench.verdict(Outcome::Conforming);
    bench.until(100);
    let changes: Vec<(i64, bool)> = bench.changes.iter().map(|it| (it.0 / MS, it.2)).collect();
    assert_eq!(changes, [(20, true), (21, false), (23, true), (43, false)]);
}

#[test]
fn a_frame_is_judged_as_soon_as_no_other_trigger_can_claim_it() {
    let mut config = config(Ejector::AtVerdict);
    config.timing.test.delay_ns = 0;
    let mut bench = Bench::new(config);
    bench.trigger(1);
    bench.until(1);
    bench.frame(1);
    assert_eq!(bench.judging, None);
    // A trigger may be told 2 ms late and claim it until then.
    assert_eq!(bench.core.next_ns(), Some(3 * MS));
    bench.until(3);
    assert_eq!(bench.judging, Some(1));
}
