use serde::Serialize;

use super::Measurement;
use crate::verdict::{Decision, NotInspected, Verdict};

/// Where the time of one inspection went, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Timing {
    /// Reading and decoding files; 0 when frames came from elsewhere.
    pub decode: f64,
    /// Photo checks and registration.
    pub align: f64,
    /// Choosing regions.
    pub region: f64,
    /// Preprocessing and the image tower.
    pub encode: f64,
    /// Differences, scores and verdict.
    pub verdict: f64,
    /// All of the above.
    pub total: f64,
}

/// What came out of one pair.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The verdict with its reasons, or why there is none.
    pub outcome: Result<Decision, NotInspected>,
    /// What was measured on the way, as far as the pair got.
    pub measurement: Option<Measurement>,
    /// Where the time went.
    pub timing: Timing,
}

impl Inspection {
    /// An inspection that ended before anything could be measured.
    pub fn not_inspected(reason: NotInspected) -> Self {
        Self { outcome: Err(reason), measurement: None, timing: Timing::default() }
    }

    /// The verdict; [`Verdict::NotInspected`] where there is a reason instead of a decision.
    pub fn verdict(&self) -> Verdict {
        self.outcome.as_ref().map_or(Verdict::NotInspected, |decision| decision.verdict)
    }
}

impl Timing {
    /// The same with `total` set to the sum of the parts.
    pub(super) fn summed(self) -> Self {
        let total = self.decode + self.align + self.region + self.encode + self.verdict;
        Self { total, ..self }
    }

    /// The same with the time that it took to choose a golden, which is one of registration.
    pub fn with_choosing(self, choosing: f64) -> Self {
        Self { align: self.align + choosing, ..self }.summed()
    }

    /// The same with the time that decoding took, which the caller measured.
    pub fn with_decode(self, decode: f64) -> Self {
        Self { decode, ..self }.summed()
    }
}
