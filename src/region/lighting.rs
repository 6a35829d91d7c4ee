use std::borrow::Cow;
use std::f32::consts::SQRT_2;

use super::plane::Plane;

/// Side of the cells in which light and noise are measured, in pixels.
const CELL: usize = 64;
/// One pixel of each square of this side: 256 of a cell's 4096 are enough for quartiles.
const STEP: usize = 4;
/// Which of a square's rows and columns it is, changing from row to row of squares: a pattern of the
/// part that repeats must not meet a pattern of the samples.
const PLACES: [(usize, usize); 8] =
    [(2, 1), (0, 3), (3, 0), (1, 2), (3, 3), (0, 0), (2, 2), (1, 1)];
/// Fewer samples say nothing about a cell's light.
const MIN_SAMPLES: usize = 24;
/// So many cells give the noise of a whole frame.
const NOISE_CELLS: usize = 101;
/// Pixels this close to an edge say nothing about light: the edge may have moved over them.
const EDGE: usize = 3;
/// A step of more than half of a cell's contrast is an edge; in grey levels not below the first,
/// which may be noise, and not above the second.
const STEP_RANGE: (u8, u8) = (24, 64);
/// Quartiles further apart than this are changes of the part, not noise.
const MAX_SPREAD: i16 = 48;
/// How far black may move, in grey levels.
const MAX_OFFSET: f32 = 48.0;
/// Samples whose reference levels are closer than this say nothing about the gain.
const MIN_LEVELS: f32 = 24.0;
/// A test frame between half and twice as bright as the reference can be corrected.
const GAIN_RANGE: (f32, f32) = (0.5, 2.0);
/// Quartile distance of a normal distribution in units of its deviation.
const QUARTILES: f32 = 1.349;
/// Smaller differences are never counted: rounding, compression, interpolated light.
const MIN_THRESHOLD: f32 = 12.0;
/// Deviations of the noise that a pixel must exceed; one in 1e9 does by chance.
const NOISE_FACTOR: f32 = 6.0;
/// Even the worst noise leaves larger differences visible.
const MAX_THRESHOLD: f32 = 96.0;

/// How the light of the test frame differs from that of the reference, and how noisy the pair is.
///
/// Per cell, robustly from a cell and its neighbours: `test = gain * reference + offset`, so that
/// neither faults nor moved edges pass for light.
#[derive(Debug)]
pub(super) struct Lighting {
    columns: usize,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    line: Line,
    threshold: u8,
}

/// `test = gain * reference + offset`, in grey levels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    gain: f32,
    offset: f32,
}

/// Pixels of one cell that are dark, or bright, in the reference.
#[derive(Debug, Clone, Copy)]
struct Sample {
    level: f32,
    difference: f32,
    noise: f32,
}

impl Sample {
    /// Whether light alone could explain the difference.
    fn is_light(&self) -> bool {
        let test = self.level + self.difference;
        test >= GAIN_RANGE.0 * self.level - MAX_OFFSET
            && test <= GAIN_RANGE.1 * self.level + MAX_OFFSET
    }
}

/// A pixel of both frames, and its row.
struct Pair {
    row: usize,
    reference: u8,
    test: u8,
}

impl Lighting {
    /// Measures a pair of planes of one size; `min_contrast` replaces the threshold from the noise.
    pub(super) fn measure(reference: &Plane, test: &Plane, min_contrast: Option<u8>) -> Self {
        let columns = reference.width.div_ceil(CELL);
        let rows = reference.height.div_ceil(CELL);
        let mut sampled = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            sampled.extend((0..columns).map(|column| samples(reference, test, column, row)));
        }
        let around = |cell: usize| -> Vec<Sample> {
            neighbours(cell, columns, rows).flat_map(|near| sampled[near]).flatten().collect()
        };
        let lines: Vec<_> = (0..columns * rows).map(|cell| Line::through(&around(cell))).collect();
        let usual = Line {
            gain: median(lines.iter().flatten().map(|line| line.gain)).unwrap_or(1.0),
            offset: median(lines.iter().flatten().map(|line| line.offset)).unwrap_or(0.0),
        };
        let noise = median(sampled.iter().flatten().flatten().map(|sample| sample.noise));
        let cell = |(cell, line): (usize, &Option<Line>)| {
            let around = around(cell);
            let noise = median(around.iter().map(|sample| sample.noise)).or(noise);
            let from_noise = NOISE_FACTOR * noise.unwrap_or(0.0);
            let from_noise = from_noise.clamp(MIN_THRESHOLD, MAX_THRESHOLD) as u8;
            let line = line.unwrap_or_else(|| Line::without_contrast(around, usual));
            Cell { line, threshold: min_contrast.unwrap_or(from_noise) }
        };
        Self { columns, cells: lines.iter().enumerate().map(cell).collect() }
    }

    /// Grey levels by which the pixel at `x`, `y` must leave its tolerance to count.
    pub(super) fn threshold(&self, x: usize, y: usize) -> u8 {
        self.cells[y / CELL * self.columns + x / CELL].threshold
    }

    /// The reference as the light of the test frame would show it.
    pub(super) fn apply<'a>(&self, reference: Plane<'a>) -> Plane<'a> {
        if self.cells.iter().all(|cell| cell.line == Line::UNCHANGED) {
            return reference;
        }
        let mut data = reference.data.into_owned();
        for (y, row) in data.chunks_mut(reference.width).enumerate() {
            self.apply_row(y, row);
        }
        Plane { data: Cow::Owned(data), ..reference }
    }

    /// Gain and offset change linearly from cell centre to cell centre.
    fn apply_row(&self, y: usize, row: &mut [u8]) {
        let rows = self.cells.len() / self.columns;
        let (above, below, down) = between(y, rows);
        let at = |column: usize| {
            let line = |row: usize| self.cells[row * self.columns + column].line;
            let (a, b) = (line(above), line(below));
            (mix(a.gain, b.gain, down), mix(a.offset, b.offset, down))
        };
        // Half cells: from a cell's edge to its centre, and from its centre to its edge.
        for (half, piece) in row.chunks_mut(CELL / 2).enumerate() {
            let (left, right, across) = between(half * CELL / 2, self.columns);
            let ((gain, offset), (end_gain, end_offset)) = (at(left), at(right));
            let slope = if left == right { 0.0 } else { 1.0 / CELL as f32 };
            let (gain_step, offset_step) =
                ((end_gain - gain) * slope, (end_offset - offset) * slope);
            let (gain, offset) = (mix(gain, end_gain, across), mix(offset, end_offset, across));
            for (x, value) in (0_u16..).zip(piece.iter_mut()) {
                let x = f32::from(x);
                let (gain, offset) = (gain + gain_step * x, offset + offset_step * x);
                *value = rounded(f32::from(*value) * gain + offset);
            }
        }
    }
}

/// The nearest of 0 to 255: adding 2^23 leaves no bits for a fraction, and vectorises.
fn rounded(value: f32) -> u8 {
    (value.clamp(0.0, 255.0) + 8_388_608.0).to_bits() as u8
}

impl Line {
    const UNCHANGED: Self = Self { gain: 1.0, offset: 0.0 };

    /// The line through the samples of a cell and its neighbours: the median slope of all pairs of
    /// samples, then the median offset (Theil 1950, Sen 1968), which up to 29 % of outliers cannot
    /// move; none without contrast.
    fn through(samples: &[Sample]) -> Option<Self> {
        if !samples.is_empty() && samples.iter().all(|sample| sample.difference == 0.0) {
            return Some(Self::UNCHANGED);
        }
        let slopes = samples.iter().enumerate().flat_map(|(index, a)| {
            samples[index + 1..]
                .iter()
                .filter(move |b| (a.level - b.level).abs() >= MIN_LEVELS)
                .map(move |b| (a.difference - b.difference) / (a.level - b.level))
        });
        let gain = (1.0 + median(slopes)?).clamp(GAIN_RANGE.0, GAIN_RANGE.1);
        Some(Self { gain, offset: offset(samples, gain)? })
    }

    /// The line through samples of one level and the usual black; samples near black only move the
    /// usual line, and without any it stays.
    fn without_contrast(mut samples: Vec<Sample>, usual: Self) -> Self {
        let offset = offset(&samples, usual.gain).unwrap_or(usual.offset);
        samples.push(Sample { level: 0.0, difference: usual.offset, noise: 0.0 });
        Self::through(&samples).unwrap_or(Self { offset, ..usual })
    }
}

fn offset(samples: &[Sample], gain: f32) -> Option<f32> {
    median(samples.iter().map(|sample| sample.difference - (gain - 1.0) * sample.level))
}

/// Deviation of the difference of two planes where nothing changed, in grey levels: the median of at
/// most [`NOISE_CELLS`] cells, evenly spread.
pub(super) fn noise(reference: &Plane, test: &Plane) -> f32 {
    let columns = reference.width.div_ceil(CELL);
    let cells = columns * reference.height.div_ceil(CELL);
    let chosen = (0..cells).step_by(cells.div_ceil(NOISE_CELLS));
    let samples = chosen.flat_map(|cell| samples(reference, test, cell % columns, cell / columns));
    median(samples.flatten().map(|sample| sample.noise)).unwrap_or(0.0)
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// The cells whose centres lie before and after `place`, and how far along it is, 0 to 1.
fn between(place: usize, count: usize) -> (usize, usize, f32) {
    let along = (place as f32 + 0.5) / CELL as f32 - 0.5;
    let before = (along.floor().max(0.0) as usize).min(count - 1);
    let after = if along < 0.0 { 0 } else { (before + 1).min(count - 1) };
    let share = if before == after { 0.0 } else { along - before as f32 };
    (before, after, share)
}

fn neighbours(index: usize, columns: usize, rows: usize) -> impl Iterator<Item = usize> {
    let (column, row) = (index % columns, index / columns);
    let near = |place: usize, count: usize| place.saturating_sub(1)..(place + 2).min(count);
    near(row, rows).flat_map(move |row| near(column, columns).map(move |x| row * columns + x))
}

/// The dark and the bright pixels of a cell, each if there are enough and they agree.
fn samples(reference: &Plane, test: &Plane, column: usize, row: usize) -> [Option<Sample>; 2] {
    let (left, top) = (column * CELL, row * CELL);
    let (right, bottom) = ((left + CELL).min(test.width), (top + CELL).min(test.height));
    let mut places = Vec::with_capacity((CELL / STEP) * (CELL / STEP));
    for (index, square) in (top..bottom).step_by(STEP).enumerate() {
        let (down, across) = PLACES[(index + column + row) % PLACES.len()];
        let y = (square + down).min(bottom - 1);
        places.extend((left + across..right).step_by(STEP).map(|x| (x, y)));
    }
    let levels = || places.iter().map(|&(x, y)| reference.data[y * reference.width + x]);
    let (Some(least), Some(most)) = (levels().min(), levels().max()) else {
        return [None, None];
    };
    let max_step = ((most - least) / 2).clamp(STEP_RANGE.0, STEP_RANGE.1);
    places.retain(|&place| is_flat(reference, place, max_step) && is_flat(test, place, max_step));
    let pairs = || {
        let at = |plane: &Plane, (x, y): (usize, usize)| plane.data[y * plane.width + x];
        let pair = move |&(x, y): &(usize, usize)| Pair {
            row: y,
            reference: at(reference, (x, y)),
            test: at(test, (x, y)),
        };
        places.iter().map(pair)
    };
    let middle = least / 2 + most / 2;
    [
        class(pairs().filter(|pair| pair.reference <= middle)),
        class(pairs().filter(|pair| pair.reference > middle)),
    ]
}

/// Whether the pixel lies off any edge: those around it are as bright.
fn is_flat(plane: &Plane, (x, y): (usize, usize), max_step: u8) -> bool {
    let at = |x: usize, y: usize| plane.data[y * plane.width + x];
    let (left, right) = (x.saturating_sub(EDGE), (x + EDGE).min(plane.width - 1));
    let (above, below) = (y.saturating_sub(EDGE), (y + EDGE).min(plane.height - 1));
    let around = [at(left, y), at(right, y), at(x, above), at(x, below)];
    around.iter().all(|near| near.abs_diff(at(x, y)) <= max_step)
}

/// The pixels of one class: their differences, and the noise from how these change from one to the
/// next in a row, which light that changes across the cell hardly alters.
fn class(pairs: impl Iterator<Item = Pair>) -> Option<Sample> {
    let mut differences = Vec::with_capacity((CELL / STEP) * (CELL / STEP));
    let mut steps = Vec::with_capacity((CELL / STEP) * (CELL / STEP));
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

/// The distance of the quartiles, and the median.
fn quartiles(values: &mut [i16]) -> (i16, i16) {
    values.sort_unstable();
    let count = values.len();
    (values[count * 3 / 4] - values[count / 4], values[count / 2])
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 320;

    /// Stripes of 30 and 200 grey levels, 24 px wide.
    fn stripes(x: usize) -> f32 {
        if (x / 24).is_multiple_of(2) { 30.0 } else { 200.0 }
    }

    fn plane(value: impl Fn(usize, usize) -> f32) -> Plane<'static> {
        let value = |place: usize| value(place % SIZE, place / SIZE).clamp(0.0, 255.0) as u8;
        let data = (0..SIZE * SIZE).map(value).collect();
        Plane { width: SIZE, height: SIZE, data: Cow::Owned(data) }
    }

    /// Uniform between -1 and 1, of deviation 0.577.
    fn noise(x: usize, y: usize, seed: u32) -> f32 {
        let mut state = (x * SIZE + y) as u32 ^ seed.wrapping_mul(0x9e37_79b9);
        for _ in 0..3 {
            state = (state ^ (state >> 16)).wrapping_mul(0x45d9_f3b5);
        }
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    }

    fn most_apart(reference: &Plane, test: &Plane) -> u8 {
        reference.data.iter().zip(test.data.iter()).fold(0, |most, (a, b)| most.max(a.abs_diff(*b)))
    }

    fn corrected(reference: Plane<'static>, test: &Plane) -> Plane<'static> {
        Lighting::measure(&reference, test, None).apply(reference)
    }

    #[test]
    fn equal_frames_keep_their_reference() {
        let reference = plane(|x, _| stripes(x));
        let corrected = corrected(reference.clone(), &reference);
        assert_eq!(corrected.data, reference.data);
    }

    #[test]
    fn gain_and_offset_are_taken_out() {
        for (gain, offset) in [(0.6, 0.0), (1.2, 10.0), (0.8, 40.0), (1.0, -15.0)] {
            let test = plane(|x, _| gain * stripes(x) + offset);
            let corrected = corrected(plane(|x, _| stripes(x)), &test);
            assert!(most_apart(&corrected, &test) <= 2, "{gain} {offset}");
        }
    }

    #[test]
    fn light_that_falls_off_across_the_frame_is_taken_out() {
        let light = |x: usize, y: usize| 1.0 - 0.3 * x as f32 / 640.0 - 0.15 * y as f32 / 640.0;
        let test = plane(|x, y| stripes(x) * light(x, y));
        let reference = plane(|x, _| stripes(x));
        assert!(most_apart(&reference, &test) > 40);
        let left = most_apart(&corrected(reference, &test), &test);
        assert!(f32::from(left) < MIN_THRESHOLD, "{left}");
    }

    #[test]
    fn without_contrast_light_is_a_factor() {
        // A thin line in a bright field: too few dark pixels to measure them.
        let scene = |y: usize| if (100..104).contains(&y) { 40.0 } else { 200.0 };
        let test = plane(|_, y| 0.7 * scene(y));
        let corrected = corrected(plane(|_, y| scene(y)), &test);
        assert!(most_apart(&corrected, &test) <= 2);
    }

    #[test]
    fn a_fault_does_not_pass_for_light() {
        let fault = |x: usize, y: usize| (100..160).contains(&x) && (100..160).contains(&y);
        let test = plane(|x, y| if fault(x, y) { 0.0 } else { stripes(x) });
        let corrected = corrected(plane(|x, _| stripes(x)), &test);
        assert_eq!(corrected.data, plane(|x, _| stripes(x)).data);
    }

    #[test]
    fn noise_is_measured_whatever_the_light() {
        let reference = plane(|x, y| 0.8 * stripes(x) + 6.0 * noise(x, y, 1));
        let test = plane(|x, y| (0.8 - x as f32 / 1_000.0) * stripes(x) + 6.0 * noise(x, y, 2));
        let expected = 6.0 * 2.0_f32.sqrt() / 3.0_f32.sqrt();
        let found = super::noise(&reference, &test);
        assert!((found / expected - 1.0).abs() < 0.3, "{found} for {expected}");
        let threshold = Lighting::measure(&reference, &test, None).threshold(160, 160);
        assert!((20..45).contains(&threshold), "{threshold}");
        assert_eq!(Lighting::measure(&reference, &test, Some(9)).threshold(0, 0), 9);
    }

    #[test]
    fn one_pixel_is_left_alone() {
        let one = |value: u8| Plane { width: 1, height: 1, data: Cow::Owned(vec![value]) };
        let lighting = Lighting::measure(&one(7), &one(200), None);
        assert_eq!(lighting.apply(one(7)).data[0], 7);
        assert_eq!(lighting.threshold(0, 0), MIN_THRESHOLD as u8);
    }
}
