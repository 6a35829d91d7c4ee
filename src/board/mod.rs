//! Boards: what is specific to a box, and what the box at hand has of it.
//!
//! Owns the board profiles (built in, or a TOML file read and checked once), what can be read about
//! this machine from `/proc`, `/sys` and its devices, and the comparison of the two, one fact at a
//! time.
//!
//! It changes nothing on the machine and drives no line.

mod builtin;
mod check;
mod display;
mod error;
mod machine;
mod profile;
mod raw;

pub use builtin::{NAMES, detect};
pub use check::{Fact, State, check};
pub use display::{DisplayDefaults, DisplayNode, SpiController, SpiDisplay};
pub use error::Error;
pub use machine::{DataFolder, Display, GpioChip, Machine, Zone};
pub use profile::{Board, CameraDefaults, GpioLines, LineWiring, Thermal};
