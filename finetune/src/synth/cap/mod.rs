//! Caps and gaskets on a housing, what goes wrong in mounting, and how a camera shows both.
//!
//! Owns the design of a closure and its seat, and four faults: the part is missing, sits crooked, is
//! scratched, or a foreign body lies on it.
//!
//! It does not draw in space: parts are flat layers seen from above.

mod design;
mod fault;
mod render;

#[cfg(test)]
mod tests;

pub use fault::CapFault;
pub(crate) use render::render;
