use serde::Serialize;

use super::AlignMode;
use crate::frame::{Frame, Rect};

/// A test frame in the reference's coordinates.
#[derive(Debug, Clone)]
pub struct Aligned {
    /// The test frame, of the reference's size; outside [`Aligned::overlap`] its nearest pixels are
    /// repeated and must not be judged.
    pub test: Frame,
    /// Where the test frame has pixels of its own, in the reference's coordinates; never empty.
    pub overlap: Rect,
    /// What was found.
    pub registration: Registration,
}

/// How the test frame's content lies against the reference's.
///
/// A point `p` of the reference is found in the test frame at
/// `c + shift + scale * R(rotation) * (p - c) + local(p)`, with `c` the centre of the reference,
/// `((width - 1) / 2, (height - 1) / 2)`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Registration {
    /// What was estimated.
    pub mode: AlignMode,
    /// Shift in pixels at the centre of the reference; positive: the content moved right, down.
    pub shift_px: [f32; 2],
    /// Rotation in degrees; positive: the content turned clockwise as seen on a screen.
    pub rotation_deg: f32,
    /// Size of the test's content over that of the reference's.
    pub scale: f32,
    /// The local shifts on top, in mode `local`.
    pub local: Option<LocalShifts>,
    /// How badly the aligned frames agree, from 0 (equal up to brightness and contrast) to 1
    /// (unrelated); none in mode `none`, which measures nothing.
    ///
    /// The mean of `1 - ZNCC` (zero-mean normalised cross-correlation, clamped at 0) over textured
    /// blocks of 32x32 pixels spread over the frame, without the worst fifth of them: faults do
    /// not count, a frame that fits nowhere does.
    pub residual: Option<f32>,
    /// Another shift in pixels that fits as well because the pattern repeats; the smaller one was
    /// taken.
    pub repeats_at_px: Option<[f32; 2]>,
    /// Whether pixels were interpolated; frames that already lie on each other, or a whole number
    /// of pixels apart, are not.
    pub resampled: bool,
}

/// A smooth field of local shifts, linear between nodes of a grid.
///
/// Node `(column, row)` lies at `(column * (width - 1) / (columns - 1), row * (height - 1) / (rows
/// - 1))` of the reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LocalShifts {
    /// Nodes per row, at least 2.
    pub columns: usize,
    /// Nodes per column, at least 2.
    pub rows: usize,
    /// The shift at each node in pixels, row by row.
    pub nodes_px: Vec<[f32; 2]>,
}

impl Registration {
    /// Nothing moved and nothing measured.
    pub(super) fn identity(mode: AlignMode) -> Self {
        Self {
            mode,
            shift_px: [0.0; 2],
            rotation_deg: 0.0,
            scale: 1.0,
            local: None,
            residual: None,
            repeats_at_px: None,
            resampled: false,
        }
    }
}

impl LocalShifts {
    /// The length of the longest shift, in pixels.
    pub fn max_px(&self) -> f32 {
        self.nodes_px.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f32::max)
    }
}
