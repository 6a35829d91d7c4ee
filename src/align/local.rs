use super::LocalShifts;
use super::motion::{Motion, Similarity};
use super::patch::{Patch, Reading};
use super::plane::Pyramid;
use super::refine::{biweights, distance, read, trust};
use super::solve::solve;
use super::texture::Texture;

/// Blocks over the frame, at most.
const BLOCKS: usize = 256;
/// Nodes of the field over the frame, at most about.
const NODES: f64 = 81.0;
/// Least pixels between nodes.
const LEAST_SPACING_PX: f64 = 64.0;
/// Motion in pixels of a level that a reading can follow.
const CAPTURE_PX: f32 = 2.5;
/// Readings per level.
const ROUNDS: usize = 3;
/// A block this many pixels off the field is never an outlier for that alone.
const LEAST_SCALE_PX: f64 = 0.12;
/// Weight of the field's curvature against the mean information of the blocks around a node.
const BENDING: f64 = 0.2;
/// Weight of its slope: holds it near where no block says anything.
const STRETCHING: f64 = 0.01;

/// Estimates the field of shifts left over by a similarity.
///
/// Each block measures its own shift; the field minimises their disagreement, weighted by what
/// each block can measure, plus the field's curvature and slope (thin plate and membrane, as in
/// Terzopoulos, Regularization of Inverse Visual Problems, 1986). Blocks that disagree with the
/// field lose their weight (Tukey's biweight), so that a fault does not drag it.
pub(super) fn estimate(
    pair: [&Pyramid; 2],
    texture: &Texture,
    similarity: Similarity,
    max_local_px: f32,
    block: usize,
) -> LocalShifts {
    let size = pair[0].size();
    let mut motion = Motion { similarity, local: Some(LocalShifts::zero(size)), size };
    let needed = (max_local_px / CAPTURE_PX).max(1.0).log2().ceil() as usize;
    let shorter = size[0].min(size[1]);
    let top = (0..=needed.min(pair[0].top())).rev().find(|level| block << level <= shorter / 2);
    for level in (0..=top.unwrap_or(0)).rev() {
        let centres = texture.pick(block << level, BLOCKS);
        let mut patches: Vec<_> = centres
            .into_iter()
            .map(|centre| Patch::new(pair, level, (centre, block), &motion))
            .collect();
        for round in 0..ROUNDS {
            if round == 1 {
                patches.iter_mut().for_each(|patch| patch.recut(pair[1], &motion));
            }
            let readings = read(&patches, &motion);
            motion.local = motion.local.map(|field| fitted(&field, &readings, size));
        }
    }
    motion.local.unwrap_or_else(|| LocalShifts::zero(size))
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
    let mut a = vec![0.0; unknowns * unknowns];
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
                a[2 * i * unknowns + 2 * k] += wi * wk * xx;
                a[2 * i * unknowns + 2 * k + 1] += wi * wk * xy;
                a[(2 * i + 1) * unknowns + 2 * k] += wi * wk * xy;
                a[(2 * i + 1) * unknowns + 2 * k + 1] += wi * wk * yy;
            }
        }
    }
    smoothen(&mut a, field, information / unknowns as f64);
    solve(&mut a, &mut b).then(|| LocalShifts {
        nodes_px: b.chunks_exact(2).map(|shift| [shift[0] as f32, shift[1] as f32]).collect(),
        ..*field
    })
}

/// Adds the squares of first and second differences of neighbouring nodes.
fn smoothen(a: &mut [f64], field: &LocalShifts, information: f64) {
    let (columns, rows) = (field.columns, field.rows);
    let mut penalise = |terms: &[(usize, f64)], weight: f64| {
        let unknowns = 2 * columns * rows;
        for axis in 0..2 {
            for (i, vi) in terms {
                for (k, vk) in terms {
                    a[(2 * i + axis) * unknowns + 2 * k + axis] += weight * vi * vk;
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
