use super::plane::Plane;
use super::shift::Shift;

/// Side of the blocks that are compared at a time: patches and their filters stay in the cache.
pub(super) const BLOCK: usize = 32;
/// The widest edge tolerance a patch has room for.
pub(super) const MAX_REACH: usize = 16;
const SIDE: usize = BLOCK + 2 * MAX_REACH;
/// Where the other frame has an edge, this share of its contrast (1 / 4) is tolerated too:
/// resampling and focus change the values of edges.
const EDGE_SHIFT: u8 = 2;

type Rows = [[u8; BLOCK]; BLOCK];

/// A block of a plane with the pixels within reach around it.
pub(super) struct Patch {
    rows: [[u8; SIDE]; SIDE],
    reach: usize,
}

/// What differs in a block.
pub(super) struct Found {
    /// Grey levels beyond the tolerance.
    pub(super) excess: Rows,
    /// Grey levels of the plain difference, 0 where not above the threshold.
    pub(super) raw: Rows,
}

impl Patch {
    /// The block at `left`, `top` of `plane` after a shift; beyond its edges the nearest pixel.
    pub(super) fn cut(
        plane: &Plane,
        (left, top): (usize, usize),
        shift: Shift,
        reach: usize,
    ) -> Self {
        let (x, y) =
            (left as isize + shift.x - reach as isize, top as isize + shift.y - reach as isize);
        let side = BLOCK + 2 * reach;
        let mut rows = [[0; SIDE]; SIDE];
        let fits = |start: isize, room: usize| start >= 0 && start as usize + side <= room;
        if fits(x, plane.width) && fits(y, plane.height) {
            for (row, y) in rows.iter_mut().take(side).zip(y as usize..) {
                row[..side].copy_from_slice(plane.row(y, x as usize, x as usize + side));
            }
        } else {
            for (row, y) in rows.iter_mut().take(side).zip(y..) {
                for (value, x) in row.iter_mut().take(side).zip(x..) {
                    *value = plane.nearest(x, y);
                }
            }
        }
        Self { rows, reach }
    }

    /// The block itself.
    fn centre(&self) -> Rows {
        let mut centre = [[0; BLOCK]; BLOCK];
        for (to, from) in centre.iter_mut().zip(&self.rows[self.reach..]) {
            to.copy_from_slice(&from[self.reach..self.reach + BLOCK]);
        }
        centre
    }

    /// For each pixel of the block the most extreme value within reach, by `pick` (min or max).
    fn within_reach(&self, pick: impl Fn(u8, u8) -> u8 + Copy) -> Rows {
        let window = 2 * self.reach + 1;
        let mut across = [[0_u8; BLOCK]; SIDE];
        for (to, from) in across.iter_mut().zip(&self.rows[..BLOCK + window - 1]) {
            to.copy_from_slice(&from[..BLOCK]);
            for start in 1..window {
                combine(to, &from[start..start + BLOCK], pick);
            }
        }
        let mut both = [[0_u8; BLOCK]; BLOCK];
        for (y, to) in both.iter_mut().enumerate() {
            *to = across[y];
            for from in &across[y + 1..y + window] {
                combine(to, from, pick);
            }
        }
        both
    }
}

/// Compares two patches in both directions: a pixel is beyond its tolerance by the most that either
/// frame's value leaves the range of the other frame's values within reach.
pub(super) fn compare(reference: &Patch, test: &Patch, threshold: u8) -> Found {
    let (reference_rows, test_rows) = (reference.centre(), test.centre());
    let mut excess = beyond(&test_rows, reference, threshold);
    for (into, from) in excess.iter_mut().zip(&beyond(&reference_rows, test, threshold)) {
        combine(into, from, u8::max);
    }
    let mut raw = [[0; BLOCK]; BLOCK];
    for ((raw, a), b) in raw.iter_mut().zip(&reference_rows).zip(&test_rows) {
        for ((raw, a), b) in raw.iter_mut().zip(a).zip(b) {
            let apart = a.abs_diff(*b);
            *raw = if apart > threshold { apart } else { 0 };
        }
    }
    Found { excess, raw }
}

/// Grey levels by which `values` leave the range of `other` within reach, its threshold taken off.
fn beyond(values: &Rows, other: &Patch, threshold: u8) -> Rows {
    let (least, most) = (other.within_reach(u8::min), other.within_reach(u8::max));
    let mut excess = [[0; BLOCK]; BLOCK];
    for (y, excess) in excess.iter_mut().enumerate() {
        let range = values[y].iter().zip(least[y].iter().zip(&most[y]));
        for (excess, (&value, (&least, &most))) in excess.iter_mut().zip(range) {
            let tolerated = ((most - least) >> EDGE_SHIFT).saturating_add(threshold);
            let above = value.saturating_sub(most).max(least.saturating_sub(value));
            *excess = above.saturating_sub(tolerated);
        }
    }
    excess
}

fn combine(into: &mut [u8; BLOCK], from: &[u8], pick: impl Fn(u8, u8) -> u8) {
    for (into, from) in into.iter_mut().zip(from) {
        *into = pick(*into, *from);
    }
}
