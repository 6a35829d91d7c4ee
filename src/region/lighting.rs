use std::borrow::Cow;

use super::plane::Plane;

/// Side of the cells in which light and noise are measured, in pixels.
const CELL: usize = 64;
/// Every fourth pixel in both directions: 256 of a cell's 4096 are enough for quartiles.
const STEP: usize = 4;
/// Fewer samples say nothing about a cell's light.
const MIN_SAMPLES: usize = 24;
/// Quartiles further apart than this are misplaced edges, not noise.
const MAX_SPREAD: i16 = 48;
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
    noise: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    gain: f32,
    offset: f32,
    threshold: u8,
}

/// Pixels of one cell that are dark, or bright, in the reference.
#[derive(Debug, Clone, Copy)]
struct Sample {
    level: f32,
    difference: f32,
    noise: f32,
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
        let noise = median(sampled.iter().flatten().flatten().map(|sample| sample.noise));
        let noise = noise.unwrap_or(0.0);
        let cell = |index: usize| {
            let around = neighbours(index, columns, rows).flat_map(|near| sampled[near]).flatten();
            fit(&around.collect::<Vec<_>>(), noise, min_contrast)
        };
        Self { columns, cells: (0..columns * rows).map(cell).collect(), noise }
    }

    /// Deviation of the difference of the two frames where nothing changed, in grey levels.
    pub(super) fn noise(&self) -> f32 {
        self.noise
    }

    /// Grey levels by which the pixel at `x`, `y` must leave its tolerance to count.
    pub(super) fn threshold(&self, x: usize, y: usize) -> u8 {
        self.cells[y / CELL * self.columns + x / CELL].threshold
    }

    /// The reference as the light of the test frame would show it.
    pub(super) fn apply<'a>(&self, reference: Plane<'a>) -> Plane<'a> {
        if self.cells.iter().all(|cell| cell.gain == 1.0 && cell.offset == 0.0) {
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
            let (a, b) = (
                self.cells[above * self.columns + column],
                self.cells[below * self.columns + column],
            );
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
            for (x, value) in piece.iter_mut().enumerate() {
                let x = x as i32 as f32;
                let corrected =
                    f32::from(*value) * (gain + gain_step * x) + offset + offset_step * x;
                *value = (corrected + 0.5).clamp(0.0, 255.0) as i32 as u8;
            }
        }
    }
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
    let mut pairs = Vec::with_capacity((CELL / STEP) * (CELL / STEP));
    for y in (top + STEP / 2..bottom).step_by(STEP) {
        let (reference, test) = (reference.row(y, left, right), test.row(y, left, right));
        for x in (STEP / 2..right - left).step_by(STEP) {
            pairs.push((reference[x], test[x]));
        }
    }
    let levels = || pairs.iter().map(|pair| pair.0);
    let (Some(least), Some(most)) = (levels().min(), levels().max()) else {
        return [None, None];
    };
    let middle = least / 2 + most / 2;
    [
        class(pairs.iter().filter(|pair| pair.0 <= middle)),
        class(pairs.iter().filter(|pair| pair.0 > middle)),
    ]
}

fn class<'a>(pairs: impl Iterator<Item = &'a (u8, u8)>) -> Option<Sample> {
    let mut differences = Vec::with_capacity((CELL / STEP) * (CELL / STEP));
    let mut sum = 0_u32;
    for &(reference, test) in pairs {
        sum += u32::from(reference);
        differences.push(i16::from(test) - i16::from(reference));
    }
    let count = differences.len();
    if count < MIN_SAMPLES {
        return None;
    }
    differences.sort_unstable();
    let spread = differences[count * 3 / 4] - differences[count / 4];
    (spread <= MAX_SPREAD).then(|| Sample {
        level: sum as f32 / count as f32,
        difference: f32::from(differences[count / 2]),
        noise: f32::from(spread) / QUARTILES,
    })
}

/// A line through the samples of a cell and its neighbours: the median slope of all pairs of
/// samples, then the median offset (Theil 1950, Sen 1968), which up to 29 % of outliers cannot move.
fn fit(samples: &[Sample], usual_noise: f32, min_contrast: Option<u8>) -> Cell {
    let noise = median(samples.iter().map(|sample| sample.noise)).unwrap_or(usual_noise);
    let from_noise = (NOISE_FACTOR * noise).clamp(MIN_THRESHOLD, MAX_THRESHOLD) as u8;
    let threshold = min_contrast.unwrap_or(from_noise);
    if samples.iter().all(|sample| sample.difference == 0.0) {
        return Cell { gain: 1.0, offset: 0.0, threshold };
    }
    let slopes = samples.iter().enumerate().flat_map(|(index, a)| {
        samples[index + 1..]
            .iter()
            .filter(move |b| (a.level - b.level).abs() >= MIN_LEVELS)
            .map(move |b| (a.difference - b.difference) / (a.level - b.level))
    });
    let gain = (1.0 + median(slopes).unwrap_or(0.0)).clamp(GAIN_RANGE.0, GAIN_RANGE.1);
    let offsets = samples.iter().map(|sample| sample.difference - (gain - 1.0) * sample.level);
    Cell { gain, offset: median(offsets).unwrap_or(0.0), threshold }
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}
