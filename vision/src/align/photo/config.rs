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
    /// Least contrast (99.9th minus 0.1th percentile of brightness), 0 to 255.
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
    /// Largest part of the pixels that differ from all four neighbours, in percent.
    pub max_specks_percent: Option<f32>,
    /// Least part of the pixels at 255, in percent.
    pub min_white_percent: Option<f32>,
    /// Largest part of the pixels at neither 0 nor 255, in percent; in profile `binary` 5 if
    /// absent: more is no photo of two levels, but a grey, blurred, dark or fogged one.
    pub max_between_percent: Option<f32>,
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
            ("max_between_percent", self.max_between_percent, percent),
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
    ///
    /// Wide enough for lamps that age and parts that vary, not for a lamp that is off or a lens out
    /// of focus; narrow them with the photos of a few days.
    pub fn around(figures: &PhotoFigures) -> Self {
        let tenth = |value: f32| (value * 10.0).round() / 10.0;
        let percent = |value: f32| Some(tenth((value * 1.5 + 1.0).min(100.0)));
        let grey = figures.profile == PhotoProfile::Grey;
        Self {
            profile: figures.profile,
            min_mean: grey.then_some(tenth(figures.mean * 0.7)),
            max_mean: grey.then_some(tenth((figures.mean * 1.3).min(255.0))),
            min_contrast: grey.then_some(tenth(figures.contrast * 0.6)),
            max_black_percent: percent(figures.black_percent),
            max_white_percent: percent(figures.white_percent),
            max_edge_width_px: figures.edge_width_px.map(|width| tenth(width * 1.4 + 0.2)),
            max_noise: figures.noise.map(|noise| tenth(noise * 2.0 + 2.0)),
            max_unevenness_percent: figures.unevenness_percent.map(|u| tenth(u * 1.5 + 10.0)),
            max_specks_percent: figures.specks_percent.map(|specks| tenth(specks * 3.0 + 0.2)),
            max_between_percent: None,
            min_white_percent: (!grey).then_some(tenth(figures.white_percent * 0.5)),
        }
    }
}
