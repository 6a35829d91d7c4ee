//! Commands: what is done at once, and what is answered later.

use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use serde_json::{Value, json};

use super::super::command::{By, Command, done, refused};
use super::super::config::TriggerConfig;
use super::super::core::{Component, HoldKind};
use super::super::inspector::{InUse, Job, RECIPES};
use super::super::memory::recall;
use super::super::message::{Loaded, Message};
use super::super::threads::{guarded, spawn};
use super::super::{Error, judge};
use super::{Line, Loading, Watch, now_ns};
use crate::journal::EventSource;

impl Line {
    pub(super) fn order(&mut self, (command, by): (Command, By), reply: SyncSender<Value>) {
        let answer = match command {
            Command::Challenge {} => return self.challenge(&by, reply),
            Command::Recipe { path } => return self.load(path, (by, reply)),
            Command::Trigger {} => self.software_trigger(),
            Command::Status {} => done(json!({ "status": self.status() })),
            Command::Hold { reason } => {
                let reason = if reason.is_empty() { "by hand".to_owned() } else { reason };
                self.told(&by, "hold", &reason);
                self.core.hold(HoldKind::Hand, reason);
                done(self.health())
            }
            Command::Resume {} => {
                self.told(&by, "resume", "");
                self.core.resume();
                self.watch_resumed();
                done(self.health())
            }
            Command::Acknowledge {} => {
                let failure = self.view.last_failure().map_or(0, |part| part.number);
                self.told(&by, "acknowledged", &format!("part {failure}"));
                done(json!({ "number": failure }))
            }
            Command::Relearn {} => {
                self.told(&by, "relearn", "");
                self.watch_anew();
                done(self.health())
            }
            Command::Pressed { what, is_refused } => {
                self.told(&by, if is_refused { "refused" } else { "pressed" }, &what);
                done(json!({}))
            }
            Command::Stop {} => {
                self.told(&by, "stop", "");
                self.shared.flags.stop();
                done(json!({}))
            }
        };
        // Who went away needs no answer.
        let _ = reply.try_send(answer);
    }

    fn software_trigger(&mut self) -> Value {
        if self.config.trigger != TriggerConfig::Software {
            return refused("the trigger of this station is not kind = \"software\"");
        }
        match self.trigger(now_ns()) {
            Some(number) => done(json!({ "number": number })),
            None => refused("the station stops"),
        }
    }

    fn challenge(&mut self, by: &By, reply: SyncSender<Value>) {
        let recipe = self.judging.recipes.last().map_or(0, |known| known.recipe);
        let is_busy = self.judging.challenged.is_some();
        if is_busy || !self.send(Job::Challenge { recipe }) {
            let reason = if is_busy { "a challenge is under way" } else { "nobody can judge now" };
            let _ = reply.try_send(refused(reason));
            return;
        }
        self.told(by, "challenge", "");
        self.core.begin_challenge();
        // It takes as long as its goldens do: no part is sent there meanwhile.
        self.core.inspector_away();
        self.judging.challenged = Some((reply, now_ns()));
    }

    pub(super) fn challenged(&mut self, result: Result<usize, String>) {
        let (answer, failure) = match result {
            Ok(goldens) => {
                self.event(EventSource::System, "challenge_passed", goldens.to_string());
                (done(json!({ "goldens": goldens })), None)
            }
            Err(reason) => {
                self.event(EventSource::System, "challenge_failed", &reason);
                let failure = format!("challenge failed: {reason}");
                (refused(&failure), Some(failure))
            }
        };
        self.core.set_challenge(failure);
        self.core.inspector_ready();
        if let Some((reply, _)) = self.judging.challenged.take() {
            let _ = reply.try_send(answer);
        }
    }

    /// Has a recipe loaded beside the line; the one in force stays so until it is ready.
    fn load(&mut self, path: PathBuf, (by, reply): (By, SyncSender<Value>)) {
        let refusal = if self.judging.loading.is_some() {
            Some("a recipe is being loaded")
        } else if self.judging.recipes.len() >= RECIPES {
            Some("parts in flight still need the recipe before this one; try again")
        } else {
            None
        };
        if let Some(reason) = refusal {
            let _ = reply.try_send(refused(reason));
            return;
        }
        let folder = self.config.path.parent().unwrap_or(Path::new("")).to_owned();
        let memory = self.config.journal.folder.clone();
        let (path, open, shared) =
            (folder.join(path), self.judging.open.clone(), self.shared.clone());
        let loading = Loading { path: path.clone(), by, reply: reply.clone() };
        let thread = spawn("recipe", move || {
            let loaded = guarded(|| prove(&path, &open, &memory));
            let panicked = |reason| Err(Error::Recipe { path: path.clone(), reason });
            shared.tell(Message::Loaded(loaded.unwrap_or_else(panicked)));
        });
        match thread {
            Ok(_) => self.judging.loading = Some(loading),
            Err(error) => drop(reply.try_send(refused(error.to_string()))),
        }
    }

    /// Puts a recipe in force between two parts.
    pub(super) fn loaded(&mut self, loaded: Result<Box<Loaded>, Error>) {
        let answer = match loaded {
            Ok(loaded) => self.set_cameras(loaded),
            Err(error) => {
                self.refused_recipe(&error.to_string());
                Some(refused(format!("{error}; the recipe in force stays")))
            }
        };
        // Without an answer the cameras are being set.
        let Some(answer) = answer else { return };
        if let Some(loading) = self.judging.loading.take() {
            let _ = loading.reply.try_send(answer);
        }
    }

    pub(super) fn refused_recipe(&self, reason: &str) {
        if let Some(loading) = &self.judging.loading {
            self.told(&loading.by, "recipe_refused", reason);
        }
    }

    /// Puts a recipe in force for who asked for it.
    pub(super) fn adopt_for(&mut self, loaded: Loaded) -> Value {
        let by = self.judging.loading.as_ref().map(|loading| loading.by.clone());
        let by = by.unwrap_or_else(By::operator);
        self.adopt(loaded, &by)
    }

    fn adopt(&mut self, loaded: Loaded, by: &By) -> Value {
        let Loaded { path, identity, judge, drift, .. } = loaded;
        let recipe = self.judging.next_recipe;
        if !self.send(Job::Adopt { recipe, judge }) {
            return refused("nobody can judge now; the recipe in force stays");
        }
        self.judging.next_recipe += 1;
        self.core.set_recipe(recipe);
        self.watch = Watch::new(drift);
        self.core.set_missing(Component::Drift, None);
        // Its goldens were judged right before it came here.
        self.core.set_challenge(None);
        let detail = format!("{} {}", identity.name, identity.recipe_sha256);
        self.told(by, "recipe_changed", &detail);
        self.judging.recipes.push(InUse { recipe, path, identity: identity.clone() });
        done(json!({ "recipe": identity }))
    }

    fn told(&self, by: &By, name: &str, detail: &str) {
        self.event(by.source, name, by.detail(detail));
    }

    fn health(&self) -> Value {
        let (health, reason) = self.core.health();
        json!({ "health": health, "reason": reason })
    }
}

/// Opens a recipe and has it judge its goldens; `memory` is where its charts are kept.
pub(in crate::station) fn prove(
    path: &Path,
    open: &judge::OpenJudge,
    memory: &Path,
) -> Result<Box<Loaded>, Error> {
    let mut judge = open(path)?;
    judge.challenge().map_err(|reason| Error::Recipe { path: path.to_owned(), reason })?;
    let identity = judge.identity().clone();
    let drift = judge.drift().map(|config| recall(memory, &identity, config));
    let controls = judge.controls();
    Ok(Box::new(Loaded { path: path.to_owned(), identity, judge, drift, controls }))
}
