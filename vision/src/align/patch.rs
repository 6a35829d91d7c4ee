use super::motion::Motion;
use super::plane::{Pyramid, to_level};
use super::window::{Window, dot, sum};

/// Pixels read around a block of the test frame: room for the motion between two readings.
const MARGIN: usize = 4;
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
    test: Window,
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
        let block = Block::new(&Window::cut(reference.level(level), origin, side + 2, level == 0));
        let mut patch = Self {
            centre,
            level,
            side,
            block,
            test: Window { side: 0, origin: [0; 2], values: Vec::new() },
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
        self.test = Window::cut(plane, origin, self.side + 2 * MARGIN, self.level == 0);
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
        let step = [motion.similarity.a as f32, motion.similarity.b as f32];
        let [a, b] = step;
        let half = (self.side as f32 - 1.0) / 2.0;
        let [x, y] = [0, 1].map(|i| (at[i] - self.test.origin[i] as f64) as f32);
        let of_four = rows_of_four(self.side);
        let block = &self.block;
        let mut test = vec![0.0; block.values.len()];
        for (row, out) in test.chunks_exact_mut(self.side).enumerate() {
            let below = (row / of_four * 4 + row % of_four) as f32 - half;
            let from = [x - a * half - b * below, y - b * half + a * below];
            self.test.sample(from, step, out);
        }
        [
            sum(&test),
            dot(&test, &test),
            dot(&test, &block.values),
            dot(&test, &block.across),
            dot(&test, &block.down),
        ]
    }
}

impl Block {
    /// From a smoothed plane one pixel larger on each side.
    fn new(plane: &Window) -> Self {
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

/// How many of four rows of a block are compared.
fn rows_of_four(side: usize) -> usize {
    if side >= LARGE { 2 } else { 4 }
}
