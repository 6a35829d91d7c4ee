use super::components::{self, Component};
use super::difference::{Channel, Difference, Reach};
use super::lighting::Lighting;
use super::plane::{self, Plane};
use super::{Region, RegionConfig, grid};
use crate::frame::{Frame, Rect};

/// Noise in grey levels above which both frames are smoothed before they are compared.
const SMOOTHED_FROM: f32 = 2.0;
const FULL_CONTRAST: f32 = 255.0;

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
    let channels: Vec<Channel> = plane::planes(reference, part)
        .into_iter()
        .zip(plane::planes(test, part))
        .map(|(reference, test)| channel(reference, test, config.min_contrast))
        .collect();
    let reach = Reach {
        edge: config.edge_tolerance_px as usize,
        patch: config.patch_tolerance_px as usize,
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
    let tight = grid::tight_around(placed, (config.box_margin_px, config.min_box_px), part);
    let crop = grid::crop_around(tight, config.crop_px, part);
    Region { crop, tight, change: found.excess as f32 / FULL_CONTRAST }
}
