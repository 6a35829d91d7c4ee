//! Events in random order, by seed: whatever happens, the one rule holds.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::station::core::{Component, Health, HoldKind};

/// What is known of a part beside the core.
#[derive(Debug, Default)]
struct Known {
    triggered_ns: i64,
    /// The first verdict that the core was told.
    verdict: Option<(i64, bool)>,
}

struct Chaos {
    bench: Bench,
    random: ChaCha8Rng,
    known: BTreeMap<u64, Known>,
    next: u64,
    encoder: u64,
    /// Frames that are to come: time and part.
    frames: Vec<(i64, u64)>,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let ejector = match random.random_range(0..3) {
            0 => Ejector::AtVerdict,
            1 => ejector_after(random.random_range(40..400)),
            _ => Ejector::AfterPulses { pulses: random.random_range(5..50), tolerance: 2 },
        };
        let is_hold = random.random_bool(0.2);
        let config = CoreConfig {
            on_failure: if is_hold { OnFailure::Hold } else { OnFailure::Reject },
            overload: if random.random() { Overload::RejectNewest } else { Overload::RejectOldest },
            waiting: random.random_range(1..5),
            ..config(ejector)
        };
        let bench = Bench::new(config);
        Self { bench, random, known: BTreeMap::new(), next: 1, encoder: 0, frames: Vec::new() }
    }

    fn step(&mut self) {
        let bench = &mut self.bench;
        match self.random.random_range(0..100) {
            0..=9 => self.trigger(),
            10..=44 => self.verdict(),
            45..=84 => {
                let ms = bench.now_ns / MS + self.random.random_range(1..12);
                self.advance(ms);
            }
            85..=87 => {
                self.encoder += self.random.random_range(0..30);
                bench.core.encoder(self.encoder);
            }
            88 if self.random.random_bool(0.3) => bench.core.hold(HoldKind::Hand, "by chance"),
            88..=91 => bench.core.resume(),
            92 if self.random.random_bool(0.2) => {
                bench.core.inspector_lost(bench.now_ns, "by chance");
                bench.judging = None;
            }
            93..=94 if bench.judging.is_none() => bench.core.inspector_ready(),
            95 => {
                // Nobody asks for a while.
                bench.now_ns += self.random.random_range(1..200) * MS;
                bench.settle();
            }
            96 if self.random.random_bool(0.1) => {
                bench.now_ns -= self.random.random_range(1..500) * MS;
                bench.settle();
            }
            97 => bench.is_pass_broken = self.random.random_bool(0.1),
            98 => bench.core.set_missing(Component::Outputs, None),
            _ => {}
        }
    }

    fn trigger(&mut self) {
        let number = self.next;
        self.next += 1;
        let triggered_ns = self.bench.now_ns;
        self.known.insert(number, Known { triggered_ns, verdict: None });
        self.bench.trigger(number);
        let is_dropped = self.random.random_bool(0.2);
        if !is_dropped {
            let after = self.random.random_range(8..18) * MS;
            self.frames.push((triggered_ns + after, number));
        }
    }

    fn verdict(&mut self) {
        let Some(number) = self.bench.judging else { return };
        let is_conforming = self.random.random_bool(0.7);
        let known = self.known.get_mut(&number).unwrap();
        known.verdict.get_or_insert((self.bench.now_ns, is_conforming));
        let outcome = if is_conforming { Outcome::Conforming } else { Outcome::Mismatch };
        self.bench.verdict(outcome);
    }

    /// Frames show the part that they were exposed for, or nothing that anybody waits for.
    fn advance(&mut self, ms: i64) {
        self.frames.sort_unstable();
        while let Some(&(at_ns, number)) = self.frames.first() {
            if at_ns > ms * MS {
                break;
            }
            self.frames.remove(0);
            if at_ns > self.bench.now_ns {
                self.bench.until(at_ns / MS);
                // A frame in the window of another part shows that part too: they are too close.
                let others = self.known.range(..).filter(|(other, known)| {
                    let since = self.bench.now_ns - known.triggered_ns;
                    **other != number && (10 * MS..=15 * MS).contains(&since)
                });
                if others.count() == 0 {
                    self.bench.frame(number);
                }
            }
        }
        if ms * MS > self.bench.now_ns {
            self.bench.until(ms);
        }
    }

    fn check(&self) {
        let bench = &self.bench;
        let numbers: Vec<u64> = bench.finished.iter().map(|part| part.number).collect();
        let unique: BTreeSet<u64> = numbers.iter().copied().collect();
        assert_eq!(unique.len(), numbers.len(), "two outcomes for one part");
        assert_eq!(numbers.len() + bench.core.in_flight(), self.known.len());
        let passed = bench.finished.iter().filter(|part| part.outcome == Outcome::Conforming);
        let mut passes = 0;
        for part in passed {
            passes += 1;
            let known = &self.known[&part.number];
            let (at_ns, is_conforming) = known.verdict.expect("passed without a verdict");
            assert!(is_conforming, "part {} passed on a mismatch", part.number);
            assert!(at_ns <= known.triggered_ns + 100 * MS, "part {} passed late", part.number);
        }
        assert_eq!(bench.passes_ms().len(), passes, "one pulse for each part that passed");
        let counters = bench.core.counters();
        assert_eq!(counters.finished, numbers.len() as u64);
        let sum = counters.conforming + counters.mismatch + counters.not_inspected;
        assert_eq!(counters.finished, sum);
    }

    /// Lets everything come to its end.
    fn drain(&mut self) {
        self.bench.core.encoder(u64::MAX / 2);
        let ms = self.bench.now_ns / MS + 3_000;
        self.bench.until(ms);
        assert_eq!(self.bench.core.in_flight(), 0);
        assert_eq!(self.bench.finished.len(), self.known.len());
    }
}

#[test]
fn whatever_happens_only_a_conforming_verdict_of_its_own_passes_a_part() {
    let (mut parts, mut passes) = (0, 0);
    for seed in 0..800 {
        let mut chaos = Chaos::new(seed);
        for _ in 0..500 {
            chaos.step();
        }
        chaos.check();
        chaos.drain();
        chaos.check();
        parts += chaos.known.len();
        passes += chaos.bench.passes_ms().len();
        assert_ne!(chaos.bench.core.health().0, Health::Starting);
    }
    assert!(parts > 10_000 && passes > 2_000, "too little happened: {parts} {passes}");
}

#[test]
fn a_stop_at_any_moment_gives_every_part_its_outcome() {
    for seed in 1_000..1_200 {
        let mut chaos = Chaos::new(seed);
        for _ in 0..(seed as usize % 97) {
            chaos.step();
        }
        let passes = chaos.bench.passes_ms().len();
        chaos.bench.core.stop(chaos.bench.now_ns);
        chaos.bench.settle();
        chaos.check();
        assert_eq!(chaos.bench.core.in_flight(), 0);
        assert_eq!(chaos.bench.passes_ms().len(), passes, "a pass after the stop");
    }
}
