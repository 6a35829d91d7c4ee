//! Printed labels: text, codes and marks, what goes wrong in printing, and how a camera shows both.
//!
//! Owns a font of straight lines, the design of a label and its five faults: missing, smeared, wrong
//! and shifted print, and a wrong code.
//!
//! It does not check that a code can be read: its bars carry no data.

mod design;
mod fault;
mod font;
mod render;

#[cfg(test)]
mod tests;

pub use fault::LabelFault;
pub(crate) use render::render;
