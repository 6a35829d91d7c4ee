//! Whole screens: goldens, redrawing of changed areas alone, every size and colour depth.

#![allow(clippy::unwrap_used)]

mod golden;
mod redraw;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::demo::DemoPair;
use crate::frame::{Frame, Rect};

/// The repository's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The bundled pair that the goldens show.
fn pair() -> DemoPair {
    let frame = |name: &str| {
        let folder: PathBuf = root().join("models/default/demo/frames");
        Arc::new(Frame::open(&folder.join(name)).unwrap())
    };
    DemoPair {
        reference: frame("000000_ref.png"),
        test: frame("000000_test.png"),
        fault: Rect::from_corners(254, 221, 298, 277),
    }
}
