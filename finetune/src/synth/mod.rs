//! Paired frames of a line camera, rendered: seeded, unlimited, with captions and boxes.
//!
//! Owns the products (boards, printed labels, caps and gaskets), their faults, and the benign differences that two exposures of a sound
//! product have: both frames of a pair come from one design through two independent exposures.
//! [`Renderer`] makes pairs in memory, for training that never touches a disk; [`write()`] puts them
//! into a folder with a manifest.
//!
//! It knows no model and no sentence about a difference; captions describe single frames.

mod board;
mod camera;
mod cap;
mod caption;
mod config;
mod dataset;
mod encode;
mod label;
mod photo;
mod raster;
mod renderer;
mod stage;
mod stroke;

pub use board::BoardFault;
pub use cap::CapFault;
pub use config::{Config, Error, Kind, Style};
pub use dataset::{Error as WriteError, MANIFEST, write};
pub use label::LabelFault;
pub use renderer::{RenderedPair, Renderer};

pub(crate) use renderer::Drawn;
