use super::difference::Difference;
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

/// A block of values.
pub(super) type Rows = [[u8; BLOCK]; BLOCK];

/// A block of a plane with the pixels within reach around it.
pub(super) struct Patch {
    rows: [[u8; SIDE]; SIDE],
    reach: usize,
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

/// Compares two patches in both directions, as [`Difference::pixels`] says: a pixel is beyond its
/// tolerance by the most that either frame's value leaves the range of the other's within reach.
pub(super) fn compare(reference: &Patch, test: &Patch, threshold: u8) -> Rows {
    let (reference_rows, test_rows) = (reference.centre(), test.centre());
    let mut found = beyond(&test_rows, reference, threshold);
    let reverse = beyond(&reference_rows, test, threshold);
    for (y, found) in found.iter_mut().enumerate() {
        combine(found, &reverse[y], u8::max);
        let pair = reference_rows[y].iter().zip(&test_rows[y]);
        for (found, (a, b)) in found.iter_mut().zip(pair) {
            let differs = u8::from(a.abs_diff(*b) > threshold) * Difference::TOLERATED;
            *found = if *found >= Difference::CHANGED { *found } else { differs };
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn noise(seed: u32) -> Plane<'static> {
        let value = |place: u32| ((place + seed).wrapping_mul(2_654_435_769) >> 24) as u8;
        Plane { width: 41, height: 39, data: Cow::Owned((0..41 * 39).map(value).collect()) }
    }

    /// The definition, pixel by pixel.
    fn expected(pair: (&Plane, &Plane), (x, y): (isize, isize), reach: isize, limit: u8) -> u8 {
        let one_way = |a: &Plane, b: &Plane| {
            let near = (-reach..=reach)
                .flat_map(|down| (-reach..=reach).map(move |right| b.nearest(x + right, y + down)));
            let (least, most) = (near.clone().min().unwrap_or(0), near.max().unwrap_or(0));
            let value = a.nearest(x, y);
            let beyond = value.saturating_sub(most).max(least.saturating_sub(value));
            beyond.saturating_sub(((most - least) / 4).saturating_add(limit))
        };
        let beyond = one_way(pair.0, pair.1).max(one_way(pair.1, pair.0));
        let apart = pair.0.nearest(x, y).abs_diff(pair.1.nearest(x, y));
        if beyond >= Difference::CHANGED { beyond } else { u8::from(apart > limit) }
    }

    #[test]
    fn blocks_equal_the_definition_pixel_by_pixel() {
        let (reference, test) = (noise(3), noise(101));
        for (reach, limit) in [(0, 12), (1, 0), (2, 12), (16, 1)] {
            for corner in [(0, 0), (3, 5), (32, 32)] {
                let cut = |plane: &Plane| Patch::cut(plane, corner, Shift::default(), reach);
                let found = compare(&cut(&reference), &cut(&test), limit);
                for (y, x) in (0..BLOCK).flat_map(|y| (0..BLOCK).map(move |x| (y, x))) {
                    let at = ((corner.0 + x) as isize, (corner.1 + y) as isize);
                    let expected = expected((&reference, &test), at, reach as isize, limit);
                    assert_eq!(found[y][x], expected, "{at:?} reach {reach}");
                }
            }
        }
    }

    #[test]
    fn an_edge_may_move_as_far_as_the_tolerance_and_no_further() {
        let edge = |at: usize| {
            let data = (0..64 * 64).map(|place| if place % 64 < at { 20 } else { 220 }).collect();
            Plane { width: 64, height: 64, data: Cow::Owned(data) }
        };
        let changed = |at: usize| {
            let cut = |plane: &Plane| Patch::cut(plane, (16, 16), Shift::default(), 2);
            let found = compare(&cut(&edge(30)), &cut(&edge(at)), 12);
            found.iter().flatten().any(|pixel| *pixel >= Difference::CHANGED)
        };
        assert!(!changed(28) && !changed(32));
        assert!(changed(27) && changed(33));
    }
}
