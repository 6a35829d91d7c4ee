//! Pixel formats: what a camera's bytes are, and the luma in them.
//!
//! Owns the table of FourCC names, the size of a buffer of each, and [`Converter`], which turns one
//! buffer into one grey frame of 8 bits: all frames of a station are luma, whatever camera or file
//! they come from, so that a pair never differs by its source alone.
//!
//! It asks no device anything.

mod bayer;
mod convert;
mod format;
mod fourcc;
mod layout;
mod samples;

pub use convert::Converter;
pub(super) use convert::luma_frame;
pub use format::{PIXEL_FORMATS, PixelFormat, format_list, preferred};
pub use fourcc::FourCc;
pub use layout::{ImageLayout, LumaRange};
