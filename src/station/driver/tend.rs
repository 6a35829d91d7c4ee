//! What is looked after ten times a second: lost threads and lines, the journal, the snapshot.

use std::sync::atomic::Ordering;

use super::super::core::{Component, Health, HoldKind};
use super::super::inspector::{Inspector, Job};
use super::super::status::{FrameCounts, JournalStatus, Status};
use super::super::threads::guarded;
use super::{Line, now_ns};
use crate::journal::EventSource;
use crate::signal::OUTPUTS;

/// From one look to the next.
const EVERY_NS: i64 = 100_000_000;
/// The longest that all goldens may take.
const CHALLENGE_NS: i64 = 240_000_000_000;
/// Inspections that may hang before the station gives up: each keeps its model in memory.
const MOST_HUNG: u32 = 3;

impl Line {
    pub(super) fn tend(&mut self) {
        self.restart_inspector();
        self.reopen_outputs();
        let now_ns = now_ns();
        if now_ns.saturating_sub(self.times.tended_ns) < EVERY_NS {
            return;
        }
        self.times.tended_ns = now_ns;
        self.mind_lost_triggers();
        self.mind_journal();
        self.mind_challenge(now_ns);
        self.mind_cameras(now_ns);
        self.mind_ejections(now_ns);
        self.forget_recipes();
        self.tell_health();
        self.ping(now_ns);
        self.parts_per_minute = self.rate.look(now_ns, self.core.counters().finished);
        if let Some(desk) = self.view.try_desk() {
            self.desk = desk;
        }
        let status = self.status();
        self.view.set_status(status);
        self.show_drift();
        self.view.push_waiting(&mut self.waiting);
    }

    fn restart_inspector(&mut self) {
        let judging = &mut self.judging;
        if judging.inspector.is_some() || !judging.backoff.is_due(now_ns()) {
            return;
        }
        if judging.hung >= MOST_HUNG {
            self.core.fault(format!("{MOST_HUNG} inspections hang; restart the station"));
            return;
        }
        judging.generation += 1;
        let with = (judging.open.clone(), &self.shared);
        match Inspector::reopening(judging.generation, judging.recipes.clone(), with) {
            Ok(inspector) => judging.inspector = Some(inspector),
            Err(error) => {
                log::error!("inspection: {error}");
                judging.backoff.failed(now_ns());
            }
        }
    }

    fn reopen_outputs(&mut self) {
        let wires = &mut self.outputs;
        if wires.lines.is_some() || !wires.backoff.is_due(now_ns()) {
            return;
        }
        let opened = guarded(|| (wires.open)());
        match opened.and_then(|opened| opened.map_err(|error| error.to_string())) {
            Ok(lines) => {
                wires.lines = Some(lines);
                wires.backoff.opened(now_ns());
                self.core.set_missing(Component::Outputs, None);
                let names = OUTPUTS.map(|output| output.name()).join(" ");
                self.event(EventSource::System, "outputs_reopened", names);
            }
            Err(reason) => {
                wires.backoff.failed(now_ns());
                self.core.set_missing(Component::Outputs, Some(reason));
            }
        }
    }

    fn mind_lost_triggers(&mut self) {
        let lost = self.shared.flags.lost_triggers.load(Ordering::Relaxed);
        self.core.missed_triggers(lost.saturating_sub(self.times.lost_triggers));
        self.times.lost_triggers = lost;
    }

    fn mind_journal(&mut self) {
        let Some(journal) = &self.journal else { return };
        // A thread of ordinary priority may be amid writing it: then next time.
        let Some(health) = journal.try_health() else { return };
        let fault = health.fault.as_ref().or(health.image_fault.as_ref()).cloned();
        self.journal_health = health;
        self.core.set_missing(Component::Journal, fault);
    }

    /// A challenge that hangs is given up as an inspection is.
    fn mind_challenge(&mut self, now_ns: i64) {
        let since = self.judging.challenged.as_ref().map(|(_, since_ns)| *since_ns);
        if since.is_some_and(|since_ns| now_ns.saturating_sub(since_ns) > CHALLENGE_NS) {
            self.abandon();
        }
    }

    /// What the ejector let through may be a bad part.
    fn mind_ejections(&mut self, now_ns: i64) {
        let overdue = |line: &mut Self| line.confirmations.as_mut()?.overdue(now_ns);
        while let Some(number) = overdue(self) {
            let reason = format!("part {number}: no sensor saw its ejection");
            self.event(EventSource::System, "ejection_unconfirmed", &reason);
            self.core.hold(HoldKind::Ejection, reason);
        }
    }

    fn forget_recipes(&mut self) {
        let (core, recipes) = (&self.core, &mut self.judging.recipes);
        let Some(place) = recipes.iter().position(|known| !core.needs_recipe(known.recipe)) else {
            return;
        };
        let known = recipes.remove(place);
        // Without an inspector nothing is kept that could be forgotten.
        self.send(Job::Forget { recipe: known.recipe });
    }

    fn tell_health(&mut self) {
        let (health, reason) = self.core.health();
        if health == self.times.health {
            return;
        }
        self.times.health = health;
        let reason = reason.unwrap_or_default();
        match health {
            Health::Running | Health::Starting => log::info!("station {health}"),
            Health::Degraded => log::warn!("station {health}: {reason}"),
            Health::Held | Health::Faulted => log::error!("station {health}: {reason}"),
        }
        self.notifier.send(&format!("STATUS={health} {reason}"));
        self.event(EventSource::System, &format!("health_{health}"), reason);
    }

    /// A line that gave up is not pinged for: the service manager starts it again.
    fn ping(&mut self, now_ns: i64) {
        let Some(every) = self.notifier.every else { return };
        let has_given_up = self.judging.hung >= MOST_HUNG;
        let every_ns = i64::try_from(every.as_nanos()).unwrap_or(i64::MAX);
        if !has_given_up && now_ns.saturating_sub(self.times.pinged_ns) >= every_ns {
            self.times.pinged_ns = now_ns;
            self.notifier.send("WATCHDOG=1");
        }
    }

    /// How everything is.
    pub(super) fn status(&self) -> Status {
        let (health, reason) = self.core.health();
        let [to_leaving, inspection] = self.core.latencies();
        let lost_frames = self.shared.flags.lost_frames.load(Ordering::Relaxed);
        let identity = self.judging.recipes.last().map(|known| known.identity.clone());
        Status {
            name: self.config.name.clone(),
            health,
            reason,
            up_s: now_ns().saturating_sub(self.times.started_ns) as f64 / 1e9,
            recipe: identity.unwrap_or_default(),
            counters: self.core.counters(),
            parts_per_minute: self.parts_per_minute,
            in_flight: self.core.in_flight(),
            to_leaving,
            inspection,
            frames: FrameCounts::new(self.core.pairing_counts(), lost_frames),
            journal: JournalStatus::from(&self.journal_health),
            inspector_restarts: self.judging.generation,
            missing: self.core.missing().collect(),
            held_by: self.core.held_by(),
            is_challenge_failed: self.core.is_challenge_failed(),
            is_challenging: self.core.is_challenging(),
            preparing: self.judging.loading.as_ref().map(|loading| loading.path.clone()),
            desk: self.desk.clone(),
            drift: self.watch.seen(),
            unconfirmed: self.confirmations.as_ref().map_or(0, |waiting| waiting.missed),
        }
    }
}
