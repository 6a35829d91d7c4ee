use std::borrow::Cow;

use image::{GrayImage, RgbImage};

use super::{Error, Rect};

/// Pixels of one frame and where they came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pixels: Pixels,
    bit_depth: u8,
    origin: String,
}

/// The two layouts every room understands; deeper sources are scaled to 8 bit when they enter.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// One channel, row by row.
    Gray(GrayImage),
    /// Red, green, blue, row by row.
    Rgb(RgbImage),
}

impl Frame {
    /// A frame of 8-bit pixels; `origin` names the file or camera in messages.
    ///
    /// `bit_depth` is that of the source per channel (1, 2, 4, 8, 10, 12 or 16), not of the pixels held.
    ///
    /// # Errors
    /// [`Error::Empty`] when it has no pixel.
    pub fn new(pixels: Pixels, bit_depth: u8, origin: impl Into<String>) -> Result<Self, Error> {
        let frame = Self { pixels, bit_depth, origin: origin.into() };
        if frame.width() == 0 || frame.height() == 0 {
            return Err(Error::Empty { origin: frame.origin });
        }
        Ok(frame)
    }

    /// Other pixels, at least one, of the same source.
    pub(super) fn with_pixels(&self, pixels: Pixels) -> Self {
        Self { pixels, bit_depth: self.bit_depth, origin: self.origin.clone() }
    }

    /// The pixels.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Bits per channel of the source.
    pub fn bit_depth(&self) -> u8 {
        self.bit_depth
    }

    /// The file or camera it came from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Columns, at least 1.
    pub fn width(&self) -> u32 {
        match &self.pixels {
            Pixels::Gray(image) => image.width(),
            Pixels::Rgb(image) => image.width(),
        }
    }

    /// Rows, at least 1.
    pub fn height(&self) -> u32 {
        match &self.pixels {
            Pixels::Gray(image) => image.height(),
            Pixels::Rgb(image) => image.height(),
        }
    }

    /// The whole frame as a rectangle.
    pub fn bounds(&self) -> Rect {
        Rect::new(0, 0, self.width(), self.height())
    }

    /// Brightness, 0 to 255: the pixels themselves when grey, else ITU-R BT.601 luma in the
    /// integer form `(19595 R + 38470 G + 7471 B + 32768) >> 16` that Pillow uses too.
    pub fn luma(&self) -> Cow<'_, GrayImage> {
        match &self.pixels {
            Pixels::Gray(image) => Cow::Borrowed(image),
            Pixels::Rgb(image) => Cow::Owned(luma_of(image)),
        }
    }

    /// A copy of the part inside `rect`, cut at the frame's edges.
    ///
    /// # Errors
    /// [`Error::Empty`] when nothing of `rect` is inside.
    pub fn crop(&self, rect: Rect) -> Result<Self, Error> {
        let rect = rect.intersection(&self.bounds());
        let Rect { x, y, width, height } = rect;
        let pixels = match &self.pixels {
            Pixels::Gray(image) => {
                Pixels::Gray(image::imageops::crop_imm(image, x, y, width, height).to_image())
            }
            Pixels::Rgb(image) => {
                Pixels::Rgb(image::imageops::crop_imm(image, x, y, width, height).to_image())
            }
        };
        Self::new(pixels, self.bit_depth, self.origin.clone())
    }

    /// Three channels: the pixels themselves, or grey repeated.
    pub fn to_rgb(&self) -> Cow<'_, RgbImage> {
        match &self.pixels {
            Pixels::Rgb(image) => Cow::Borrowed(image),
            Pixels::Gray(image) => {
                Cow::Owned(RgbImage::from_fn(image.width(), image.height(), |x, y| {
                    let value = image.get_pixel(x, y).0[0];
                    image::Rgb([value; 3])
                }))
            }
        }
    }
}

fn luma_of(image: &RgbImage) -> GrayImage {
    let weigh = |[r, g, b]: [u8; 3]| {
        let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
        ((sum + 0x8000) >> 16) as u8
    };
    let luma = image.pixels().map(|pixel| weigh(pixel.0)).collect();
    GrayImage::from_raw(image.width(), image.height(), luma)
        .expect("one value was made for each pixel")
}
