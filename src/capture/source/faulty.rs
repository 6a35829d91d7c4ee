use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{Captured, FrameSource, nanoseconds};
use crate::capture::pixels::{Converter, FourCc, ImageLayout, PixelFormat};
use crate::capture::{Clock, Controls, Error};
use crate::frame::Frame;

/// What goes wrong and how often; probabilities are per frame, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaultPlan {
    /// The same seed gives the same faults.
    pub seed: u64,
    /// The frame is lost and its sequence number with it.
    pub drop: f64,
    /// The frame is delivered `late_ns` after it came, and those behind it no earlier.
    pub late: f64,
    /// How late.
    pub late_ns: i64,
    /// Every stamp is off by at most this much, either way.
    pub jitter_ns: i64,
    /// The driver marks the buffer as damaged.
    pub flag: f64,
    /// The buffer is cut short.
    pub cut: f64,
    /// The stamp of the frame before is given again.
    pub repeat_stamp: f64,
    /// The device goes away after the frame, for `away_ns`.
    pub disconnect: f64,
    /// How long it stays away; opening it before fails.
    pub away_ns: i64,
}

/// A source that fails by a plan, so that what comes after it can be tried.
#[derive(Debug)]
pub struct Faulty<S, C> {
    source: S,
    clock: C,
    plan: FaultPlan,
    random: ChaCha8Rng,
    /// Late frames and the time they are given out, in order.
    held: VecDeque<(i64, Captured)>,
    state: State,
    last_stamp_ns: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Open,
    Gone { until_ns: i64 },
}

impl<S: FrameSource, C: Clock> Faulty<S, C> {
    /// Wraps a source; `clock` is the one the source runs by.
    pub fn new(source: S, clock: C, plan: FaultPlan) -> Self {
        let random = ChaCha8Rng::seed_from_u64(plan.seed);
        let held = VecDeque::new();
        Self { source, clock, plan, random, held, state: State::Open, last_stamp_ns: None }
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.random.random::<f64>() < probability
    }

    /// A frame that is held and due, if the wait for it ends by `latest_ns`.
    fn held_until(&mut self, latest_ns: i64) -> Option<Captured> {
        let due_ns = self.held.front().map(|(due_ns, _)| *due_ns)?;
        if due_ns > latest_ns {
            return None;
        }
        self.clock.sleep_until(due_ns);
        self.held.pop_front().map(|(_, captured)| captured)
    }

    /// Fetches one frame and does to it what the plan says; `None` when it was dropped or held.
    fn fetch(&mut self, timeout: Duration) -> Result<Option<Captured>, Error> {
        let mut captured = self.source.next_frame(timeout)?;
        if self.chance(self.plan.disconnect) {
            let until_ns = self.clock.now_ns().saturating_add(self.plan.away_ns);
            self.state = State::Gone { until_ns };
        }
        if self.chance(self.plan.drop) {
            return Ok(None);
        }
        self.disturb(&mut captured);
        let is_late = self.chance(self.plan.late);
        if !is_late && self.held.is_empty() {
            return Ok(Some(captured));
        }
        let due_ns =
            self.clock.now_ns().saturating_add(if is_late { self.plan.late_ns } else { 0 });
        let behind_ns = self.held.back().map_or(due_ns, |(due_ns, _)| *due_ns);
        self.held.push_back((due_ns.max(behind_ns), captured));
        Ok(None)
    }

    fn disturb(&mut self, captured: &mut Captured) {
        let jitter_ns = self.plan.jitter_ns.max(0);
        let off_ns = self.random.random_range(-jitter_ns..=jitter_ns);
        let repeated = self.chance(self.plan.repeat_stamp).then_some(self.last_stamp_ns).flatten();
        captured.stamp.ns = repeated.unwrap_or(captured.stamp.ns.saturating_add(off_ns));
        self.last_stamp_ns = Some(captured.stamp.ns);
        let (flag, cut) = (self.chance(self.plan.flag), self.chance(self.plan.cut));
        if flag {
            let (origin, sequence) = (self.source.name().to_owned(), captured.sequence);
            captured.content = Err(Error::Flagged { origin, sequence });
        } else if let (true, Ok(frame)) = (cut, &captured.content) {
            captured.content = Err(cut_buffer(frame, &mut self.random));
        }
    }

    /// The end of the list is not the end while frames are held.
    fn timeout(&self, latest_ns: i64, timeout: Duration) -> Error {
        self.clock.sleep_until(latest_ns);
        let waited_ms = timeout.as_millis().try_into().unwrap_or(u64::MAX);
        Error::Timeout { origin: self.source.name().to_owned(), waited_ms }
    }

    fn gone(&self) -> Error {
        let reason = "as planned".to_owned();
        Error::Disconnected { origin: self.source.name().to_owned(), reason }
    }
}

impl<S: FrameSource, C: Clock> FrameSource for Faulty<S, C> {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn next_frame(&mut self, timeout: Duration) -> Result<Captured, Error> {
        let latest_ns = self.clock.now_ns().saturating_add(nanoseconds(timeout));
        loop {
            if let State::Gone { .. } = self.state {
                return Err(self.gone());
            }
            let now_ns = self.clock.now_ns();
            if let Some(captured) = self.held_until(now_ns) {
                return Ok(captured);
            }
            // No longer than until a held frame is due.
            let until_ns =
                self.held.front().map_or(latest_ns, |(due_ns, _)| latest_ns.min(*due_ns));
            let left_ns = until_ns.saturating_sub(now_ns);
            match self.fetch(Duration::from_nanos(left_ns.try_into().unwrap_or(0))) {
                Ok(Some(captured)) => return Ok(captured),
                Ok(None) => {}
                Err(error) => match self.held_until(latest_ns) {
                    Some(captured) => return Ok(captured),
                    None if self.held.is_empty() || error.needs_reopen() => return Err(error),
                    None => return Err(self.timeout(latest_ns, timeout)),
                },
            }
        }
    }

    fn reopen(&mut self) -> Result<(), Error> {
        if let State::Gone { until_ns } = self.state
            && self.clock.now_ns() < until_ns
        {
            return Err(self.gone());
        }
        self.held.clear();
        self.source.reopen()?;
        self.state = State::Open;
        Ok(())
    }

    fn set_controls(&mut self, controls: &Controls) -> Result<(), Error> {
        self.source.set_controls(controls)?;
        match self.state {
            State::Gone { .. } => Err(self.gone()),
            _ => Ok(()),
        }
    }
}

/// The error of a converter that gets only a part of the frame's bytes.
fn cut_buffer(frame: &Frame, random: &mut ChaCha8Rng) -> Error {
    let convert = |bytes: &[u8], name: [u8; 4]| {
        let format = PixelFormat::of(FourCc::new(name))?;
        let layout = ImageLayout::packed(format, frame.width(), frame.height());
        Converter::new(layout)?.convert(bytes, frame.origin())
    };
    let luma = frame.luma();
    let cut = &luma.as_raw()[..random.random_range(0..luma.as_raw().len())];
    match convert(cut, *b"GREY") {
        Err(error) => error,
        // Not with fewer bytes than pixels; and a frame that is not there is not made up.
        Ok(_) => Error::Flagged { origin: frame.origin().to_owned(), sequence: 0 },
    }
}

#[cfg(test)]
mod tests;
