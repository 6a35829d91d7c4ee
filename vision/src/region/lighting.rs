use std::borrow::Cow;

use super::plane::Plane;
use super::sample::{self, GAIN_RANGE, Grid, Sample};

/// Samples whose reference levels are closer than this say nothing about the gain.
const MIN_LEVELS: f32 = 24.0;
/// Smaller differences are never counted: rounding, compression, interpolated light.
const MIN_THRESHOLD: f32 = 12.0;
/// Deviations of the noise that a pixel must exceed; one in 1e9 does by chance.
const NOISE_FACTOR: f32 = 6.0;
/// Even the worst noise leaves larger differences visible.
const MAX_THRESHOLD: f32 = 96.0;
/// Rows that share one set of gains: light changes less than a grey level across them.
const STRIPE: usize = 8;
/// Fixed-point fractions of a gain and of a level: with 6 more bits on a pixel, the upper 16 bits of
/// their product are a level.
const GAIN_BITS: u32 = 14;
const LEVEL_BITS: u32 = 4;
const HALF_LEVEL: i16 = 1 << (LEVEL_BITS - 1);

/// How the light of the test frame differs from that of the reference, and how noisy the pair is.
///
/// Per cell, robustly from a cell and its neighbours: `test = gain * reference + offset`, so that
/// neither faults nor moved edges pass for light.
#[derive(Debug)]
pub(super) struct Lighting {
    grid: Grid,
    cells: Vec<Cell>,
    noise: f32,
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

impl Lighting {
    /// Measures a pair of planes of one size; `min_contrast` replaces the threshold from the noise.
    pub(super) fn measure(reference: &Plane, test: &Plane, min_contrast: Option<u8>) -> Self {
        let grid = Grid::of(reference);
        let sampled: Vec<_> =
            (0..grid.count()).map(|cell| sample::of_cell(reference, test, grid, cell)).collect();
        let around = |cell: usize| -> Vec<Sample> {
            neighbours(cell, grid).flat_map(|near| sampled[near]).flatten().collect()
        };
        let lines: Vec<_> = (0..grid.count()).map(|cell| Line::through(&around(cell))).collect();
        let usual = Line {
            gain: median(lines.iter().flatten().map(|line| line.gain)).unwrap_or(1.0),
            offset: median(lines.iter().flatten().map(|line| line.offset)).unwrap_or(0.0),
        };
        let noise = median(sampled.iter().flatten().flatten().map(|sample| sample.noise));
        let noise = noise.unwrap_or(0.0);
        let cell = |(cell, line): (usize, &Option<Line>)| {
            let around = around(cell);
            let near = median(around.iter().map(|sample| sample.noise)).unwrap_or(noise);
            let from_noise = (NOISE_FACTOR * near).clamp(MIN_THRESHOLD, MAX_THRESHOLD) as u8;
            let line = line.unwrap_or_else(|| Line::without_contrast(around, usual));
            Cell { line, threshold: min_contrast.unwrap_or(from_noise) }
        };
        Self { grid, cells: lines.iter().enumerate().map(cell).collect(), noise }
    }

    /// Deviation of the difference of the frames where nothing changed, in grey levels.
    pub(super) fn noise(&self) -> f32 {
        self.noise
    }

    /// Grey levels by which the pixel at `x`, `y` must leave its tolerance to count.
    pub(super) fn threshold(&self, x: usize, y: usize) -> u8 {
        self.cells[y / self.grid.side * self.grid.columns + x / self.grid.side].threshold
    }

    /// The reference as the light of the test frame would show it.
    pub(super) fn apply<'a>(&self, reference: Plane<'a>) -> Plane<'a> {
        if self.cells.iter().all(|cell| cell.line == Line::UNCHANGED) {
            return reference;
        }
        let width = reference.width;
        let mut data = reference.data.into_owned();
        let mut light = FixedLight { gains: vec![0; width], offsets: vec![0; width] };
        for (index, stripe) in data.chunks_mut(STRIPE * width).enumerate() {
            self.set_light_of(index * STRIPE + STRIPE / 2, &mut light);
            stripe.chunks_mut(width).for_each(|row| light.shine_on(row));
        }
        Plane { data: Cow::Owned(data), ..reference }
    }

    /// The light along row `y`: gain and offset change linearly from cell centre to cell centre.
    fn set_light_of(&self, y: usize, light: &mut FixedLight) {
        let Grid { side, columns, rows } = self.grid;
        let (above, below, down) = between(y, side, rows);
        let at = |column: usize| {
            let line = |row: usize| self.cells[row * columns + column].line;
            line(above).mixed(line(below), down)
        };
        // Half cells: from a cell's edge to its centre, and from its centre to its edge.
        let gains = light.gains.chunks_mut(side / 2);
        for (half, (gains, offsets)) in gains.zip(light.offsets.chunks_mut(side / 2)).enumerate() {
            let (left, right, across) = between(half * side / 2, side, columns);
            let (start, end) = (at(left), at(right));
            let slope = if left == right { 0.0 } else { 1.0 / side as f32 };
            for (x, (gain, offset)) in (0_i16..).zip(gains.iter_mut().zip(offsets)) {
                let line = start.mixed(end, across + slope * f32::from(x));
                *gain = (line.gain * (1 << GAIN_BITS) as f32 + 0.5) as u16;
                *offset = (line.offset * (1 << LEVEL_BITS) as f32) as i16 + HALF_LEVEL;
            }
        }
    }
}

/// A [`Line`] for each pixel of a row, in fixed point.
struct FixedLight {
    gains: Vec<u16>,
    offsets: Vec<i16>,
}

impl FixedLight {
    fn shine_on(&self, row: &mut [u8]) {
        let light = self.gains.iter().zip(&self.offsets);
        for (pixel, (gain, offset)) in row.iter_mut().zip(light) {
            let wide = u16::from(*pixel) << (16 + LEVEL_BITS - GAIN_BITS);
            let level = ((u32::from(wide) * u32::from(*gain)) >> 16) as i16;
            *pixel = ((level + offset) >> LEVEL_BITS).clamp(0, 255) as u8;
        }
    }
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

    fn mixed(self, other: Self, share: f32) -> Self {
        Self {
            gain: self.gain + (other.gain - self.gain) * share,
            offset: self.offset + (other.offset - self.offset) * share,
        }
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

/// The cells of `side` whose centres lie before and after `place`, and how far along it is, 0 to 1.
fn between(place: usize, side: usize, count: usize) -> (usize, usize, f32) {
    let along = (place as f32 + 0.5) / side as f32 - 0.5;
    let before = (along.floor().max(0.0) as usize).min(count - 1);
    let after = if along < 0.0 { 0 } else { (before + 1).min(count - 1) };
    let share = if before == after { 0.0 } else { along - before as f32 };
    (before, after, share)
}

fn neighbours(index: usize, grid: Grid) -> impl Iterator<Item = usize> {
    let Grid { columns, rows, .. } = grid;
    let (column, row) = (index % columns, index / columns);
    let near = |place: usize, count: usize| place.saturating_sub(1)..(place + 2).min(count);
    near(row, rows).flat_map(move |row| near(column, columns).map(move |x| row * columns + x))
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
        let found = Lighting::measure(&reference, &test, None).noise();
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
