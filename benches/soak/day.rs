//! A day of line time by a virtual clock: the core and the journal, at 30 parts a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use pairspec::capture::{CameraTiming, InWindow, Sighting, Stamp, Timing, Trigger, View};
use pairspec::journal::{Outcome, Part, Retention, Settings, Writer, now_ms};
use pairspec::signal::Output;
use pairspec::station::{Action, Core, CoreConfig, Ejector, Finished, OnFailure, Overload};

use crate::shared::station;

const MS: i64 = 1_000_000;
/// Parts between two waits for the journal: fewer than it queues.
const GROUP: u64 = 500;
const PATIENCE: Duration = Duration::from_secs(120);
/// Beyond this, memory has grown.
const MOST_GROWTH_KIB: u64 = 4 << 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Hours of line time
    #[arg(long, default_value_t = 24.0)]
    hours: f64,
    /// Parts a second of line time
    #[arg(long, default_value_t = 30)]
    rate: i64,
}

/// The line in virtual time.
struct Day {
    core: Core<u64>,
    now_ns: i64,
    writer: Writer,
    /// Verdicts on their way: when, and for which part.
    verdicts: VecDeque<(i64, u64)>,
    /// What the pass output was told.
    passes: u64,
    finished: u64,
}

/// Runs the day; whether all promises were kept.
pub(crate) fn run(arguments: &Arguments) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention { records: 200_000, ..Retention::default() };
    let settings = Settings { retention, numbers_ahead: 8_192, ..Settings::default() };
    let mut day = Day {
        core: Core::new(config()),
        now_ns: 0,
        writer: Writer::open(folder.path(), settings).unwrap(),
        verdicts: VecDeque::new(),
        passes: 0,
        finished: 0,
    };
    day.core.inspector_ready();
    day.core.start();
    let (parts, period_ns) = (
        (arguments.hours * 3_600.0) as u64 * arguments.rate as u64,
        1_000_000_000 / arguments.rate,
    );
    let (start, mut early_kib) = (Instant::now(), 0);
    for part in 0..parts {
        day.part(part, period_ns);
        if part.is_multiple_of(GROUP) {
            assert!(day.writer.flush(PATIENCE), "the journal does not keep up");
        }
        if part == parts / 10 {
            early_kib = station::rss_kib();
        }
    }
    day.until(day.now_ns + 1_000 * MS);
    let late_kib = station::rss_kib();
    let health = day.writer.health();
    let counters = day.core.counters();
    day.writer.close().unwrap();
    println!(
        "{parts} parts, {:.1} h of line time in {:.0} s: {} passed, {} mismatch, {} not inspected; \
         journal up to record {}, {} dropped; memory {early_kib} KiB, then {late_kib} KiB",
        day.now_ns as f64 / 3.6e12,
        start.elapsed().as_secs_f64(),
        counters.conforming,
        counters.mismatch,
        counters.not_inspected,
        health.last_seq,
        health.dropped_parts,
    );
    let promises = [
        ("each part has one outcome", counters.finished == parts && day.finished == parts),
        ("each pass had a pulse", day.passes == counters.conforming),
        ("each lost frame cost one part", counters.not_inspected == parts.div_ceil(50)),
        ("the journal took all of them", health.dropped_parts == 0 && health.fault.is_none()),
        ("memory does not grow", late_kib.saturating_sub(early_kib) <= MOST_GROWTH_KIB),
    ];
    promises.iter().for_each(|(promise, is_kept)| {
        println!("{} {promise}", if *is_kept { "ok    " } else { "BROKEN" });
    });
    promises.iter().all(|(_, is_kept)| *is_kept)
}

impl Day {
    /// One part: triggered, seen by both cameras 10 ms later, judged 15 ms after that.
    fn part(&mut self, part: u64, period_ns: i64) {
        self.until(part as i64 * period_ns);
        let number = self.writer.next_number();
        let turned_away = self.core.trigger(self.now_ns, Trigger { number, ns: self.now_ns });
        assert!(turned_away.is_none());
        self.settle();
        self.until(self.now_ns + 10 * MS);
        for camera in [1, 0] {
            // Every 50th frame of the test's camera is lost.
            if camera == 1 || !part.is_multiple_of(50) {
                let (sequence, stamp) = (part as u32, Stamp::start_of_exposure(self.now_ns));
                let sighting = Sighting { sequence, stamp, content: Some(part) };
                self.core.frame(self.now_ns, camera, sighting);
            }
        }
        self.settle();
    }

    fn until(&mut self, end_ns: i64) {
        loop {
            let verdict_ns = self.verdicts.front().map(|(at_ns, _)| *at_ns);
            let next_ns = [self.core.next_ns(), verdict_ns].into_iter().flatten().min();
            let Some(next_ns) = next_ns.filter(|next_ns| *next_ns <= end_ns) else { break };
            self.now_ns = self.now_ns.max(next_ns);
            if verdict_ns == Some(next_ns)
                && let Some((_, number)) = self.verdicts.pop_front()
            {
                let is_bad = number % 10 == 7;
                let outcome = if is_bad { Outcome::Mismatch } else { Outcome::Conforming };
                self.core.judged(self.now_ns, number, outcome.into());
            }
            self.settle();
        }
        self.now_ns = end_ns;
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(action) = self.core.poll(self.now_ns) {
            match action {
                Action::Set { output: Output::Pass, is_active: true } => self.passes += 1,
                Action::Inspect { number, frames, .. } => {
                    let shown = frames.reference.map(|reference| reference.content);
                    assert_eq!((shown, frames.test.content), (Some(number - 1), number - 1));
                    self.verdicts.push_back((self.now_ns + 15 * MS, number));
                }
                Action::Finished(part) => self.finish(*part),
                _ => {}
            }
        }
    }

    fn finish(&mut self, part: Finished) {
        self.finished += 1;
        assert_eq!(part.number, self.finished, "parts leave in order");
        let record = Part {
            number: part.number,
            outcome: part.outcome,
            scores: part.details.scores,
            timing_ms: part.details.timing_ms,
            recipe_sha256: String::new(),
            model_sha256: String::new(),
            thresholds_sha256: String::new(),
        };
        assert!(self.writer.append_part(now_ms(), record));
    }
}

fn config() -> CoreConfig {
    let view = |camera| View { camera, delay_ns: 8 * MS };
    CoreConfig {
        timing: Timing {
            reference: Some(view(1)),
            test: view(0),
            window_ns: 5 * MS,
            in_window: InWindow::First,
            cameras: [CameraTiming::default(); 2],
            trigger_latency_ns: 2 * MS,
            frame_latency_ns: 10 * MS,
        },
        deadline_ns: 100 * MS,
        ejector: Ejector::After { delay_ns: 500 * MS, tolerance_ns: 5 * MS },
        pulse_ns: 20 * MS,
        gap_ns: 2 * MS,
        on_failure: OnFailure::Reject,
        overload: Overload::RejectNewest,
        waiting: 4,
        inspection_timeout_ns: 1_000 * MS,
    }
}
