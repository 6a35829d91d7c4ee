//! Difference sentences: what a test frame shows that its reference does not.
//!
//! Owns the meanings of differences (faults, the requirements that they violate, allowed
//! differences), the phrasings of each, and the words for places in a crop. Every sentence describes
//! the test frame against the reference; a requirement says what holds without the fault, so a
//! faulty pair moves away from it.
//!
//! It opens no image and embeds nothing.

mod grammar;
mod meaning;
mod phrases;
mod place;

pub use meaning::{Meaning, Sense, find, meanings, requirement_of, words};
pub use place::{Column, Place, Row};
