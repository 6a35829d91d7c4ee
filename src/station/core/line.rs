use heapless::Deque;

use super::counters::Counters;
use super::flight::{Flight, Flights, Stage};
use super::health::{Component, Conditions, Health, HoldKind};
use super::pulses::Pulses;
use super::{Action, CoreConfig, Details, Finished, IN_FLIGHT, Latency, LatencyFigures, OnFailure};
use crate::capture::{Pairing, Sighting, Trigger};
use crate::journal::Outcome;
use crate::signal::Output;

mod belt;
mod clock;
mod judging;
mod leave;

use belt::Follow;

/// Moments to ask at that are remembered; of more the latest are, which only delays the question.
const ASKS: usize = 64;

/// The state of the line: parts in flight, pulses, health and counters.
///
/// Told of events as they come, and asked by [`Core::poll`] after each until there is nothing to do,
/// and at [`Core::next_ns`]; `now_ns` is the present, CLOCK_MONOTONIC.
#[derive(Debug)]
pub struct Core<P> {
    config: CoreConfig,
    pairing: Pairing<P>,
    flights: Flights<P>,
    pulses: Pulses,
    conditions: Conditions,
    counters: Counters,
    inspector: Inspector,
    /// The first part's pulse began, or it has none: it leaves next.
    is_leaving: bool,
    is_stopped: bool,
    encoder: u64,
    follow: Follow,
    recipe: u32,
    last_now_ns: i64,
    /// Parts that trigger before are seen by cameras that are being set.
    settled_ns: i64,
    /// Until then a jump of a clock is told.
    jumped_until_ns: Option<i64>,
    /// When frames that came can be taken at the earliest.
    asks: Deque<i64, ASKS>,
    to_leaving: Latency,
    of_inspection: Latency,
}

/// The one who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inspector {
    Absent,
    Idle,
    Busy { number: u64, since_ns: i64 },
}

impl<P: Clone> Core<P> {
    /// A line with nothing in flight and nobody to judge: [`Health::Starting`].
    pub fn new(config: CoreConfig) -> Self {
        Self {
            config,
            pairing: Pairing::new(config.timing),
            flights: Flights::new(),
            pulses: Pulses::new(),
            conditions: Conditions::default(),
            counters: Counters::default(),
            inspector: Inspector::Absent,
            is_leaving: false,
            is_stopped: false,
            encoder: 0,
            follow: Follow::default(),
            recipe: 0,
            last_now_ns: i64::MIN,
            settled_ns: i64::MIN,
            jumped_until_ns: None,
            asks: Deque::new(),
            to_leaving: Latency::default(),
            of_inspection: Latency::default(),
        }
    }

    /// Tells of a part, numbers ascending; what is given back left at once, for lack of room.
    #[must_use = "a part that is given back has no other outcome"]
    pub fn trigger(&mut self, now_ns: i64, trigger: Trigger) -> Option<Box<Finished>> {
        self.trigger_at(now_ns, trigger, self.encoder)
    }

    /// As [`Core::trigger`], with the encoder's count at the trigger: the belt has moved since.
    #[must_use = "a part that is given back has no other outcome"]
    pub fn trigger_at(
        &mut self,
        now_ns: i64,
        trigger: Trigger,
        encoder: u64,
    ) -> Option<Box<Finished>> {
        self.watch(now_ns);
        self.counters.triggers += 1;
        if self.flights.is_full() || self.is_stopped {
            return Some(self.turn_away(now_ns, trigger));
        }
        // There is room.
        self.flights.push(Flight {
            number: trigger.number,
            trigger_ns: trigger.ns,
            encoder,
            recipe: self.recipe,
            stage: Stage::Pairing,
        });
        self.mind_encoder(now_ns);
        if trigger.ns < self.settled_ns {
            self.refuse_unsettled(now_ns);
        }
        if let Some(displaced) = self.pairing.trigger(now_ns, trigger) {
            self.unite(now_ns, displaced);
        }
        None
    }

    /// Tells of triggers that were seen too late to be parts, or not at all.
    pub fn missed_triggers(&mut self, missed: u64) {
        self.counters.missed_triggers += missed;
    }

    /// Tells of a frame of a camera, the test's being 0.
    pub fn frame(&mut self, now_ns: i64, camera: usize, sighting: Sighting<P>) {
        self.watch(now_ns);
        let timing = &self.config.timing;
        let exposure_ns = timing.exposure_ns(camera, sighting.stamp);
        let views = timing.reference.iter().chain([&timing.test]);
        let delays = views.filter(|view| view.camera == camera).map(|view| view.delay_ns);
        if let Some(shortest_ns) = delays.min() {
            let from_ns = exposure_ns.saturating_sub(shortest_ns);
            self.remember_to_ask(now_ns, from_ns.saturating_add(timing.trigger_latency_ns));
        }
        self.pairing.frame(now_ns, camera, sighting);
    }

    /// Parts that trigger from now on are judged by this recipe.
    pub fn set_recipe(&mut self, recipe: u32) {
        self.recipe = recipe;
    }

    /// Whether parts in flight triggered under this recipe, or those to come will.
    pub fn needs_recipe(&self, recipe: u32) -> bool {
        self.recipe == recipe || self.flights.iter().any(|flight| flight.recipe == recipe)
    }

    /// The cameras are being set: what they see from now on is of the settings before, or of the next.
    ///
    /// Parts without frames and those to come are not inspected, until [`Core::settled_from`].
    pub fn unsettle(&mut self, now_ns: i64) {
        self.watch(now_ns);
        self.settled_ns = i64::MAX;
        self.refuse_unsettled(now_ns);
    }

    /// Parts that trigger from this time on are seen by cameras that are set.
    pub fn settled_from(&mut self, ns: i64) {
        self.settled_ns = ns;
    }

    /// All that must be there to begin is there.
    pub fn start(&mut self) {
        self.conditions.start();
    }

    /// Nothing passes from now on, for this reason.
    pub fn hold(&mut self, kind: HoldKind, reason: impl Into<String>) {
        self.conditions.hold(kind, reason.into());
    }

    /// What held the line is over.
    pub fn resume(&mut self) {
        self.conditions.resume();
    }

    /// What holds the line until somebody resumes, and why.
    pub fn held(&self) -> Option<(HoldKind, &str)> {
        self.conditions.held()
    }

    /// The goldens are being judged: nothing passes meanwhile.
    pub fn begin_challenge(&mut self) {
        self.conditions.begin_challenge();
    }

    /// The goldens were not all judged as they must be; with `None`, they were.
    pub fn set_challenge(&mut self, failure: Option<String>) {
        self.conditions.challenge(failure);
    }

    /// What is missing now.
    pub fn missing(&self) -> impl Iterator<Item = Component> {
        self.conditions.missing()
    }

    /// Whether the goldens do not stand for the judge now.
    pub fn is_challenge_failed(&self) -> bool {
        self.conditions.is_challenge_failed()
    }

    /// Whether the goldens are being judged now.
    pub fn is_challenging(&self) -> bool {
        self.conditions.is_challenging()
    }

    /// What holds the station, if it is held.
    pub fn held_by(&self) -> Option<HoldKind> {
        self.conditions.held_by()
    }

    /// Nothing passes from now on, for good.
    pub fn fault(&mut self, reason: impl Into<String>) {
        self.conditions.fault(reason.into());
    }

    /// Something is missing, or with `None` is there again.
    pub fn set_missing(&mut self, component: Component, reason: Option<String>) {
        let is_back = reason.is_none() && self.conditions.is_missing(component);
        if component == Component::Outputs && is_back {
            // Lines that were taken anew show nothing.
            self.pulses.forget(self.last_now_ns);
        }
        let is_gone = reason.is_some();
        self.conditions.set(component, reason);
        if component == Component::Encoder {
            self.follow.is_silent = false;
            self.follow.parts = 0;
            if is_gone {
                self.lose_places(self.last_now_ns);
            }
        }
    }

    /// An output did not take what [`Action::Set`] asked for: a pass is taken back.
    pub fn output_failed(&mut self, output: Output, reason: &str) {
        if self.is_leaving && output == Output::Pass {
            let outcome = Outcome::not_inspected("output", reason);
            if let Some(flight) = self.flights.front_mut().filter(|flight| flight.is_conforming()) {
                flight.revoke(outcome);
                self.counters.signal_failed += 1;
            }
        }
        self.conditions.set(Component::Outputs, Some(reason.to_owned()));
    }

    /// Gives every part in flight its outcome, and each that comes: none of them passes.
    pub fn stop(&mut self, now_ns: i64) {
        self.is_stopped = true;
        let stopped = || Outcome::not_inspected("stopped", "the station was stopped");
        for flight in self.flights.iter_mut() {
            if !flight.decide(now_ns, stopped().into()) && flight.is_conforming() {
                flight.revoke(stopped());
            }
        }
    }

    /// The next thing to do; ask until there is none.
    #[must_use = "an action that is not taken is lost"]
    pub fn poll(&mut self, now_ns: i64) -> Option<Action<P>> {
        self.watch(now_ns);
        if self.is_leaving {
            return self.finish(now_ns);
        }
        if let Some(output) = self.pulses.over(now_ns) {
            self.pulses.end(output, now_ns);
            return Some(Action::Set { output, is_active: false });
        }
        while let Some(part) = self.pairing.poll(now_ns) {
            self.unite(now_ns, part);
        }
        self.mind_clocks(now_ns);
        self.expire(now_ns);
        self.leave(now_ns)
            .or_else(|| self.keep())
            .or_else(|| self.inspect(now_ns))
            .or_else(|| self.abandon(now_ns))
            .or_else(|| self.level())
    }

    /// The state and its reason.
    pub fn health(&self) -> (Health, Option<String>) {
        self.conditions.health()
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What happened to triggers and frames.
    pub fn pairing_counts(&self) -> crate::capture::Counts {
        self.pairing.counts()
    }

    /// Parts that were triggered and have not left; at most [`IN_FLIGHT`].
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// From trigger to leaving, and from the start of an inspection to its verdict.
    pub fn latencies(&self) -> [LatencyFigures; 2] {
        [self.to_leaving.figures(), self.of_inspection.figures()]
    }

    fn refuse_unsettled(&mut self, now_ns: i64) {
        let detail = "the cameras were being set for a recipe";
        let is_unseen = |flight: &&mut Flight<P>| matches!(flight.stage, Stage::Pairing);
        for flight in self.flights.iter_mut().filter(is_unseen) {
            flight.decide(now_ns, Outcome::not_inspected("capture", detail).into());
            self.counters.unpaired += 1;
        }
    }

    /// The outcome of a part that cannot be followed.
    fn turn_away(&mut self, now_ns: i64, trigger: Trigger) -> Box<Finished> {
        let outcome = if self.is_stopped {
            Outcome::not_inspected("stopped", "the station was stopped")
        } else {
            self.counters.overload_rejected += 1;
            let detail = format!("{IN_FLIGHT} parts are between trigger and ejector");
            Outcome::not_inspected("overload", detail)
        };
        let part = Finished {
            number: trigger.number,
            trigger_ns: trigger.ns,
            decided_ns: now_ns,
            left_ns: now_ns,
            recipe: self.recipe,
            outcome,
            details: Details::default(),
        };
        self.count(&part);
        Box::new(part)
    }

    /// Frames of a part that was decided on.
    fn keep(&mut self) -> Option<Action<P>> {
        self.flights.iter_mut().find_map(|flight| {
            let Stage::Decided { outcome, frames, .. } = &mut flight.stage else { return None };
            let frames = frames.take()?;
            Some(Action::Keep { number: flight.number, outcome: outcome.clone(), frames })
        })
    }

    fn level(&mut self) -> Option<Action<P>> {
        let is_faulty = self.conditions.state().0 != Health::Running;
        let levels = [(Output::Fault, is_faulty), (Output::Busy, self.flights.len() > 0)];
        let changed =
            |&(output, is_active): &(Output, bool)| self.pulses.set_level(output, is_active);
        let (output, is_active) = levels.into_iter().find(changed)?;
        Some(Action::Set { output, is_active })
    }

    fn count(&mut self, part: &Finished) {
        self.counters.finished += 1;
        self.to_leaving.add(part.left_ns.saturating_sub(part.trigger_ns));
        match &part.outcome {
            Outcome::Conforming => self.counters.conforming += 1,
            Outcome::Mismatch => self.counters.mismatch += 1,
            Outcome::NotInspected { stage, detail } => {
                self.counters.not_inspected += 1;
                let is_consequence = ["held", "starting", "fault", "stopped"].contains(&&**stage);
                if self.config.on_failure == OnFailure::Hold && !is_consequence {
                    let reason = format!("part {}: {stage}: {detail}", part.number);
                    self.conditions.hold(HoldKind::NotInspected, reason);
                }
            }
        }
    }

    fn remember_to_ask(&mut self, now_ns: i64, at_ns: i64) {
        if at_ns <= now_ns {
            return;
        }
        if self.asks.is_full() {
            self.asks.pop_back();
        }
        // There is room now.
        let _ = self.asks.push_back(at_ns);
    }
}
