//! The line's thread: tells the core what happened and does what it says.
//!
//! It drives the outputs itself, so that nothing lies between a verdict and its pulse, and never
//! waits for the journal, the inspector or a camera.

mod act;
mod orders;
mod settings;
mod show;
mod take;
mod tend;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use serde_json::Value;

use super::command::{By, Command};
use super::confirm::Confirmations;
use super::core::{Core, Health};
use super::inspector::{InUse, Inspector};
use super::judge::OpenJudge;
use super::message::Message;
use super::notify::Notifier;
use super::rate::Rate;
use super::standing::Teller;
use super::status::{DeskStatus, Status};
use super::threads::Shared;
use super::view::{View, Waiting};
use super::{OpenOutputs, StationConfig};
use crate::capture::{Backoff, Clock, MonotonicClock};
use crate::frame::Frame;
use crate::journal::{Event, EventSource, Health as JournalHealth, Writer};
use crate::signal::Outputs;

pub(super) use settings::{Settings, over};
pub(super) use show::Shown;
pub(super) use watch::Watch;

/// The longest between two looks at everything.
const TURN: Duration = Duration::from_millis(50);
/// Messages that are taken before the core is asked again.
const AT_ONCE: usize = 32;

/// The line.
pub(super) struct Line {
    pub(super) config: StationConfig,
    pub(super) core: Core<Arc<Frame>>,
    pub(super) inbox: Receiver<Message>,
    pub(super) shared: Shared,
    pub(super) outputs: Wires,
    pub(super) judging: Judging,
    pub(super) settings: Settings,
    pub(super) standing: Teller,
    pub(super) journal: Option<Writer>,
    /// As it was when it could be asked last.
    pub(super) journal_health: JournalHealth,
    pub(super) confirmations: Option<Confirmations>,
    /// As it was when it could be asked last.
    pub(super) desk: DeskStatus,
    pub(super) view: Arc<View>,
    pub(super) shown: Shown,
    pub(super) waiting: Waiting,
    pub(super) watch: Watch,
    pub(super) rate: Rate,
    pub(super) parts_per_minute: f64,
    pub(super) notifier: Notifier,
    pub(super) times: Times,
    /// How many parts may leave before the station stops by itself.
    pub(super) parts: Option<u64>,
}

/// The outputs, and how to take them again.
pub(super) struct Wires {
    pub(super) lines: Option<Box<dyn Outputs>>,
    pub(super) open: OpenOutputs,
    pub(super) backoff: Backoff,
}

/// Who judges by what.
pub(super) struct Judging {
    pub(super) inspector: Option<Inspector>,
    pub(super) open: OpenJudge,
    pub(super) backoff: Backoff,
    /// Of the inspectors so far; what older ones say is nobody's verdict.
    pub(super) generation: u32,
    /// Inspectors that hang and cannot be ended.
    pub(super) hung: u32,
    /// The recipes in use, that in force last.
    pub(super) recipes: Vec<InUse>,
    pub(super) next_recipe: u32,
    /// Who waits for a challenge, and since when.
    pub(super) challenged: Option<(SyncSender<Value>, i64)>,
    /// The recipe that is being loaded.
    pub(super) loading: Option<Loading>,
}

/// A recipe that is being loaded, and who waits for it.
pub(super) struct Loading {
    pub(super) path: PathBuf,
    pub(super) by: By,
    pub(super) reply: SyncSender<Value>,
}

/// When things were done last, CLOCK_MONOTONIC.
pub(super) struct Times {
    pub(super) started_ns: i64,
    pub(super) tended_ns: i64,
    pub(super) pinged_ns: i64,
    pub(super) health: Health,
    pub(super) lost_triggers: u64,
}

impl Line {
    /// Runs until the station is stopped; gives the last status.
    pub(super) fn run(mut self: Box<Self>) -> Status {
        while !self.is_over() {
            let wait = self.wait();
            match self.inbox.recv_timeout(wait) {
                Ok(message) => {
                    self.take(message);
                    self.take_more();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.settle();
            self.tend();
            self.tell_standing(false);
        }
        self.end()
    }

    fn is_over(&self) -> bool {
        let finished = self.core.counters().finished;
        self.shared.is_stopping() || self.parts.is_some_and(|parts| finished >= parts)
    }

    fn wait(&self) -> Duration {
        let Some(next_ns) = self.core.next_ns() else { return TURN };
        let left_ns = next_ns.saturating_sub(now_ns());
        TURN.min(Duration::from_nanos(left_ns.max(0).unsigned_abs()))
    }

    /// What else is there, without asking the core for each.
    fn take_more(&mut self) {
        for _ in 0..AT_ONCE {
            let Ok(message) = self.inbox.try_recv() else { return };
            self.take(message);
        }
    }

    /// Safe state first, then an outcome for every part, then the journal.
    fn end(mut self: Box<Self>) -> Status {
        self.shared.flags.stop();
        self.notifier.send("STOPPING=1");
        if let Some(Err(error)) = self.outputs.lines.as_mut().map(|lines| lines.release()) {
            log::error!("{error}");
        }
        self.core.stop(now_ns());
        self.settle();
        self.tell_standing(true);
        self.refuse_waiting();
        self.event(EventSource::System, "station_stopped", "in order");
        if let Some(journal) = &self.journal {
            self.journal_health = journal.health();
        }
        self.desk = self.view.desk();
        let status = self.status();
        if let Some(journal) = self.journal.take()
            && let Err(error) = journal.close()
        {
            log::error!("{error}");
        }
        self.view.set_last_status(status.clone());
        status
    }

    fn tell_standing(&mut self, is_stopped: bool) {
        if let Some(in_force) = self.judging.recipes.last() {
            self.standing.tell((&self.config, &self.core), in_force, is_stopped);
        }
    }

    /// Those who still wait for an answer get one.
    fn refuse_waiting(&mut self) {
        let refusal = || super::command::refused("the station stops");
        let challenged = self.judging.challenged.take().map(|(reply, _)| reply);
        let loading = self.judging.loading.take().map(|loading| loading.reply);
        let waiting = [challenged, loading];
        for reply in waiting.into_iter().flatten() {
            let _ = reply.try_send(refusal());
        }
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                // It is for the journal, which is still open.
                Message::Command { command: pressed @ Command::Pressed { .. }, by, reply } => {
                    self.order((pressed, by), reply);
                }
                Message::Command { reply, .. } => drop(reply.try_send(refusal())),
                _ => {}
            }
        }
    }

    pub(super) fn event(&self, source: EventSource, name: &str, detail: impl Into<String>) {
        if let Some(journal) = &self.journal {
            // What is dropped is counted by the journal.
            journal.append_event(Event::new(source, name, detail));
        }
    }
}

pub(super) fn now_ns() -> i64 {
    MonotonicClock.now_ns()
}
