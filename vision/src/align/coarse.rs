use rustfft::num_complex::Complex32;

use super::correlate::{Correlator, Surface};
use super::motion::Similarity;
use super::plane::{Plane, Pyramid};

/// Pixels of the level per side of a block.
const BLOCK: usize = 32;
/// Blocks per row and column at most.
const BLOCKS: usize = 6;
/// Of these the strongest are searched, at most.
const MOST_BLOCKS: usize = 18;
/// Half the side of the mean that is taken away before comparing, in pixels of the level: lighting
/// is wider than that.
const LIGHTING: usize = 8;
/// Standard deviation in grey levels below which a block has nothing to compare.
const LEAST_DEVIATION: f32 = 0.6;
/// Least correlation of a peak that becomes a hypothesis.
const LEAST_PEAK: f32 = 0.25;
/// Pixels of the level that a block is searched over at most, either way.
const WIDEST_MARGIN: usize = 112;
/// Peaks kept per block.
const PEAKS: usize = 3;
/// Change of `a` or `b` that whole pixels feign between two blocks.
const LEAST_TURN: f64 = 0.005;
/// Score lost at the limit of the shift, of the rotation and of the change of size: of two motions
/// that fit equally well, the smaller is taken.
const PENALTY: f64 = 0.03;

/// How far the search goes; a little beyond the recipe's limits, so that what exceeds them is
/// reported as such.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub(super) shift: f64,
    /// Largest tangent of the rotation, 0 when it is not estimated.
    pub(super) turn: f64,
    /// Largest relative change of size, 0 when it is not estimated.
    pub(super) growth: f64,
}

/// A block of the reference and how well it correlates with the test frame at each shift.
struct Block {
    /// Its centre in pixels of level 0.
    centre: [f64; 2],
    /// Correlation, -1 to 1, by shift in pixels of the level.
    surface: Surface,
    peaks: Vec<[f64; 2]>,
}

/// Finds the motion to about a pixel of a coarse level; none when there is nothing to go by.
///
/// Blocks of the reference are searched in the test frame by normalised cross-correlation (Lewis,
/// Fast Normalized Cross-Correlation, 1995); each peak, and each pair of peaks of two blocks, is a
/// hypothesis, and the one under which most blocks correlate best wins. A fault spoils its own
/// block only, and a pattern that repeats is settled by the blocks where it does not.
pub(super) fn search(
    [reference, test]: [&Pyramid; 2],
    level: usize,
    reach: Reach,
) -> Option<Similarity> {
    let blocks = correlate(reference.level(level), test.level(level), level, reach);
    let zero = Similarity::identity(reference.size());
    let unit = (1_u64 << level) as f64;
    if blocks.is_empty() {
        return None;
    }
    let dilated: Vec<_> = blocks.iter().map(|block| block.surface.dilated()).collect();
    let score = |motion: &Similarity| {
        let fit: f64 = blocks.iter().zip(&dilated).map(|(b, s)| fit(b, s, motion, unit)).sum();
        let length = motion.shift[0].hypot(motion.shift[1]) / reach.shift.max(unit);
        let turn = motion.b.abs() / reach.turn.max(LEAST_TURN);
        let growth = (motion.a - 1.0).abs() / reach.growth.max(LEAST_TURN);
        fit / blocks.len() as f64 - PENALTY * (length + turn + growth)
    };
    let mut best = (zero, score(&zero));
    let mut consider = |motion: Similarity| {
        let found = score(&motion);
        if found > best.1 {
            best = (motion, found);
        }
    };
    let within = |motion: &Similarity| motion.shift[0].hypot(motion.shift[1]) <= reach.shift + unit;
    for (i, first) in blocks.iter().enumerate() {
        for shift in &first.peaks {
            let motion = zero.shifted(*shift);
            if within(&motion) {
                consider(motion);
            }
            if reach.turn == 0.0 && reach.growth == 0.0 {
                continue;
            }
            for second in &blocks[i + 1..] {
                for other in &second.peaks {
                    let ends = [(first.centre, *shift), (second.centre, *other)];
                    if let Some(motion) = through(ends, zero, reach).filter(within) {
                        consider(motion);
                    }
                }
            }
        }
    }
    Some(best.0)
}

/// Pixels of the level around a block that it is searched over, in a frame of `size`.
fn margin(level: usize, size: [usize; 2], reach: Reach) -> usize {
    let unit = (1_u64 << level) as f64;
    let half = size[0].max(size[1]) as f64 / unit / 2.0;
    let leverage = (half - BLOCK as f64 / 2.0).max(0.0);
    let margin = (reach.shift / unit + leverage * (reach.turn + reach.growth)).ceil() as usize + 1;
    margin.min(WIDEST_MARGIN)
}

fn fit(block: &Block, surface: &Surface, motion: &Similarity, unit: f64) -> f64 {
    let [x, y] = motion.apply(block.centre);
    let dx = ((x - block.centre[0]) / unit).round() as i64;
    let dy = ((y - block.centre[1]) / unit).round() as i64;
    surface.at(dx, dy).map_or(0.0, |value| f64::from(value.max(0.0)))
}

/// The similarity that moves two points by given shifts, if within reach and well determined.
fn through(
    [(p, dp), (q, dq)]: [([f64; 2], [f64; 2]); 2],
    zero: Similarity,
    reach: Reach,
) -> Option<Similarity> {
    let (x, y) = (q[0] - p[0], q[1] - p[1]);
    let (u, v) = (dq[0] - dp[0], dq[1] - dp[1]);
    let square = x * x + y * y;
    // Blocks too close together say little about the angle between them.
    if square < (zero.centre[0] * zero.centre[0] + zero.centre[1] * zero.centre[1]) / 4.0 {
        return None;
    }
    // (u + iv) / (x + iy): the change of the complex factor a + ib.
    let (a, b) = ((u * x + v * y) / square, (v * x - u * y) / square);
    if a.abs() > reach.growth.max(LEAST_TURN) || b.abs() > reach.turn.max(LEAST_TURN) {
        return None;
    }
    let turned = Similarity { a: 1.0 + a, b, ..zero };
    let moved = turned.apply(p);
    Some(turned.shifted([p[0] + dp[0] - moved[0], p[1] + dp[1] - moved[1]]))
}

fn correlate(reference: &Plane, test: &Plane, level: usize, reach: Reach) -> Vec<Block> {
    let size = [reference.width << level, reference.height << level];
    let window = (BLOCK + 2 * margin(level, size, reach)).next_power_of_two();
    let mut correlator = Correlator::new(window);
    let (first, second) = (Flattened::new(reference), Flattened::new(test));
    let unit = (1_u64 << level) as f64;
    let floor = square(LEAST_DEVIATION) * (BLOCK * BLOCK) as f32;
    let mut places: Vec<([usize; 2], f32)> = positions(reference.height)
        .flat_map(|top| positions(reference.width).map(move |left| [left, top]))
        .map(|[left, top]| ([left, top], first.energy(left as i64, top as i64)))
        .filter(|(_, energy)| *energy >= floor)
        .collect();
    places.sort_by(|a, b| b.1.total_cmp(&a.1));
    places.truncate(MOST_BLOCKS);
    let block = |([left, top], energy): ([usize; 2], f32)| {
        let surface = normalised(&mut correlator, [&first, &second], [left, top], energy);
        let peaks = surface.peaks(LEAST_PEAK).into_iter().take(PEAKS);
        let peaks = peaks.map(|([x, y], _)| [x as f64 * unit, y as f64 * unit]).collect();
        let half = (BLOCK as f64 - 1.0) / 2.0;
        let centre = [left, top].map(|start| (start as f64 + half + 0.5) * unit - 0.5);
        Block { centre, surface, peaks }
    };
    places.into_iter().map(block).collect()
}

/// Correlation coefficients of one block for every shift its window has room for.
fn normalised(
    correlator: &mut Correlator,
    [reference, test]: [&Flattened; 2],
    [left, top]: [usize; 2],
    energy: f32,
) -> Surface {
    let side = correlator.side();
    let reach = (side - BLOCK) / 2;
    let (x0, y0) = (left as i64 - reach as i64, top as i64 - reach as i64);
    correlator.add(|window| {
        for (row, cells) in window.chunks_exact_mut(side).enumerate() {
            test.copy_row(x0, y0 + row as i64, cells);
            if (reach..reach + BLOCK).contains(&row) {
                let from = (top + row - reach) * reference.width + left;
                let line = &reference.values[from..from + BLOCK];
                for (cell, value) in cells[reach..].iter_mut().zip(line) {
                    cell.re = *value;
                }
            }
        }
    });
    let mut surface = correlator.surface(reach);
    let span = 2 * reach + 1;
    for (i, value) in surface.values.iter_mut().enumerate() {
        let (dx, dy) = ((i % span) as i64 - reach as i64, (i / span) as i64 - reach as i64);
        let other = test.energy(left as i64 + dx, top as i64 + dy);
        // A window with next to no content correlates with nothing.
        let floor = square(LEAST_DEVIATION) * (BLOCK * BLOCK) as f32;
        *value /= (energy * other.max(floor)).sqrt();
    }
    surface
}

fn positions(length: usize) -> impl Iterator<Item = usize> {
    let count = (length / BLOCK).clamp(1, BLOCKS);
    let last = length - BLOCK;
    (0..count).map(move |i| if count == 1 { last / 2 } else { i * last / (count - 1) })
}

fn square(value: f32) -> f32 {
    value * value
}

/// A plane less its local mean, with running sums of its squares.
struct Flattened {
    width: usize,
    height: usize,
    values: Vec<f32>,
    /// `(width + 1) x (height + 1)`, the sum of squares above and left of each corner.
    squares: Vec<f64>,
}

impl Flattened {
    fn new(plane: &Plane) -> Self {
        let (width, height) = (plane.width, plane.height);
        let sums = integral(width, height, |x, y| f64::from(plane.row(y as i64)[x]));
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            let row = plane.row(y as i64);
            for (x, value) in row.iter().enumerate() {
                let left = x.saturating_sub(LIGHTING);
                let right = (x + LIGHTING + 1).min(width);
                let (top, bottom) = (y.saturating_sub(LIGHTING), (y + LIGHTING + 1).min(height));
                let sum = boxed(&sums, width + 1, [left, top, right, bottom]);
                let mean = sum / ((right - left) * (bottom - top)) as f64;
                values.push(f32::from(*value) - mean as f32);
            }
        }
        let squares = integral(width, height, |x, y| f64::from(square(values[y * width + x])));
        Self { width, height, values, squares }
    }

    /// The sum of squares over the block at a position, of which only the part inside counts.
    fn energy(&self, left: i64, top: i64) -> f32 {
        let across = |x: i64| x.clamp(0, self.width as i64) as usize;
        let down = |y: i64| y.clamp(0, self.height as i64) as usize;
        let side = BLOCK as i64;
        let corners = [across(left), down(top), across(left + side), down(top + side)];
        boxed(&self.squares, self.width + 1, corners) as f32
    }

    /// Writes a row from column `x0` on into the imaginary parts; what lies outside stays 0.
    fn copy_row(&self, x0: i64, y: i64, cells: &mut [Complex32]) {
        if y < 0 || y >= self.height as i64 {
            return;
        }
        let row = &self.values[y as usize * self.width..][..self.width];
        let skipped = (-x0).max(0) as usize;
        let from = (x0.max(0) as usize).min(self.width);
        for (cell, value) in cells.iter_mut().skip(skipped).zip(&row[from..]) {
            cell.im = *value;
        }
    }
}

fn integral(width: usize, height: usize, value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let stride = width + 1;
    let mut sums = vec![0.0; stride * (height + 1)];
    for y in 0..height {
        let mut row = 0.0;
        for x in 0..width {
            row += value(x, y);
            sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
        }
    }
    sums
}

fn boxed(sums: &[f64], stride: usize, [left, top, right, bottom]: [usize; 4]) -> f64 {
    sums[bottom * stride + right] - sums[top * stride + right] - sums[bottom * stride + left]
        + sums[top * stride + left]
}
