use super::motion::Motion;
use super::plane::{Plane, Pyramid, to_level};

/// Pixels read around a block of the test frame: room for the motion between two readings.
const MARGIN: usize = 6;
/// Part of the block's weight in `h` added to it before its own shift is solved for, so that a
/// straight edge does not send the block along itself.
const RIDGE: f64 = 0.02;
/// Longest shift believed of a single reading, in pixels of the level.
const LONGEST_STEP: f64 = 3.0;

/// Variance in squared grey levels below which a block of the reference has no structure.
const LEAST_VARIANCE: f64 = 1.0;
/// Variance below which a block of the test frame is blank.
const LEAST_TEST_VARIANCE: f64 = 0.01;
/// Columns and rows from which on of four rows of a block only the first two are compared:
/// neighbours say nearly the same, and pairs, unlike every other row, still tell the phase of a
/// pattern four rows high.
const LARGE: usize = 32;
/// Pixels worked on at once; divides every block's side.
const LANES: usize = 8;

/// A block of the reference and the part of the test frame where it is expected, at one level.
///
/// At level 0 both are smoothed by the binomial `[1 4 6 4 1] / 16` both ways, which keeps linear
/// interpolation honest on sharp and binary edges; coarser levels are smooth already.
pub(super) struct Patch {
    /// Centre of the block, in pixels of level 0 of the reference.
    pub(super) centre: [f64; 2],
    level: usize,
    side: usize,
    block: Block,
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
    /// Whether the test frame shows nothing there: the correlation is then 0.
    pub(super) blank: bool,
}

/// A block of the reference less its mean, its gradients, and sums over them.
struct Block {
    values: Vec<f32>,
    across: Vec<f32>,
    down: Vec<f32>,
    square: f64,
    gradient: [f64; 2],
    products: [f64; 3],
    with_values: [f64; 2],
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
        let block = Block::new(&Plane32::cut(reference.level(level), origin, side + 2, level == 0));
        let mut patch = Self {
            centre,
            level,
            side,
            block,
            test: Plane32 { side: 0, origin: [0; 2], values: Vec::new() },
            inside: false,
        };
        patch.recut(test, motion);
        patch
    }

    /// Cuts the test frame anew if the block is now expected too far from where it was.
    pub(super) fn follow(&mut self, test: &Pyramid, motion: &Motion) {
        let at = self.expected(motion);
        let middle = (self.test.side as f64 - 1.0) / 2.0;
        let off = [0, 1].map(|i| (at[i] - self.test.origin[i] as f64 - middle).abs());
        if off[0].max(off[1]) > MARGIN as f64 / 2.0 {
            self.recut(test, motion);
        }
    }

    /// Cuts the test frame anew around where `motion` expects the block.
    pub(super) fn recut(&mut self, test: &Pyramid, motion: &Motion) {
        let plane = test.level(self.level);
        let at = self.expected(motion);
        let reach = (self.side - 1) as f64 / 2.0;
        let far = [plane.width, plane.height].map(|length| length as f64 - 1.0);
        self.inside = (0..2).all(|i| at[i] >= reach - 1.0 && at[i] + reach <= far[i] + 1.0);
        let origin = at.map(|x| (x - reach).round() as i64 - MARGIN as i64);
        self.test = Plane32::cut(plane, origin, self.side + 2 * MARGIN, self.level == 0);
    }

    /// Whether there is anything to align by, and it lies inside the test frame.
    pub(super) fn has_structure(&self) -> bool {
        self.inside && self.block.square >= LEAST_VARIANCE * self.block.values.len() as f64
    }

    /// Pixels of level 0 per pixel of the level.
    pub(super) fn level_px(&self) -> f64 {
        (1_u64 << self.level) as f64
    }

    /// Compares the block with the test frame under a motion.
    ///
    /// One Gauss-Newton step of Lucas & Kanade (1981) in the inverse form of Baker & Matthews
    /// (2004), the brightness of the test block fitted to the reference's by gain and offset.
    pub(super) fn read(&self, motion: &Motion) -> Reading {
        let count = self.block.values.len() as f64;
        let [t, tt, tr, tx, ty] = self.sampled_sums(motion).map(f64::from);
        let block = &self.block;
        let square = tt - t * t / count;
        let nothing = Reading {
            centre: self.centre,
            level_px: self.level_px(),
            h: [0.0; 3],
            shift: [0.0; 2],
            correlation: 0.0,
            variance: block.square / count,
            blank: true,
        };
        if block.square <= 0.0 || square < LEAST_TEST_VARIANCE * count {
            return nothing;
        }
        let gain = (tr / square).max(0.0);
        let [gx, gy] = block.gradient;
        let bx = gain * (tx - t * gx / count) - block.with_values[0];
        let by = gain * (ty - t * gy / count) - block.with_values[1];
        let [xx, xy, yy] = [
            block.products[0] - gx * gx / count,
            block.products[1] - gx * gy / count,
            block.products[2] - gy * gy / count,
        ];
        let ridge = RIDGE * (xx + yy);
        let (rx, ry) = (xx + ridge, yy + ridge);
        let determinant = rx * ry - xy * xy;
        if determinant <= 0.0 {
            return nothing;
        }
        // Inverse form: what the reference would have to move by, the other way round.
        let shift = [-(ry * bx - xy * by) / determinant, -(rx * by - xy * bx) / determinant];
        let length = shift[0].hypot(shift[1]);
        let cut = if length > LONGEST_STEP { LONGEST_STEP / length } else { 1.0 };
        Reading {
            h: [xx / block.square, xy / block.square, yy / block.square],
            shift: shift.map(|x| x * cut),
            correlation: tr / (square * block.square).sqrt(),
            blank: false,
            ..nothing
        }
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
        let mut sums = [[0.0; LANES]; 5];
        let of_four = rows_of_four(self.side);
        let block = &self.block;
        let columns = block.across.chunks_exact(self.side).zip(block.down.chunks_exact(self.side));
        let rows = block.values.chunks_exact(self.side).zip(columns);
        for (row, (values, (across, down))) in rows.enumerate() {
            let below = (row / of_four * 4 + row % of_four) as f32 - half;
            let (u0, v0) = (x - a * half - b * below, y - b * half + a * below);
            for column in (0..self.side).step_by(LANES) {
                let ahead = column as f32;
                let test = self.test.sample([u0 + a * ahead, v0 + b * ahead], [a, b]);
                let part = column..column + LANES;
                let others = [&values[part.clone()], &across[part.clone()], &down[part]];
                add_products(&test, others, &mut sums);
            }
        }
        sums.map(|lanes| lanes.iter().sum())
    }
}

impl Block {
    /// From a smoothed plane one pixel larger on each side.
    fn new(plane: &Plane32) -> Self {
        let side = plane.side - 2;
        let of_four = rows_of_four(side);
        let empty = || Vec::with_capacity(side * side * of_four / 4);
        let (mut values, mut across, mut down) = (empty(), empty(), empty());
        for y in (1..=side).filter(|y| (y - 1) % 4 < of_four) {
            let row = |y: usize| &plane.values[y * plane.side..(y + 1) * plane.side];
            let (above, line, below) = (row(y - 1), row(y), row(y + 1));
            values.extend_from_slice(&line[1..=side]);
            across.extend(line[2..].iter().zip(line).map(|(right, left)| (right - left) / 2.0));
            down.extend(below[1..=side].iter().zip(&above[1..]).map(|(b, a)| (b - a) / 2.0));
        }
        let mean = sum(&values) / values.len() as f32;
        values.iter_mut().for_each(|value| *value -= mean);
        let dot = |a: &[f32], b: &[f32]| f64::from(dot(a, b));
        let sum = |a: &[f32]| f64::from(sum(a));
        Self {
            square: dot(&values, &values),
            gradient: [sum(&across), sum(&down)],
            products: [dot(&across, &across), dot(&across, &down), dot(&down, &down)],
            with_values: [dot(&values, &across), dot(&values, &down)],
            values,
            across,
            down,
        }
    }
}

impl Plane32 {
    /// The `side` x `side` pixels from `origin` on; beyond the plane its edge repeats.
    fn cut(plane: &Plane, origin: [i64; 2], side: usize, smooth: bool) -> Self {
        let mut values = vec![0.0; side * side];
        if smooth {
            cut_smooth(plane, origin, side, &mut values);
        } else {
            let mut line = vec![0; side];
            for (y, out) in values.chunks_exact_mut(side).enumerate() {
                let row = plane.part(origin[0], origin[1] + y as i64, &mut line);
                out.iter_mut().zip(row).for_each(|(out, value)| *out = f32::from(*value));
            }
        }
        let mean = sum(&values) / values.len() as f32;
        values.iter_mut().for_each(|value| *value -= mean);
        Self { side, origin, values }
    }

    /// Linear interpolation at `LANES` points from `from` on, `step` apart, which is about (1, 0).
    fn sample(&self, [u, v]: [f32; 2], [a, b]: [f32; 2]) -> [f32; LANES] {
        let last = (LANES - 1) as f32;
        // The whole part: outside the patch, where it is not, nothing depends on it.
        let (x, y) = (u as i32 as f32, v as i32 as f32);
        let limit = (self.side - LANES - 1) as f32;
        let stays = |first: f32, slope: f32| (0.0..1.0).contains(&(first + slope * last));
        let mut out = [0.0; LANES];
        // Mostly all points lie in one row of cells, one cell each.
        if u >= 0.0 && v >= 0.0 && x <= limit && y < self.side as f32 - 1.0 {
            let (fx, fy) = (u - x, v - y);
            if stays(fx, a - 1.0) && stays(fy, b) {
                let start = y as usize * self.side + x as usize;
                let above = &self.values[start..start + LANES + 1];
                let below = &self.values[start + self.side..start + self.side + LANES + 1];
                for i in 0..LANES {
                    let (fx, fy) = (fx + (a - 1.0) * i as f32, fy + b * i as f32);
                    let top = above[i] + fx * (above[i + 1] - above[i]);
                    let bottom = below[i] + fx * (below[i + 1] - below[i]);
                    out[i] = top + fy * (bottom - top);
                }
                return out;
            }
        }
        for (i, out) in out.iter_mut().enumerate() {
            *out = self.sample_one(u + a * i as f32, v + b * i as f32);
        }
        out
    }

    fn sample_one(&self, u: f32, v: f32) -> f32 {
        let limit = (self.side - 2) as f32 + 0.999;
        let (u, v) = (u.clamp(0.0, limit), v.clamp(0.0, limit));
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

/// How many of four rows of a block are compared.
fn rows_of_four(side: usize) -> usize {
    if side >= LARGE { 2 } else { 4 }
}

/// Adds `T`, `T^2`, and `T` times the values and the gradients.
fn add_products(
    test: &[f32; LANES],
    [values, across, down]: [&[f32]; 3],
    sums: &mut [[f32; LANES]; 5],
) {
    for i in 0..LANES {
        sums[0][i] += test[i];
        sums[1][i] += test[i] * test[i];
        sums[2][i] += test[i] * values[i];
        sums[3][i] += test[i] * across[i];
        sums[4][i] += test[i] * down[i];
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    lanes.iter().sum()
}

fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += chunk[i];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

fn cut_smooth(plane: &Plane, origin: [i64; 2], side: usize, values: &mut [f32]) {
    let wide = side + 4;
    let mut sums = vec![0_u16; wide];
    let mut lines = vec![0; 5 * wide];
    for (y, out) in values.chunks_exact_mut(side).enumerate() {
        let mut spare = lines.chunks_exact_mut(wide);
        let rows: [&[u8]; 5] = std::array::from_fn(|k| {
            let y = origin[1] - 2 + (y + k) as i64;
            spare.next().map_or(&[][..], |spare| plane.part(origin[0] - 2, y, spare))
        });
        smooth_down(rows, &mut sums);
        let [a, b, c, d, e] = std::array::from_fn(|k| &sums[k..k + side]);
        for i in 0..side {
            out[i] = f32::from(a[i] + e[i] + 4 * (b[i] + d[i]) + 6 * c[i]) / 256.0;
        }
    }
}

fn smooth_down(rows: [&[u8]; 5], sums: &mut [u16]) {
    let [a, b, c, d, e] = rows.map(|row| &row[..sums.len()]);
    for i in 0..sums.len() {
        let near = u16::from(b[i]) + u16::from(d[i]);
        sums[i] = u16::from(a[i]) + u16::from(e[i]) + 4 * near + 6 * u16::from(c[i]);
    }
}
