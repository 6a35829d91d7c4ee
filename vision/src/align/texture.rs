use super::plane::Pyramid;

/// About this many columns and rows at most are read to find texture.
const SIDE: usize = 512;
/// Pixels of level 0 per cell of the texture map, unless blocks are smaller than two of them.
const CELL: usize = 16;
/// Weight of the structure tensor's larger eigenvalue beside the smaller one: where the whole frame
/// has edges of one direction only, blocks on them are still better than blocks beside them.
const EDGE_WEIGHT: f32 = 0.05;

/// Where a reference has structure: sums of gradient products over cells.
///
/// The smaller eigenvalue of their sum over a block says how well the block's shift can be
/// measured (Shi & Tomasi, Good Features to Track, 1994).
#[derive(Debug)]
pub(super) struct Texture {
    size: [usize; 2],
    cell: usize,
    columns: usize,
    rows: usize,
    tensors: Vec<[f32; 3]>,
}

impl Texture {
    /// Reads one level of the pyramid; `block` is the smallest block asked for later.
    pub(super) fn new(pyramid: &Pyramid, block: usize) -> Self {
        let size = pyramid.size();
        let cell = CELL.min(block / 2);
        let largest = size[0].max(size[1]);
        let level = (0..=pyramid.top())
            .find(|level| largest >> level <= SIDE || 2 << level > cell)
            .unwrap_or(pyramid.top());
        let plane = pyramid.level(level);
        let step = cell >> level;
        let (columns, rows) = (plane.width / step, plane.height / step);
        let mut tensors = vec![[0.0; 3]; columns * rows];
        for y in 0..rows * step {
            let line = plane.row(y as i64);
            let (above, below) = (plane.row(y as i64 - 1), plane.row(y as i64 + 1));
            let cells = &mut tensors[y / step * columns..][..columns];
            add_gradients(line, [above, below], step, cells);
        }
        Self { size, cell, columns, rows, tensors }
    }

    /// Centres of the blocks of `side` pixels with most structure, one in each field of a grid of
    /// about `count` fields over the frame.
    pub(super) fn pick(&self, side: usize, count: usize) -> Vec<[f64; 2]> {
        let [width, height] = self.size;
        let area = (width * height) as f64 / count as f64;
        let spacing = area.sqrt().max(side as f64);
        let fields = |length: usize| ((length as f64 / spacing) as usize).max(1);
        let (across, down) = (fields(width), fields(height));
        let mut centres = Vec::with_capacity(across * down);
        for row in 0..down {
            for column in 0..across {
                let x = [column * width / across, (column + 1) * width / across];
                let y = [row * height / down, (row + 1) * height / down];
                centres.push(self.best(x, y, side));
            }
        }
        centres
    }

    /// The centre of the best block whose centre lies in a field.
    fn best(&self, x: [usize; 2], y: [usize; 2], side: usize) -> [f64; 2] {
        let step = (side / 4).max(self.cell);
        let mut best = ([0.0; 2], f32::NEG_INFINITY);
        for top in starts(y, side, self.size[1], step) {
            for left in starts(x, side, self.size[0], step) {
                let strength = self.strength(left, top, side);
                if strength > best.1 {
                    let half = (side as f64 - 1.0) / 2.0;
                    best = ([left as f64 + half, top as f64 + half], strength);
                }
            }
        }
        best.0
    }

    fn strength(&self, left: usize, top: usize, side: usize) -> f32 {
        let span = |from: usize, end: usize| {
            let first = (from / self.cell).min(end - 1);
            first..((from + side) / self.cell).clamp(first + 1, end)
        };
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for row in span(top, self.rows) {
            let cells = &self.tensors[row * self.columns..][span(left, self.columns)];
            for tensor in cells {
                xx += tensor[0];
                xy += tensor[1];
                yy += tensor[2];
            }
        }
        let (mean, spread) = ((xx + yy) / 2.0, (((xx - yy) / 2.0).powi(2) + xy * xy).sqrt());
        (mean - spread) + EDGE_WEIGHT * (mean + spread)
    }
}

/// Starts of blocks whose centres lie in a field, on a lattice of `step`, at least one, inside the
/// frame.
fn starts(
    field: [usize; 2],
    side: usize,
    length: usize,
    step: usize,
) -> impl Iterator<Item = usize> {
    let last = length - side.min(length);
    let inside = move |centre: usize| centre.saturating_sub(side / 2).min(last) / step * step;
    let (from, to) = (inside(field[0] + step - 1), inside(field[1].saturating_sub(1)));
    (from..=to.max(from)).step_by(step)
}

/// Adds the gradient products of one row to the cells it crosses.
fn add_gradients(line: &[u8], [above, below]: [&[u8]; 2], step: usize, cells: &mut [[f32; 3]]) {
    // Central differences in the inside; the outermost columns are left out.
    let across = line.windows(3).map(|w| i32::from(w[2]) - i32::from(w[0]));
    let down = below[1..].iter().zip(&above[1..]).map(|(b, a)| i32::from(*b) - i32::from(*a));
    let gradients: Vec<(i32, i32)> = std::iter::once((0, 0)).chain(across.zip(down)).collect();
    for (cell, gradients) in cells.iter_mut().zip(gradients.chunks(step)) {
        let (mut xx, mut xy, mut yy) = (0, 0, 0);
        for (gx, gy) in gradients {
            xx += gx * gx;
            xy += gx * gy;
            yy += gy * gy;
        }
        *cell = [cell[0] + xx as f32, cell[1] + xy as f32, cell[2] + yy as f32];
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::align::plane::Plane;

    fn texture_of(width: usize, height: usize, value: impl Fn(usize, usize) -> u8) -> Texture {
        let pixels = (0..width * height).map(|i| value(i % width, i / width)).collect();
        let plane = Plane { width, height, pixels: Cow::Owned(pixels) };
        Texture::new(&Pyramid::new(plane, 2), 32)
    }

    #[test]
    fn a_corner_is_preferred_to_an_edge() {
        let corner = |x, y| if x >= 70 && y >= 40 { 200 } else { 20 };
        let centres = texture_of(160, 160, corner).pick(32, 1);
        assert_eq!(centres.len(), 1);
        let [x, y] = centres[0];
        assert!((x - 70.0).abs() <= 16.0 && (y - 40.0).abs() <= 16.0, "{x} {y}");
    }

    #[test]
    fn blocks_lie_inside_frames_of_any_shape() {
        for (width, height) in [(64, 64), (65, 130), (1000, 64), (333, 777)] {
            let texture = texture_of(width, height, |x, y| (x * 31 + y * 17) as u8);
            for side in [32, 64] {
                let centres = texture.pick(side, 64);
                assert!(!centres.is_empty() && centres.len() <= 100);
                for [x, y] in centres {
                    let half = (side as f64 - 1.0) / 2.0;
                    assert!(x >= half && x + half <= width as f64 - 1.0, "{width} {side} {x}");
                    assert!(y >= half && y + half <= height as f64 - 1.0, "{height} {side} {y}");
                }
            }
        }
    }
}
