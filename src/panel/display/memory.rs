use std::convert::Infallible;
use std::io::Cursor;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageEncoder, RgbImage};

use super::{Display, Error};

/// A screen in memory, for snapshots and tests.
#[derive(Debug, Clone)]
pub struct Memory {
    image: RgbImage,
}

impl Memory {
    /// A black screen of this size.
    ///
    /// # Errors
    /// [`Error::Size`] for one that no layout fits on.
    pub fn new(size: Size) -> Result<Self, Error> {
        check_size(size)?;
        Ok(Self { image: RgbImage::new(size.width, size.height) })
    }

    /// What it shows.
    pub fn image(&self) -> &RgbImage {
        &self.image
    }

    /// What it shows, as a PNG.
    ///
    /// # Errors
    /// [`Error::Failed`] with the encoder's words.
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Cursor::new(Vec::new());
        let encoder =
            PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::NoFilter);
        let (width, height) = self.image.dimensions();
        encoder
            .write_image(self.image.as_raw(), width, height, image::ExtendedColorType::Rgb8)
            .map_err(|error| Error::Failed {
                subject: "snapshot".to_owned(),
                reason: error.to_string(),
            })?;
        Ok(bytes.into_inner())
    }
}

/// Refuses screens that no layout fits on.
pub(super) fn check_size(size: Size) -> Result<(), Error> {
    let Size { width, height } = size;
    let sides = 240..=4_096;
    if sides.contains(&width) && sides.contains(&height) && width.max(height) >= 320 {
        return Ok(());
    }
    Err(Error::Size { width, height })
}

impl OriginDimensions for Memory {
    fn size(&self) -> Size {
        Size::new(self.image.width(), self.image.height())
    }
}

impl DrawTarget for Memory {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else { continue };
            if let Some(pixel) = self.image.get_pixel_mut_checked(x, y) {
                pixel.0 = [color.r(), color.g(), color.b()];
            }
        }
        Ok(())
    }
}

impl Display for Memory {
    fn size(&self) -> Size {
        OriginDimensions::size(self)
    }

    fn write(&mut self, area: &Rectangle, pixels: &[Rgb888]) -> Result<(), Error> {
        let Ok(()) = self.fill_contiguous(area, pixels.iter().copied());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
