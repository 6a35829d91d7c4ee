use std::fmt;

use serde::{Deserialize, Serialize};

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Width of strong edges in pixels.
    Focus,
    /// Mean brightness, 0 to 255.
    Exposure,
    /// Pixels at 0 or 255, in percent.
    Clipped,
    /// Shift of the test frame to the right, in pixels.
    ShiftX,
    /// Shift of the test frame downwards, in pixels.
    ShiftY,
    /// Rotation of the test frame, in degrees.
    Rotation,
    /// Size of the test's content over that of the reference's.
    Scale,
    /// How badly the aligned frames agree, 0 to 1.
    Residual,
    /// The highest score over its threshold, of conforming parts alone.
    Score,
    /// The distance of that from its baseline: how far scores scatter.
    ScoreSpread,
    /// Cosine distance of the running mean of reference embeddings from that of the first parts.
    ReferenceEmbedding,
    /// The same of the frames under test.
    TestEmbedding,
}

impl Figure {
    /// All of them, by their places.
    pub const ALL: [Self; 12] = [
        Self::Focus,
        Self::Exposure,
        Self::Clipped,
        Self::ShiftX,
        Self::ShiftY,
        Self::Rotation,
        Self::Scale,
        Self::Residual,
        Self::Score,
        Self::ScoreSpread,
        Self::ReferenceEmbedding,
        Self::TestEmbedding,
    ];

    /// The name, as in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Focus => "focus",
            Self::Exposure => "exposure",
            Self::Clipped => "clipped",
            Self::ShiftX => "shift_x",
            Self::ShiftY => "shift_y",
            Self::Rotation => "rotation",
            Self::Scale => "scale",
            Self::Residual => "residual",
            Self::Score => "score",
            Self::ScoreSpread => "score_spread",
            Self::ReferenceEmbedding => "reference_embedding",
            Self::TestEmbedding => "test_embedding",
        }
    }

    /// A figure of which only more is worse.
    pub(super) fn is_one_sided(self) -> bool {
        use Figure::{Clipped, ReferenceEmbedding, Residual, ScoreSpread, TestEmbedding};
        matches!(self, Clipped | Residual | ScoreSpread | ReferenceEmbedding | TestEmbedding)
    }

    /// Whether a value is a mean over parts by itself. It is not smoothed again, and since
    /// neighbours are nearly the same, its baseline takes ten times as many parts.
    pub(super) fn is_mean(self) -> bool {
        matches!(self, Self::ReferenceEmbedding | Self::TestEmbedding)
    }

    /// The least standard deviation that is reckoned with, unless the recipe names another: parts
    /// that are all alike must not make a chart that the next ray of light leaves.
    pub(super) fn least_deviation(self) -> f64 {
        match self {
            Self::Focus => 0.05,
            Self::Exposure => 1.0,
            Self::Clipped => 0.1,
            Self::ShiftX | Self::ShiftY => 0.25,
            Self::Rotation => 0.02,
            Self::Scale => 0.000_5,
            Self::Residual => 0.01,
            Self::Score | Self::ScoreSpread => 0.01,
            Self::ReferenceEmbedding | Self::TestEmbedding => 0.000_5,
        }
    }

    /// What to look at when it drifts.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Focus => "clean the lens and check the focus",
            Self::Exposure | Self::Clipped => "check the lamp and the exposure",
            Self::ShiftX | Self::ShiftY | Self::Rotation => "check the camera's mount and the stop",
            Self::Scale => "check the distance of the camera",
            Self::Residual => "check camera and part for dirt, and the reference",
            Self::Score | Self::ScoreSpread => "check whether the product changed; calibrate again",
            Self::ReferenceEmbedding => "check the reference",
            Self::TestEmbedding => "check whether the product or the light changed",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
