use crate::align::{PhotoFigures, Registration};
use crate::frame::Rect;
use crate::spec::Label;

/// The most faults of one part that are kept for people.
const MOST_FAULTS: usize = 32;

/// What an inspection found beyond scores: what people are shown, and what drifts are seen by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// What the part is rejected for, the furthest above its limit first; at most 32.
    pub faults: Vec<FaultFound>,
    /// Photo conditions of the test frame.
    pub photo: Option<PhotoFigures>,
    /// How the frames lie against each other, without local shifts.
    pub registration: Option<Registration>,
    /// The unit mean of the test crops' embeddings; none where nothing was embedded.
    pub embedding: Option<Vec<f32>>,
}

/// One reason for a mismatch.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultFound {
    /// The spec id; `unexplained` or `variant` where no sentence of the sheet says it.
    pub spec: String,
    /// What people read.
    pub label: Label,
    /// Where, in pixels of the reference.
    pub region: Option<Rect>,
    /// What reached its limit.
    pub score: f32,
    /// The limit.
    pub threshold: f32,
}

impl Findings {
    /// The same with a further fault, unless there are enough.
    pub fn push(&mut self, fault: FaultFound) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }
}
