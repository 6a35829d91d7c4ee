//! Whole screens: goldens, redrawing of changed areas alone, every size and colour depth.

#![allow(clippy::unwrap_used)]

mod golden;
mod redraw;
mod runner;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::demo::DemoFrames;
use crate::frame::{Frame, Rect};

/// The repository's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The bundled pairs that the goldens show.
fn frames() -> DemoFrames {
    let frame = |name: &str| {
        let folder: PathBuf = root().join("models/default/demo/frames");
        Arc::new(Frame::open(&folder.join(name)).unwrap())
    };
    DemoFrames {
        mismatch: [frame("000000_ref.png"), frame("000000_test.png")],
        fault: Rect::from_corners(254, 221, 298, 277),
        conforming: [frame("000002_ref.png"), frame("000002_test.png")],
    }
}
