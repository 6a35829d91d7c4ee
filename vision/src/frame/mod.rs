//! Frames: pixels as they came from a file or a camera, and as CLIP wants them.
//!
//! Owns [`Frame`] and [`Rect`], the decoding of image files (PNG and JPEG, with bounds checked on
//! the header before any pixel is allocated) and CLIP preprocessing to `[1, 3, H, W]` f32.
//!
//! It does not know cameras, and judges nothing.

mod decode;
mod error;
mod jpeg;
#[cfg(test)]
mod mutation;
mod pixels;
mod png;
mod preprocess;
mod preprocessor_file;
mod rect;
mod resample;
mod turn;

pub use error::Error;
pub use pixels::{Frame, Pixels};
pub use preprocess::Preprocess;
pub use rect::Rect;
