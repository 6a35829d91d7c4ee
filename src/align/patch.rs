use super::motion::Motion;
use super::plane::{Plane, Pyramid, to_level};

/// Pixels read around a block of the test frame: room for the motion between two readings.
const MARGIN: usize = 6;
/// Part of the block's weight in `h` added to it before its own shift is solved for, so that a
/// straight edge does not send the block along itself.
const RIDGE: f64 = 0.02;
/// Longest shift believed of a single reading, in pixels of the level.
const LONGEST_STEP: f64 = 3.0;

/// A block of the reference and the part of the test frame where it is expected, at one level.
///
/// Both are smoothed by the binomial `[1 4 6 4 1] / 16` both ways, which keeps linear
/// interpolation honest on sharp and binary edges.
pub(super) struct Patch {
    /// Centre of the block, in pixels of level 0 of the reference.
    pub(super) centre: [f64; 2],
    level: usize,
    side: usize,
    /// The block less its mean, and its gradients.
    pixels: Vec<[f32; 3]>,
    /// Sums over the block: of the gradients, their products, and the pixels with each.
    sums: BlockSums,
    test: Plane32,
    /// Whether the block lies wholly inside the test frame under the motion it was cut for.
    pub(super) inside: bool,
}

/// What a block says about the motion at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Pixels of level 0 per pixel of the level.
    pub(super) level_px: f64,
    /// Centre of the block, in pixels of level 0 of the reference.
    pub(super) centre: [f64; 2],
    /// Information on the block's shift: sums of gradient products `[xx, xy, yy]` over the
    /// block's sum of squares.
    pub(super) h: [f64; 3],
    /// Shift in pixels of the level by which the block's content lies further than the motion
    /// says.
    pub(super) shift: [f64; 2],
    /// Zero-mean normalised cross-correlation, -1 to 1.
    pub(super) correlation: f64,
    /// Variance of the block in squared grey levels.
    pub(super) variance: f64,
}

#[derive(Default)]
struct BlockSums {
    square: f64,
    gradient: [f64; 2],
    products: [f64; 3],
    with_pixels: [f64; 2],
}

/// A smoothed part of a plane, less its mean.
struct Plane32 {
    side: usize,
    origin: [i64; 2],
    values: Vec<f32>,
}

impl Patch {
    /// Cuts the block with its centre at `centre`, which must lie inside the reference.
    pub(super) fn new(
        [reference, test]: [&Pyramid; 2],
        level: usize,
        (centre, side): ([f64; 2], usize),
        motion: &Motion,
    ) -> Self {
        let start = |i: usize| to_level(centre[i], level) - (side as f64 - 1.0) / 2.0;
        let origin = [start(0).round() as i64 - 1, start(1).round() as i64 - 1];
        let block = Plane32::cut(reference.level(level), origin, side + 2);
        let (pixels, sums) = block.gradients();
        let mut patch = Self {
            centre,
            level,
            side,
            pixels,
            sums,
            test: Plane32 { side: 0, origin: [0; 2], values: Vec::new() },
            inside: false,
        };
        patch.recut(test, motion);
        patch
    }

    /// Cuts the test frame anew around where `motion` expects the block.
    pub(super) fn recut(&mut self, test: &Pyramid, motion: &Motion) {
        let plane = test.level(self.level);
        let at = self.expected(motion);
        let reach = (self.side - 1) as f64 / 2.0;
        let far = [plane.width, plane.height].map(|length| length as f64 - 1.0);
        self.inside = (0..2).all(|i| at[i] >= reach - 1.0 && at[i] + reach <= far[i] + 1.0);
        let origin = at.map(|x| (x - reach).round() as i64 - MARGIN as i64);
        self.test = Plane32::cut(plane, origin, self.side + 2 * MARGIN);
    }

    /// Pixels of level 0 per pixel of the level.
    pub(super) fn level_px(&self) -> f64 {
        (1_u64 << self.level) as f64
    }

    /// How far the block can still move before it must be cut anew, in pixels of level 0.
    pub(super) fn room(&self) -> f64 {
        MARGIN as f64 / 2.0 * self.level_px()
    }

    /// Compares the block with the test frame under a motion; none when either is blank.
    ///
    /// One Gauss-Newton step of Lucas & Kanade (1981) in the inverse form of Baker & Matthews
    /// (2004), the brightness of the test block fitted to the reference's by gain and offset.
    pub(super) fn read(&self, motion: &Motion) -> Option<Reading> {
        let count = (self.side * self.side) as f64;
        let [t, tt, tr, tx, ty] = self.sampled_sums(motion).map(f64::from);
        let sums = &self.sums;
        let square = tt - t * t / count;
        if sums.square < count * 0.01 || square < count * 0.01 {
            return None;
        }
        let correlation = tr / (square * sums.square).sqrt();
        let gain = (tr / square).max(0.0);
        let [gx, gy] = sums.gradient;
        let bx = gain * (tx - t * gx / count) - sums.with_pixels[0];
        let by = gain * (ty - t * gy / count) - sums.with_pixels[1];
        let [xx, xy, yy] = [
            sums.products[0] - gx * gx / count,
            sums.products[1] - gx * gy / count,
            sums.products[2] - gy * gy / count,
        ];
        let ridge = RIDGE * (xx + yy);
        let (rx, ry) = (xx + ridge, yy + ridge);
        let determinant = rx * ry - xy * xy;
        if determinant <= 0.0 {
            return None;
        }
        // Inverse form: what the reference would have to move by, the other way round.
        let shift = [-(ry * bx - xy * by) / determinant, -(rx * by - xy * bx) / determinant];
        let length = shift[0].hypot(shift[1]);
        let cut = if length > LONGEST_STEP { LONGEST_STEP / length } else { 1.0 };
        Some(Reading {
            level_px: self.level_px(),
            centre: self.centre,
            h: [xx / sums.square, xy / sums.square, yy / sums.square],
            shift: shift.map(|x| x * cut),
            correlation,
            variance: sums.square / count,
        })
    }

    fn expected(&self, motion: &Motion) -> [f64; 2] {
        motion.apply(self.centre).map(|x| to_level(x, self.level))
    }

    /// Sums over the block of the sampled test pixels `T`: `T`, `T^2`, and `T` times the
    /// reference and its two gradients.
    fn sampled_sums(&self, motion: &Motion) -> [f32; 5] {
        let at = self.expected(motion);
        let (a, b) = (motion.similarity.a as f32, motion.similarity.b as f32);
        let half = (self.side as f32 - 1.0) / 2.0;
        let [x, y] = [0, 1].map(|i| (at[i] - self.test.origin[i] as f64) as f32);
        let limit = (self.test.side - 2) as f32 + 0.999;
        let mut sums = [0.0; 5];
        for (row, pixels) in self.pixels.chunks_exact(self.side).enumerate() {
            let down = row as f32 - half;
            let (u0, v0) = (x - a * half - b * down, y - b * half + a * down);
            // Sums per row first: long sums of f32 lose digits.
            let mut line = [0.0; 5];
            for (column, [pixel, gx, gy]) in pixels.iter().enumerate() {
                let u = (u0 + a * column as f32).clamp(0.0, limit);
                let v = (v0 + b * column as f32).clamp(0.0, limit);
                let value = self.test.sample(u, v);
                line[0] += value;
                line[1] += value * value;
                line[2] += value * pixel;
                line[3] += value * gx;
                line[4] += value * gy;
            }
            sums = std::array::from_fn(|i| sums[i] + line[i]);
        }
        sums
    }
}

impl Plane32 {
    /// The `side` x `side` pixels from `origin` on, smoothed; beyond the plane its edge repeats.
    fn cut(plane: &Plane, origin: [i64; 2], side: usize) -> Self {
        let mut values = Vec::with_capacity(side * side);
        let mut sums = vec![0_u16; side + 4];
        let [x0, y0] = [origin[0] - 2, origin[1] - 2];
        let inside = x0 >= 0 && x0 as usize + side + 4 <= plane.width;
        let mut padded = vec![0; if inside { 0 } else { 5 * (side + 4) }];
        for y in 0..side as i64 {
            let rows: [&[u8]; 5] = if inside {
                let from = x0 as usize;
                std::array::from_fn(|k| &plane.row(y0 + y + k as i64)[from..from + side + 4])
            } else {
                for (k, line) in padded.chunks_exact_mut(side + 4).enumerate() {
                    repeat_edges(plane.row(y0 + y + k as i64), x0, line);
                }
                let mut lines = padded.chunks_exact(side + 4);
                std::array::from_fn(|_| lines.next().unwrap_or(&[]))
            };
            smooth_down(rows, &mut sums);
            values.extend(sums.windows(5).map(|s| {
                let sum = s[0] + s[4] + 4 * (s[1] + s[3]) + 6 * s[2];
                f32::from(sum) / 256.0
            }));
        }
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        values.iter_mut().for_each(|value| *value -= mean);
        Self { side, origin, values }
    }

    /// The inner pixels less their mean with central differences, and their sums.
    fn gradients(&self) -> (Vec<[f32; 3]>, BlockSums) {
        let inner = self.side - 2;
        let mut pixels = Vec::with_capacity(inner * inner);
        for y in 1..=inner {
            let at = |x: usize, y: usize| self.values[y * self.side + x];
            pixels.extend((1..=inner).map(|x| {
                let gx = (at(x + 1, y) - at(x - 1, y)) / 2.0;
                let gy = (at(x, y + 1) - at(x, y - 1)) / 2.0;
                [at(x, y), gx, gy]
            }));
        }
        let mean = pixels.iter().map(|pixel| pixel[0]).sum::<f32>() / pixels.len() as f32;
        let mut sums = BlockSums::default();
        for pixel in &mut pixels {
            pixel[0] -= mean;
            let [value, gx, gy] = pixel.map(f64::from);
            sums.square += value * value;
            sums.gradient = [sums.gradient[0] + gx, sums.gradient[1] + gy];
            let [xx, xy, yy] = sums.products;
            sums.products = [xx + gx * gx, xy + gx * gy, yy + gy * gy];
            sums.with_pixels = [sums.with_pixels[0] + value * gx, sums.with_pixels[1] + value * gy];
        }
        (pixels, sums)
    }

    fn sample(&self, u: f32, v: f32) -> f32 {
        let (x, y) = (u as usize, v as usize);
        let (fx, fy) = (u - x as f32, v - y as f32);
        let start = y * self.side + x;
        let above = &self.values[start..start + 2];
        let below = &self.values[start + self.side..start + self.side + 2];
        let top = above[0] + fx * (above[1] - above[0]);
        let bottom = below[0] + fx * (below[1] - below[0]);
        top + fy * (bottom - top)
    }
}

fn smooth_down(rows: [&[u8]; 5], sums: &mut [u16]) {
    let [a, b, c, d, e] = rows;
    let outer = a.iter().zip(e);
    let inner = b.iter().zip(d);
    for (((out, (a, e)), (b, d)), c) in sums.iter_mut().zip(outer).zip(inner).zip(c) {
        let near = u16::from(*b) + u16::from(*d);
        *out = u16::from(*a) + u16::from(*e) + 4 * near + 6 * u16::from(*c);
    }
}

fn repeat_edges(row: &[u8], x0: i64, line: &mut [u8]) {
    let last = row.len() as i64 - 1;
    for (x, value) in line.iter_mut().enumerate() {
        *value = row[(x0 + x as i64).clamp(0, last) as usize];
    }
}
