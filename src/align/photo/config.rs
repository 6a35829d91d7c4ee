use serde::{Deserialize, Serialize};

use crate::align::{Error, PhotoFigures};

/// The `[photo]` section of a recipe: the conditions a photo must have been taken in.
///
/// Every limit is optional; without any, only photos nothing can be judged on are faulted (no
/// contrast at all, everything saturated).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PhotoConfig {
    /// Which figures make sense.
    pub profile: PhotoProfile,
    /// Least mean brightness, 0 to 255.
    pub min_mean: Option<f32>,
    /// Largest mean brightness, 0 to 255.
    pub max_mean: Option<f32>,
    /// Least contrast (99th minus 1st percentile of brightness), 0 to 255.
    pub min_contrast: Option<f32>,
    /// Largest part of the pixels at 0, in percent.
    pub max_black_percent: Option<f32>,
    /// Largest part of the pixels at 255, in percent.
    pub max_white_percent: Option<f32>,
    /// Largest width of edges, in pixels: focus and motion blur.
    pub max_edge_width_px: Option<f32>,
    /// Largest standard deviation of the noise, in grey levels.
    pub max_noise: Option<f32>,
    /// Largest unevenness of the lighting, in percent.
    pub max_unevenness_percent: Option<f32>,
    /// Largest part of the pixels that differ from all four neighbours, in percent; profile `binary`.
    pub max_specks_percent: Option<f32>,
    /// Least part of white pixels, in percent; profile `binary`.
    pub min_white_percent: Option<f32>,
}

/// Which figures of a photo make sense.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PhotoProfile {
    /// `binary` when the source has 1 bit per pixel or only two levels, else `grey`.
    #[default]
    Auto,
    /// Grey or colour: exposure, saturation, contrast, focus, noise, lighting.
    Grey,
    /// Two levels: part of white, isolated specks.
    Binary,
}

impl PhotoConfig {
    /// Checks every value against its range.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first key out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let percent = [0.0, 100.0];
        let level = [0.0, 255.0];
        for (key, value, range) in [
            ("min_mean", self.min_mean, level),
            ("max_mean", self.max_mean, level),
            ("min_contrast", self.min_contrast, level),
            ("max_black_percent", self.max_black_percent, percent),
            ("max_white_percent", self.max_white_percent, percent),
            ("max_edge_width_px", self.max_edge_width_px, [1.0, 64.0]),
            ("max_noise", self.max_noise, level),
            ("max_unevenness_percent", self.max_unevenness_percent, [0.0, 200.0]),
            ("max_specks_percent", self.max_specks_percent, percent),
            ("min_white_percent", self.min_white_percent, percent),
        ] {
            if let Some(found) = value
                && !(range[0]..=range[1]).contains(&found)
            {
                return Err(Error::Config { section: "photo", key, found, range });
            }
        }
        Ok(())
    }

    /// Limits around the figures of a good photo, to start a recipe with.
    pub fn around(_figures: &PhotoFigures) -> Self {
        Self::default()
    }
}
