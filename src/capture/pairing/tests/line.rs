//! A line with everything that goes wrong on one: whatever leaves with frames has its own.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::capture::source::{NumberedCamera, number_of};
use crate::capture::{Clock, FaultPlan, Faulty, FrameSource, VirtualClock};
use crate::frame::Frame;

const PARTS_OF_A_RUN: u64 = 5_000;
/// How far a camera's stamps are off; with what trigger and exposure stray, inside the window.
const JITTER_NS: i64 = MS;

/// The line: when parts pass, and what the cameras do to the frames.
struct Line {
    timing: Timing,
    /// From one part to the next, least and most, in ms.
    spacing_ms: (i64, i64),
    plan: FaultPlan,
    seed: u64,
}

/// Something that reaches the program.
enum Event {
    Trigger(Trigger),
    Frame(usize, Sighting<Frame>),
}

/// What a run came to.
struct Outcome {
    parts: Vec<Part<Frame>>,
    counts: Counts,
    /// Number of each test frame delivered, in order: what pairing by order alone would use.
    delivered: Vec<u64>,
}

impl Line {
    fn run(&self) -> Outcome {
        let mut events = self.events();
        events.sort_by_key(|(now_ns, _)| *now_ns);
        let delivered = delivered(&events);
        let mut pairing = Pairing::new(self.timing);
        let mut parts = Vec::new();
        for (now_ns, event) in events {
            while let Some(due_ns) = pairing.next_ns().filter(|due_ns| *due_ns < now_ns) {
                parts.extend(std::iter::from_fn(|| pairing.poll(due_ns)));
            }
            match event {
                Event::Trigger(trigger) => parts.extend(pairing.trigger(now_ns, trigger)),
                Event::Frame(camera, sighting) => pairing.frame(now_ns, camera, sighting),
            }
            parts.extend(std::iter::from_fn(|| pairing.poll(now_ns)));
            assert_conserved(&pairing);
        }
        while let Some(due_ns) = pairing.next_ns() {
            parts.extend(std::iter::from_fn(|| pairing.poll(due_ns)));
        }
        Outcome { parts, counts: pairing.counts(), delivered }
    }

    /// Triggers and frames with the time they reach the program.
    fn events(&self) -> Vec<(i64, Event)> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let (mut events, mut exposures) = (Vec::new(), [Vec::new(), Vec::new()]);
        let (mut at_ns, mut last_trigger_ns) = (1_000 * MS, 0);
        for number in 1..=PARTS_OF_A_RUN {
            at_ns += random.random_range(self.spacing_ms.0 * MS..=self.spacing_ms.1 * MS);
            // A trigger is early or late, and exposures are, but never the order of parts.
            let ns = (at_ns + random.random_range(-2 * MS..=2 * MS)).max(last_trigger_ns);
            last_trigger_ns = ns;
            let told_ns = ns + random.random_range(0..3 * MS);
            events.push((told_ns, Event::Trigger(Trigger { number, ns })));
            for view in self.timing.views() {
                let middle_ns = view.delay_ns + self.timing.window_ns / 2;
                let stray_ns = random.random_range(-MS..=MS);
                exposures[view.camera].push((at_ns + middle_ns + stray_ns, number));
            }
        }
        // Triggers told out of order would be another line.
        let mut last_ns = 0;
        for (told_ns, _) in &mut events {
            last_ns = last_ns.max(*told_ns);
            *told_ns = last_ns;
        }
        for (camera, exposures) in exposures.into_iter().enumerate() {
            events.extend(self.frames(camera, exposures));
        }
        events
    }

    fn frames(&self, camera: usize, mut exposures: Vec<(i64, u64)>) -> Vec<(i64, Event)> {
        exposures.sort_unstable();
        let clock = VirtualClock::default();
        let plan = FaultPlan { seed: self.seed + 10 + camera as u64, ..self.plan };
        let camera_source = NumberedCamera::new(clock.clone(), exposures);
        let mut source = Faulty::new(camera_source, clock.clone(), plan);
        let wait = std::time::Duration::from_millis(50);
        let mut events = Vec::new();
        loop {
            match source.next_frame(wait) {
                Ok(captured) => {
                    let (sequence, stamp) = (captured.sequence, captured.stamp);
                    let content = captured.content.ok();
                    // The transfer.
                    let now_ns = clock.now_ns() + 5 * MS;
                    let sighting = Sighting { sequence, stamp, content };
                    events.push((now_ns, Event::Frame(camera, sighting)));
                }
                Err(error) if error.is_timeout() => {}
                Err(error) if error.needs_reopen() => {
                    while source.reopen().is_err() {
                        clock.sleep_until(clock.now_ns() + MS);
                    }
                }
                Err(_) => return events,
            }
        }
    }
}

fn delivered(events: &[(i64, Event)]) -> Vec<u64> {
    let test = |(_, event): &(i64, Event)| match event {
        Event::Frame(0, sighting) => sighting.content.as_ref().map(number_of),
        _ => None,
    };
    events.iter().filter_map(test).collect()
}

impl Outcome {
    /// Every part left once, in order, and what has frames has its own; gives the share of these.
    fn assert_right(&self) -> f64 {
        let numbers: Vec<u64> = self.parts.iter().map(|part| part.trigger.number).collect();
        assert_eq!(numbers, (1..=PARTS_OF_A_RUN).collect::<Vec<u64>>());
        let mut judged = 0;
        for part in &self.parts {
            let Ok(frames) = &part.outcome else { continue };
            judged += 1;
            let number = part.trigger.number;
            assert_eq!(number_of(&frames.test.content), number, "the test frame");
            if let Some(reference) = &frames.reference {
                assert_eq!(number_of(&reference.content), number, "the reference frame");
            }
        }
        assert_eq!(self.counts.paired, judged);
        judged as f64 / PARTS_OF_A_RUN as f64
    }

    fn reasons(&self, is: fn(&Unpaired) -> bool) -> f64 {
        let reasons = self.parts.iter().filter_map(|part| part.outcome.as_ref().err());
        reasons.filter(|reason| is(reason)).count() as f64 / PARTS_OF_A_RUN as f64
    }
}

fn dropping() -> FaultPlan {
    FaultPlan { drop: 0.3, jitter_ns: JITTER_NS, ..FaultPlan::default() }
}

fn line(timing: Timing, spacing_ms: (i64, i64), plan: FaultPlan) -> Line {
    Line { timing, spacing_ms, plan, seed: 7 }
}

#[test]
fn a_sound_line_loses_no_part() {
    for timing in [two_cameras(), golden()] {
        let outcome = line(timing, (70, 120), FaultPlan::default()).run();
        assert_eq!(outcome.assert_right(), 1.0);
        assert_eq!(outcome.counts.dropped + outcome.counts.late + outcome.counts.unmatched, 0);
    }
    let outcome = line(twice(), (70, 120), FaultPlan::default()).run();
    assert_eq!(outcome.assert_right(), 1.0);
}

#[test]
fn with_30_percent_drops_and_jitter_no_part_is_judged_under_anothers_number() {
    for (timing, expected) in [(two_cameras(), 0.49), (golden(), 0.7), (twice(), 0.49)] {
        let outcome = line(timing, (70, 120), dropping()).run();
        let judged = outcome.assert_right();
        assert!((judged - expected).abs() < 0.03, "{judged} judged, {expected} have their frames");
        let frames = outcome.counts.frames + outcome.counts.dropped;
        let dropped = outcome.counts.dropped as f64 / frames as f64;
        assert!((dropped - 0.3).abs() < 0.02, "{dropped} dropped");
        // Pairing by order alone would have gone wrong at once.
        let wrong = (1..).zip(&outcome.delivered).filter(|(place, number)| place != *number);
        assert!(wrong.count() as f64 > 0.6 * PARTS_OF_A_RUN as f64);
    }
}

#[test]
fn triggers_closer_than_the_window_are_not_inspected_and_never_wrong() {
    for timing in [two_cameras(), golden(), twice()] {
        for in_window in [InWindow::One, InWindow::First] {
            // Exposures may be less than the jitter apart, and stamps of a camera never go back.
            let plan = FaultPlan { jitter_ns: 0, ..dropping() };
            let outcome = line(Timing { in_window, ..timing }, (2, 40), plan).run();
            let judged = outcome.assert_right();
            assert!((0.05..0.7).contains(&judged), "{judged}");
            let ambiguous = outcome.reasons(|it| matches!(it, Unpaired::Ambiguous { .. }));
            assert!(ambiguous > 0.02, "{ambiguous}");
        }
    }
}

#[test]
fn everything_at_once_is_never_wrong() {
    for seed in 0..6 {
        for timing in [two_cameras(), golden(), twice()] {
            let plan = FaultPlan {
                late: 0.05,
                late_ns: 60 * MS,
                flag: 0.05,
                cut: 0.05,
                disconnect: 0.002,
                away_ns: 700 * MS,
                jitter_ns: 0,
                ..dropping()
            };
            let outcome = Line { seed, ..line(timing, (8, 120), plan) }.run();
            let judged = outcome.assert_right();
            assert!(judged > 0.1, "{judged}");
            let counts = outcome.counts;
            assert!(counts.late > 0 && counts.dropped > 0 && counts.sequence_resets > 0);
            assert!(outcome.reasons(|it| matches!(it, Unpaired::Damaged { .. })) > 0.01);
            assert_eq!(counts.clock_jumps, 0);
        }
    }
}

#[test]
fn repeated_timestamps_stop_no_part_from_leaving_and_judge_none_wrongly() {
    // The frame of a part under the stamp of the part before: by time it is the other's second.
    let plan = FaultPlan { repeat_stamp: 0.1, ..FaultPlan::default() };
    let outcome = line(golden(), (70, 120), plan).run();
    let judged = outcome.assert_right();
    assert!((0.75..0.95).contains(&judged), "{judged}");
}

#[test]
fn parts_faster_than_they_are_held_leave_in_order() {
    let slow =
        Timing { test: View { camera: 0, delay_ns: 900 * MS }, reference: None, ..two_cameras() };
    let outcome = line(slow, (5, 25), FaultPlan::default()).run();
    outcome.assert_right();
    assert!(outcome.reasons(|it| matches!(it, Unpaired::TooManyParts { .. })) > 0.5);
}
