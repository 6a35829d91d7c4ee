use std::ops::Range;

use super::lighting::Lighting;
use super::plane::Plane;
use super::shift::{Search, Shift};
use super::tolerance::{self, BLOCK, Patch};

/// Where a pair differs: an image of the size of the compared planes.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) width: usize,
    pub(super) height: usize,
    /// [`Self::EQUAL`], [`Self::TOLERATED`], [`Self::GROWN`], or from [`Self::CHANGED`] on the grey
    /// levels by which a pixel is beyond its tolerance.
    pub(super) pixels: Vec<u8>,
}

/// How far edges may move.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// Each pixel on its own.
    pub(super) edge: usize,
    /// A whole patch of the part.
    pub(super) patch: usize,
}

/// One channel of a pair whose light has been corrected.
pub(super) struct Channel<'a> {
    pub(super) reference: Plane<'a>,
    pub(super) test: Plane<'a>,
    pub(super) lighting: Lighting,
}

impl Difference {
    /// No difference above the threshold.
    pub(super) const EQUAL: u8 = 0;
    /// A difference that a moved edge explains.
    pub(super) const TOLERATED: u8 = 1;
    /// A tolerated difference that belongs to a change.
    pub(super) const GROWN: u8 = 2;
    /// The least that a moved edge does not explain.
    pub(super) const CHANGED: u8 = 3;

    /// Compares all channels of a pair, block by block.
    ///
    /// Each block is first looked up in the reference (its patch of the part may be displaced); then
    /// a pixel differs if its value is beyond those of the other frame within the edge tolerance, in
    /// either direction. Blocks without any raw difference are left out.
    pub(super) fn of(channels: &[Channel], reach: Reach) -> Self {
        let Some(first) = channels.first() else {
            return Self { width: 0, height: 0, pixels: Vec::new() };
        };
        let (width, height) = (first.test.width, first.test.height);
        let mut difference = Self { width, height, pixels: vec![Self::EQUAL; width * height] };
        let search = Search::new(reach.patch);
        for top in (0..height).step_by(BLOCK) {
            for left in (0..width).step_by(BLOCK) {
                difference.block(channels, (left, top), (&search, reach.edge));
            }
        }
        difference
    }

    fn block(
        &mut self,
        channels: &[Channel],
        (left, top): (usize, usize),
        (search, reach): (&Search, usize),
    ) {
        let right = (left + BLOCK).min(self.width);
        let bottom = (top + BLOCK).min(self.height);
        let apart = |channel: &Channel| {
            let rows = (top..bottom)
                .map(|y| (channel.reference.row(y, left, right), channel.test.row(y, left, right)));
            Some(most_apart(rows)).filter(|most| *most > channel.lighting.threshold(left, top))
        };
        let mut guide: Option<(u8, &Channel)> = None;
        for channel in channels {
            let Some(most) = apart(channel) else { continue };
            if guide.is_none_or(|(before, _)| most > before) {
                guide = Some((most, channel));
            }
        }
        let Some((_, guide)) = guide else { return };
        let shift = search.find(&guide.reference, &guide.test, (left, top, BLOCK));
        for channel in channels {
            // Where it stays, a channel without any raw difference has none beyond its tolerance.
            if shift != Shift::default() || apart(channel).is_some() {
                self.compare(channel, (left, top), shift, reach);
            }
        }
    }

    fn compare(
        &mut self,
        channel: &Channel,
        (left, top): (usize, usize),
        shift: Shift,
        reach: usize,
    ) {
        let reference = Patch::cut(&channel.reference, (left, top), shift, reach);
        let test = Patch::cut(&channel.test, (left, top), Shift::default(), reach);
        let found = tolerance::compare(&reference, &test, channel.lighting.threshold(left, top));
        let columns = judged(left, shift.x, reach, self.width);
        for y in judged(top, shift.y, reach, self.height) {
            let into = &mut self.pixels[y * self.width..][columns.clone()];
            raise(into, &found[y - top][columns.start - left..columns.end - left]);
        }
    }
}

/// The places of the block from `start` on whose tolerance lies inside both frames: beyond, an edge
/// that nobody sees could explain any difference.
fn judged(start: usize, shift: isize, reach: usize, room: usize) -> Range<usize> {
    let first = start.max(reach.saturating_add_signed(-shift.min(0)));
    let last = (start + BLOCK).min(room.saturating_sub(reach.saturating_add_signed(shift.max(0))));
    first.min(last).max(start)..last.max(start)
}

fn raise(values: &mut [u8], by: &[u8]) {
    for (value, by) in values.iter_mut().zip(by) {
        *value = (*value).max(*by);
    }
}

/// The largest difference in a block; column by column first, which vectorises.
fn most_apart<'a>(rows: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> u8 {
    let mut columns = [0; BLOCK];
    for (a, b) in rows {
        if let (Some(a), Some(b)) = (a.first_chunk::<BLOCK>(), b.first_chunk::<BLOCK>()) {
            for (most, (a, b)) in columns.iter_mut().zip(a.iter().zip(b)) {
                *most = (*most).max(a.abs_diff(*b));
            }
        } else {
            for (most, (a, b)) in columns.iter_mut().zip(a.iter().zip(b)) {
                *most = (*most).max(a.abs_diff(*b));
            }
        }
    }
    columns.into_iter().fold(0, u8::max)
}
