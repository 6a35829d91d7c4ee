//! Boards: etched copper, its six faults, and how a line camera shows both.
//!
//! Owns the layouts of several kinds of boards, the strokes that make faults and the proof that each
//! is what it claims to be: a stroke is only painted where it changes the topology of the copper as
//! the fault does by definition.
//!
//! It does not write files, and knows no sentence about a difference.

mod fault;
mod layout;
mod look;
mod place;
mod render;
mod scene;
mod site;

#[cfg(test)]
mod tests;

pub use fault::BoardFault;
pub(crate) use render::render;
