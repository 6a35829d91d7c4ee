use heapless::Deque;

use super::camera::{Camera, Seen};
use super::timing::{CAMERAS, Span};
use super::{Counts, Frames, Part, Sighting, Timing, Trigger, Unpaired, View};

mod decide;

/// Parts between the trigger and their last frame: more than fit between any sensor and camera.
pub const PARTS: usize = 32;
/// Frames of one camera that are held: at 1 MB each, what a small box can spare.
pub const FRAMES: usize = 16;
/// Parts that have left and whose windows are still known.
const LEFT: usize = 64;
/// How far ahead of the clock a stamp may be: drivers round to microseconds, some to milliseconds.
const AHEAD_NS: i64 = 1_000_000;

/// Gives each part its frames or a reason, once, in the order of the triggers.
///
/// Told of triggers and frames as they come, and asked by [`Pairing::poll`] after each of them and
/// at [`Pairing::next_ns`]; `now_ns` is the present, CLOCK_MONOTONIC.
#[derive(Debug)]
pub struct Pairing<P> {
    timing: Timing,
    parts: Deque<Held, PARTS>,
    cameras: [Camera<P>; CAMERAS],
    /// Parts that left, the oldest first.
    left: Deque<Left, LEFT>,
    last_trigger_ns: i64,
    last_now_ns: i64,
    is_clock_sound: bool,
    counts: Counts,
}

/// A part that waits for its frames.
#[derive(Debug)]
struct Held {
    trigger: Trigger,
    refused: Option<Unpaired>,
}

/// A part that left.
#[derive(Debug, Clone, Copy)]
struct Left {
    trigger_ns: i64,
    is_paired: bool,
}

/// Where a frame is held.
#[derive(Debug, Clone, Copy)]
struct Place {
    camera: usize,
    index: usize,
}

/// The frames of a part, by view.
type Places = [Option<Place>; 2];

impl<P> Pairing<P> {
    /// A pairing with nothing in flight.
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            parts: Deque::new(),
            cameras: [Camera::new(), Camera::new()],
            left: Deque::new(),
            last_trigger_ns: i64::MIN,
            last_now_ns: i64::MIN,
            is_clock_sound: true,
            counts: Counts::default(),
        }
    }

    /// Tells of a part; what is given back is the oldest part, refused, where there was no room.
    #[must_use = "a part that is given back has no other outcome"]
    pub fn trigger(&mut self, now_ns: i64, trigger: Trigger) -> Option<Part<P>> {
        self.watch(now_ns);
        self.counts.triggers += 1;
        let displaced = if self.parts.is_full() { self.displace() } else { None };
        let refused = self.refusal(now_ns, trigger);
        self.last_trigger_ns = trigger.ns;
        // There is room: the oldest part was displaced.
        let _ = self.parts.push_back(Held { trigger, refused });
        displaced
    }

    /// Tells of a frame of a camera, 0 or 1; those of others count as unmatched.
    pub fn frame(&mut self, now_ns: i64, camera: usize, sighting: Sighting<P>) {
        self.watch(now_ns);
        self.counts.frames += 1;
        let Some(state) = self.cameras.get_mut(camera) else {
            self.counts.unmatched += 1;
            return;
        };
        state.note_sequence(sighting.sequence, &mut self.counts);
        let exposure_ns = self.timing.exposure_ns(camera, sighting.stamp);
        let last_ns = state.last_exposure_ns.replace(exposure_ns);
        let ahead = sighting.stamp.ns > now_ns.saturating_add(AHEAD_NS);
        if ahead || last_ns.is_some_and(|last_ns| exposure_ns < last_ns) {
            self.distrust();
        }
        if !self.is_clock_sound {
            self.counts.surplus += 1;
            return;
        }
        let mut missed = self.left.iter().filter(|left| !left.is_paired);
        let is_late = missed.any(|left| self.claims(camera, left.trigger_ns, exposure_ns) > 0);
        let Sighting { sequence, content, .. } = sighting;
        self.hold(camera, Seen { exposure_ns, sequence, content, is_late, is_used: false });
    }

    /// The next part that leaves, if its outcome is known; ask until there is none.
    #[must_use = "a part that is given back has no other outcome"]
    pub fn poll(&mut self, now_ns: i64) -> Option<Part<P>> {
        self.watch(now_ns);
        let outcome = self.outcome(now_ns);
        let part = outcome.and_then(|outcome| self.leave(outcome));
        self.discard(now_ns);
        part
    }

    /// When to ask at the latest, if nothing else happens; `None` while no part waits.
    pub fn next_ns(&self) -> Option<i64> {
        let held = self.parts.front()?;
        if held.refused.is_some() {
            return Some(self.last_now_ns);
        }
        let timing = &self.timing;
        let end_ns = timing.end_ns(held.trigger.ns);
        let claimed = timing.views().map(|view| timing.claimed_ns(view.camera, end_ns));
        let over_ns = end_ns.saturating_add(timing.frame_latency_ns);
        Some(claimed.fold(over_ns, i64::max))
    }

    /// Whether times are still comparable; if not, every part is refused until
    /// [`Pairing::restart`].
    pub fn is_clock_sound(&self) -> bool {
        self.is_clock_sound
    }

    /// Trusts the clocks again, from `now_ns` on; parts whose windows overlap what was before are
    /// still refused.
    pub fn restart(&mut self, now_ns: i64) {
        self.forget();
        self.left.clear();
        let blind_until_ns = self.timing.end_ns(now_ns);
        self.cameras.iter_mut().for_each(|camera| camera.restart(blind_until_ns));
        (self.last_trigger_ns, self.last_now_ns) = (i64::MIN, now_ns);
        self.is_clock_sound = true;
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Parts and frames that wait.
    pub fn waiting(&self) -> (usize, usize) {
        (self.parts.len(), self.cameras.iter().map(|camera| camera.frames.len()).sum())
    }

    fn watch(&mut self, now_ns: i64) {
        if now_ns < self.last_now_ns {
            self.distrust();
        }
        self.last_now_ns = now_ns;
    }

    /// Nothing that is known can be compared with anything that comes.
    fn distrust(&mut self) {
        self.counts.clock_jumps += 1;
        self.is_clock_sound = false;
        self.forget();
    }

    fn forget(&mut self) {
        for held in self.parts.iter_mut() {
            held.refused.get_or_insert(Unpaired::ClockJump);
        }
        for camera in &mut self.cameras {
            self.counts.surplus += camera.frames.len() as u64;
            camera.frames.clear();
        }
    }

    /// What is wrong with a part from its beginning.
    fn refusal(&mut self, now_ns: i64, trigger: Trigger) -> Option<Unpaired> {
        let late_ns = now_ns.saturating_sub(trigger.ns);
        if trigger.ns < self.last_trigger_ns || late_ns < -AHEAD_NS {
            self.distrust();
        }
        if !self.is_clock_sound {
            return Some(Unpaired::ClockJump);
        }
        if late_ns > self.timing.trigger_latency_ns {
            return Some(Unpaired::LateTrigger { late_ms: late_ns / 1_000_000 });
        }
        let is_blind = |view: &View| {
            let from_ns = self.timing.span(*view, trigger.ns).from_ns;
            from_ns <= self.cameras[view.camera].blind_until_ns
        };
        let blind = self.timing.views().find(is_blind);
        blind.map(|view| Unpaired::FramesLost { camera: view.camera })
    }

    /// The oldest part leaves to make room.
    fn displace(&mut self) -> Option<Part<P>> {
        let held = self.parts.front()?;
        let reason = held.refused.unwrap_or(Unpaired::TooManyParts { limit: PARTS });
        self.leave(Err(reason))
    }

    fn hold(&mut self, camera: usize, seen: Seen<P>) {
        if self.cameras[camera].frames.is_full() {
            let oldest = self.cameras[camera].frames.remove(0);
            self.counts.overflowed += 1;
            let at_ns = oldest.exposure_ns;
            self.lose(camera, Span { from_ns: at_ns, to_ns: at_ns });
        }
        // There is room: the oldest frame was pushed out.
        let _ = self.cameras[camera].frames.push(seen);
    }

    /// Notes that exposures of this span are not all known any more.
    fn lose(&mut self, camera: usize, span: Span) {
        let timing = &self.timing;
        for held in self.parts.iter_mut() {
            let mut spans = timing.views_of(camera).map(|view| timing.span(view, held.trigger.ns));
            if spans.any(|own| own.overlaps(&span)) {
                held.refused.get_or_insert(Unpaired::FramesLost { camera });
            }
        }
        let blind = &mut self.cameras[camera].blind_until_ns;
        *blind = span.to_ns.max(*blind);
    }

    /// Takes the oldest part out, with the frames that were found for it.
    fn leave(&mut self, found: Result<Places, Unpaired>) -> Option<Part<P>> {
        let Held { trigger, .. } = self.parts.pop_front()?;
        let outcome = found.and_then(|frames| self.take(frames));
        match &outcome {
            Ok(_) => self.counts.paired += 1,
            Err(_) => self.counts.not_inspected += 1,
        }
        if outcome.as_ref().err() != Some(&Unpaired::ClockJump) {
            self.remember(Left { trigger_ns: trigger.ns, is_paired: outcome.is_ok() });
        }
        Some(Part { trigger, outcome })
    }

    fn take(&mut self, frames: Places) -> Result<Frames<P>, Unpaired> {
        let mut taken = frames.map(|place| {
            place.and_then(|Place { camera, index }| self.cameras[camera].take(index))
        });
        self.counts.used += taken.iter().flatten().count() as u64;
        self.cameras.iter_mut().for_each(|camera| camera.frames.retain(|seen| !seen.is_used));
        // The test is the last view; with a golden reference it is the only one.
        let test = taken[usize::from(self.timing.reference.is_some())].take();
        let reference = if self.timing.reference.is_some() { taken[0].take() } else { None };
        let camera = self.timing.test.camera;
        match test {
            Some(test) => Ok(Frames { reference, test }),
            None => Err(Unpaired::NoFrame { camera }),
        }
    }

    /// Keeps the windows of a part that left: its frames may still come.
    fn remember(&mut self, part: Left) {
        let oldest = if self.left.is_full() { self.left.pop_front() } else { None };
        if let Some(Left { trigger_ns, .. }) = oldest {
            let timing = self.timing;
            for view in timing.views() {
                self.lose(view.camera, timing.span(view, trigger_ns));
            }
        }
        // There is room: the oldest was forgotten.
        let _ = self.left.push_back(part);
    }

    /// Lets go of frames that no part waits for and no trigger can claim any more.
    fn discard(&mut self, now_ns: i64) {
        for camera in 0..CAMERAS {
            let mut frames = std::mem::take(&mut self.cameras[camera].frames);
            frames.retain(|seen| {
                let is_wanted = self.is_wanted(now_ns, camera, seen.exposure_ns);
                if !is_wanted {
                    self.count_discarded(camera, seen);
                }
                is_wanted
            });
            self.cameras[camera].frames = frames;
        }
    }

    fn count_discarded(&mut self, camera: usize, seen: &Seen<P>) {
        if seen.is_late {
            self.counts.late += 1;
        } else if self.owners(camera, seen.exposure_ns) > 0 {
            self.counts.surplus += 1;
        } else {
            self.counts.unmatched += 1;
        }
    }
}
