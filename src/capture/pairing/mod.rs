//! Pairing: which frames show which part.
//!
//! Owns the one rule of it. A part that triggered at `t` has, for each of its views, the window
//! `[t + delay, t + delay + window]`; a frame whose exposure began inside shows that part. Whatever
//! makes this doubtful gives the part a reason instead of frames: no frame, two frames, a frame in
//! the windows of two parts, a damaged or lost one, a clock that jumped. Parts leave in the order
//! of their triggers, each once.
//!
//! The rule holds as far as its premise: that exposures keep to their windows, frames arrive within
//! `frame_latency_ns` of their window's end, and triggers within `trigger_latency_ns`. What breaks
//! the premise and can be seen is refused or counted.
//!
//! It has no clock and no thread, its queues have a fixed size, and it looks into no frame.

mod camera;
mod counts;
mod part;
mod queue;
mod timing;

pub use counts::Counts;
pub use part::{Exposed, Frames, Part, Sighting, Trigger, Unpaired};
pub use queue::{FRAMES, PARTS, Pairing};
pub use timing::{CameraTiming, InWindow, Timing, View};

#[cfg(test)]
mod tests;
