//! Difference sentences: what a test frame shows that its reference does not.
//!
//! Owns the meanings of differences (faults, the requirements that they violate, allowed
//! differences), the phrasings of each, and the words for places in a crop; `differences.jsonl`; and
//! its two makers: templates over labelled pairs ([`from_labels`]) and a language model over image
//! captions ([`from_captions`]). Every sentence describes the test frame against the reference; a
//! requirement says what holds without the fault, so a faulty pair moves away from it.
//!
//! It opens no image and embeds nothing.

mod captions;
mod difference;
mod error;
mod grammar;
mod labels;
mod meaning;
mod own;
mod phrases;
mod place;
mod topic;

pub use captions::{Backoff, Captions, Chat, Counts, Secret, from_captions, may_be_logged};
pub use difference::{Difference, read, write};
pub use error::Error;
pub use labels::{Described, from_labels};
pub use meaning::{Meaning, Sense, find, meanings, requirement_of, words};
pub use own::OwnMeanings;
pub use place::{Column, Place, Row};
pub use topic::{Topic, products, topics};
pub(crate) use topic::{caption, sound_captions};
