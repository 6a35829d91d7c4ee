use super::LocalShifts;
use super::motion::Motion;
use super::patch::{Patch, Reading};
use super::plane::Pyramid;
use super::refine::{biweights, distance, read, trust};
use super::solve::Band;
use super::texture::Texture;

/// Nodes of the field over the frame, at most about.
const NODES: f64 = 225.0;
/// Least pixels between nodes.
const LEAST_SPACING_PX: f64 = 80.0;
/// Blocks per cell between nodes.
const BLOCKS_PER_CELL: usize = 4;
/// Motion in pixels of a level that the readings can follow.
const CAPTURE_PX: f32 = 4.0;
/// Readings per level that the field is fitted to.
const ROUNDS: usize = 2;
/// A block this many pixels off the field is never an outlier for that alone.
const LEAST_SCALE_PX: f64 = 0.12;
/// Weight of the field's curvature against the mean information of the blocks around a node.
const BENDING: f64 = 0.05;
/// Weight of its slope: holds it near where no block says anything.
const STRETCHING: f64 = 0.02;

/// Estimates the field of shifts left over by a similarity; also what blocks read under it.
///
/// Each block measures its own shift; the field minimises their disagreement, weighted by what
/// each block can measure, plus the field's curvature and slope (thin plate and membrane, as in
/// Terzopoulos, Regularization of Inverse Visual Problems, 1986). Blocks that disagree with the
/// field lose their weight (Tukey's biweight), so that a fault does not drag it.
pub(super) fn estimate(
    pair: [&Pyramid; 2],
    texture: &Texture,
    start: &Motion,
    (max_local_px, block): (f32, usize),
) -> (LocalShifts, Vec<Reading>) {
    let (similarity, size) = (start.similarity, start.size);
    let mut field = LocalShifts::zero(size);
    let count = BLOCKS_PER_CELL * (field.columns - 1) * (field.rows - 1);
    let mut readings = Vec::new();
    let with = |field: &LocalShifts| Motion { similarity, local: Some(field.clone()), size };
    for level in (0..=first_level(pair[0], max_local_px, block)).rev() {
        let motion = with(&field);
        let mut patches: Vec<_> = texture
            .pick(block << level, count)
            .into_iter()
            .map(|centre| Patch::new(pair, level, (centre, block), &motion))
            .collect();
        for _ in 0..ROUNDS {
            field = fitted(&field, &read(&patches, &with(&field)), size);
            let motion = with(&field);
            patches.iter_mut().for_each(|patch| patch.follow(pair[1], &motion));
        }
        if level == 0 {
            readings = read(&patches, &with(&field));
        }
    }
    (field, readings)
}

/// The level to start on: coarse enough to follow the largest shift, with several blocks across.
fn first_level(pyramid: &Pyramid, max_local_px: f32, block: usize) -> usize {
    let needed = (max_local_px / CAPTURE_PX).max(1.0).log2().ceil() as usize;
    let [width, height] = pyramid.size();
    let fits = |level: &usize| block << level <= width.min(height) / 2;
    (0..=needed.min(pyramid.top())).rev().find(fits).unwrap_or(0)
}

impl LocalShifts {
    fn zero(size: [usize; 2]) -> Self {
        let area = (size[0] * size[1]) as f64;
        let spacing = (area / NODES).sqrt().max(LEAST_SPACING_PX);
        let [columns, rows] =
            size.map(|side| ((side as f64 / spacing).round() as usize + 1).clamp(2, 65));
        Self { columns, rows, nodes_px: vec![[0.0; 2]; columns * rows] }
    }
}

/// The field through the shifts that the blocks measured relative to `field`.
fn fitted(field: &LocalShifts, readings: &[Reading], size: [usize; 2]) -> LocalShifts {
    let targets: Vec<Reading> = readings
        .iter()
        .map(|reading| {
            let [x, y] = field.at(reading.centre, size);
            let [dx, dy] = reading.shift.map(|shift| shift * reading.level_px);
            Reading { shift: [x + dx, y + dy], ..*reading }
        })
        .collect();
    let mut weights: Vec<f64> = targets.iter().map(trust).collect();
    let mut best = field.clone();
    for _ in 0..3 {
        let Some(found) = weighted_fit(field, &targets, &weights, size) else { break };
        best = found;
        let far: Vec<f64> =
            targets.iter().map(|target| distance(target, best.at(target.centre, size))).collect();
        let robust = biweights(&far, LEAST_SCALE_PX);
        weights = targets.iter().zip(robust).map(|(target, w)| trust(target) * w).collect();
    }
    best
}

fn weighted_fit(
    field: &LocalShifts,
    targets: &[Reading],
    weights: &[f64],
    size: [usize; 2],
) -> Option<LocalShifts> {
    let unknowns = 2 * field.nodes_px.len();
    // A block lies between nodes of two rows, and curvature ties a node to the second row below.
    let mut a = Band::new(unknowns, (4 * field.columns + 1).min(unknowns - 1));
    let mut b = vec![0.0; unknowns];
    let mut information = 0.0;
    for (target, weight) in targets.iter().zip(weights) {
        let [xx, xy, yy] = target.h.map(|h| h * weight);
        information += xx + yy;
        let [x, y] = target.shift;
        let nodes = field.weights(target.centre, size);
        for (i, wi) in nodes {
            b[2 * i] += wi * (xx * x + xy * y);
            b[2 * i + 1] += wi * (xy * x + yy * y);
            for (k, wk) in nodes {
                a.add(2 * i, 2 * k, wi * wk * xx);
                a.add(2 * i, 2 * k + 1, wi * wk * xy);
                a.add(2 * i + 1, 2 * k, wi * wk * xy);
                a.add(2 * i + 1, 2 * k + 1, wi * wk * yy);
            }
        }
    }
    smoothen(&mut a, field, information / unknowns as f64);
    let nodes = a.solve(b)?;
    let nodes = nodes.chunks_exact(2).map(|shift| [shift[0] as f32, shift[1] as f32]);
    Some(LocalShifts { nodes_px: nodes.collect(), ..*field })
}

/// Adds the squares of first and second differences of neighbouring nodes.
fn smoothen(a: &mut Band, field: &LocalShifts, information: f64) {
    let (columns, rows) = (field.columns, field.rows);
    let mut penalise = |terms: &[(usize, f64)], weight: f64| {
        for axis in 0..2 {
            for (i, vi) in terms {
                for (k, vk) in terms {
                    a.add(2 * i + axis, 2 * k + axis, weight * vi * vk);
                }
            }
        }
    };
    for row in 0..rows {
        for column in 0..columns {
            let node = row * columns + column;
            for (position, end, stride) in [(column, columns, 1), (row, rows, columns)] {
                // Nothing at all is known in a blank frame: the node itself then stays at 0.
                penalise(&[(node, 1.0)], 1e-6 * (information + 1e-3));
                if position + 1 < end {
                    let slope = [(node, 1.0), (node + stride, -1.0)];
                    penalise(&slope, STRETCHING * information);
                }
                if position + 2 < end {
                    let bend = [(node, 1.0), (node + stride, -2.0), (node + 2 * stride, 1.0)];
                    penalise(&bend, BENDING * information);
                }
            }
        }
    }
}
