//! The core of the line: what happens to each part, as a function of events and time.
//!
//! Owns the one rule of the station: **a part is passed only on a conforming verdict of its own, in
//! time, while nothing holds the line**, and every part that was triggered has exactly one outcome, in
//! the order of the triggers; only one that finds no room among those in flight has its own at once, since
//! nobody follows it. Parts in flight, pulses and health are kept in structures of a fixed size.
//!
//! It has no clock, no thread and no I/O: it is told of events and asked by [`Core::poll`] what to do.

mod action;
mod config;
mod counters;
mod findings;
mod flight;
mod health;
mod latency;
mod line;
mod pulses;

pub use action::{Action, Details, Finished, Judgement};
pub use config::{CoreConfig, Ejector, OnFailure, Overload};
pub use counters::Counters;
pub use findings::{FaultFound, Findings};
pub use flight::IN_FLIGHT;
pub use health::{Component, Health, HoldKind};
pub use latency::{Latency, LatencyFigures};
pub use line::Core;

#[cfg(test)]
mod tests;
