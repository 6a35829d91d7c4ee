//! Scores and thresholds become a verdict.
//!
//! Owns the score of a sentence in a region, the competition of sentences, the rules that make a
//! mismatch, and [`NotInspected`]: whatever prevents a judgement, which is never a pass.
//!
//! It is pure: no clock, no file, no model; the same numbers give the same verdict anywhere.

mod decide;
mod score;
mod thresholds;

pub use decide::{
    Decision, JudgedRegion, NotInspected, Stage, Unexplained, Verdict, Violation, WrongVariant,
    decide,
};
pub use score::{Judge, RegionScores, Score, Sentence};
pub use thresholds::{Error, Thresholds, UnexplainedLimits};
