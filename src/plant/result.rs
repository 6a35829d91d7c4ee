use serde::Serialize;

/// The outcome of one part.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct PartResult {
    /// Its number.
    pub number: u64,
    /// When, in milliseconds since 1970-01-01 UTC by the clock of the box.
    pub unix_ms: u64,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What was compared with thresholds, strongest first.
    pub scores: Vec<Score>,
    /// SHA-256 of the recipe, hexadecimal.
    pub recipe_sha256: String,
    /// SHA-256 of the vision file, hexadecimal.
    pub model_sha256: String,
    /// From the trigger to leaving, in milliseconds.
    pub latency_ms: f64,
}

/// A verdict; one that was not reached has a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Judged, and nothing violates the sheet.
    Conforming,
    /// Judged, and something does.
    Mismatch,
    /// Not judged; never a pass.
    NotInspected {
        /// Where on the way.
        stage: String,
        /// What was found.
        detail: String,
    },
}

/// The score of one sentence.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Score {
    /// The spec id.
    pub spec: String,
    /// What is compared with the threshold; not a number is written as null.
    pub score: f32,
    /// The limit, where the sentence is armed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// Where, in pixels of the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Region {
    /// Its left edge.
    pub x: u32,
    /// Its upper edge.
    pub y: u32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl Verdict {
    /// The number that stands for it where there is no text; 0 is for no part yet.
    pub fn code(&self) -> u16 {
        match self {
            Self::Conforming => 1,
            Self::Mismatch => 2,
            Self::NotInspected { .. } => 3,
        }
    }
}

impl Default for Verdict {
    /// Unknown is never a pass.
    fn default() -> Self {
        Self::NotInspected { stage: "unknown".to_owned(), detail: String::new() }
    }
}
