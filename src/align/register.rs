use super::motion::{Motion, Similarity};
use super::patch::{Patch, Reading};
use super::plane::{Plane, Pyramid};
use super::refine::{Freedom, read, refine, residual};
use super::resample::{Interpolation, moved, overlap, resample};
use super::texture::Texture;
use super::{
    AlignConfig, AlignMode, Aligned, Error, LocalShifts, Registration, coarse, local, repeats,
};
use crate::frame::{Frame, Rect};

/// Least columns and rows of a frame that is aligned.
const LEAST_SIDE: u32 = 64;
/// Columns and rows of the level the search starts on, at most.
const COARSE_SIDE: usize = 256;
/// Columns and rows of any level, at least.
const LEAST_LEVEL_SIDE: usize = 40;
/// Pixels per side of a block, and of one in frames narrower than [`NARROW`].
const BLOCK: usize = 32;
const SMALL_BLOCK: usize = 16;
const NARROW: usize = 160;
/// Blocks over the frame that the motion is fitted to and the residual is taken from.
const BLOCKS: usize = 64;
/// Fewer of them with structure than this are sought again on a finer grid.
const ENOUGH_BLOCKS: usize = 24;
const MORE_BLOCKS: usize = 400;
/// Fewer blocks than this with structure do not determine a motion.
const LEAST_BLOCKS: usize = 3;
/// Root mean square distance of the blocks with structure from their middle, as a part of the
/// frame's diagonal, above which they determine angle and size well (0.29 when everywhere).
const WIDE: f64 = 0.2;
/// Otherwise angle and size must make the residual this much smaller to be believed.
const WORTH: f64 = 1.5;
const NEGLIGIBLE: f64 = 0.005;
const ONLY_SHIFT: Freedom = Freedom { turn: false, growth: false };
/// Displacements this close to a whole number of pixels (root mean square over the frame, and
/// anywhere) need no interpolation: it would blur more than it mends.
const WHOLE_PX: f64 = 0.08;
const ANYWHERE_PX: f64 = 0.25;
/// How far the search goes beyond the recipe's limits.
const BEYOND: f64 = 1.25;

/// Brings `test` into the coordinates of `reference`.
///
/// Frames of different size are aligned when the limits of shift and scale can explain the
/// difference. Where a pattern repeats within the limits, what does not repeat decides, else the
/// clearly smaller shift; [`Registration::repeats_at_px`] names the other.
///
/// A frame of two levels (1 bit per pixel, or 8 of which only 0 and 255 occur) is moved to the
/// nearest pixels and keeps its two levels; others are interpolated, at most once, and not at all
/// when they lie within 0.08 px of a whole number of pixels.
///
/// # Errors
/// Every variant of [`Error`]; none of them is a verdict about the part.
pub fn align(reference: &Frame, test: &Frame, config: &AlignConfig) -> Result<Aligned, Error> {
    config.validate()?;
    check_sizes([reference, test], config)?;
    if config.mode == AlignMode::None {
        let registration = Registration::identity(AlignMode::None);
        let overlap = reference.bounds();
        return Ok(Aligned { test: test.clone(), overlap, registration });
    }
    let (motion, registration) = estimate([reference, test], config)?;
    let overlap = overlap(&motion, [test.width() as usize, test.height() as usize]);
    check_overlap(reference, test, overlap, config)?;
    let interpolation = match is_two_level(test) {
        true => Interpolation::Nearest,
        false => Interpolation::Cubic,
    };
    let whole = whole_shift(&motion, interpolation);
    let placed = match whole {
        Some([0, 0]) if sizes(reference) == sizes(test) => Ok(test.clone()),
        Some(by) => moved(test, motion.size, by),
        None => resample(test, &motion, interpolation),
    };
    // The reference has pixels, so the test frame in its size has.
    let placed = placed.map_err(|_| Error::Overlap {
        test: test.origin().to_owned(),
        found: 0.0,
        limit: config.min_overlap_percent,
    })?;
    let registration = Registration { resampled: whole.is_none(), ..registration };
    Ok(Aligned { test: placed, overlap, registration })
}

fn estimate(
    [reference, test]: [&Frame; 2],
    config: &AlignConfig,
) -> Result<(Motion, Registration), Error> {
    let (first, second) = (reference.luma(), test.luma());
    let planes = [Plane::new(&first), Plane::new(&second)];
    let top = top_level(&planes);
    let [one, two] = planes.map(|plane| Pyramid::new(plane, top));
    let pair = [&one, &two];
    let size = one.size();
    let block = if size[0].min(size[1]) < NARROW { SMALL_BLOCK } else { BLOCK };
    let texture = Texture::new(&one, block);
    let freedom = Freedom {
        turn: config.mode != AlignMode::Translation && config.max_rotation_deg > 0.0,
        growth: config.mode != AlignMode::Translation && config.max_scale_percent > 0.0,
    };
    let mut similarity =
        coarse::search(pair, reach(config, freedom)).ok_or_else(|| no_texture(reference, 0))?;
    let refined = |pair, level, centres: Vec<[f64; 2]>, similarity| {
        let motion = Motion::new(similarity, size);
        let patch = |centre| Patch::new(pair, level, (centre, block), &motion);
        let mut patches: Vec<_> = centres.into_iter().map(patch).collect();
        let similarity = refine(pair, &mut patches, motion, freedom).similarity;
        (similarity, patches)
    };
    let mut readings = Vec::new();
    // The local field goes on from there to full size.
    let finest = usize::from(config.mode == AlignMode::Local).min(top);
    for level in (0..=top).rev().step_by(2).filter(|level| *level > finest) {
        (similarity, _) = refined(pair, level, texture.pick(block << level, BLOCKS), similarity);
    }
    let mut patches = Vec::new();
    for count in [BLOCKS, MORE_BLOCKS] {
        let centres = texture.pick(block << finest, count);
        (similarity, patches) = refined(pair, finest, centres, similarity);
        readings = read(&patches, &Motion::new(similarity, size));
        if readings.len() >= ENOUGH_BLOCKS {
            break;
        }
    }
    if freedom != ONLY_SHIFT {
        similarity = simplest(pair, &mut patches, similarity);
        readings = read(&patches, &Motion::new(similarity, size));
    }
    let shown = readings.iter().filter(|reading| !reading.blank).count();
    if shown < LEAST_BLOCKS {
        let blank = if readings.len() < LEAST_BLOCKS { reference } else { test };
        return Err(no_texture(blank, shown));
    }
    check_residual(&readings, test, config)?;
    check_limits(&similarity, test, config)?;
    let limit = (f64::from(config.max_shift_px), test.origin());
    let settled = repeats::settle(pair, &texture, block, similarity, limit)?;
    let mut motion = Motion::new(settled.similarity, size);
    if config.mode == AlignMode::Local {
        let limits = (config.max_local_px, block);
        (motion, readings) = local::estimate(pair, &texture, settled.similarity, limits);
        check_local(motion.local.as_ref(), test, config)?;
    } else if settled.similarity != similarity {
        patches.iter_mut().for_each(|patch| patch.recut(pair[1], &motion));
        readings = read(&patches, &motion);
    }
    let residual = check_residual(&readings, test, config)?;
    let registration = Registration {
        shift_px: motion.similarity.shift.map(|x| x as f32),
        rotation_deg: motion.similarity.rotation_deg() as f32,
        scale: motion.similarity.scale() as f32,
        local: motion.local.clone(),
        residual: Some(residual),
        repeats_at_px: settled.other.map(|shift| shift.map(|x| x as f32)),
        ..Registration::identity(config.mode)
    };
    Ok((motion, registration))
}

/// The motion without rotation and change of size, unless these are well determined or needed.
///
/// Where all structure is in one corner, wider or narrower edges look like a change of size, which
/// would move the rest of the frame.
fn simplest(pair: [&Pyramid; 2], patches: &mut [Patch], found: Similarity) -> Similarity {
    let size = pair[0].size();
    let with_structure = patches.iter().filter(|patch| patch.has_structure());
    let centres: Vec<[f64; 2]> = with_structure.map(|patch| patch.centre).collect();
    let count = centres.len().max(1) as f64;
    let mean = [0, 1].map(|i| centres.iter().map(|centre| centre[i]).sum::<f64>() / count);
    let square = |centre: &[f64; 2]| (centre[0] - mean[0]).powi(2) + (centre[1] - mean[1]).powi(2);
    let spread = (centres.iter().map(square).sum::<f64>() / count).sqrt();
    if spread > WIDE * (size[0] as f64).hypot(size[1] as f64) {
        return found;
    }
    let [x, y] = found.apply(mean);
    let start = Similarity::identity(size).shifted([x - mean[0], y - mean[1]]);
    let shifted = refine(pair, patches, Motion::new(start, size), ONLY_SHIFT);
    let known = residual(&read(patches, &Motion::new(found, size)));
    let simple = residual(&read(patches, &shifted));
    if simple > known * WORTH + NEGLIGIBLE { found } else { shifted.similarity }
}

fn sizes(frame: &Frame) -> [u32; 2] {
    [frame.width(), frame.height()]
}

fn check_sizes([reference, test]: [&Frame; 2], config: &AlignConfig) -> Result<(), Error> {
    let (wanted, found) = (sizes(reference), sizes(test));
    let allowed = match config.mode {
        AlignMode::None => [0.0; 2],
        _ => wanted
            .map(|side| 2.0 * config.max_shift_px + side as f32 * config.max_scale_percent / 100.0),
    };
    if (0..2).any(|i| wanted[i].abs_diff(found[i]) as f32 > allowed[i]) {
        let test = test.origin().to_owned();
        return Err(Error::Sizes { test, test_size: found, reference_size: wanted });
    }
    if config.mode == AlignMode::None {
        return Ok(());
    }
    for frame in [reference, test] {
        let size = sizes(frame);
        if size[0].min(size[1]) < LEAST_SIDE {
            let origin = frame.origin().to_owned();
            return Err(Error::TooSmall { origin, size, limit: LEAST_SIDE });
        }
    }
    Ok(())
}

fn top_level(planes: &[Plane; 2]) -> usize {
    let longest = planes.iter().map(|plane| plane.width.max(plane.height)).max().unwrap_or(0);
    let shortest = planes.iter().map(|plane| plane.width.min(plane.height)).min().unwrap_or(0);
    let mut level = 0;
    while longest >> level > COARSE_SIDE && shortest >> (level + 1) >= LEAST_LEVEL_SIDE {
        level += 1;
    }
    level
}

fn reach(config: &AlignConfig, freedom: Freedom) -> coarse::Reach {
    let [turn, growth] = [freedom.turn, freedom.growth].map(|free| if free { BEYOND } else { 0.0 });
    coarse::Reach {
        shift: BEYOND * f64::from(config.max_shift_px) + 2.0,
        turn: turn * f64::from(config.max_rotation_deg).to_radians().tan(),
        growth: growth * f64::from(config.max_scale_percent) / 100.0,
    }
}

fn check_residual(readings: &[Reading], test: &Frame, config: &AlignConfig) -> Result<f32, Error> {
    let (residual, limit) = (residual(readings) as f32, config.max_residual);
    if residual <= limit {
        return Ok(residual);
    }
    Err(Error::NotAligned { test: test.origin().to_owned(), residual, limit })
}

fn check_limits(found: &Similarity, test: &Frame, config: &AlignConfig) -> Result<(), Error> {
    let shift = found.shift[0].hypot(found.shift[1]) as f32;
    let growth = 100.0 * (found.scale() as f32 - 1.0).abs();
    let turn = found.rotation_deg().abs() as f32;
    for (quantity, found, limit, unit) in [
        ("shift", shift, config.max_shift_px, "px"),
        ("rotation", turn, config.max_rotation_deg, "degrees"),
        ("change of size", growth, config.max_scale_percent, "%"),
    ] {
        if found > limit {
            return Err(Error::Beyond {
                test: test.origin().to_owned(),
                quantity,
                found,
                limit,
                unit,
            });
        }
    }
    Ok(())
}

fn check_local(
    field: Option<&LocalShifts>,
    test: &Frame,
    config: &AlignConfig,
) -> Result<(), Error> {
    let (found, limit) = (field.map_or(0.0, LocalShifts::max_px), config.max_local_px);
    if found <= limit {
        return Ok(());
    }
    let (test, quantity, unit) = (test.origin().to_owned(), "local shift", "px");
    Err(Error::Beyond { test, quantity, found, limit, unit })
}

fn check_overlap(
    reference: &Frame,
    test: &Frame,
    overlap: Rect,
    config: &AlignConfig,
) -> Result<(), Error> {
    let found = 100.0 * overlap.area() as f32 / reference.bounds().area() as f32;
    let limit = config.min_overlap_percent;
    if found >= limit && !overlap.is_empty() {
        return Ok(());
    }
    Err(Error::Overlap { test: test.origin().to_owned(), found, limit })
}

/// The shift common to the whole frame if it is a whole number of pixels, or rounds to one where
/// pixels are only moved.
fn whole_shift(motion: &Motion, interpolation: Interpolation) -> Option<[i64; 2]> {
    let extremes = motion.extremes();
    let mean = [0, 1].map(|i| extremes.iter().map(|d| d[i]).sum::<f64>() / extremes.len() as f64);
    let by = mean.map(f64::round);
    let off = |d: &[f64; 2]| (d[0] - by[0]).abs().max((d[1] - by[1]).abs());
    let most = extremes.iter().map(off).fold(0.0, f64::max);
    let mean_square = extremes.iter().map(|d| off(d).powi(2)).sum::<f64>() / extremes.len() as f64;
    let whole = match interpolation {
        Interpolation::Nearest => most < 0.5,
        Interpolation::Cubic => mean_square.sqrt() < WHOLE_PX && most < ANYWHERE_PX,
    };
    whole.then(|| by.map(|x| x as i64))
}

fn is_two_level(frame: &Frame) -> bool {
    frame.bit_depth() == 1 || frame.luma().iter().all(|value| matches!(value, 0 | 255))
}

fn no_texture(frame: &Frame, found: usize) -> Error {
    Error::NoTexture { origin: frame.origin().to_owned(), found, limit: LEAST_BLOCKS }
}
