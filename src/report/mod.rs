//! What people and other programs read: JSON lines, one HTML file per inspection, PNG plots, and
//! errors in a line.
//!
//! Owns the shapes of these outputs. A page is one file with its pictures inside and no script,
//! so that it can be mailed and opened in ten years.
//!
//! It judges nothing and prints nothing.

mod html;
mod json;
mod plot;
mod told;

pub use html::{Error, Page};
pub use json::{BatchLine, InspectionJson};
pub use plot::{Curve, CurvesPlot, HistogramPlot, Panel, RocLine, RocPlot, png};
pub use told::told;
