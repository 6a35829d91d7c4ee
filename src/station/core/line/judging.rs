//! From frames to a verdict: who waits, who is judged, who runs out of time.

use super::super::flight::{Flight, Stage};
use super::super::health::Component;
use super::super::{Action, Judgement, Overload};
use super::{Core, Inspector};
use crate::capture::Part;
use crate::journal::Outcome;

impl<P: Clone> Core<P> {
    /// Tells of the inspector's verdict on a part; after its deadline it counts as none.
    pub fn judged(&mut self, now_ns: i64, number: u64, judgement: Judgement) {
        self.watch(now_ns);
        self.counters.inspected += 1;
        if let Inspector::Busy { number: busy, since_ns } = self.inspector
            && busy == number
        {
            self.of_inspection.add(now_ns.saturating_sub(since_ns));
            self.inspector = Inspector::Idle;
        }
        let deadline_ns = self.config.deadline_ns;
        let flight = self.flights.find(number).filter(|flight| !flight.is_decided());
        let Some(flight) = flight else {
            self.counters.late_verdicts += 1;
            return;
        };
        if now_ns > flight.trigger_ns.saturating_add(deadline_ns) {
            self.counters.late_verdicts += 1;
            self.expire(now_ns);
            return;
        }
        flight.decide(now_ns, judgement);
    }

    /// Tells that somebody is there to judge.
    pub fn inspector_ready(&mut self) {
        self.inspector = Inspector::Idle;
        self.conditions.set(Component::Inspector, None);
    }

    /// Tells that the one who judges does something else until [`Core::inspector_ready`]; a verdict that is
    /// on its way still counts.
    pub fn inspector_away(&mut self) {
        self.inspector = Inspector::Absent;
    }

    /// Tells that nobody is: what was being judged is not inspected.
    pub fn inspector_lost(&mut self, now_ns: i64, reason: &str) {
        self.watch(now_ns);
        self.conditions.set(Component::Inspector, Some(reason.to_owned()));
        let was = std::mem::replace(&mut self.inspector, Inspector::Absent);
        if let Inspector::Busy { number, .. } = was
            && let Some(flight) = self.flights.find(number)
        {
            flight.decide(now_ns, Outcome::not_inspected("inspection", reason).into());
        }
    }

    /// Gives a part that paired its next stage, or its outcome.
    pub(super) fn unite(&mut self, now_ns: i64, part: Part<P>) {
        let waiting = self.flights.waiting();
        let Some(flight) = self.flights.find(part.trigger.number) else { return };
        if flight.is_decided() {
            return;
        }
        let frames = match part.outcome {
            Ok(frames) => frames,
            Err(reason) => {
                let outcome = Outcome::not_inspected("capture", reason.to_string());
                flight.decide(now_ns, outcome.into());
                self.counters.unpaired += 1;
                return;
            }
        };
        flight.stage = Stage::Waiting(frames);
        if waiting >= self.config.waiting {
            self.give_way(now_ns);
        }
    }

    /// Rejects one of the parts that wait, uninspected.
    pub(super) fn give_way(&mut self, now_ns: i64) {
        let is_waiting = |flight: &&mut Flight<P>| matches!(flight.stage, Stage::Waiting(_));
        let mut waiting = self.flights.iter_mut().filter(is_waiting);
        let flight = match self.config.overload {
            Overload::RejectOldest => waiting.next(),
            Overload::RejectNewest => waiting.last(),
        };
        if let Some(flight) = flight {
            let limit = self.config.waiting;
            let detail = format!("more than {limit} parts wait for inspection");
            flight.decide(now_ns, Outcome::not_inspected("overload", detail).into());
            self.counters.overload_rejected += 1;
        }
    }

    /// Parts whose deadline is over are not inspected.
    pub(super) fn expire(&mut self, now_ns: i64) {
        let (deadline_ns, inspector) = (self.config.deadline_ns, self.inspector);
        let deadline_ms = deadline_ns / 1_000_000;
        for flight in self.flights.iter_mut().filter(|flight| !flight.is_decided()) {
            if now_ns <= flight.trigger_ns.saturating_add(deadline_ns) {
                continue;
            }
            let (stage, what) = match (&flight.stage, inspector) {
                (Stage::Waiting(_), Inspector::Absent) => ("inspection", "nobody to inspect it"),
                (Stage::Waiting(_), _) => ("overload", "still waiting for inspection"),
                (Stage::Pairing, _) => ("deadline", "its frames are not known"),
                _ => ("deadline", "no verdict"),
            };
            let detail = format!("{what} {deadline_ms} ms after the trigger");
            flight.decide(now_ns, Outcome::not_inspected(stage, detail).into());
            match stage {
                "overload" => self.counters.overload_rejected += 1,
                _ => self.counters.deadline_missed += 1,
            }
        }
    }

    pub(super) fn inspect(&mut self, now_ns: i64) -> Option<Action<P>> {
        if self.inspector != Inspector::Idle {
            return None;
        }
        let flight =
            self.flights.iter_mut().find(|flight| matches!(flight.stage, Stage::Waiting(_)))?;
        let Stage::Waiting(frames) = std::mem::replace(&mut flight.stage, Stage::Pairing) else {
            return None;
        };
        let (number, recipe) = (flight.number, flight.recipe);
        flight.stage = Stage::Inspecting(frames.clone());
        self.inspector = Inspector::Busy { number, since_ns: now_ns };
        Some(Action::Inspect { number, recipe, frames })
    }

    pub(super) fn abandon(&mut self, now_ns: i64) -> Option<Action<P>> {
        let Inspector::Busy { since_ns, .. } = self.inspector else { return None };
        let timeout_ns = self.config.inspection_timeout_ns;
        if now_ns <= since_ns.saturating_add(timeout_ns) {
            return None;
        }
        let reason = format!("no verdict for {} ms: it hangs", timeout_ns / 1_000_000);
        self.inspector_lost(now_ns, &reason);
        Some(Action::AbandonInspector)
    }
}
