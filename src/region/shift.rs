use std::ops::Range;

use super::plane::Plane;

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

/// Where the block of `side` pixels at `left`, `top` of the test frame lies in the reference, at
/// most `reach` pixels away in both directions: the least sum of absolute differences, first on
/// every second place with every second row, then around the best.
pub(super) fn find(
    reference: &Plane,
    test: &Plane,
    (left, top, side): (usize, usize, usize),
    reach: usize,
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
    let unmoved = window.difference(Shift::default(), 1);
    if unmoved <= step_cost {
        return Shift::default();
    }
    let reach = reach as isize;
    let even = || (-reach..=reach).filter(|place| place % 2 == 0);
    let coarse = even().flat_map(|y| even().map(move |x| Shift { x, y }));
    let centre = window.best(coarse, 2, step_cost);
    let near = |centre: isize| (centre - 1).max(-reach)..=(centre + 1).min(reach);
    let fine = near(centre.y).flat_map(|y| near(centre.x).map(move |x| Shift { x, y }));
    window.best(std::iter::once(Shift::default()).chain(fine), 1, step_cost)
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
            let cost = step_cost * shift.squared() + self.difference(shift, step);
            if cost < best.0 {
                best = (cost, shift);
            }
        }
        best.1
    }

    /// Sum of absolute differences at `shift`: that of the part of the window both frames show, on
    /// every `step`th row, scaled to the whole window; the most possible where nothing is shown.
    fn difference(&self, shift: Shift, step: usize) -> u32 {
        let columns = inside(self.left..self.right, shift.x, self.reference.width);
        let rows = inside(self.top..self.bottom, shift.y, self.reference.height);
        let shown = columns.len() * rows.len().div_ceil(step);
        let moved = |place: usize, by: isize| place.wrapping_add_signed(by);
        let row = |y: usize| {
            let test = self.test.row(y, columns.start, columns.end);
            let (left, right) = (moved(columns.start, shift.x), moved(columns.end, shift.x));
            sum_of_differences(test, self.reference.row(moved(y, shift.y), left, right))
        };
        let sum: u32 = rows.step_by(step).map(row).sum();
        let area = (self.right - self.left) * (self.bottom - self.top);
        if shown == area {
            return sum;
        }
        let scaled = (u64::from(sum) * area as u64).checked_div(shown as u64);
        scaled.map_or(u32::MAX / 2, |scaled| scaled as u32)
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

fn extremes(row: &[u8]) -> (u8, u8) {
    row.iter().fold((u8::MAX, 0), |(low, high), &value| (low.min(value), high.max(value)))
}
