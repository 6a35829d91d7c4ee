//! (to come)

mod plot;

pub use plot::{HistogramPlot, RocLine, RocPlot, png};
