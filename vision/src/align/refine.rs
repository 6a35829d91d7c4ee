use super::motion::{Motion, Similarity};
use super::patch::{Patch, Reading};
use super::plane::Pyramid;
use super::solve::Band;

/// Steps per level at most.
const STEPS: usize = 8;
/// A step that moves no corner by more than this many pixels of the level is the last; on coarse
/// levels a more generous one, finer levels follow.
const SETTLED_PX: f64 = 0.005;
const SETTLED_COARSE_PX: f64 = 0.1;
/// Tukey's constant: 95 % efficiency on normal errors (Huber, Robust Statistics, 1981).
const TUKEY: f64 = 4.685;
/// A block this many pixels of the level off the others is never an outlier for that alone.
const LEAST_SCALE_PX: f64 = 0.05;
/// Part of the blocks' weight left out of the residual: the worst.
const TRIMMED: f64 = 0.2;

/// What may change beside the shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Freedom {
    pub(super) turn: bool,
    pub(super) growth: bool,
}

/// Refines a motion at one level by Gauss-Newton steps over all blocks at once.
///
/// A block counts by how well it correlates and, in re-weighted least squares, by how well its
/// own shift agrees with the others' (Tukey's biweight): a fault does not pull.
pub(super) fn refine(
    pair: [&Pyramid; 2],
    patches: &mut [Patch],
    start: Motion,
    freedom: Freedom,
) -> Motion {
    let mut motion = start;
    let size = pair[0].size();
    for _ in 0..STEPS {
        let readings = read(patches, &motion);
        let Some(level_px) = patches.first().map(Patch::level_px) else { break };
        let Some(step) = common_step(&readings, &motion.similarity, freedom) else { break };
        // A block's shift is in pixels of its level; angle and scale are the same at all.
        let shift = [0, 1].map(|i| motion.similarity.shift[i] + step[0][i] * level_px);
        let (a, b) = (motion.similarity.a + step[1][0], motion.similarity.b + step[1][1]);
        motion.similarity = Similarity { shift, a, b, ..motion.similarity };
        let corner = size[0].max(size[1]) as f64 / 2.0 / level_px;
        let change = step[0][0].hypot(step[0][1]) + step[1][0].hypot(step[1][1]) * corner;
        if change < if level_px > 1.0 { SETTLED_COARSE_PX } else { SETTLED_PX } {
            break;
        }
        patches.iter_mut().for_each(|patch| patch.follow(pair[1], &motion));
    }
    motion
}

/// Readings of all blocks inside the test frame that have structure.
pub(super) fn read(patches: &[Patch], motion: &Motion) -> Vec<Reading> {
    let useful = patches.iter().filter(|patch| patch.has_structure());
    useful.map(|patch| patch.read(motion)).collect()
}

/// The mean of `1 - correlation` over the blocks, each weighted by its contrast up to what is
/// usual in the frame, without the worst fifth of the weight.
pub(super) fn residual(readings: &[Reading]) -> f64 {
    let mut variances: Vec<f64> = readings.iter().map(|reading| reading.variance).collect();
    variances.sort_by(f64::total_cmp);
    let Some(high) = variances.get(variances.len() * 9 / 10) else { return 1.0 };
    // Blocks of noise alone weigh next to nothing beside blocks with structure.
    let weight = |reading: &Reading| reading.variance / (reading.variance + high / 4.0);
    let mut all: Vec<(f64, f64)> = readings
        .iter()
        .map(|reading| ((1.0 - reading.correlation).clamp(0.0, 1.0), weight(reading)))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut left = all.iter().map(|(_, weight)| weight).sum::<f64>() * (1.0 - TRIMMED);
    let kept = left;
    let mut sum = 0.0;
    for (value, weight) in all {
        let weight = weight.min(left);
        sum += value * weight;
        left -= weight;
    }
    sum / kept
}

/// The weight of a block by how well it correlates: about the inverse of its noise variance.
pub(super) fn trust(reading: &Reading) -> f64 {
    let square = reading.correlation.max(0.0).powi(2);
    square / (1.0 - square + 0.05)
}

/// How far off a reading lies from a shift, in pixels along the directions it can measure.
pub(super) fn distance(reading: &Reading, [x, y]: [f64; 2]) -> f64 {
    let [xx, xy, yy] = reading.h;
    let (dx, dy) = (reading.shift[0] - x, reading.shift[1] - y);
    ((xx * dx * dx + 2.0 * xy * dx * dy + yy * dy * dy) / (xx + yy)).max(0.0).sqrt()
}

/// Tukey's biweights of distances, their scale from the median absolute deviation.
pub(super) fn biweights(distances: &[f64], least_scale: f64) -> Vec<f64> {
    let mut sorted = distances.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let limit = TUKEY * (1.4826 * median).max(least_scale);
    distances.iter().map(|d| (1.0 - (d / limit).powi(2)).max(0.0).powi(2)).collect()
}

/// The change of shift and of `[a, b]` that brings most blocks onto each other.
fn common_step(
    readings: &[Reading],
    motion: &Similarity,
    freedom: Freedom,
) -> Option<[[f64; 2]; 2]> {
    let reach = motion.centre[0].hypot(motion.centre[1]).max(1.0);
    let arms: Vec<[f64; 2]> = readings
        .iter()
        .map(|reading| [0, 1].map(|i| (reading.centre[i] - motion.centre[i]) / reach))
        .collect();
    let mut weights: Vec<f64> = readings.iter().map(trust).collect();
    let mut step = [0.0; 4];
    for _ in 0..3 {
        step = weighted_step(readings, &arms, &weights, freedom)?;
        let moved = |arm: &[f64; 2]| {
            [
                step[0] + step[2] * arm[0] - step[3] * arm[1],
                step[1] + step[2] * arm[1] + step[3] * arm[0],
            ]
        };
        let far: Vec<_> = readings.iter().zip(&arms).map(|(r, a)| distance(r, moved(a))).collect();
        let robust = biweights(&far, LEAST_SCALE_PX);
        weights = readings.iter().zip(robust).map(|(r, w)| trust(r) * w).collect();
    }
    // From pixels of the level at distance `reach` of level 0.
    let unit = reach / readings.first()?.level_px;
    Some([[step[0], step[1]], [step[2] / unit, step[3] / unit]])
}

/// Weighted least squares of the four parameters, `x` and `y` scaled to the frame's half diagonal.
fn weighted_step(
    readings: &[Reading],
    arms: &[[f64; 2]],
    weights: &[f64],
    freedom: Freedom,
) -> Option<[f64; 4]> {
    let free = [true, true, freedom.growth, freedom.turn];
    let mut a = Band::new(4, 3);
    let mut b = vec![0.0; 4];
    let mut information = 0.0;
    for ((reading, [x, y]), weight) in readings.iter().zip(arms).zip(weights) {
        let [xx, xy, yy] = reading.h;
        information += weight * (xx + yy);
        let jacobian = [[1.0, 0.0], [0.0, 1.0], [*x, *y], [-*y, *x]];
        for (i, [jx, jy]) in jacobian.iter().enumerate().filter(|(i, _)| free[*i]) {
            let (hx, hy) = (weight * (xx * jx + xy * jy), weight * (xy * jx + yy * jy));
            b[i] += hx * reading.shift[0] + hy * reading.shift[1];
            for (k, [kx, ky]) in jacobian.iter().enumerate().filter(|(k, _)| free[*k]) {
                a.add(i, k, hx * kx + hy * ky);
            }
        }
    }
    for (i, free) in free.into_iter().enumerate() {
        a.add(i, i, if free { 1e-4 * information } else { 1.0 });
    }
    a.solve(b)?.try_into().ok()
}
