use heapless::Vec;

use super::queue::FRAMES;
use super::{Counts, Exposed};

/// What is known of one camera.
#[derive(Debug)]
pub(super) struct Camera<P> {
    /// Frames that may still be somebody's, in the order they came.
    pub(super) frames: Vec<Seen<P>, FRAMES>,
    pub(super) last_exposure_ns: Option<i64>,
    last_sequence: Option<u32>,
    /// Of exposures up to here not all are known.
    pub(super) blind_until_ns: i64,
}

/// A frame that arrived.
#[derive(Debug)]
pub(super) struct Seen<P> {
    pub(super) exposure_ns: i64,
    pub(super) sequence: u32,
    pub(super) content: Option<P>,
    /// The part of its window had left.
    pub(super) is_late: bool,
    pub(super) is_used: bool,
}

impl<P> Camera<P> {
    pub(super) fn new() -> Self {
        let frames = Vec::new();
        Self { frames, last_exposure_ns: None, last_sequence: None, blind_until_ns: i64::MIN }
    }

    /// Counts what is missing between the last sequence number and this one.
    pub(super) fn note_sequence(&mut self, sequence: u32, counts: &mut Counts) {
        let Some(last) = self.last_sequence.replace(sequence) else { return };
        match sequence.wrapping_sub(last) {
            1 => {}
            // Numbers wrap, so half of all are after this one.
            step @ 2..=0x7fff_ffff => counts.dropped += u64::from(step - 1),
            _ => counts.sequence_resets += 1,
        }
    }

    /// Forgets what was compared with, and distrusts exposures up to a time.
    pub(super) fn restart(&mut self, blind_until_ns: i64) {
        (self.last_exposure_ns, self.last_sequence) = (None, None);
        self.blind_until_ns = blind_until_ns;
    }

    /// Marks a frame with sound pixels as a part's, and gives it out.
    pub(super) fn take(&mut self, index: usize) -> Option<Exposed<P>> {
        let seen = self.frames.get_mut(index)?;
        seen.is_used = true;
        let (exposure_ns, sequence) = (seen.exposure_ns, seen.sequence);
        seen.content.take().map(|content| Exposed { exposure_ns, sequence, content })
    }
}
