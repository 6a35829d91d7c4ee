use std::sync::Arc;

use crate::align::{PhotoFigures, Registration};
use crate::frame::{Frame, Rect};
use crate::spec::Label;

/// What an inspection found beyond scores: what people are shown, and what drifts are seen by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// What the part is rejected for, the furthest above its limit first.
    pub faults: Vec<FaultFound>,
    /// The sentence nearest its limit, whether it reached it or not.
    pub nearest: Option<FaultFound>,
    /// The test frame in the reference's coordinates.
    pub registered: Option<Arc<Frame>>,
    /// Photo conditions of the test frame.
    pub photo: Option<PhotoFigures>,
    /// How the frames lie against each other, without local shifts.
    pub registration: Option<Registration>,
    /// The unit means of the crops' embeddings, of reference and test; none where nothing was
    /// embedded.
    pub embeddings: Option<[Vec<f32>; 2]>,
}

/// One reason for a mismatch.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultFound {
    /// The spec id; `unexplained` or `variant` where no sentence of the sheet says it.
    pub spec: String,
    /// What people read.
    pub label: Label,
    /// The sentence itself, the first of its phrasings.
    pub sentence: String,
    /// Where, in pixels of the reference.
    pub region: Option<Rect>,
    /// What reached its limit.
    pub score: f32,
    /// The limit.
    pub threshold: f32,
}
