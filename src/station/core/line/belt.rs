//! The encoder: where parts are by its count, and when that cannot be known.

use super::super::Ejector;
use super::super::health::Component;
use super::Core;
use crate::journal::Outcome;

/// Parts without an edge between them after which nobody moves the count: an encoder that is not connected.
pub(super) const SILENT_PARTS: u32 = 5;

/// What is known of the encoder beside its count.
#[derive(Debug, Default)]
pub(super) struct Follow {
    /// Parts since the last edge.
    pub(super) parts: u32,
    /// It is told as missing for that alone.
    pub(super) is_silent: bool,
}

impl<P: Clone> Core<P> {
    /// Tells of the encoder's count, which never goes back.
    pub fn encoder(&mut self, count: u64) {
        if count <= self.encoder {
            return;
        }
        self.encoder = count;
        self.follow.parts = 0;
        if std::mem::take(&mut self.follow.is_silent) {
            self.conditions.set(Component::Encoder, None);
        }
    }

    /// A part came: it is lost as those before where the encoder is, or is found to stand still.
    pub(super) fn mind_encoder(&mut self, now_ns: i64) {
        if !matches!(self.config.ejector, Ejector::AfterPulses { .. }) {
            return;
        }
        self.follow.parts = self.follow.parts.saturating_add(1);
        if self.follow.parts > SILENT_PARTS && !self.is_encoder_lost() {
            let reason = format!("no edge between {SILENT_PARTS} parts; is it connected?");
            self.conditions.set(Component::Encoder, Some(reason));
            self.follow.is_silent = true;
        }
        if self.is_encoder_lost() {
            self.lose_places(now_ns);
        }
    }

    /// Edges that nobody counted make every place on the belt a guess, after the encoder is back as well.
    pub(super) fn lose_places(&mut self, now_ns: i64) {
        if !matches!(self.config.ejector, Ejector::AfterPulses { .. }) {
            return;
        }
        let detail = "the encoder is lost: nobody knows where it is";
        let lost = || Outcome::not_inspected("late", detail);
        let is_leaving = usize::from(self.is_leaving);
        for flight in self.flights.iter_mut().skip(is_leaving) {
            if flight.decide(now_ns, lost().into()) || flight.is_conforming() {
                flight.revoke(lost());
                self.counters.signal_failed += 1;
            }
        }
    }
}
