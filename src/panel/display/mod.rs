//! Displays: where the pixels of a panel go.
//!
//! Owns the [`Display`] of a Linux framebuffer, of a DRM dumb buffer, of an SPI panel (feature
//! `spi-panel`), of a window on a desktop (feature `window`), and the one in memory that tests and
//! snapshots use; and how they are turned. It does not know what is shown.

mod config;
mod fb_info;
mod framebuffer;
mod kms;
mod memory;
mod raster;
#[cfg(feature = "spi-panel")]
mod spi;
#[cfg(feature = "window")]
mod window;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::PointsIter;
use embedded_graphics::primitives::Rectangle;

pub use config::{DisplayConfig, DisplayDevice, SpiModel, SpiPanel};
pub use framebuffer::Framebuffer;
pub use kms::Kms;
pub use memory::Memory;
pub use raster::Turn;

use super::Error;

/// A screen that takes rectangles of pixels.
pub trait Display {
    /// Columns and rows as the operator sees them, after turning.
    fn size(&self) -> Size;

    /// Writes a rectangle inside the screen, row by row; `pixels` are as many as it has.
    ///
    /// # Errors
    /// When the device did not take them: it may be gone.
    fn write(&mut self, area: &Rectangle, pixels: &[Rgb888]) -> Result<(), Error>;

    /// Shows what was written, where the device does not do that by itself.
    ///
    /// # Errors
    /// When the device did not.
    fn flush(&mut self) -> Result<(), Error>;
}

/// A display as a target of `embedded-graphics`.
pub(super) struct Surface<'a> {
    display: &'a mut dyn Display,
    pixels: Vec<Rgb888>,
}

impl<'a> Surface<'a> {
    pub(super) fn new(display: &'a mut dyn Display) -> Self {
        Self { display, pixels: Vec::new() }
    }
}

impl OriginDimensions for Surface<'_> {
    fn size(&self) -> Size {
        self.display.size()
    }
}

impl DrawTarget for Surface<'_> {
    type Color = Rgb888;
    type Error = Error;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Error> {
        let screen = Rectangle::new(Default::default(), self.display.size());
        for Pixel(at, color) in pixels {
            if screen.contains(at) {
                self.display.write(&Rectangle::new(at, Size::new(1, 1)), &[color])?;
            }
        }
        Ok(())
    }

    fn fill_contiguous<I: IntoIterator<Item = Rgb888>>(
        &mut self,
        area: &Rectangle,
        colors: I,
    ) -> Result<(), Error> {
        let inside = area.intersection(&Rectangle::new(Default::default(), self.display.size()));
        let pixels = area.points().zip(colors).filter(|(at, _)| inside.contains(*at));
        self.pixels.clear();
        self.pixels.extend(pixels.map(|(_, color)| color));
        if self.pixels.len() as u64 == u64::from(inside.size.width) * u64::from(inside.size.height)
            && !self.pixels.is_empty()
        {
            self.display.write(&inside, &self.pixels)?;
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Rgb888) -> Result<(), Error> {
        let count = area.size.width as usize * area.size.height as usize;
        self.fill_contiguous(area, std::iter::repeat_n(color, count))
    }
}
