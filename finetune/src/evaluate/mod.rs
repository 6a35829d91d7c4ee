//! What a bundle understands of differences: the protocols of the paper on any labelled pairs.
//!
//! Owns difference classification, zero-shot classification, comparative prompting, attribute ranking
//! and the analogy check (Sam et al., "Finetuning CLIP to Reason about Pairwise Differences", arXiv
//! 2409.09721, sections 4 and 5), each over the crops that inspection would look at and by the
//! encoders that inspection uses.
//!
//! It passes no verdict: thresholds and parts are `pairspec evaluate`'s.

mod analogy;
mod comparative;
mod embedded;
mod protocols;
mod question;
mod sentences;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use comparative::Comparative;
pub use protocols::{ClassFigures, Differences, Ranking};
pub use question::{Evaluation, Question, evaluate};
