//! Judges pairs of line-camera frames against written spec sentences.
//!
//! One way through the house; nobody calls back upstream:
//!
//! ```text
//!     cameras, files            spec sheet (text)          HF CLIP directory
//!       |                             |                          |
//!     capture, frame -> pair    spec: embed once, cache   clip: import -> bundle (ONNX)
//!       |                             |                          |
//!     align (register, check the photo)               quantize: fp32 -> int8
//!       |                             |                          |
//!     region (where to look: frame, tiles, changes)              |
//!       |                             |                          |
//!     clip: encode  <--------------------------------------------+
//!       |                             |
//!     diff: E(test) - E(reference)    |
//!       |                             |
//!     verdict  <----------------------+---- thresholds (calibrate, from labelled pairs)
//!       |
//!     inspect (one pair through all of the above) -> report, cli
//!       |
//!     station (deadline, parts in flight) -> signal (outputs), journal
//! ```
//!
//! Read `ARCHITECTURE.md` for the rooms, then [`station`] or [`inspect`], then one leaf.

pub mod board;
pub mod calibrate;
pub mod capture;
pub mod cli;
pub mod clip;
pub mod drift;
pub mod input;
pub mod inspect;
pub mod int8;
pub mod journal;
pub mod manifest;
pub mod panel;
pub mod plant;
pub mod quantize;
pub mod recipe;
pub mod report;
pub mod signal;
pub mod spec;
pub mod station;
pub mod verdict;

pub use pairspec_vision::{align, diff, files, frame, region};

#[cfg(test)]
#[path = "../vision/src/frame/mutation.rs"]
mod mutation;
#[cfg(test)]
mod test_data;
