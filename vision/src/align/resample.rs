use image::{GrayImage, RgbImage};

use super::motion::Motion;
use crate::frame::{Frame, Pixels, Rect};

/// Pixels of the reference per side of a tile; its rows stay in the second-level cache.
const TILE: usize = 256;
/// The motion is computed at every so many pixels and taken as linear between: exact for a
/// similarity.
const STEP: usize = 16;
/// Half a pixel beyond its outermost centres a frame still has content.
const EDGE_PX: f64 = 0.5;

/// How pixels between pixels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interpolation {
    /// Cubic convolution with a = -1/2 (Keys 1981; Catmull-Rom), a row pass and a column pass.
    Cubic,
    /// The nearest pixel: two levels stay two levels.
    Nearest,
}

/// The test frame as it appears in the coordinates of a reference of `motion.size`; beyond its
/// edges the nearest pixels repeat.
pub(super) fn resample(test: &Frame, motion: &Motion, interpolation: Interpolation) -> Frame {
    let [width, height] = motion.size;
    let resampled = |channels: usize, pixels: &[u8], size: [u32; 2]| {
        let size = size.map(|side| side as usize);
        let source = Source { channels, pixels, width: size[0], height: size[1] };
        let mut out = vec![0; width * height * channels];
        for top in (0..height).step_by(TILE) {
            for left in (0..width).step_by(TILE) {
                let tile = [left, top, (left + TILE).min(width), (top + TILE).min(height)];
                match interpolation {
                    Interpolation::Cubic => cubic(&source, motion, tile, &mut out),
                    Interpolation::Nearest => nearest(&source, motion, tile, &mut out),
                }
            }
        }
        out
    };
    let size = [test.width(), test.height()];
    rebuilt(test, motion.size, |channels, pixels| resampled(channels, pixels, size))
}

/// The test frame moved by a whole number of pixels: pixel `p` becomes that at `p + by`.
pub(super) fn moved(test: &Frame, size: [usize; 2], by: [i64; 2]) -> Frame {
    let (width, height) = (test.width() as i64, test.height() as i64);
    rebuilt(test, size, |channels, pixels| {
        let mut out = Vec::with_capacity(size[0] * size[1] * channels);
        for y in 0..size[1] as i64 {
            let row = (y + by[1]).clamp(0, height - 1) * width;
            let line = &pixels[row as usize * channels..(row + width) as usize * channels];
            // Before the frame, inside it, behind it.
            let before = (-by[0]).clamp(0, size[0] as i64) as usize;
            let from = by[0].clamp(0, width - 1) as usize;
            let inside = (width as usize - from).min(size[0] - before);
            for _ in 0..before {
                out.extend_from_slice(&line[..channels]);
            }
            out.extend_from_slice(&line[from * channels..(from + inside) * channels]);
            for _ in before + inside..size[0] {
                out.extend_from_slice(&line[line.len() - channels..]);
            }
        }
        out
    })
}

/// The largest rectangle found by moving each side inwards until all of it lies on the test frame.
pub(super) fn overlap(motion: &Motion, test: [usize; 2]) -> Rect {
    let [width, height] = motion.size.map(|side| side as f64);
    let far = test.map(|side| side as f64 - 1.0 + EDGE_PX);
    let (mut left, mut top, mut right, mut bottom) = (0.0_f64, 0.0_f64, width - 1.0, height - 1.0);
    // The motion is near the identity: two rounds of moving each side by what is missing suffice,
    // the third confirms.
    for _ in 0..3 {
        for y in along(top, bottom) {
            left += (-EDGE_PX - motion.apply([left, y])[0]).max(0.0).ceil();
            right -= (motion.apply([right, y])[0] - far[0]).max(0.0).ceil();
        }
        for x in along(left, right) {
            top += (-EDGE_PX - motion.apply([x, top])[1]).max(0.0).ceil();
            bottom -= (motion.apply([x, bottom])[1] - far[1]).max(0.0).ceil();
        }
    }
    if left > right || top > bottom {
        return Rect::new(0, 0, 0, 0);
    }
    Rect::from_corners(left as u32, top as u32, right as u32 + 1, bottom as u32 + 1)
}

struct Source<'a> {
    channels: usize,
    pixels: &'a [u8],
    width: usize,
    height: usize,
}

impl Source<'_> {
    /// `line.len()` values of a channel from column `x0` on, the edges repeated.
    fn copy_row(&self, x0: i64, y: i64, channel: usize, line: &mut [f32]) {
        let y = y.clamp(0, self.height as i64 - 1) as usize;
        let row = &self.pixels[y * self.width * self.channels..][..self.width * self.channels];
        let last = self.width as i64 - 1;
        if x0 >= 0 && x0 + line.len() as i64 <= last + 1 {
            let inside = &row[x0 as usize * self.channels + channel..];
            if self.channels == 1 {
                line.iter_mut().zip(inside).for_each(|(out, value)| *out = f32::from(*value));
            } else {
                let inside = inside.iter().step_by(self.channels);
                line.iter_mut().zip(inside).for_each(|(out, value)| *out = f32::from(*value));
            }
            return;
        }
        for (i, out) in line.iter_mut().enumerate() {
            let x = (x0 + i as i64).clamp(0, last) as usize;
            *out = f32::from(row[x * self.channels + channel]);
        }
    }
}

fn rebuilt(test: &Frame, size: [usize; 2], make: impl FnOnce(usize, &[u8]) -> Vec<u8>) -> Frame {
    let (width, height) = (size[0] as u32, size[1] as u32);
    let whole = "as many values as columns times rows times channels";
    let pixels = match test.pixels() {
        Pixels::Gray(image) => {
            Pixels::Gray(GrayImage::from_raw(width, height, make(1, image.as_raw())).expect(whole))
        }
        Pixels::Rgb(image) => {
            Pixels::Rgb(RgbImage::from_raw(width, height, make(3, image.as_raw())).expect(whole))
        }
    };
    Frame::new(pixels, test.bit_depth(), test.origin()).expect("a reference has pixels")
}

fn along(from: f64, to: f64) -> impl Iterator<Item = f64> {
    let steps = ((to - from) / STEP as f64).ceil().max(1.0) as usize;
    (0..=steps).map(move |i| from + (to - from) * i as f64 / steps as f64)
}

fn nearest(source: &Source, motion: &Motion, tile: [usize; 4], out: &mut [u8]) {
    let [left, top, right, bottom] = tile;
    let channels = source.channels;
    let lattice =
        Lattice::new([left, right], [top as f64, bottom as f64 - 1.0], |p| motion.apply(p));
    let mut line = vec![[0.0_f32; 2]; lattice.columns];
    let last = [source.width, source.height].map(|side| side as f32 - 1.0);
    for y in top..bottom {
        lattice.row(y as f64, &mut line);
        let row = &mut out[(y * motion.size[0] + left) * channels..][..(right - left) * channels];
        for (i, pixel) in row.chunks_exact_mut(channels).enumerate() {
            let (knot, part) = (i / STEP, (i % STEP) as f32 / STEP as f32);
            let ([u0, v0], [u1, v1]) = (line[knot], line[knot + 1]);
            let u = ((u0 + part * (u1 - u0)).clamp(0.0, last[0]) + 0.5) as usize;
            let v = ((v0 + part * (v1 - v0)).clamp(0.0, last[1]) + 0.5) as usize;
            let at = (v * source.width + u) * channels;
            for (pixel, value) in pixel.iter_mut().zip(&source.pixels[at..]) {
                *pixel = *value;
            }
        }
    }
}

/// One tile by two passes of one-dimensional interpolation (Catmull & Smith 1980): along the rows
/// of the test frame to the column where each is needed, then along columns.
fn cubic(source: &Source, motion: &Motion, tile: [usize; 4], out: &mut [u8]) {
    let [left, top, right, bottom] = tile;
    let down = Lattice::new([left, right], [top as f64, bottom as f64 - 1.0], |p| motion.apply(p));
    let (low, high) = down.range(1);
    let (first, last) = (low.floor() as i64 - 1, high.floor() as i64 + 2);
    // Where column x of the reference crosses row v of the test frame.
    let across = Lattice::new([left, right], [first as f64, last as f64], |[x, v]| {
        let mut y = v - motion.apply([x, v])[1] + v;
        // Each step leaves a twentieth of the error, or less: 0.001 px after two.
        for _ in 0..2 {
            y += v - motion.apply([x, y])[1];
        }
        motion.apply([x, y])
    });
    let (low, high) = across.range(0);
    let start = low.floor() as i64 - 1;
    let mut line = vec![0.0; (high.floor() as i64 + 3 - start) as usize + STEP];
    let padded = (down.columns - 1) * STEP;
    let rows = (last - first + 1) as usize;
    let mut turned = vec![0.0; rows * padded];
    let mut knots = vec![[0.0; 2]; down.columns];
    let channels = source.channels;
    for channel in 0..channels {
        for (i, row) in turned.chunks_exact_mut(padded).enumerate() {
            source.copy_row(start, first + i as i64, channel, &mut line);
            across.row((first + i as i64) as f64, &mut knots);
            for (k, out) in row.chunks_exact_mut(STEP).enumerate() {
                let ends = [knots[k][0] - start as f32, knots[k + 1][0] - start as f32];
                along_row(&line, ends, out);
            }
        }
        for y in top..bottom {
            down.row(y as f64, &mut knots);
            let row = &mut out[(y * motion.size[0] + left) * channels..];
            let row = &mut row[..(right - left) * channels];
            for (k, out) in row.chunks_mut(STEP * channels).enumerate() {
                let ends = [knots[k][1] - first as f32, knots[k + 1][1] - first as f32];
                let levels = down_columns(&turned[k * STEP..], padded, ends);
                if channels == 1 {
                    out.copy_from_slice(&levels[..out.len()]);
                    continue;
                }
                for (pixel, level) in out.chunks_exact_mut(channels).zip(levels) {
                    pixel[channel] = level;
                }
            }
        }
    }
}

/// `STEP` values at positions that go linearly from the first to (not including) the second end.
fn along_row(line: &[f32], [from, to]: [f32; 2], out: &mut [f32]) {
    let slope = (to - from) / STEP as f32;
    // Positions are positive: the whole part is the floor.
    let whole = from as usize as f32;
    let excess = |i: usize| from - whole + (slope - 1.0) * i as f32;
    let end = excess(STEP - 1);
    if (0.0..1.0).contains(&end) {
        let taps = &line[whole as usize - 1..whole as usize + STEP + 2];
        for (i, out) in out.iter_mut().enumerate().take(STEP) {
            *out = keys([taps[i], taps[i + 1], taps[i + 2], taps[i + 3]], excess(i));
        }
        return;
    }
    for (i, out) in out.iter_mut().enumerate() {
        let position = from + slope * i as f32;
        let whole = position as usize as f32;
        let taps = &line[whole as usize - 1..whole as usize + 3];
        *out = keys([taps[0], taps[1], taps[2], taps[3]], position - whole);
    }
}

/// `STEP` columns at rows that go linearly from the first to (not including) the second end,
/// rounded to levels.
fn down_columns(columns: &[f32], stride: usize, [from, to]: [f32; 2]) -> [u8; STEP] {
    let slope = (to - from) / STEP as f32;
    let whole = from as usize as f32;
    let excess = |i: usize| from - whole + slope * i as f32;
    let mut out = [0; STEP];
    if (0.0..1.0).contains(&excess(STEP - 1)) {
        let row = |k: usize| &columns[(whole as usize - 1 + k) * stride..][..STEP];
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        let mut values = [0.0; STEP];
        for i in 0..STEP {
            values[i] = keys([a[i], b[i], c[i], d[i]], excess(i));
        }
        for i in 0..STEP {
            out[i] = to_level(values[i]);
        }
        return out;
    }
    for (i, out) in out.iter_mut().enumerate() {
        let position = from + slope * i as f32;
        let whole = position as usize as f32;
        let tap = |k: usize| columns[(whole as usize - 1 + k) * stride + i];
        *out = to_level(keys([tap(0), tap(1), tap(2), tap(3)], position - whole));
    }
    out
}

/// The value a part `f` of the way from the second of four pixels to the third (Keys, Cubic
/// Convolution Interpolation for Digital Image Processing, 1981, with a = -1/2).
fn keys([a, b, c, d]: [f32; 4], f: f32) -> f32 {
    let square = 2.0 * a - 5.0 * b + 4.0 * c - d;
    let cube = 3.0 * (b - c) + d - a;
    b + 0.5 * f * (c - a + f * (square + f * cube))
}

/// Rounds to the nearest level: adding 1.5 * 2^23 leaves the integer in the low bits.
fn to_level(value: f32) -> u8 {
    (value.clamp(0.0, 255.0) + 12_582_912.0).to_bits() as u8
}

/// A smooth function of the plane at knots `STEP` pixels apart.
struct Lattice {
    columns: usize,
    top: f64,
    rows: usize,
    values: Vec<[f32; 2]>,
}

impl Lattice {
    /// Knots from the first of `x` until past the last, and over all of `y`.
    fn new(x: [usize; 2], y: [f64; 2], value: impl Fn([f64; 2]) -> [f64; 2]) -> Self {
        let columns = (x[1] - x[0]).div_ceil(STEP) + 1;
        let rows = ((y[1] - y[0]) / STEP as f64).ceil().max(1.0) as usize + 1;
        let values = (0..rows * columns).map(|i| {
            let across = x[0] as f64 + (i % columns * STEP) as f64;
            let [u, v] = value([across, y[0] + (i / columns * STEP) as f64]);
            [u as f32, v as f32]
        });
        Self { columns, top: y[0], rows, values: values.collect() }
    }

    /// The knots of a row between rows of knots.
    fn row(&self, y: f64, out: &mut [[f32; 2]]) {
        let position = (y - self.top) / STEP as f64;
        let before = (position as usize).min(self.rows - 2);
        let part = (position - before as f64) as f32;
        let (above, below) = self.values[before * self.columns..].split_at(self.columns);
        for ((out, above), below) in out.iter_mut().zip(above).zip(below) {
            out[0] = above[0] + part * (below[0] - above[0]);
            out[1] = above[1] + part * (below[1] - above[1]);
        }
    }

    /// Least and largest value of one component.
    fn range(&self, component: usize) -> (f32, f32) {
        let values = self.values.iter().map(|value| value[component]);
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
    }
}
