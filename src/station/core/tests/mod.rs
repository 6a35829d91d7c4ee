//! The core against events that the tests write down.

#![allow(clippy::unwrap_used)]

mod faults;
mod order;
mod random;

use super::{Action, Core, CoreConfig, Ejector, Finished, OnFailure, Overload};
use crate::capture::{CameraTiming, InWindow, Sighting, Stamp, Timing, Trigger, View};
use crate::journal::Outcome;
use crate::signal::Output;

pub(super) const MS: i64 = 1_000_000;

/// A golden reference, one camera, frames 10 to 15 ms after the trigger.
pub(super) fn config(ejector: Ejector) -> CoreConfig {
    CoreConfig {
        timing: Timing {
            reference: None,
            test: View { camera: 0, delay_ns: 10 * MS },
            window_ns: 5 * MS,
            in_window: InWindow::First,
            cameras: [CameraTiming::default(); 2],
            trigger_latency_ns: 2 * MS,
            frame_latency_ns: 20 * MS,
        },
        deadline_ns: 100 * MS,
        ejector,
        pulse_ns: 20 * MS,
        gap_ns: 2 * MS,
        on_failure: OnFailure::Reject,
        overload: Overload::RejectNewest,
        waiting: 4,
        inspection_timeout_ns: 1_000 * MS,
    }
}

pub(super) fn ejector_after(delay_ms: i64) -> Ejector {
    Ejector::After { delay_ns: delay_ms * MS, tolerance_ns: 5 * MS }
}

/// A core whose actions are taken as they come; frames carry the number of the part they show.
pub(super) struct Bench {
    pub(super) core: Core<u64>,
    pub(super) now_ns: i64,
    sequence: u32,
    /// The part that is being judged.
    pub(super) judging: Option<u64>,
    pub(super) finished: Vec<Finished>,
    /// Changes of pass and reject: time, output, level.
    pub(super) changes: Vec<(i64, Output, bool)>,
    pub(super) kept: Vec<u64>,
    pub(super) abandoned: usize,
    /// The pass output does not take what it is told.
    pub(super) is_pass_broken: bool,
}

impl Bench {
    pub(super) fn new(config: CoreConfig) -> Self {
        let mut core = Core::new(config);
        core.inspector_ready();
        core.start();
        Self {
            core,
            now_ns: 0,
            sequence: 0,
            judging: None,
            finished: Vec::new(),
            changes: Vec::new(),
            kept: Vec::new(),
            abandoned: 0,
            is_pass_broken: false,
        }
    }

    /// Lets time pass, asking whenever the core wants to be asked.
    pub(super) fn until(&mut self, ms: i64) {
        let end_ns = ms * MS;
        loop {
            self.settle();
            match self.core.next_ns() {
                Some(next_ns) if next_ns <= end_ns => {
                    assert!(next_ns > self.now_ns, "{next_ns} has passed at {}", self.now_ns);
                    self.now_ns = next_ns;
                }
                _ => break,
            }
        }
        self.now_ns = end_ns;
        self.settle();
    }

    /// Takes all actions of the present.
    pub(super) fn settle(&mut self) {
        let mut turns = 0;
        while let Some(action) = self.core.poll(self.now_ns) {
            turns += 1;
            assert!(turns < 10_000, "the core never comes to rest: {action:?}");
            self.take(action);
        }
    }

    fn take(&mut self, action: Action<u64>) {
        match action {
            Action::Set { output: Output::Pass, is_active: true } if self.is_pass_broken => {
                self.core.output_failed(Output::Pass, "line 4: gone");
            }
            Action::Set { output, is_active } => {
                if matches!(output, Output::Pass | Output::Reject) {
                    self.changes.push((self.now_ns, output, is_active));
                }
            }
            Action::Inspect { number, frames, .. } => {
                assert_eq!(frames.test.content, number, "judged under another's number");
                assert_eq!(self.judging.replace(number), None, "two at once");
            }
            Action::Keep { number, frames, .. } => {
                assert_eq!(frames.test.content, number);
                self.kept.push(number);
            }
            Action::Finished(part) => self.finished.push(*part),
            Action::AbandonInspector => {
                self.abandoned += 1;
                self.judging = None;
            }
        }
    }

    pub(super) fn trigger(&mut self, number: u64) {
        self.trigger_at(number, self.now_ns);
    }

    pub(super) fn trigger_at(&mut self, number: u64, ns: i64) {
        let part = self.core.trigger(self.now_ns, Trigger { number, ns });
        self.finished.extend(part.map(|part| *part));
        self.settle();
    }

    /// A frame that shows a part, exposed now.
    pub(super) fn frame(&mut self, number: u64) {
        let (sequence, stamp) = (self.sequence, Stamp::start_of_exposure(self.now_ns));
        self.sequence += 1;
        self.core.frame(self.now_ns, 0, Sighting { sequence, stamp, content: Some(number) });
        self.settle();
    }

    /// The verdict on the part that is being judged.
    pub(super) fn verdict(&mut self, outcome: Outcome) -> u64 {
        let number = self.judging.take().expect("somebody judges");
        self.core.judged(self.now_ns, number, outcome.into());
        self.settle();
        number
    }

    /// A part from trigger to verdict: triggered at `ms`, seen 12 ms and judged 20 ms later.
    pub(super) fn part(&mut self, number: u64, ms: i64, outcome: Outcome) {
        self.until(ms);
        self.trigger(number);
        self.until(ms + 12);
        self.frame(number);
        self.until(ms + 20);
        assert_eq!(self.verdict(outcome), number);
    }

    /// Numbers and outcomes of the parts that left, in their order.
    pub(super) fn outcomes(&self) -> Vec<(u64, String)> {
        let text = |outcome: &Outcome| match outcome {
            Outcome::Conforming => "conforming".to_owned(),
            Outcome::Mismatch => "mismatch".to_owned(),
            Outcome::NotInspected { stage, .. } => stage.clone(),
        };
        self.finished.iter().map(|part| (part.number, text(&part.outcome))).collect()
    }

    /// When pass pulses began, in milliseconds.
    pub(super) fn passes_ms(&self) -> Vec<i64> {
        let begins =
            self.changes.iter().filter(|change| (change.1, change.2) == (Output::Pass, true));
        begins.map(|change| change.0 / MS).collect()
    }
}

pub(super) fn named(outcomes: &[(u64, &str)]) -> Vec<(u64, String)> {
    outcomes.iter().map(|(number, name)| (*number, (*name).to_owned())).collect()
}
