//! Differences of captioned images, told by a language model.
//!
//! Owns the reading of captions, the seeded sample of pairs, the prompt, the filters of answers, the
//! conversation with an OpenAI-compatible endpoint, and an output that a kill cannot spoil: each
//! pair is one line in exactly one of two files, `OUTPUT` or `OUTPUT.dropped`, and a run leaves out
//! what stands in either.
//!
//! It opens no image.

mod chat;
mod journal;
mod prompt;
mod read;
mod run;
mod sample;
mod secret;
mod wire;

pub use chat::{Backoff, Chat};
pub use read::Captions;
pub use run::{Counts, from_captions};
pub use secret::{Secret, may_be_logged};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
