use serde::{Deserialize, Serialize};

use super::Error;

/// The `[align]` section of a recipe: what may move between the two frames, and how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignConfig {
    /// What is estimated.
    pub mode: AlignMode,
    /// Largest shift of the test frame's centre, in pixels of the reference, 0 to 1024.
    ///
    /// On a periodic pattern nothing but this limit tells one period from the next: keep it below
    /// half the period where the fixture allows it.
    pub max_shift_px: f32,
    /// Largest rotation either way, in degrees, 0 to 10.
    pub max_rotation_deg: f32,
    /// Largest change of size either way, in percent, 0 to 10.
    pub max_scale_percent: f32,
    /// Largest local shift on top of shift, rotation and scale, in pixels, 0 to 16; mode `local`.
    pub max_local_px: f32,
    /// Largest residual accepted after alignment, above 0 and below 1; see
    /// [`Registration::residual`](super::Registration::residual).
    pub max_residual: f32,
    /// Least part of the reference that the aligned test frame must cover, in percent, 1 to 100.
    ///
    /// What it does not cover is not judged: frame the part with a rim that holds nothing of it.
    pub min_overlap_percent: f32,
}

/// What registration estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AlignMode {
    /// Nothing: the frames are compared as they are, and their sizes must be equal.
    None,
    /// A shift.
    Translation,
    /// A shift, a small rotation and a small change of size.
    Similarity,
    /// A similarity, then a smooth field of local shifts: boards that warp, scans that drift.
    Local,
}

impl Default for AlignConfig {
    fn default() -> Self {
        Self {
            mode: AlignMode::Local,
            max_shift_px: 24.0,
            max_rotation_deg: 3.0,
            max_scale_percent: 3.0,
            max_local_px: 8.0,
            max_residual: 0.4,
            min_overlap_percent: 95.0,
        }
    }
}

impl AlignConfig {
    /// Checks every value against its range.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first key out of range.
    pub fn validate(&self) -> Result<(), Error> {
        within("max_shift_px", self.max_shift_px, [0.0, 1024.0])?;
        within("max_rotation_deg", self.max_rotation_deg, [0.0, 10.0])?;
        within("max_scale_percent", self.max_scale_percent, [0.0, 10.0])?;
        within("max_local_px", self.max_local_px, [0.0, 16.0])?;
        within("max_residual", self.max_residual, [0.01, 0.99])?;
        within("min_overlap_percent", self.min_overlap_percent, [1.0, 100.0])
    }
}

fn within(key: &'static str, found: f32, range: [f32; 2]) -> Result<(), Error> {
    if (range[0]..=range[1]).contains(&found) {
        return Ok(());
    }
    Err(Error::Config { section: "align", key, found, range })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_survive_a_round_trip() {
        let config = AlignConfig::default();
        config.validate().unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<AlignConfig>(&text).unwrap(), config);
        assert_eq!(toml::from_str::<AlignConfig>("").unwrap(), config);
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = toml::from_str::<AlignConfig>("max_shift = 3.0").unwrap_err();
        assert!(error.to_string().contains("max_shift"), "{error}");
    }

    #[test]
    fn values_out_of_range_and_nan_are_refused_by_key() {
        for (text, key) in [
            ("max_shift_px = -1.0", "max_shift_px"),
            ("max_shift_px = nan", "max_shift_px"),
            ("max_rotation_deg = 10.5", "max_rotation_deg"),
            ("max_scale_percent = inf", "max_scale_percent"),
            ("max_local_px = 17", "max_local_px"),
            ("max_residual = 1.0", "max_residual"),
            ("min_overlap_percent = 0", "min_overlap_percent"),
        ] {
            let error = toml::from_str::<AlignConfig>(text).unwrap().validate().unwrap_err();
            assert!(error.to_string().contains(key), "{text}: {error}");
        }
    }
}
