//! What the core wants done.

use super::super::core::Action;
use super::super::inspector::Job;
use super::super::judge::Pair;
use super::super::threads::guarded;
use super::{Line, now_ns};
use crate::journal::{Outcome, Role};
use crate::signal::{Output, Outputs};

use std::sync::Arc;

use crate::capture::Frames;
use crate::frame::Frame;

impl Line {
    /// Does everything there is to do now.
    pub(super) fn settle(&mut self) {
        self.follow_encoder();
        while let Some(action) = self.core.poll(now_ns()) {
            match action {
                Action::Set { output, is_active } => self.set(output, is_active),
                Action::Inspect { number, recipe, frames } => self.inspect(number, recipe, frames),
                Action::Keep { number, outcome, frames } => self.keep(number, &outcome, frames),
                Action::Finished(part) => self.finished(*part),
                Action::AbandonInspector => self.abandon(),
            }
        }
    }

    fn set(&mut self, output: Output, is_active: bool) {
        let set = match &mut self.outputs.lines {
            Some(lines) => guarded(|| lines.set(output, is_active))
                .and_then(|set| set.map_err(|error| error.to_string())),
            None => Err("the output lines are not open".to_owned()),
        };
        let Err(reason) = set else { return };
        log::error!("output {}: {reason}", output.name());
        self.core.output_failed(output, &reason);
        // Whatever it shows now: it is let go of, de-energised if that is still possible.
        if let Some(lines) = self.outputs.lines.take() {
            let_go(lines);
            self.outputs.backoff.failed(now_ns());
        }
    }

    fn inspect(&mut self, number: u64, recipe: u32, frames: Frames<Arc<Frame>>) {
        let reference = frames.reference.map(|exposed| exposed.content);
        let pair = Pair { number, reference, test: frames.test.content };
        if !self.send(Job::Inspect { recipe, pair }) {
            self.inspector_lost("its thread ended");
        }
    }

    /// Gives the inspector something to do; `false` if there is none.
    pub(super) fn send(&mut self, job: Job) -> bool {
        self.judging.inspector.as_ref().is_some_and(|known| known.jobs.try_send(job).is_ok())
    }

    fn keep(&mut self, number: u64, outcome: &Outcome, frames: Frames<Arc<Frame>>) {
        self.shown.keep(number, &frames);
        let Some(journal) = &self.journal else { return };
        if !self.config.journal.share.keeps(number, outcome.verdict()) {
            return;
        }
        let reference = frames.reference.map(|exposed| (Role::Reference, exposed.content));
        let test = (Role::Test, frames.test.content);
        let is_failure = *outcome != Outcome::Conforming;
        // What is dropped is counted by the journal.
        journal.keep(number, is_failure, reference.into_iter().chain([test]).collect());
    }

    /// A thread cannot be ended from outside: it is left to itself, and its verdict is nobody's.
    pub(super) fn abandon(&mut self) {
        self.judging.hung += 1;
        self.inspector_lost("it hangs and was given up");
    }
}

/// Drops outputs whose drop may panic.
fn let_go(lines: Box<dyn Outputs>) {
    if let Err(reason) = guarded(move || drop(lines)) {
        log::error!("outputs: {reason}");
    }
}
