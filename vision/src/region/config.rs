use serde::{Deserialize, Serialize};

use super::Error;

/// The largest sides and distances a recipe may ask for, in pixels.
const MAX_PX: u32 = 16_384;
/// Beyond this the tolerance swallows every fault a line camera can show.
const MAX_EDGE_TOLERANCE_PX: u32 = 16;
/// Faults further apart are two faults, whatever the resolution.
const MAX_MERGE_PX: u32 = 256;
/// More crops than any box could embed in the time of one part.
const MAX_REGIONS: usize = 65_536;

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionMode {
    /// One region: the whole overlap, whatever its size.
    Frame,
    /// Squares of `crop_px` on a grid, at native resolution.
    Tiles,
    /// Squares of `crop_px` around what differs, at native resolution.
    #[default]
    Changes,
}

/// The `[region]` section of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegionConfig {
    /// Where to look.
    pub mode: RegionMode,
    /// Side of the native-resolution square that is embedded, 8 to 16384.
    pub crop_px: u32,
    /// From one tile to the next, 1 to `crop_px`; the last tile of a row is moved inside.
    pub tile_stride_px: u32,
    /// How far an edge of the part may move before it counts as a change, 0 to 16; a rim of this
    /// width around the overlap is not judged, since an edge beyond it could explain anything there.
    pub edge_tolerance_px: u32,
    /// How far a patch of the part (32 px) may be displaced before it counts as a change, 0 to 16;
    /// registration leaves such displacements where parts warp.
    pub patch_tolerance_px: u32,
    /// Grey levels (1 to 255) by which a pixel must leave its tolerance to count; absent: from the
    /// noise of the pair.
    pub min_contrast: Option<u8>,
    /// Changed pixels a fault must have, those within the edge tolerance not counted; at least 1.
    pub min_area_px: u32,
    /// Changes at most this far apart are one fault.
    pub merge_distance_px: u32,
    /// Added around the changed pixels on each side to make the tight box; by default 10, as the
    /// boxes of DeepPCB are drawn (median margin 9 to 10 px on every side).
    pub box_margin_px: u32,
    /// Smaller tight boxes grow to this side; by default 25, the smallest side in DeepPCB.
    pub min_box_px: u32,
    /// The most regions of one pair; what is left out is counted in [`Regions::omitted`].
    ///
    /// [`Regions::omitted`]: super::Regions::omitted
    pub max_regions: usize,
    /// The longest side of a change that a crop can still show, in pixels; absent: 4 times
    /// `crop_px`. A part with a larger one, or with more changes than the next key allows, is a
    /// mismatch or not inspected, and never passes.
    pub max_change_px: Option<u32>,
    /// The largest share of the frame that may differ, in percent, 1 to 100: beyond it is another
    /// part, or another light.
    pub max_changed_percent: u32,
    /// Ways to lay a crop down that are embedded and averaged: 1 as it is, 4 with its quarter turns, 8
    /// with those of its mirror image too. For products whose faults are the same any way up; each
    /// way costs as much time as the first.
    // Left out of the text that thresholds are tied to where it changes nothing.
    #[serde(skip_serializing_if = "is_one")]
    pub views: u32,
}

impl Default for RegionConfig {
    fn default() -> Self {
        Self {
            mode: RegionMode::Changes,
            crop_px: 64,
            tile_stride_px: 48,
            edge_tolerance_px: 2,
            patch_tolerance_px: 4,
            min_contrast: None,
            min_area_px: 1,
            merge_distance_px: 3,
            box_margin_px: 10,
            min_box_px: 25,
            max_regions: 256,
            max_change_px: None,
            max_changed_percent: 25,
            views: 1,
        }
    }
}

impl RegionConfig {
    /// Checks every value against its range and the others.
    ///
    /// # Errors
    /// [`Error::BadConfig`] for the first value out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let px = |key, value: u32, least, most| in_range(key, value.into(), least, most);
        px("crop_px", self.crop_px, 8, MAX_PX)?;
        px("tile_stride_px", self.tile_stride_px, 1, self.crop_px)?;
        px("edge_tolerance_px", self.edge_tolerance_px, 0, MAX_EDGE_TOLERANCE_PX)?;
        px("patch_tolerance_px", self.patch_tolerance_px, 0, MAX_EDGE_TOLERANCE_PX)?;
        px("min_contrast", self.min_contrast.unwrap_or(1).into(), 1, 255)?;
        px("min_area_px", self.min_area_px, 1, MAX_PX)?;
        px("merge_distance_px", self.merge_distance_px, 0, MAX_MERGE_PX)?;
        px("box_margin_px", self.box_margin_px, 0, MAX_PX)?;
        px("min_box_px", self.min_box_px, 0, MAX_PX)?;
        px("max_change_px", self.max_change_px(), self.crop_px, MAX_PX)?;
        px("max_changed_percent", self.max_changed_percent, 1, 100)?;
        if ![1, 4, 8].contains(&self.views) {
            let (key, found) = ("views", self.views.into());
            return Err(Error::BadConfig { key, found, expected: "1, 4 or 8".to_owned() });
        }
        in_range("max_regions", self.max_regions as u64, 1, MAX_REGIONS as u32)
    }

    /// The longest side of a change that can be judged, in pixels.
    pub fn max_change_px(&self) -> u32 {
        self.max_change_px.unwrap_or((4 * self.crop_px).min(MAX_PX))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_one(views: &u32) -> bool {
    *views == 1
}

fn in_range(key: &'static str, found: u64, least: u32, most: u32) -> Result<(), Error> {
    if (u64::from(least)..=u64::from(most)).contains(&found) {
        return Ok(());
    }
    Err(Error::BadConfig { key, found, expected: format!("from {least} to {most}") })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_survive_toml() {
        let config = RegionConfig::default();
        config.validate().unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<RegionConfig>(&text).unwrap(), config);
    }

    #[test]
    fn unknown_keys_and_modes_are_refused() {
        for bad in ["crop = 64", "mode = \"everywhere\"", "min_contrast = 300", "crop_px = -1"] {
            assert!(toml::from_str::<RegionConfig>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_out_of_range_are_named() {
        let odd: RegionConfig = toml::from_str("views = 2").unwrap();
        let message = odd.validate().unwrap_err().to_string();
        assert!(message.starts_with("region.views = 2: 1, 4 or 8"), "{message}");
        for bad in [
            "crop_px = 7",
            "tile_stride_px = 0",
            "tile_stride_px = 65",
            "edge_tolerance_px = 17",
            "patch_tolerance_px = 17",
            "min_contrast = 0",
            "min_area_px = 0",
            "merge_distance_px = 257",
            "box_margin_px = 16385",
            "min_box_px = 16385",
            "max_regions = 0",
            "max_change_px = 63",
            "max_changed_percent = 101",
        ] {
            let config: RegionConfig = toml::from_str(bad).unwrap();
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with(&format!("region.{bad}: from ")), "{message}");
        }
    }
}
