use super::lighting::Lighting;
use super::plane::Plane;
use super::shift::{self, Shift};
use super::tolerance::{self, BLOCK, Patch};

/// Where a pair differs: two images of the size of the compared planes.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Grey levels by which a pixel is beyond its tolerance; 0: within.
    pub(super) excess: Vec<u8>,
    /// Grey levels between the pixel and its counterpart, 0 where below the threshold.
    pub(super) raw: Vec<u8>,
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
    /// Compares all channels of a pair, block by block.
    ///
    /// Each block is first looked up in the reference (its patch of the part may be displaced); then
    /// a pixel differs if its value is beyond those of the other frame within the edge tolerance, in
    /// either direction. Blocks without any raw difference are left out.
    pub(super) fn of(channels: &[Channel], reach: Reach) -> Self {
        let Some(first) = channels.first() else {
            return Self { width: 0, height: 0, excess: Vec::new(), raw: Vec::new() };
        };
        let (width, height) = (first.test.width, first.test.height);
        let (excess, raw) = (vec![0; width * height], vec![0; width * height]);
        let mut difference = Self { width, height, excess, raw };
        for top in (0..height).step_by(BLOCK) {
            for left in (0..width).step_by(BLOCK) {
                difference.block(channels, (left, top), reach);
            }
        }
        difference
    }

    fn block(&mut self, channels: &[Channel], (left, top): (usize, usize), reach: Reach) {
        let right = (left + BLOCK).min(self.width);
        let bottom = (top + BLOCK).min(self.height);
        let differs = |channel: &&Channel| {
            let threshold = channel.lighting.threshold(left, top);
            (top..bottom).any(|y| {
                let reference = channel.reference.row(y, left, right);
                most_apart(reference, channel.test.row(y, left, right)) > threshold
            })
        };
        let Some(guide) = channels.iter().find(differs) else { return };
        let shift = shift::find(&guide.reference, &guide.test, (left, top, BLOCK), reach.patch);
        for channel in channels {
            self.compare(channel, (left, top), shift, reach.edge);
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
        // What has no counterpart inside the frame cannot be compared.
        let known = |start: usize, by: isize, room: usize| {
            let first = 0_usize.saturating_sub_signed(by).max(start);
            (first, (room.saturating_sub_signed(by)).min(start + BLOCK).min(room).max(first))
        };
        let (first, last) = known(left, shift.x, self.width);
        let (top_known, bottom_known) = known(top, shift.y, self.height);
        for y in top_known..bottom_known {
            let columns = first - left..last - left;
            let into = y * self.width + first..y * self.width + last;
            raise(&mut self.excess[into.clone()], &found.excess[y - top][columns.clone()]);
            raise(&mut self.raw[into], &found.raw[y - top][columns]);
        }
    }
}

fn raise(values: &mut [u8], by: &[u8]) {
    for (value, by) in values.iter_mut().zip(by) {
        *value = (*value).max(*by);
    }
}

fn most_apart(a: &[u8], b: &[u8]) -> u8 {
    a.iter().zip(b).fold(0, |most, (a, b)| most.max(a.abs_diff(*b)))
}
