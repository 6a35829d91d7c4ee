use std::f32::consts::SQRT_2;

use super::plane::Plane;

/// Least side of the cells in which light and noise are measured, in pixels: several faults long.
const LEAST_SIDE: usize = 64;
/// Light changes with the frame: a larger one has larger cells rather than more.
const MOST_CELLS: usize = 20;
/// Pixels that are looked at in a cell: 16 columns of 8 rows are enough for quartiles.
const COLUMNS: usize = 16;
const ROWS: usize = 8;
/// Which pixel of its part of the cell it is, in 64ths of the side, changing from row to row: a
/// pattern of the part that repeats must not meet a pattern of the samples.
const PLACES: [(usize, usize); 8] =
    [(2, 1), (0, 6), (3, 3), (1, 4), (3, 7), (0, 0), (2, 5), (1, 2)];
/// Fewer samples say nothing about a cell's light.
const MIN_SAMPLES: usize = 12;
/// Pixels this close to an edge say nothing about light: the edge may have moved over them.
const EDGE: usize = 3;
/// A step of more than half of a cell's contrast is an edge; in grey levels not below the first,
/// which may be noise, and not above the second.
const STEP_RANGE: (u8, u8) = (24, 64);
/// Quartiles further apart than this are changes of the part, not noise.
const MAX_SPREAD: i16 = 48;
/// How far black may move, in grey levels.
const MAX_OFFSET: f32 = 48.0;
/// A test frame between half and twice as bright as the reference can be corrected.
pub(super) const GAIN_RANGE: (f32, f32) = (0.5, 2.0);
/// Quartile distance of a normal distribution in units of its deviation.
const QUARTILES: f32 = 1.349;

/// What the pixels of one cell that are dark, or bright, in the reference say about light and noise,
/// in grey levels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Mean of the reference.
    pub(super) level: f32,
    /// Median of test - reference.
    pub(super) difference: f32,
    /// Deviation of test - reference.
    pub(super) noise: f32,
}

/// The cells of a plane: squares of a power of two, cut at the right and bottom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// Side of a cell in pixels.
    pub(super) side: usize,
    /// Cells from left to right.
    pub(super) columns: usize,
    /// Cells from top to bottom.
    pub(super) rows: usize,
}

impl Grid {
    /// The cells of `plane`.
    pub(super) fn of(plane: &Plane) -> Self {
        let longest = plane.width.max(plane.height);
        let side = longest.div_ceil(MOST_CELLS).next_power_of_two().max(LEAST_SIDE);
        Self { side, columns: plane.width.div_ceil(side), rows: plane.height.div_ceil(side) }
    }

    /// How many cells there are, numbered row by row.
    pub(super) fn count(&self) -> usize {
        self.columns * self.rows
    }
}

/// A pixel of both frames, and its row.
struct Pair {
    row: usize,
    reference: u8,
    test: u8,
}

/// A cell: the columns `left..right` and the rows `top..bottom`.
struct Cell {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
    side: usize,
    phase: usize,
}

/// The dark and the bright pixels of a cell, each if there are enough and they agree.
pub(super) fn of_cell(
    reference: &Plane,
    test: &Plane,
    grid: Grid,
    index: usize,
) -> [Option<Sample>; 2] {
    let (column, row) = (index % grid.columns, index / grid.columns);
    let (left, top) = (column * grid.side, row * grid.side);
    let (right, bottom) = ((left + grid.side).min(test.width), (top + grid.side).min(test.height));
    let cell = Cell { left, right, top, bottom, side: grid.side, phase: column + row };
    let (least, most) = cell.rows().fold((u8::MAX, 0), |(least, most), (y, _)| {
        let (low, high) = extremes(reference.row(y, left, right));
        (least.min(low), most.max(high))
    });
    let max_step = (most.saturating_sub(least) / 2).clamp(STEP_RANGE.0, STEP_RANGE.1);
    let mut pairs = Vec::with_capacity(ROWS * COLUMNS);
    for (y, across) in cell.rows() {
        cell.collect((reference, test), (y, across), max_step, &mut pairs);
    }
    let middle = least / 2 + most / 2;
    [
        class(pairs.iter().filter(|pair| pair.reference <= middle)),
        class(pairs.iter().filter(|pair| pair.reference > middle)),
    ]
}

/// Least and greatest value.
pub(super) fn extremes(row: &[u8]) -> (u8, u8) {
    row.iter().fold((u8::MAX, 0), |(low, high), &value| (low.min(value), high.max(value)))
}

impl Cell {
    /// The rows to look at, and the first column of each.
    fn rows(&self) -> impl Iterator<Item = (usize, usize)> {
        let scale = self.side / LEAST_SIDE;
        (self.top..self.bottom).step_by(self.side / ROWS).enumerate().map(move |(index, y)| {
            let (across, down) = PLACES[(index + self.phase) % PLACES.len()];
            ((y + scale * down).min(self.bottom - 1), scale * across)
        })
    }

    /// Adds the pixels of row `y` that lie off any edge in both frames.
    fn collect(
        &self,
        (reference, test): (&Plane, &Plane),
        (y, across): (usize, usize),
        max_step: u8,
        pairs: &mut Vec<Pair>,
    ) {
        let rows = |plane| Rows::around(plane, y, (self.left, self.right));
        let (reference, test) = (rows(reference), rows(test));
        for x in (across..self.right - self.left).step_by(self.side / COLUMNS) {
            if reference.is_flat(x, max_step) && test.is_flat(x, max_step) {
                pairs.push(Pair { row: y, reference: reference.centre[x], test: test.centre[x] });
            }
        }
    }
}

/// A row of a cell and those at the distance of an edge.
struct Rows<'a> {
    above: &'a [u8],
    centre: &'a [u8],
    below: &'a [u8],
}

impl<'a> Rows<'a> {
    fn around(plane: &'a Plane, y: usize, (left, right): (usize, usize)) -> Self {
        Self {
            above: plane.row(y.saturating_sub(EDGE), left, right),
            centre: plane.row(y, left, right),
            below: plane.row((y + EDGE).min(plane.height - 1), left, right),
        }
    }

    /// Whether the pixels around column `x` are as bright as it is.
    fn is_flat(&self, x: usize, max_step: u8) -> bool {
        let centre = self.centre[x];
        let (left, right) = (x.saturating_sub(EDGE), (x + EDGE).min(self.centre.len() - 1));
        let around = [self.centre[left], self.centre[right], self.above[x], self.below[x]];
        around.map(|near| near.abs_diff(centre)).into_iter().fold(0, u8::max) <= max_step
    }
}

/// The pixels of one class: their differences, and the noise from how these change from one to the
/// next in a row, which light that changes across the cell hardly alters.
fn class<'a>(pairs: impl Iterator<Item = &'a Pair>) -> Option<Sample> {
    let mut differences = Vec::with_capacity(ROWS * COLUMNS);
    let mut steps = Vec::with_capacity(ROWS * COLUMNS);
    let mut sum = 0_u32;
    let mut before = None;
    for pair in pairs {
        sum += u32::from(pair.reference);
        let difference = i16::from(pair.test) - i16::from(pair.reference);
        differences.push(difference);
        let same_row = before.filter(|(row, _)| *row == pair.row);
        steps.extend(same_row.map(|(_, before): (usize, i16)| difference - before));
        before = Some((pair.row, difference));
    }
    let count = differences.len();
    if count < MIN_SAMPLES || steps.len() < MIN_SAMPLES / 2 {
        return None;
    }
    let (spread, difference) = quartiles(&mut differences);
    let (step_spread, _) = quartiles(&mut steps);
    let sample = Sample {
        level: sum as f32 / count as f32,
        difference: f32::from(difference),
        noise: f32::from(step_spread) / (QUARTILES * SQRT_2),
    };
    (spread <= MAX_SPREAD && sample.is_light()).then_some(sample)
}

impl Sample {
    /// Whether light alone could explain the difference.
    fn is_light(&self) -> bool {
        let test = self.level + self.difference;
        test >= GAIN_RANGE.0 * self.level - MAX_OFFSET
            && test <= GAIN_RANGE.1 * self.level + MAX_OFFSET
    }
}

/// The distance of the quartiles, and the median.
fn quartiles(values: &mut [i16]) -> (i16, i16) {
    values.sort_unstable();
    let count = values.len();
    (values[count * 3 / 4] - values[count / 4], values[count / 2])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn plane(value: impl Fn(usize, usize) -> u8) -> Plane<'static> {
        let data = (0..LEAST_SIDE * LEAST_SIDE)
            .map(|place| value(place % LEAST_SIDE, place / LEAST_SIDE))
            .collect();
        Plane { width: LEAST_SIDE, height: LEAST_SIDE, data: Cow::Owned(data) }
    }

    fn whole(reference: &Plane, test: &Plane) -> [Option<Sample>; 2] {
        of_cell(reference, test, Grid::of(reference), 0)
    }

    #[test]
    fn larger_frames_have_larger_cells() {
        let grid = |width: usize, height: usize| {
            let data = Cow::Owned(vec![0; width * height]);
            let Grid { side, columns, rows } = Grid::of(&Plane { width, height, data });
            (side, columns, rows)
        };
        assert_eq!(grid(1, 1), (64, 1, 1));
        assert_eq!(grid(640, 480), (64, 10, 8));
        assert_eq!(grid(2048, 10), (128, 16, 1));
        assert_eq!(grid(9, 4097), (256, 1, 17));
    }

    #[test]
    fn dark_and_bright_pixels_are_told_apart() {
        let half = |low: u8, high: u8| plane(move |x, _| if x < 32 { low } else { high });
        let [dark, bright] = whole(&half(30, 200), &half(33, 180)).map(Option::unwrap);
        assert_eq!((dark.level, dark.difference, dark.noise), (30.0, 3.0, 0.0));
        assert_eq!((bright.level, bright.difference, bright.noise), (200.0, -20.0, 0.0));
    }

    #[test]
    fn moved_thin_lines_say_nothing_about_light() {
        let lines = |by: usize| plane(move |x, _| if (x + by) % 12 < 5 { 220 } else { 40 });
        let [dark, bright] = whole(&lines(0), &lines(2));
        assert!(bright.is_none());
        assert!(dark.is_none_or(|dark| dark.difference == 0.0));
    }

    #[test]
    fn what_light_cannot_do_is_no_sample() {
        let (white, black) = (plane(|_, _| 255), plane(|_, _| 0));
        assert!(whole(&white, &black).iter().all(Option::is_none));
        assert!(whole(&black, &white).iter().all(Option::is_none));
    }

    #[test]
    fn cells_of_few_pixels_have_no_sample() {
        let tiny = Plane { width: 3, height: 2, data: Cow::Owned(vec![9; 6]) };
        assert!(whole(&tiny, &tiny).iter().all(Option::is_none));
    }
}
