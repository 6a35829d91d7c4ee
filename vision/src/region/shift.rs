use std::ops::Range;

use super::plane::Plane;
use super::sample::extremes;

/// Pixels around a block that help to place it: a fault fills less of the window.
const MARGIN: usize = 8;
/// Cost of a shift by one pixel, in pixels of full local contrast; it grows with the square, so
/// that a block without corners stays where it is.
const STEP_COST: u32 = 3;

/// Pixels that are compared at a time; a fixed number becomes one instruction on x86 and ARM.
const LANES: usize = 16;

/// A place in the reference relative to the same place in the test frame, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shift {
    pub(super) x: isize,
    pub(super) y: isize,
}

impl Shift {
    fn squared(self) -> u32 {
        (self.x * self.x + self.y * self.y) as u32
    }
}

/// The places that are tried for every block.
pub(super) struct Search {
    reach: isize,
    /// Every second place, the nearest first: they are the likeliest, and a good place early lets
    /// others be given up early.
    coarse: Vec<Shift>,
}

impl Search {
    /// A search at most `reach` pixels away in both directions.
    pub(super) fn new(reach: usize) -> Self {
        let reach = reach as isize;
        let even = || (-reach..=reach).filter(|place| place % 2 == 0);
        let mut coarse: Vec<Shift> =
            even().flat_map(|y| even().map(move |x| Shift { x, y })).collect();
        coarse.sort_by_key(|shift| shift.squared());
        Self { reach, coarse }
    }

    /// Where the block of `side` pixels at `left`, `top` of the test frame lies in the reference:
    /// the least sum of absolute differences, first on every second place with every second row,
    /// then around the best.
    pub(super) fn find(
        &self,
        reference: &Plane,
        test: &Plane,
        (left, top, side): (usize, usize, usize),
    ) -> Shift {
        let window = Window {
            reference,
            test,
            left: left.saturating_sub(MARGIN),
            top: top.saturating_sub(MARGIN),
            right: (left + side + MARGIN).min(test.width),
            bottom: (top + side + MARGIN).min(test.height),
        };
        let step_cost = STEP_COST * window.contrast();
        if window.difference(Shift::default(), 1, u32::MAX) <= step_cost {
            return Shift::default();
        }
        let centre = window.best(self.coarse.iter().copied(), 2, step_cost);
        let near = |centre: isize| (centre - 1).max(-self.reach)..=(centre + 1).min(self.reach);
        let fine = near(centre.y).flat_map(|y| near(centre.x).map(move |x| Shift { x, y }));
        window.best([centre, Shift::default()].into_iter().chain(fine), 1, step_cost)
    }
}

struct Window<'a> {
    reference: &'a Plane<'a>,
    test: &'a Plane<'a>,
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Window<'_> {
    /// The cheapest of `shifts`, the first of equals, compared on every `step`th row.
    fn best(&self, shifts: impl Iterator<Item = Shift>, step: usize, step_cost: u32) -> Shift {
        let mut best = (u32::MAX, Shift::default());
        for shift in shifts {
            let away = step_cost * shift.squared();
            if away < best.0 {
                let cost = away.saturating_add(self.difference(shift, step, best.0 - away));
                if cost < best.0 {
                    best = (cost, shift);
                }
            }
        }
        best.1
    }

    /// Sum of absolute differences at `shift`: that of the part of the window both frames show, on
    /// every `step`th row, scaled to the whole window; at least `limit` once it is above that, and
    /// where nothing is shown.
    fn difference(&self, shift: Shift, step: usize, limit: u32) -> u32 {
        let columns = inside(self.left..self.right, shift.x, self.reference.width);
        let rows = inside(self.top..self.bottom, shift.y, self.reference.height);
        let shown = columns.len() * rows.len().div_ceil(step);
        if shown == 0 {
            return limit;
        }
        let moved = |place: usize, by: isize| place.wrapping_add_signed(by);
        let (left, right) = (moved(columns.start, shift.x), moved(columns.end, shift.x));
        let mut sum = 0;
        for y in rows.step_by(step) {
            let test = self.test.row(y, columns.start, columns.end);
            sum += sum_of_differences(test, self.reference.row(moved(y, shift.y), left, right));
            if sum >= limit {
                return limit;
            }
        }
        let area = (self.right - self.left) * (self.bottom - self.top);
        if shown == area { sum } else { (u64::from(sum) * area as u64 / shown as u64) as u32 }
    }

    /// Brightest minus darkest pixel of the reference in the window.
    fn contrast(&self) -> u32 {
        let rows = (self.top..self.bottom).map(|y| self.reference.row(y, self.left, self.right));
        let (least, most) = rows.fold((u8::MAX, 0), |(least, most), row| {
            let (low, high) = extremes(row);
            (low.min(least), high.max(most))
        });
        u32::from(most.saturating_sub(least))
    }
}

/// The places that stay inside `0..length` after a shift, possibly none.
fn inside(places: Range<usize>, shift: isize, length: usize) -> Range<usize> {
    let start = places.start.max(0_usize.saturating_sub_signed(shift));
    let end = places.end.min(length.saturating_sub_signed(shift));
    start.min(end)..end
}

fn sum_of_differences(a: &[u8], b: &[u8]) -> u32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let whole: u32 = a.iter().zip(b).map(|(a, b)| apart(a, b)).sum();
    whole + apart(a_rest, b_rest)
}

fn apart(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn plane(value: impl Fn(f32, f32) -> f32, size: usize) -> Plane<'static> {
        let places = (0..size * size).map(|place| ((place % size) as f32, (place / size) as f32));
        let data = places.map(|(x, y)| value(x, y).clamp(0.0, 255.0) as u8).collect();
        Plane { width: size, height: size, data: Cow::Owned(data) }
    }

    fn find(reference: &Plane, test: &Plane, corner: usize) -> Shift {
        Search::new(4).find(reference, test, (corner, corner, 32))
    }

    fn disc(x: f32, y: f32) -> f32 {
        100.0 + 40.0 * (14.0 - (x - 48.0).hypot(y - 48.0)).clamp(-1.0, 1.0)
    }

    #[test]
    fn every_displacement_within_reach_is_found() {
        let reference = plane(disc, 96);
        for (x, y) in (-4..=4).flat_map(|y| (-4..=4).map(move |x| (x, y))) {
            let test = plane(|at_x, at_y| disc(at_x + x as f32, at_y + y as f32), 96);
            let found = find(&reference, &test, 32);
            assert_eq!(found, Shift { x, y });
        }
    }

    #[test]
    fn a_straight_edge_is_not_moved_along_itself() {
        let edge = |x: f32, _: f32| if x < 45.0 { 0.0 } else { 255.0 };
        let test = plane(|x, y| edge(x + 2.0, y), 96);
        let found = find(&plane(edge, 96), &test, 32);
        assert_eq!(found, Shift { x: 2, y: 0 });
    }

    #[test]
    fn a_fault_does_not_move_its_block() {
        let test =
            plane(|x, y| if (x - 40.0).hypot(y - 52.0) < 6.0 { 0.0 } else { disc(x, y) }, 96);
        assert_eq!(find(&plane(disc, 96), &test, 32), Shift::default());
    }

    #[test]
    fn blocks_at_the_border_are_compared_as_far_as_both_frames_show_them() {
        let disc = |x: f32, y: f32| disc(x + 40.0, y + 40.0);
        let test = plane(|x, y| disc(x - 3.0, y - 3.0), 96);
        let found = find(&plane(disc, 96), &test, 0);
        assert_eq!(found, Shift { x: -3, y: -3 });
    }

    #[test]
    fn one_pixel_has_no_displacement() {
        let (black, white) = (plane(|_, _| 0.0, 1), plane(|_, _| 255.0, 1));
        assert_eq!(find(&black, &white, 0), Shift::default());
    }
}
