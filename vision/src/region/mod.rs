//! Where to look: the crops of a pair that are worth an embedding.
//!
//! Owns [`RegionConfig`] and the three ways to choose regions: the whole frame, tiles at native
//! resolution, and crops around what differs once the pair is registered. A difference counts when
//! it survives a tolerance for moved edges, a local correction of brightness and the noise.
//!
//! It does not register frames, embeds nothing, and leaves it to others whether a change is a fault.

mod changes;
mod components;
mod config;
mod crops;
mod difference;
mod error;
mod lighting;
mod plane;
mod sample;
mod shift;
mod tolerance;

#[cfg(test)]
mod scene;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use config::{RegionConfig, RegionMode};
pub use error::Error;

use crate::frame::{Frame, Rect};

/// A part of both frames that is judged on its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// What is embedded from both frames, inside them: a square of `crop_px` or, around a larger
    /// change, of its longer side; narrower only where the frame is.
    pub crop: Rect,
    /// What differs, with `box_margin_px` around it; equals `crop` for frame and tiles.
    pub tight: Rect,
    /// Evidence of change: the sum over its changed pixels of the contrast beyond the tolerance,
    /// in units of full contrast (255 grey levels); 0 for frame and tiles.
    pub change: f32,
}

/// The regions of one pair.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Regions {
    /// Strongest change first; frame and tiles row by row. Ties are ordered by row, then column.
    pub regions: Vec<Region>,
    /// Regions found beyond `max_regions`. A part with any must not pass.
    pub omitted: usize,
}

/// The regions of an aligned pair inside `overlap`, the part of the frames that shows both.
///
/// # Errors
/// [`Error::SizeMismatch`], [`Error::NoOverlap`], with [`RegionMode::Changes`] [`Error::TooSmall`],
/// and [`Error::BadConfig`] for a section that was not validated.
pub fn regions(
    reference: &Frame,
    test: &Frame,
    overlap: Rect,
    config: &RegionConfig,
) -> Result<Regions, Error> {
    config.validate()?;
    same_size(reference, test)?;
    let inside = overlap.intersection(&test.bounds());
    if inside.is_empty() {
        return Err(Error::NoOverlap { origin: test.origin().to_owned(), overlap: overlap.into() });
    }
    let mut regions = match config.mode {
        RegionMode::Frame => crops::frame(inside),
        RegionMode::Tiles => crops::tiles(inside, config.crop_px, config.tile_stride_px),
        RegionMode::Changes => {
            changes::check_size(test, inside, config.edge_tolerance_px)?;
            changes::propose(reference, test, inside, config)
        }
    };
    let omitted = regions.len().saturating_sub(config.max_regions);
    regions.truncate(config.max_regions);
    Ok(Regions { regions, omitted })
}

/// The difference of a pair for people: a grey image of the size of the frames, 0 where they agree
/// within the tolerance, from 64 on brighter the further they are apart.
///
/// It shows what [`RegionMode::Changes`] would find, whatever the mode of `config`, before changes
/// are merged or left out as too small.
///
/// # Errors
/// [`Error::SizeMismatch`], [`Error::TooSmall`], and [`Error::BadConfig`] for a section that was not
/// validated.
pub fn difference_map(
    reference: &Frame,
    test: &Frame,
    config: &RegionConfig,
) -> Result<image::GrayImage, Error> {
    config.validate()?;
    same_size(reference, test)?;
    changes::check_size(test, test.bounds(), config.edge_tolerance_px)?;
    Ok(changes::map(reference, test, config))
}

fn same_size(reference: &Frame, test: &Frame) -> Result<(), Error> {
    let size = |frame: &Frame| (frame.width(), frame.height());
    if size(reference) == size(test) {
        return Ok(());
    }
    Err(Error::SizeMismatch {
        reference: reference.origin().to_owned(),
        reference_px: size(reference),
        test: test.origin().to_owned(),
        test_px: size(test),
    })
}
