//! Time: when to ask, and what a clock that jumps does to parts.

use super::super::flight::Flight;
use super::super::health::Component;
use super::super::{CoreConfig, Ejector};
use super::{Core, Inspector};
use crate::journal::Outcome;

/// How long a jump is told.
const TOLD_NS: i64 = 5_000_000_000;
/// How often the encoder is looked at while parts are in flight.
const ENCODER_NS: i64 = 1_000_000;

impl<P: Clone> Core<P> {
    /// When to ask at the latest, if nothing else happens; `None` while nothing is in flight.
    pub fn next_ns(&self) -> Option<i64> {
        let CoreConfig { deadline_ns, inspection_timeout_ns, .. } = self.config;
        let undecided = self.flights.iter().find(|flight| !flight.is_decided());
        let expiry = undecided.map(|flight| after(flight.trigger_ns.saturating_add(deadline_ns)));
        let hung = match self.inspector {
            Inspector::Busy { since_ns, .. } => {
                Some(after(since_ns.saturating_add(inspection_timeout_ns)))
            }
            _ => None,
        };
        let moments = [
            self.pairing.next_ns(),
            self.asks.iter().min().copied(),
            self.pulses.next_ns(),
            self.jumped_until_ns,
            self.first_due_ns(),
            expiry,
            hung,
        ];
        moments.into_iter().flatten().min()
    }

    /// When the first part can leave at the earliest.
    fn first_due_ns(&self) -> Option<i64> {
        let flight = self.flights.front()?;
        let due_ns = match self.config.ejector {
            Ejector::AtVerdict if flight.is_decided() => self.last_now_ns,
            Ejector::AtVerdict => return None,
            Ejector::After { .. } => self.due_ns(flight)?,
            Ejector::AfterPulses { .. } => {
                return Some(self.last_now_ns.saturating_add(ENCODER_NS));
            }
        };
        let output = if flight.is_conforming() {
            crate::signal::Output::Pass
        } else {
            crate::signal::Output::Reject
        };
        Some(due_ns.max(self.pulses.free_ns(output, self.config.gap_ns)))
    }

    pub(super) fn is_encoder_lost(&self) -> bool {
        self.conditions.is_missing(Component::Encoder)
    }

    /// A present before the last one: nothing that is timed can be trusted.
    pub(super) fn watch(&mut self, now_ns: i64) {
        let has_jumped = now_ns < self.last_now_ns;
        self.last_now_ns = now_ns;
        while self.asks.front().is_some_and(|at_ns| *at_ns <= now_ns) {
            self.asks.pop_front();
        }
        if !has_jumped {
            return;
        }
        self.asks.clear();
        self.pulses.rebase(now_ns);
        let jumped = || Outcome::not_inspected("clock", "the clock went backwards");
        for flight in self.flights.iter_mut() {
            if !flight.decide(now_ns, jumped().into()) && flight.is_conforming() {
                flight.revoke(jumped());
            }
            // When it would be at the ejector is not known any more: no later than a new part.
            flight.trigger_ns = flight.trigger_ns.min(now_ns);
        }
        self.note_jump(now_ns);
    }

    /// Trusts the clocks of cameras and triggers again, once all that was in doubt has left.
    pub(super) fn mind_clocks(&mut self, now_ns: i64) {
        if !self.pairing.is_clock_sound() {
            self.pairing.restart(now_ns);
            self.note_jump(now_ns);
        }
        if self.jumped_until_ns.is_some_and(|until_ns| now_ns >= until_ns) {
            self.jumped_until_ns = None;
            self.conditions.set(Component::Clock, None);
        }
    }

    fn note_jump(&mut self, now_ns: i64) {
        self.counters.clock_jumps += 1;
        self.jumped_until_ns = Some(now_ns.saturating_add(TOLD_NS));
        let reason = "a clock went backwards or ahead".to_owned();
        self.conditions.set(Component::Clock, Some(reason));
    }

    /// Whether a part is known by this number and has not left.
    pub fn is_in_flight(&self, number: u64) -> bool {
        self.flights.iter().any(|flight: &Flight<P>| flight.number == number)
    }
}

fn after(ns: i64) -> i64 {
    ns.saturating_add(1)
}
