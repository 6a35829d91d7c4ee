//! Plots of evidence as pictures: ROC curves, score histograms, training curves.
//!
//! Owns the drawing of plain numbers onto a fixed sheet, in colours that people with any colour
//! vision tell apart (the palette of Okabe and Ito, Color Universal Design, 2008). Dashes, outlines and
//! brightness tell them apart in grey, too.
//!
//! It computes no figure: whoever calls it has the points, the counts and the labels.

mod axes;
mod curves;
mod histogram;
mod roc;
mod sheet;

use std::io::Cursor;

use image::{ImageError, ImageFormat, RgbImage};

pub use curves::{Curve, CurvesPlot, Panel};
pub use histogram::HistogramPlot;
pub use roc::{RocLine, RocPlot};

/// A drawing as the bytes of a PNG file.
///
/// # Errors
/// What the encoder says; with memory to write to there is nothing to expect.
pub fn png(drawing: &RgbImage) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    drawing.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}
