use super::estimate::estimate;
use super::limits::{Limits, sizes};
use super::motion::Motion;
use super::resample::{Interpolation, moved, overlap, resample};
use super::{AlignConfig, AlignMode, Aligned, Error, Registration};
use crate::frame::{Frame, Pixels};

/// Displacements this close to a whole number of pixels (root mean square over the frame, and
/// anywhere) need no interpolation: it would blur more than it mends.
const WHOLE_PX: f64 = 0.08;
const ANYWHERE_PX: f64 = 0.25;

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
    let limits = Limits { config, reference, test };
    limits.check_sizes()?;
    if config.mode == AlignMode::None {
        let registration = Registration::identity(AlignMode::None);
        let overlap = reference.bounds();
        return Ok(Aligned { test: test.clone(), overlap, registration });
    }
    let (motion, registration) = estimate(limits)?;
    let overlap = overlap(&motion, sizes(test).map(|side| side as usize));
    limits.check_overlap(overlap)?;
    let interpolation = match is_two_level(test) {
        true => Interpolation::Nearest,
        false => Interpolation::Cubic,
    };
    let whole = whole_shift(&motion, interpolation);
    let placed = match whole {
        Some([0, 0]) if sizes(reference) == sizes(test) => test.clone(),
        Some(by) => moved(test, motion.size, by),
        None => resample(test, &motion, interpolation),
    };
    let registration = Registration { resampled: whole.is_none(), ..registration };
    Ok(Aligned { test: placed, overlap, registration })
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
    let all = match frame.pixels() {
        Pixels::Gray(image) => image.as_raw(),
        Pixels::Rgb(image) => image.as_raw(),
    };
    frame.bit_depth() == 1 || all.iter().all(|value| matches!(value, 0 | 255))
}
