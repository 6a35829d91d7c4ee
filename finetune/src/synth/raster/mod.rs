//! Depth fields: pictures of shapes in which every pixel holds its distance to the contour.
//!
//! Owns convex shapes, the canvas they are added to and cut from, smooth random fields and the
//! binary masks on which topology is counted. A depth is positive inside, negative outside, in
//! pixels, and clamped to [`BAND`]: a contour can then be moved by a fraction of a pixel, blurred or
//! thresholded without drawing it again.
//!
//! It does not know what a shape means, nor how a camera sees it.

mod depth;
mod mask;
mod shape;
mod smooth;

pub(crate) use depth::{BAND, DepthField};
pub(crate) use mask::Mask;
pub(crate) use shape::{Point, Shape};
pub(crate) use smooth::SmoothField;
