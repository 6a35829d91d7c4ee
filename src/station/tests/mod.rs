//! The whole station with doubles at its seams: cameras, judge and outputs that fail on purpose.
//!
//! Time is real here, so nothing is asserted of it: outcomes, order and counts are.

#![allow(clippy::unwrap_used)]

mod commands;
mod faults;
mod onlookers;
#[cfg(all(feature = "http", feature = "mqtt"))]
mod plant;
mod rig;
mod running;
mod settings;
mod standing;
