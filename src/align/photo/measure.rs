use serde::Serialize;

use crate::align::PhotoProfile;
use crate::frame::Frame;

/// What was measured on a photo; brightness is luma, 0 to 255.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhotoFigures {
    /// `Grey` or `Binary`, never `Auto`.
    pub profile: PhotoProfile,
    /// Mean brightness.
    pub mean: f32,
    /// 99th minus 1st percentile of brightness.
    pub contrast: f32,
    /// Part of the pixels at 0, in percent.
    pub black_percent: f32,
    /// Part of the pixels at 255, in percent.
    pub white_percent: f32,
    /// Width of strong edges in pixels (about 1 when sharp), none without edges or in profile
    /// `binary`.
    pub edge_width_px: Option<f32>,
    /// Standard deviation of the noise in grey levels, none in profile `binary`.
    pub noise: Option<f32>,
    /// Unevenness of the lighting in percent, none in profile `binary`.
    pub unevenness_percent: Option<f32>,
    /// Part of the pixels that differ from all four neighbours in percent; profile `binary`.
    pub specks_percent: Option<f32>,
}

/// Measures a photo.
pub fn measure(_frame: &Frame, profile: PhotoProfile) -> PhotoFigures {
    PhotoFigures {
        profile,
        mean: 0.0,
        contrast: 0.0,
        black_percent: 0.0,
        white_percent: 0.0,
        edge_width_px: None,
        noise: None,
        unevenness_percent: None,
        specks_percent: None,
    }
}
