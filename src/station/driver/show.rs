//! What the line shows of parts that left.

use std::sync::Arc;

use heapless::Deque;

use super::Line;
use crate::capture::Frames;
use crate::frame::Frame;
use crate::journal::Part;
use crate::station::core::Findings;
use crate::station::judge::Identity;
use crate::station::view::PartSeen;

/// Parts between their decision and their leaving whose frames can be shown; of more, the newest.
const SHOWN: usize = 4;

/// Frames of parts that were decided on and have not left.
#[derive(Debug, Default)]
pub(in crate::station) struct Shown(Deque<(u64, [Option<Arc<Frame>>; 2]), SHOWN>);

impl Shown {
    pub(super) fn keep(&mut self, number: u64, frames: &Frames<Arc<Frame>>) {
        if self.0.is_full() {
            self.0.pop_front();
        }
        let reference = frames.reference.as_ref().map(|exposed| exposed.content.clone());
        // There is room now.
        let _ = self.0.push_back((number, [reference, Some(frames.test.content.clone())]));
    }

    /// The frames of a part that leaves; those of parts before it go too.
    fn take(&mut self, number: u64) -> [Option<Arc<Frame>>; 2] {
        while let Some((first, _)) = self.0.front() {
            if *first > number {
                break;
            }
            if let Some((kept, frames)) = self.0.pop_front()
                && kept == number
            {
                return frames;
            }
        }
        [None, None]
    }
}

impl Line {
    /// Shows a part that left, as it is recorded.
    pub(super) fn show(
        &mut self,
        part: &Part,
        (unix_ms, recipe): (u64, Identity),
        findings: Option<Box<Findings>>,
    ) {
        let latency_ms = part.timing_ms.get("to_leaving").copied().unwrap_or(0.0);
        self.waiting.add(PartSeen {
            number: part.number,
            unix_ms,
            recipe,
            outcome: part.outcome.clone(),
            scores: part.scores.clone(),
            latency_ms,
            findings,
            frames: self.shown.take(part.number),
        });
        self.view.push_waiting(&mut self.waiting);
    }
}
