//! What goes wrong, and that nothing passes by it.

use super::*;
use crate::station::core::{Component, Health};

#[test]
fn no_verdict_by_the_deadline_is_a_reject_and_a_late_one_counts_for_nothing() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.trigger(1);
    bench.until(12);
    bench.frame(1);
    bench.until(101);
    bench.verdict(Outcome::Conforming);
    bench.until(1_000);
    assert_eq!(bench.outcomes(), named(&[(1, "deadline")]));
    assert!(bench.passes_ms().is_empty());
    let counters = bench.core.counters();
    assert_eq!((counters.late_verdicts, counters.deadline_missed), (1, 1));
}

#[test]
fn a_verdict_at_the_deadline_counts_even_if_nobody_asked_before() {
    for (ns, expected) in [(100 * MS, "conforming"), (100 * MS + 1, "deadline")] {
        let mut bench = Bench::new(config(ejector_after(500)));
        bench.trigger(1);
        bench.until(12);
        bench.frame(1);
        bench.now_ns = ns;
        bench.verdict(Outcome::Conforming);
        bench.until(1_000);
        assert_eq!(bench.outcomes(), named(&[(1, expected)]));
    }
}

#[test]
fn a_part_at_the_ejector_before_its_verdict_is_rejected() {
    let mut bench = Bench::new(config(Ejector::AfterPulses { pulses: 10, tolerance: 1 }));
    bench.trigger(1);
    bench.until(12);
    bench.frame(1);
    bench.core.encoder(10);
    bench.until(30);
    assert_eq!(bench.outcomes(), named(&[(1, "deadline")]));
    bench.verdict(Outcome::Conforming);
    assert_eq!((bench.passes_ms(), bench.core.counters().late_verdicts), (vec![], 1));
}

#[test]
fn a_pulse_that_would_hit_another_part_is_not_given() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.part(1, 0, Outcome::Conforming);
    // Nobody asked for a while.
    bench.now_ns = 506 * MS;
    bench.until(600);
    assert_eq!(bench.outcomes(), named(&[(1, "late")]));
    assert_eq!((bench.passes_ms(), bench.core.counters().signal_failed), (vec![], 1));
}

#[test]
fn a_camera_that_is_lost_costs_its_parts_alone() {
    let mut bench = Bench::new(config(ejector_after(200)));
    bench.core.set_missing(Component::TestCamera, Some("/dev/video0: gone".to_owned()));
    for number in 1..=3 {
        bench.until(50 * number as i64);
        bench.trigger(number);
    }
    bench.until(400);
    assert_eq!(bench.core.health().0, Health::Degraded);
    bench.core.set_missing(Component::TestCamera, None);
    bench.part(4, 450, Outcome::Conforming);
    bench.until(800);
    let lost = [(1, "capture"), (2, "capture"), (3, "capture"), (4, "conforming")];
    assert_eq!(bench.outcomes(), named(&lost));
    assert_eq!((bench.passes_ms(), bench.core.health().0), (vec![650], Health::Running));
}

#[test]
fn a_lost_inspector_costs_the_part_it_judged_and_those_that_waited_too_long() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.trigger(1);
    bench.until(12);
    bench.frame(1);
    bench.core.inspector_lost(bench.now_ns, "it panicked");
    bench.judging = None;
    bench.until(50);
    bench.trigger(2);
    bench.until(62);
    bench.frame(2);
    bench.until(200);
    bench.core.inspector_ready();
    bench.part(3, 210, Outcome::Conforming);
    bench.until(1_000);
    let expected = [(1, "inspection"), (2, "inspection"), (3, "conforming")];
    assert_eq!(bench.outcomes(), named(&expected));
    assert_eq!(bench.kept, [1, 2, 3]);
}

#[test]
fn an_inspector_that_is_away_is_neither_asked_nor_given_up() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.trigger(1);
    bench.until(12);
    bench.frame(1);
    bench.core.inspector_away();
    bench.until(20);
    bench.verdict(Outcome::Conforming);
    bench.trigger(2);
    bench.until(32);
    bench.frame(2);
    bench.until(3_000);
    assert_eq!((bench.judging, bench.abandoned), (None, 0));
    bench.core.inspector_ready();
    bench.part(3, 3_010, Outcome::Conforming);
    bench.until(4_000);
    let expected = [(1, "conforming"), (2, "inspection"), (3, "conforming")];
    assert_eq!(bench.outcomes(), named(&expected));
}

#[test]
fn an_inspection_that_hangs_is_given_up_after_its_part_was_rejected() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.trigger(1);
    bench.until(12);
    bench.frame(1);
    bench.until(600);
    assert_eq!((bench.outcomes(), bench.abandoned), (named(&[(1, "deadline")]), 0));
    bench.until(1_100);
    assert_eq!((bench.abandoned, bench.core.health().0), (1, Health::Degraded));
    // What it says after all is nobody's verdict.
    bench.core.judged(bench.now_ns, 1, Outcome::Conforming.into());
    assert_eq!(bench.core.counters().late_verdicts, 1);
    bench.core.inspector_ready();
    bench.part(2, 1_200, Outcome::Conforming);
    bench.until(2_000);
    assert_eq!(bench.passes_ms(), [1_700]);
}

#[test]
fn parts_that_come_faster_than_verdicts_are_rejected_as_the_policy_says() {
    for (overload, rejected) in
        [(Overload::RejectNewest, [6, 7, 8]), (Overload::RejectOldest, [2, 3, 4])]
    {
        let mut bench = Bench::new(CoreConfig { overload, ..config(ejector_after(300)) });
        for number in 1..=8 {
            let ms = 6 * (number as i64 - 1);
            bench.until(ms);
            bench.trigger(number);
            if number > 2 {
                bench.frame(number - 2);
            }
        }
        for number in 7..=8 {
            bench.until(6 * (number as i64 + 1));
            bench.frame(number);
        }
        bench.until(60);
        while bench.judging.is_some() {
            bench.verdict(Outcome::Conforming);
        }
        bench.until(1_000);
        let outcomes = bench.outcomes();
        let overloaded: Vec<u64> =
            outcomes.iter().filter(|it| it.1 == "overload").map(|it| it.0).collect();
        assert_eq!(overloaded, rejected, "{overload:?} {outcomes:?}");
        assert_eq!(bench.core.counters().overload_rejected, 3);
        assert_eq!(bench.passes_ms().len(), 5);
    }
}

#[test]
fn a_pass_that_the_output_did_not_take_is_none() {
    let mut bench = Bench::new(config(ejector_after(200)));
    bench.is_pass_broken = true;
    bench.part(1, 0, Outcome::Conforming);
    bench.until(300);
    assert_eq!(bench.outcomes(), named(&[(1, "output")]));
    assert_eq!(bench.core.health(), (Health::Faulted, Some("line 4: gone".to_owned())));
    bench.part(2, 310, Outcome::Conforming);
    bench.until(600);
    bench.is_pass_broken = false;
    bench.core.set_missing(Component::Outputs, None);
    bench.part(3, 700, Outcome::Conforming);
    bench.until(1_000);
    let expected = [(1, "output"), (2, "fault"), (3, "conforming")];
    assert_eq!(bench.outcomes(), named(&expected));
}

#[test]
fn on_failure_hold_stops_passing_at_the_first_part_without_a_verdict() {
    let mut bench =
        Bench::new(CoreConfig { on_failure: OnFailure::Hold, ..config(ejector_after(200)) });
    bench.part(1, 0, Outcome::Mismatch);
    bench.part(2, 30, Outcome::not_inspected("photo", "too dark"));
    bench.part(3, 60, Outcome::Conforming);
    bench.until(500);
    assert_eq!(bench.outcomes(), named(&[(1, "mismatch"), (2, "photo"), (3, "held")]));
    let held = Some("part 2: photo: too dark".to_owned());
    assert_eq!(bench.core.health(), (Health::Held, held));
}

#[test]
fn a_clock_that_goes_back_passes_nothing_that_was_in_flight() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.until(1_000);
    bench.part(1, 1_000, Outcome::Conforming);
    bench.now_ns = 500 * MS;
    bench.settle();
    bench.trigger(2);
    bench.until(1_100);
    assert_eq!(bench.outcomes()[0], (1, "clock".to_owned()));
    assert!(bench.core.counters().clock_jumps >= 1);
    assert_eq!(bench.core.health().0, Health::Degraded);
    bench.until(6_000);
    bench.part(3, 6_000, Outcome::Conforming);
    bench.until(7_000);
    assert_eq!((bench.passes_ms(), bench.core.health().0), (vec![6_500], Health::Running));
    assert_eq!(bench.finished.len(), 3);
}

#[test]
fn a_lost_encoder_rejects_what_is_on_the_belt() {
    let mut bench = Bench::new(config(Ejector::AfterPulses { pulses: 100, tolerance: 3 }));
    bench.part(1, 0, Outcome::Conforming);
    bench.core.set_missing(Component::Encoder, Some("line 7: gone".to_owned()));
    bench.until(200);
    assert_eq!((bench.outcomes(), bench.passes_ms()), (named(&[(1, "late")]), vec![]));
}

#[test]
fn parts_on_the_belt_stay_lost_when_the_encoder_is_back() {
    let mut bench = Bench::new(config(Ejector::AfterPulses { pulses: 100, tolerance: 3 }));
    bench.core.encoder(1);
    bench.part(1, 0, Outcome::Conforming);
    bench.part(2, 30, Outcome::Conforming);
    bench.core.set_missing(Component::Encoder, Some("line 7: gone".to_owned()));
    bench.trigger(3);
    bench.core.set_missing(Component::Encoder, None);
    // Of edges in between nobody knows.
    bench.core.encoder(50);
    bench.part(4, 60, Outcome::Conforming);
    for ms in 81..300 {
        bench.until(ms);
        bench.core.encoder(ms as u64);
    }
    let expected = [(1, "late"), (2, "late"), (3, "late"), (4, "conforming")];
    assert_eq!(bench.outcomes(), named(&expected));
    assert_eq!(bench.core.counters().signal_failed, 3);
}

#[test]
fn an_encoder_that_never_moves_is_missing_until_it_does() {
    let mut bench = Bench::new(config(Ejector::AfterPulses { pulses: 10, tolerance: 3 }));
    for number in 1..=6 {
        bench.until(20 * number);
        assert_eq!(bench.core.health().0, Health::Running, "{number}");
        bench.trigger(number as u64);
    }
    let (health, reason) = bench.core.health();
    assert_eq!(health, Health::Degraded);
    assert!(reason.is_some_and(|reason| reason.starts_with("encoder: no edge between 5 parts")));
    bench.until(400);
    assert_eq!((bench.finished.len(), bench.outcomes()[5].1.as_str()), (6, "late"));
    bench.core.encoder(1);
    assert_eq!(bench.core.health().0, Health::Running);
    bench.part(7, 500, Outcome::Conforming);
    bench.core.encoder(11);
    bench.until(600);
    assert_eq!(bench.outcomes().last(), Some(&(7, "conforming".to_owned())));
    // One that is gone is not back because a count that was read before arrives.
    bench.core.set_missing(Component::Encoder, Some("line 7: gone".to_owned()));
    bench.core.encoder(12);
    assert_eq!(bench.core.health().0, Health::Degraded);
}

#[test]
fn a_part_has_its_place_from_its_trigger_not_from_when_that_was_read() {
    let mut bench = Bench::new(config(Ejector::AfterPulses { pulses: 10, tolerance: 0 }));
    bench.core.encoder(25);
    let trigger = Trigger { number: 1, ns: 0 };
    assert!(bench.core.trigger_at(0, trigger, 20).is_none());
    bench.until(12);
    bench.frame(1);
    bench.verdict(Outcome::Conforming);
    bench.core.encoder(29);
    bench.until(30);
    assert!(bench.outcomes().is_empty());
    bench.core.encoder(30);
    bench.until(40);
    assert_eq!(bench.outcomes(), named(&[(1, "conforming")]));
}

#[test]
fn a_stop_gives_every_part_its_outcome_and_none_a_pass() {
    let mut bench = Bench::new(config(ejector_after(500)));
    bench.part(1, 0, Outcome::Conforming);
    bench.part(2, 40, Outcome::Mismatch);
    bench.trigger(3);
    bench.core.stop(bench.now_ns);
    bench.settle();
    bench.trigger(4);
    let expected = [(1, "stopped"), (2, "mismatch"), (3, "stopped"), (4, "stopped")];
    assert_eq!(bench.outcomes(), named(&expected));
    assert_eq!((bench.passes_ms(), bench.core.in_flight()), (vec![], 0));
}
