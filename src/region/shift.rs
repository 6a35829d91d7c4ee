use super::plane::Plane;

/// Pixels around a block that help to place it: a fault fills less of the window.
const MARGIN: usize = 8;
/// Cost of a shift by one pixel, in pixels of full local contrast; it grows with the square, so
/// that a block without corners stays where it is.
const STEP_COST: u32 = 3;

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
/// every second place, then around the best.
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
    let unmoved = window.difference(Shift::default());
    let mut best = (unmoved, Shift::default());
    if unmoved <= step_cost {
        return best.1;
    }
    let mut consider = |shift: Shift| {
        let cost = step_cost.saturating_mul(shift.squared());
        if cost < best.0 {
            let cost = cost.saturating_add(window.difference(shift));
            best = best.min_by_cost((cost, shift));
        }
        best.1
    };
    let reach = reach as isize;
    for y in (-reach..=reach).filter(|y| y % 2 == 0) {
        for x in (-reach..=reach).filter(|x| x % 2 == 0) {
            consider(Shift { x, y });
        }
    }
    let centre = consider(Shift::default());
    let near = |centre: isize| (centre - 1).max(-reach)..=(centre + 1).min(reach);
    for y in near(centre.y) {
        for x in near(centre.x) {
            consider(Shift { x, y });
        }
    }
    best.1
}

trait Cheaper {
    fn min_by_cost(self, other: Self) -> Self;
}

impl Cheaper for (u32, Shift) {
    fn min_by_cost(self, other: Self) -> Self {
        if other.0 < self.0 { other } else { self }
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
    /// Sum of absolute differences over the part of the window that both frames show, at `shift`.
    fn difference(&self, shift: Shift) -> u32 {
        let (left, right) = inside(self.left, self.right, shift.x, self.reference.width);
        let (top, bottom) = inside(self.top, self.bottom, shift.y, self.reference.height);
        let row = |y: usize| {
            let test = self.test.row(y, left, right);
            let y = y.wrapping_add_signed(shift.y);
            let (left, right) =
                (left.wrapping_add_signed(shift.x), right.wrapping_add_signed(shift.x));
            sum_of_differences(test, self.reference.row(y, left, right))
        };
        (top..bottom).map(row).sum()
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

/// The part of `start..end` that stays inside `0..length` after a shift; possibly empty.
fn inside(start: usize, end: usize, shift: isize, length: usize) -> (usize, usize) {
    let start = start.max(0_usize.saturating_sub_signed(shift));
    let end = end.min(length.saturating_sub_signed(shift));
    (start.min(end), end)
}

fn sum_of_differences(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
}

fn extremes(row: &[u8]) -> (u8, u8) {
    row.iter().fold((u8::MAX, 0), |(low, high), &value| (low.min(value), high.max(value)))
}
