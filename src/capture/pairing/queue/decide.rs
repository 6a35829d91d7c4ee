//! What a part's outcome is; reads and changes nothing.

use super::super::timing::Span;
use super::super::{InWindow, Unpaired, View};
use super::{Pairing, Place, Places};

/// What is known about one view of a part.
enum Finding {
    Waiting,
    Frame(Place),
    Refused(Unpaired),
}

impl<P> Pairing<P> {
    /// The outcome of the oldest part, once nothing can change it.
    pub(super) fn outcome(&self, now_ns: i64) -> Option<Result<Places, Unpaired>> {
        let held = self.parts.front()?;
        if let Some(reason) = held.refused {
            return Some(Err(reason));
        }
        let mut frames = [None; 2];
        let mut is_waiting = false;
        for (slot, view) in self.timing.views().enumerate() {
            match self.find(now_ns, held.trigger.ns, view) {
                Finding::Waiting => is_waiting = true,
                Finding::Refused(reason) => return Some(Err(reason)),
                Finding::Frame(place) => frames[slot] = Some(place),
            }
        }
        (!is_waiting).then_some(Ok(frames))
    }

    fn find(&self, now_ns: i64, trigger_ns: i64, view: View) -> Finding {
        let (camera, timing) = (view.camera, &self.timing);
        let span = timing.span(view, trigger_ns);
        let is_over = self.is_over(now_ns, camera, span);
        let frames = self.cameras[camera].frames.iter().enumerate();
        let mut inside = frames.filter(|(_, seen)| span.contains(seen.exposure_ns));
        let Some((index, seen)) = inside.next() else {
            return if is_over {
                Finding::Refused(Unpaired::NoFrame { camera })
            } else {
                Finding::Waiting
            };
        };
        let is_one = timing.in_window == InWindow::One;
        if inside.next().is_some_and(|(_, other)| is_one || other.exposure_ns == seen.exposure_ns) {
            return Finding::Refused(Unpaired::TwoFrames { camera });
        }
        if (is_one && !is_over) || now_ns < timing.claimed_ns(camera, seen.exposure_ns) {
            return Finding::Waiting;
        }
        if self.owners(camera, seen.exposure_ns) > 1 {
            return Finding::Refused(Unpaired::Ambiguous { camera });
        }
        match seen.content {
            Some(_) => Finding::Frame(Place { camera, index }),
            None => Finding::Refused(Unpaired::Damaged { camera }),
        }
    }

    /// Whether every frame of a span is here: its time is up, or a later frame is.
    fn is_over(&self, now_ns: i64, camera: usize, span: Span) -> bool {
        let last_ns = self.cameras[camera].last_exposure_ns.unwrap_or(i64::MIN);
        last_ns > span.to_ns || now_ns >= span.to_ns.saturating_add(self.timing.frame_latency_ns)
    }

    /// How many windows of known parts an exposure lies in.
    pub(super) fn owners(&self, camera: usize, exposure_ns: i64) -> usize {
        let waiting = self.parts.iter().map(|held| held.trigger.ns);
        let known = waiting.chain(self.left.iter().map(|left| left.trigger_ns));
        known.map(|trigger_ns| self.claims(camera, trigger_ns, exposure_ns)).sum()
    }

    /// How many windows of one part an exposure lies in.
    pub(super) fn claims(&self, camera: usize, trigger_ns: i64, exposure_ns: i64) -> usize {
        let spans = self.timing.views_of(camera).map(|view| self.timing.span(view, trigger_ns));
        spans.filter(|span| span.contains(exposure_ns)).count()
    }

    /// Whether a part waits for a frame, or a trigger that is not told yet may claim it.
    pub(super) fn is_wanted(&self, now_ns: i64, camera: usize, exposure_ns: i64) -> bool {
        let mut waiting = self.parts.iter().map(|held| held.trigger.ns);
        now_ns < self.timing.claimed_ns(camera, exposure_ns)
            || waiting.any(|trigger_ns| self.claims(camera, trigger_ns, exposure_ns) > 0)
    }
}
