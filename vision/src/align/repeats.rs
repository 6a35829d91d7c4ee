use rustfft::num_complex::Complex32;

use super::Error;
use super::correlate::Correlator;
use super::motion::{Motion, Similarity};
use super::patch::{Patch, Reading};
use super::plane::{Plane, Pyramid, to_level};
use super::refine::{Freedom, read, refine};
use super::texture::Texture;

/// Least and largest period looked for in pixels of a level; one level in two covers all.
const LEAST_REACH: usize = 16;
const MOST_REACH: usize = 48;
/// Pixels of the level per side of a correlated block.
const BLOCK: usize = 32;
/// Blocks correlated per level.
const BLOCKS: usize = 9;
/// Shifts below this many pixels of the level are the same peak.
const LEAST_PERIOD: i64 = 2;
/// A second peak of the summed correlation at least this high against the first is a candidate.
const LEAST_PEAK: f32 = 0.7;
/// Blocks that a candidate is tried on first.
const SCREENING_BLOCKS: usize = 16;
/// Candidates examined.
const CANDIDATES: usize = 4;
/// Mean `1 - correlation` this many times as large, and this much on top, settles that a candidate
/// does not fit.
const CLEARLY_WORSE: [f64; 2] = [1.5, 0.03];
/// Cosine of the angle between two directions that count as one.
const SAME_DIRECTION: f64 = 0.94;
/// Blocks of the whole frame that decide between candidates which fit nearly as well.
const EVIDENCE_BLOCKS: usize = 400;
/// Columns and rows of the level that is used for it, at most.
const EVIDENCE_SIDE: usize = 1024;
/// Standard errors by which the summed evidence must differ from 0.
const SIGNIFICANT: f64 = 5.0;
/// Part of the squared error by which it must differ at least: interpolation is not exact.
const RELEVANT: f64 = 0.03;
/// Part of it that settles the matter whatever the noise.
const CLEAR: f64 = 0.5;
/// A shift at most this part of the other is clearly the smaller.
const CLEARLY_SMALLER: f64 = 0.5;

/// What a check for repeating patterns concludes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Settled {
    pub(super) similarity: Similarity,
    /// A shift that fits as well and was not taken.
    pub(super) other: Option<[f64; 2]>,
}

/// Looks for other shifts within the limit that fit as well as the one found.
///
/// Blocks correlated with the aligned test frame at every other level, fine to coarse, show the
/// periods of the pattern as further peaks. Where such a peak holds up, blocks over the whole
/// frame are compared under both shifts: what does not repeat (a mark, the pattern's edge) decides;
/// without it the clearly smaller shift is taken, and if neither is, the pair is refused.
///
/// # Errors
/// [`Error::Ambiguous`].
pub(super) fn settle(
    pair: [&Pyramid; 2],
    texture: &Texture,
    block: usize,
    found: Similarity,
    (max_shift, origin): (f64, &str),
) -> Result<Settled, Error> {
    let size = pair[0].size();
    let at_first = Motion::new(found, size);
    let centres = texture.pick(block, SCREENING_BLOCKS);
    let patch = |centre| Patch::new(pair, 0, (centre, block), &at_first);
    let mut patches: Vec<_> = centres.into_iter().map(patch).collect();
    let mut settled = Settled { similarity: found, other: None };
    // Directions along which nothing distinguishes one shift from another.
    let mut edges: Vec<[f64; 2]> = Vec::new();
    let top = pair[0].top();
    for level in (0..=top).filter(|level| level % 2 == 0 || *level == top) {
        // A coarse level sees further; the coarsest as far as another shift could lie.
        let least = if level == top { (2.0 * max_shift) as usize >> level } else { 0 };
        let reach = least.clamp(LEAST_REACH, MOST_REACH);
        for period in candidates(pair, texture, (level, reach), found) {
            let start = found.shifted(period);
            let known = edges.iter().any(|edge| cosine(*edge, period).abs() > SAME_DIRECTION);
            if known || start.shift[0].hypot(start.shift[1]) > max_shift {
                continue;
            }
            let Some(other) = fits(pair, &mut patches, [settled.similarity, start]) else {
                continue;
            };
            let evidence = |other| compare(pair, texture, [settled.similarity, other], size);
            settled = match evidence(other) {
                Evidence::ForFirst => settled,
                Evidence::ForSecond => Settled { similarity: other, other: None },
                Evidence::Neither => {
                    let none = without(settled.similarity, other);
                    match evidence(none) {
                        Evidence::ForFirst => smaller(settled.similarity, other, origin)?,
                        _ => {
                            edges.push(period);
                            Settled { similarity: none, other: None }
                        }
                    }
                }
            }
        }
    }
    Ok(settled)
}

enum Evidence {
    ForFirst,
    ForSecond,
    Neither,
}

fn cosine(p: [f64; 2], q: [f64; 2]) -> f64 {
    (p[0] * q[0] + p[1] * q[1]) / (p[0].hypot(p[1]) * q[0].hypot(q[1]))
}

/// The first motion less its part along the way to the second.
///
/// Along a straight edge there is no period, every shift fits, and none is the right one.
fn without(first: Similarity, second: Similarity) -> Similarity {
    let (x, y) = (second.shift[0] - first.shift[0], second.shift[1] - first.shift[1]);
    let part = (first.shift[0] * x + first.shift[1] * y) / (x * x + y * y);
    first.shifted([-part * x, -part * y])
}

fn smaller(first: Similarity, second: Similarity, origin: &str) -> Result<Settled, Error> {
    let (p, q) = (first.shift, second.shift);
    let (vx, vy) = (q[0] - p[0], q[1] - p[1]);
    // Only the part along the period is in doubt.
    let along = |shift: [f64; 2]| (shift[0] * vx + shift[1] * vy).abs();
    if along(p) <= CLEARLY_SMALLER * along(q) {
        return Ok(Settled { similarity: first, other: Some(q) });
    }
    if along(q) <= CLEARLY_SMALLER * along(p) {
        return Ok(Settled { similarity: second, other: Some(p) });
    }
    let as_f32 = |shift: [f64; 2]| shift.map(|x| x as f32);
    Err(Error::Ambiguous { test: origin.to_owned(), first: as_f32(p), second: as_f32(q) })
}

/// The second motion refined, if the blocks correlate nearly as well under it.
fn fits(
    pair: [&Pyramid; 2],
    patches: &mut [Patch],
    [first, second]: [Similarity; 2],
) -> Option<Similarity> {
    let size = pair[0].size();
    let reference = Motion::new(first, size);
    let known = mean_correlation(&read(patches, &reference));
    let start = Motion::new(second, size);
    patches.iter_mut().for_each(|patch| patch.recut(pair[1], &start));
    let only_shift = Freedom { turn: false, growth: false };
    let other = refine(pair, patches, start, only_shift);
    let found = mean_correlation(&read(patches, &other));
    patches.iter_mut().for_each(|patch| patch.recut(pair[1], &reference));
    let apart = [0, 1].map(|i| other.similarity.shift[i] - first.shift[i]);
    let same = apart[0].hypot(apart[1]) < LEAST_PERIOD as f64;
    let worse = 1.0 - found > CLEARLY_WORSE[0] * (1.0 - known) + CLEARLY_WORSE[1];
    (!same && !worse).then_some(other.similarity)
}

fn mean_correlation(readings: &[Reading]) -> f64 {
    let sum: f64 = readings.iter().map(|reading| reading.correlation.max(0.0)).sum();
    sum / readings.len().max(1) as f64
}

/// Compares what blocks over the whole frame leave unexplained under two motions.
fn compare(
    pair: [&Pyramid; 2],
    texture: &Texture,
    motions: [Similarity; 2],
    size: [usize; 2],
) -> Evidence {
    let longest = size[0].max(size[1]);
    let level = (0..=pair[0].top()).find(|level| longest >> level <= EVIDENCE_SIDE);
    let level = level.unwrap_or(pair[0].top());
    let side = BLOCK.min(size[0].min(size[1]) >> level);
    let [first, second] = motions.map(|similarity| Motion::new(similarity, size));
    let mut differences = Vec::new();
    let mut total = 0.0;
    for centre in texture.pick(side << level, EVIDENCE_BLOCKS) {
        let mut patch = Patch::new(pair, level, (centre, side), &first);
        let one = patch.has_structure().then(|| patch.read(&first));
        patch.recut(pair[1], &second);
        let other = patch.has_structure().then(|| patch.read(&second));
        if let (Some(one), Some(other)) = (one, other) {
            let [one, other] = [one, other].map(|r| r.variance * (1.0 - r.correlation.max(0.0)));
            differences.push(other - one);
            total += (one + other) / 2.0;
        }
    }
    weigh(&differences, total)
}

/// Whether differences of squared errors, of `total` on the whole, speak for the first motion.
fn weigh(differences: &[f64], total: f64) -> Evidence {
    let sum: f64 = differences.iter().sum();
    let middle = median(differences.to_vec());
    let deviation = median(differences.iter().map(|d| (d - middle).abs()).collect());
    let noise = 1.4826 * deviation * (differences.len() as f64).sqrt();
    let decided = sum.abs() > SIGNIFICANT * noise + RELEVANT * total || sum.abs() > CLEAR * total;
    match decided {
        false => Evidence::Neither,
        true if sum > 0.0 => Evidence::ForFirst,
        true => Evidence::ForSecond,
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Shifts of the aligned test frame, in pixels of level 0, at which blocks of the reference
/// correlate nearly as well as at none: those nearest to none, and the one that leaves least.
fn candidates(
    pair: [&Pyramid; 2],
    texture: &Texture,
    (level, reach): (usize, usize),
    found: Similarity,
) -> Vec<[f64; 2]> {
    let [reference, test] = pair.map(|pyramid| pyramid.level(level));
    if reference.width.min(reference.height) < BLOCK {
        return Vec::new();
    }
    let window_side = (BLOCK + 2 * reach).next_power_of_two();
    let mut correlator = Correlator::new(window_side);
    for centre in texture.pick(BLOCK << level, BLOCKS) {
        let start = |point: [f64; 2], side: usize| {
            point.map(|x| (to_level(x, level) - (side as f64 - 1.0) / 2.0).round() as i64)
        };
        let block = centred(reference, start(centre, BLOCK), BLOCK);
        let window = centred(test, start(found.apply(centre), window_side), window_side);
        correlator.add(|cells| fill(cells, &block, &window));
    }
    let surface = correlator.surface((window_side - BLOCK) / 2);
    let near = [-1, 0, 1].into_iter().flat_map(|y| [-1, 0, 1].map(|x| (x, y)));
    let main = near.filter_map(|(x, y)| surface.at(x, y)).fold(0.0, f32::max);
    if main <= 0.0 {
        return Vec::new();
    }
    let unit = (1_u64 << level) as f64;
    let length = |[x, y]: [f64; 2]| x.hypot(y);
    let mut periods: Vec<[f64; 2]> = surface
        .peaks(LEAST_PEAK * main)
        .into_iter()
        .filter(|([x, y], _)| x.abs() > LEAST_PERIOD || y.abs() > LEAST_PERIOD)
        .map(|(shift, _)| shift.map(|x| x as f64 * unit))
        .collect();
    let rest = |v: &[f64; 2]| length([found.shift[0] + v[0], found.shift[1] + v[1]]);
    let least = periods.iter().copied().min_by(|p, q| rest(p).total_cmp(&rest(q)));
    periods.sort_by(|p, q| length(*p).total_cmp(&length(*q)));
    periods.truncate(CANDIDATES);
    periods.extend(least.filter(|least| !periods.contains(least)));
    periods
}

fn centred(plane: &Plane, [x0, y0]: [i64; 2], side: usize) -> Vec<f32> {
    let last = plane.width as i64 - 1;
    let mut values = Vec::with_capacity(side * side);
    for y in 0..side as i64 {
        let row = plane.row(y0 + y);
        let pixel = |x: i64| f32::from(row[(x0 + x).clamp(0, last) as usize]);
        values.extend((0..side as i64).map(pixel));
    }
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter_mut().for_each(|value| *value -= mean);
    // Each block has one vote, whatever its contrast.
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(1.0);
    values.iter_mut().for_each(|value| *value /= length);
    values
}

fn fill(cells: &mut [Complex32], block: &[f32], window: &[f32]) {
    for (cell, value) in cells.iter_mut().zip(window) {
        cell.im = *value;
    }
    let side = window.len().isqrt();
    let margin = (side - BLOCK) / 2;
    let rows = cells.chunks_exact_mut(side).skip(margin);
    for (row, values) in rows.zip(block.chunks_exact(BLOCK)) {
        for (cell, value) in row[margin..].iter_mut().zip(values) {
            cell.re = *value;
        }
    }
}
