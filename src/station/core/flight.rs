use heapless::Deque;

use super::{Details, Judgement};
use crate::capture::Frames;
use crate::journal::Outcome;

/// Parts between the trigger and the ejector: 17 s at 30 parts per second.
pub const IN_FLIGHT: usize = 512;

/// A part on its way.
#[derive(Debug)]
pub(super) struct Flight<P> {
    pub(super) number: u64,
    pub(super) trigger_ns: i64,
    /// The encoder's count at its trigger.
    pub(super) encoder: u64,
    pub(super) recipe: u32,
    pub(super) stage: Stage<P>,
}

/// How far a part has come.
#[derive(Debug)]
pub(super) enum Stage<P> {
    /// Its frames are not known yet.
    Pairing,
    /// Waits for the inspector.
    Waiting(Frames<P>),
    /// Is being judged; the frames are kept for evidence.
    Inspecting(Frames<P>),
    /// Has a verdict, and frames that were not offered as evidence yet.
    Decided { at_ns: i64, outcome: Outcome, details: Details, frames: Option<Frames<P>> },
}

/// Parts in the order of their triggers.
#[derive(Debug)]
pub(super) struct Flights<P>(Deque<Flight<P>, IN_FLIGHT>);

impl<P> Flights<P> {
    pub(super) fn new() -> Self {
        Self(Deque::new())
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.is_full()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// `false` if there is no room.
    pub(super) fn push(&mut self, flight: Flight<P>) -> bool {
        self.0.push_back(flight).is_ok()
    }

    pub(super) fn front(&self) -> Option<&Flight<P>> {
        self.0.front()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Flight<P>> {
        self.0.front_mut()
    }

    /// The part behind the first.
    pub(super) fn second(&self) -> Option<&Flight<P>> {
        self.0.iter().nth(1)
    }

    pub(super) fn pop(&mut self) -> Option<Flight<P>> {
        self.0.pop_front()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Flight<P>> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Flight<P>> {
        self.0.iter_mut()
    }

    pub(super) fn find(&mut self, number: u64) -> Option<&mut Flight<P>> {
        self.0.iter_mut().find(|flight| flight.number == number)
    }

    /// Parts that wait for the inspector.
    pub(super) fn waiting(&self) -> usize {
        self.0.iter().filter(|flight| matches!(flight.stage, Stage::Waiting(_))).count()
    }
}

impl<P> Flight<P> {
    pub(super) fn is_decided(&self) -> bool {
        matches!(self.stage, Stage::Decided { .. })
    }

    /// Gives the part its verdict, unless it has one: the first counts.
    pub(super) fn decide(&mut self, at_ns: i64, judgement: Judgement) -> bool {
        if self.is_decided() {
            return false;
        }
        let frames = match std::mem::replace(&mut self.stage, Stage::Pairing) {
            Stage::Waiting(frames) | Stage::Inspecting(frames) => Some(frames),
            Stage::Pairing | Stage::Decided { .. } => None,
        };
        let Judgement { outcome, details } = judgement;
        self.stage = Stage::Decided { at_ns, outcome, details, frames };
        true
    }

    /// Takes back a pass: from here on it is not inspected.
    pub(super) fn revoke(&mut self, reason: Outcome) {
        if let Stage::Decided { outcome, .. } = &mut self.stage {
            *outcome = reason;
        }
    }

    pub(super) fn is_conforming(&self) -> bool {
        matches!(self.stage, Stage::Decided { outcome: Outcome::Conforming, .. })
    }
}
