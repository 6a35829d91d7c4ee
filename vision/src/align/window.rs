use super::plane::Plane;

/// Columns read for a smoothed window at most: a block of 32, the margins, and the filter's reach.
const WIDEST: usize = 48;
/// Values summed side by side.
const LANES: usize = 8;

/// A smoothed part of a plane, less its mean.
pub(super) struct Window {
    pub(super) side: usize,
    pub(super) origin: [i64; 2],
    pub(super) values: Vec<f32>,
}

impl Window {
    /// The `side` x `side` pixels from `origin` on; beyond the plane its edge repeats.
    pub(super) fn cut(plane: &Plane, origin: [i64; 2], side: usize, smooth: bool) -> Self {
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

    /// Linear interpolation at points from `from` on, `step` apart, which is about (1, 0).
    pub(super) fn sample(&self, from: [f32; 2], [a, b]: [f32; 2], out: &mut [f32]) {
        let mut done = 0;
        while done < out.len() {
            let (u, v) = (from[0] + a * done as f32, from[1] + b * done as f32);
            let Some(cell) = self.cell(u, v) else {
                out[done] = self.sample_clamped(u, v);
                done += 1;
                continue;
            };
            // As long as each point lies in the next cell of the same row, no cell is looked up.
            let (x, y) = (u - cell[0] as f32, v - cell[1] as f32);
            let room = (self.side - 1 - cell[0]).min(out.len() - done);
            let run = stay(x, a - 1.0).min(stay(y, b)).min(room as f32) as usize;
            let run = run.max(1);
            let start = cell[1] * self.side + cell[0];
            let above = &self.values[start..start + run + 1];
            let below = &self.values[start + self.side..start + self.side + run + 1];
            let right = above[1..].iter().zip(&below[1..]);
            let cells = above.iter().zip(below).zip(right).enumerate();
            for (out, (i, ((a0, b0), (a1, b1)))) in out[done..done + run].iter_mut().zip(cells) {
                let (fx, fy) = (x + (a - 1.0) * i as f32, y + b * i as f32);
                let top = a0 + fx * (a1 - a0);
                let bottom = b0 + fx * (b1 - b0);
                *out = top + fy * (bottom - top);
            }
            done += run;
        }
    }

    /// The cell of four pixels that a point lies in.
    fn cell(&self, u: f32, v: f32) -> Option<[usize; 2]> {
        let inside = 0.0..(self.side - 1) as f32;
        (inside.contains(&u) && inside.contains(&v)).then_some([u as usize, v as usize])
    }

    /// As if the edges repeated.
    fn sample_clamped(&self, u: f32, v: f32) -> f32 {
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

/// How many points from `first` on, `slope` apart, lie between 0 and 1.
fn stay(first: f32, slope: f32) -> f32 {
    let way = if slope > 0.0 { 1.0 - first } else { first };
    // Next to no slope: infinitely many.
    way / slope.abs() + 1.0
}

/// The scalar product; what is left over after whole groups of 8 is left out.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    lanes.iter().sum()
}

/// The sum.
pub(super) fn sum(values: &[f32]) -> f32 {
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

/// Filters along rows first: each row of the plane is read once.
fn cut_smooth(plane: &Plane, origin: [i64; 2], side: usize, values: &mut [f32]) {
    let wide = side + 4;
    let mut line = [0; WIDEST];
    let mut along = vec![0_u16; wide * side];
    for (out, y) in along.chunks_exact_mut(side).zip(origin[1] - 2..) {
        smooth_along(plane.part(origin[0] - 2, y, &mut line[..wide]), out);
    }
    for (y, out) in values.chunks_exact_mut(side).enumerate() {
        let row = |k: usize| &along[(y + k) * side..][..side];
        let (a, b, c, d, e) = (row(0), row(1), row(2), row(3), row(4));
        for i in 0..side {
            out[i] = f32::from(a[i] + e[i] + 4 * (b[i] + d[i]) + 6 * c[i]) / 256.0;
        }
    }
}

fn smooth_along(row: &[u8], out: &mut [u16]) {
    let side = out.len();
    let from = |k: usize| &row[k..k + side];
    let (a, b, c, d, e) = (from(0), from(1), from(2), from(3), from(4));
    for i in 0..side {
        let near = u16::from(b[i]) + u16::from(d[i]);
        out[i] = u16::from(a[i]) + u16::from(e[i]) + 4 * near + 6 * u16::from(c[i]);
    }
}
