use image::GrayImage;

use super::components::{self, Component};
use super::difference::{Channel, Difference, Reach};
use super::lighting::Lighting;
use super::plane::{self, Plane};
use super::{Error, Region, RegionConfig, crops};
use crate::frame::{Frame, Pixels, Rect};

/// Noise in grey levels above which both frames are smoothed before they are compared.
const SMOOTHED_FROM: f32 = 2.0;
const FULL_CONTRAST: f32 = 255.0;
/// Even the faintest change can be seen on the map, in grey levels.
const SHOWN_FROM: u8 = 64;

/// Refuses a part of which no pixel has its whole tolerance inside.
///
/// # Errors
/// [`Error::TooSmall`].
pub(super) fn check_size(test: &Frame, part: Rect, edge_tolerance_px: u32) -> Result<(), Error> {
    let least = 2 * edge_tolerance_px + 1;
    if part.width.min(part.height) >= least {
        return Ok(());
    }
    let (origin, width, height) = (test.origin().to_owned(), part.width, part.height);
    Err(Error::TooSmall { origin, width, height, edge_tolerance_px, least })
}

/// The changes of a whole pair, for people: see [`super::difference_map`].
pub(super) fn map(reference: &Frame, test: &Frame, config: &RegionConfig) -> GrayImage {
    let difference = difference(reference, test, test.bounds(), config);
    let shown = |pixel: u8| if pixel >= Difference::GROWN { pixel.max(SHOWN_FROM) } else { 0 };
    let pixels = difference.pixels.into_iter().map(shown).collect();
    GrayImage::from_raw(test.width(), test.height(), pixels)
        .expect("the difference has one value for each pixel")
}

/// One region around each change inside `part`, strongest first, ties by row and column.
pub(super) fn propose(
    reference: &Frame,
    test: &Frame,
    part: Rect,
    config: &RegionConfig,
) -> Vec<Region> {
    let difference = difference(reference, test, part, config);
    let found = components::components(&difference, config.merge_distance_px as usize);
    let mut found: Vec<Component> =
        found.into_iter().filter(|found| found.area >= config.min_area_px).collect();
    found.sort_by_key(|found| (std::cmp::Reverse(found.excess), found.bounds.y, found.bounds.x));
    found.iter().map(|found| region(found, part, config)).collect()
}

/// Where the pair differs inside `part`, the changes grown to what the tolerance hid of them.
pub(super) fn difference(
    reference: &Frame,
    test: &Frame,
    part: Rect,
    config: &RegionConfig,
) -> Difference {
    let planes = |frame| match (reference.pixels(), test.pixels()) {
        (Pixels::Gray(_), Pixels::Gray(_)) | (Pixels::Rgb(_), Pixels::Rgb(_)) => {
            plane::planes(frame, part)
        }
        // One camera sees colour, the other does not.
        _ => vec![plane::brightness(frame, part)],
    };
    let channels: Vec<Channel> = planes(reference)
        .into_iter()
        .zip(planes(test))
        .map(|(reference, test)| channel(reference, test, config.min_contrast))
        .collect();
    let reach = Reach {
        edge: config.edge_tolerance_px as usize,
        // A narrow frame shows too little to place a patch far away.
        patch: config.patch_tolerance_px.min(part.width.min(part.height) / 8) as usize,
    };
    let mut difference = Difference::of(&channels, reach);
    components::grow(&mut difference, reach.edge + 1);
    difference
}

fn channel<'a>(reference: Plane<'a>, test: Plane<'a>, min_contrast: Option<u8>) -> Channel<'a> {
    let lighting = Lighting::measure(&reference, &test, min_contrast);
    if lighting.noise() < SMOOTHED_FROM {
        return Channel { reference: lighting.apply(reference), test, lighting };
    }
    let (reference, test) = (reference.smoothed(), test.smoothed());
    let lighting = Lighting::measure(&reference, &test, min_contrast);
    Channel { reference: lighting.apply(reference), test, lighting }
}

fn region(found: &Component, part: Rect, config: &RegionConfig) -> Region {
    let bounds = &found.bounds;
    let placed = Rect::new(part.x + bounds.x, part.y + bounds.y, bounds.width, bounds.height);
    let tight = crops::tight_around(placed, (config.box_margin_px, config.min_box_px), part);
    let crop = crops::crop_around(tight, config.crop_px, part);
    Region { crop, tight, change: found.excess as f32 / FULL_CONTRAST }
}
