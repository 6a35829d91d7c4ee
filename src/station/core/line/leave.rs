//! The end of the way: whether a part is at the ejector, and what it gets there.

use super::super::flight::{Flight, Stage};
use super::super::{Action, Ejector, Finished};
use super::Core;
use crate::journal::Outcome;
use crate::signal::Output;

impl<P: Clone> Core<P> {
    /// Begins the pulse of the first part, if it is at the ejector.
    pub(super) fn leave(&mut self, now_ns: i64) -> Option<Action<P>> {
        if self.is_stopped {
            self.is_leaving = self.flights.len() > 0;
            return self.finish(now_ns);
        }
        let flight = self.flights.front()?;
        if !self.is_due(flight, now_ns) {
            return None;
        }
        // Whatever it gets, it must not get what is left of another's pulse.
        if let Some(output) = self.pulses.active() {
            self.counters.cut_pulses += 1;
            self.pulses.end(output, now_ns);
            return Some(Action::Set { output, is_active: false });
        }
        let output = if flight.is_conforming() { Output::Pass } else { Output::Reject };
        if now_ns < self.pulses.free_ns(output, self.config.gap_ns) {
            return None;
        }
        self.settle(now_ns);
        let is_passed = self.flights.front().is_some_and(Flight::is_conforming);
        let output = if is_passed { Output::Pass } else { Output::Reject };
        let until_ns = self.pulse_end_ns(now_ns);
        self.pulses.begin(output, until_ns);
        self.is_leaving = true;
        Some(Action::Set { output, is_active: true })
    }

    /// The first part leaves, with its frames offered as evidence before.
    pub(super) fn finish(&mut self, now_ns: i64) -> Option<Action<P>> {
        if let Some(Flight { number, stage: Stage::Decided { outcome, frames, .. }, .. }) =
            self.flights.front_mut()
            && let Some(frames) = frames.take()
        {
            return Some(Action::Keep { number: *number, outcome: outcome.clone(), frames });
        }
        self.is_leaving = false;
        let flight = self.flights.pop()?;
        let (number, trigger_ns, recipe) = (flight.number, flight.trigger_ns, flight.recipe);
        // What leaves was settled before.
        let Stage::Decided { at_ns, outcome, details, .. } = flight.stage else { return None };
        let (decided_ns, left_ns) = (at_ns, now_ns);
        let part = Finished { number, trigger_ns, decided_ns, left_ns, recipe, outcome, details };
        self.count(&part);
        Some(Action::Finished(Box::new(part)))
    }

    /// When the first part is at the ejector, if time alone decides that.
    pub(super) fn due_ns(&self, flight: &Flight<P>) -> Option<i64> {
        match self.config.ejector {
            Ejector::After { delay_ns, .. } => Some(flight.trigger_ns.saturating_add(delay_ns)),
            Ejector::AtVerdict | Ejector::AfterPulses { .. } => None,
        }
    }

    fn is_due(&self, flight: &Flight<P>, now_ns: i64) -> bool {
        match self.config.ejector {
            Ejector::AtVerdict => flight.is_decided(),
            Ejector::After { .. } => self.due_ns(flight).is_some_and(|due_ns| now_ns >= due_ns),
            Ejector::AfterPulses { pulses, .. } => {
                self.is_encoder_lost() || self.encoder >= flight.encoder.saturating_add(pulses)
            }
        }
    }

    /// Fixes the outcome of the first part: the last chance to find that it must not pass.
    fn settle(&mut self, now_ns: i64) {
        let refusal = self.conditions.refusal();
        let late = self.flights.front().and_then(|flight| self.lateness(flight, now_ns));
        let Some(flight) = self.flights.front_mut() else { return };
        let detail = "it reached the ejector before its verdict";
        if flight.decide(now_ns, Outcome::not_inspected("deadline", detail).into()) {
            self.counters.deadline_missed += 1;
        }
        if !flight.is_conforming() {
            return;
        }
        if let Some((stage, reason)) = refusal {
            flight.revoke(Outcome::not_inspected(stage, reason));
            self.counters.held += 1;
        } else if let Some(detail) = late {
            flight.revoke(Outcome::not_inspected("late", detail));
            self.counters.signal_failed += 1;
        }
    }

    /// How much too late a pass would be, so that it could let another part through.
    fn lateness(&self, flight: &Flight<P>, now_ns: i64) -> Option<String> {
        let ms = |ns: i64| ns as f64 / 1e6;
        let too_late = |by_ns: i64, limit_ns: i64| {
            (by_ns > limit_ns).then(|| {
                format!("its pulse would be {:.1} ms late (limit {:.1})", ms(by_ns), ms(limit_ns))
            })
        };
        match self.config.ejector {
            Ejector::AtVerdict => {
                let deadline_ns = flight.trigger_ns.saturating_add(self.config.deadline_ns);
                too_late(now_ns.saturating_sub(deadline_ns), self.config.gap_ns)
            }
            Ejector::After { delay_ns, tolerance_ns } => {
                let due_ns = flight.trigger_ns.saturating_add(delay_ns);
                too_late(now_ns.saturating_sub(due_ns), tolerance_ns)
            }
            Ejector::AfterPulses { .. } if self.is_encoder_lost() => {
                Some("the encoder is lost: nobody knows where it is".to_owned())
            }
            Ejector::AfterPulses { pulses, tolerance } => {
                let by = self.encoder.saturating_sub(flight.encoder.saturating_add(pulses));
                let limit = tolerance;
                (by > limit)
                    .then(|| format!("its pulse would be {by} encoder pulses late (limit {limit})"))
            }
        }
    }

    /// A pulse ends early enough for the next part's, where that is known.
    fn pulse_end_ns(&mut self, now_ns: i64) -> i64 {
        let end_ns = now_ns.saturating_add(self.config.pulse_ns);
        let next_ns = self.flights.second().and_then(|flight| self.due_ns(flight));
        let Some(next_ns) = next_ns else { return end_ns };
        let latest_ns = next_ns.saturating_sub(self.config.gap_ns);
        if latest_ns < end_ns {
            self.counters.cut_pulses += 1;
        }
        // At least half of what is there.
        let half_ns = now_ns.saturating_add(next_ns.saturating_sub(now_ns).max(0) / 2);
        end_ns.min(latest_ns.max(half_ns))
    }
}
