use std::collections::BTreeMap;

use super::findings::Findings;
use crate::capture::Frames;
use crate::journal::{Outcome, SpecScore};
use crate::signal::Output;

/// What the core wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action<P> {
    /// Sets an output; [`Core::output_failed`](super::Core::output_failed) if it did not take it.
    Set {
        /// Which.
        output: Output,
        /// What it becomes.
        is_active: bool,
    },
    /// Has the one inspector judge a part.
    Inspect {
        /// The part.
        number: u64,
        /// The recipe that was in force when it triggered.
        recipe: u32,
        /// What to judge.
        frames: Frames<P>,
    },
    /// Offers the frames of a part that was just decided on as evidence.
    Keep {
        /// The part.
        number: u64,
        /// What was decided.
        outcome: Outcome,
        /// Its frames.
        frames: Frames<P>,
    },
    /// A part left; once for each.
    Finished(Box<Finished>),
    /// Lets go of the inspector, which hangs, and starts another.
    AbandonInspector,
}

/// A part that left, with the one outcome it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The part.
    pub number: u64,
    /// When it triggered.
    pub trigger_ns: i64,
    /// When its outcome was decided on.
    pub decided_ns: i64,
    /// When it left: its pulse began.
    pub left_ns: i64,
    /// The recipe that was in force when it triggered.
    pub recipe: u32,
    /// The outcome; [`Outcome::Conforming`] exactly if it was passed.
    pub outcome: Outcome,
    /// What the verdict rests on.
    pub details: Details,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// Scores with their thresholds, strongest first.
    pub scores: Vec<SpecScore>,
    /// Milliseconds by stage.
    pub timing_ms: BTreeMap<String, f32>,
    /// What else was found; none where nothing was inspected.
    pub findings: Option<Box<Findings>>,
}

/// What the inspector says of one part.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub outcome: Outcome,
    /// What it rests on.
    pub details: Details,
}

impl From<Outcome> for Judgement {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, details: Details::default() }
    }
}
