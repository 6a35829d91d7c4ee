use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use minifb::WindowOptions;

use super::memory::check_size;
use super::{Display, Error, Turn};

/// A window on a desktop, for development: it shows what a display of this size would.
struct Window {
    window: minifb::Window,
    /// What the operator sees.
    size: Size,
    /// A word per pixel, `0RGB`.
    pixels: Vec<u32>,
}

/// Opens a window for a display of this size before it is turned.
pub(super) fn open(size: Size, turn: Turn) -> Result<Box<dyn Display>, Error> {
    let size = turn.seen(size);
    check_size(size)?;
    let (width, height) = (size.width as usize, size.height as usize);
    let window = minifb::Window::new("pairspec", width, height, WindowOptions::default());
    let pixels = vec![0; width * height];
    Ok(Box::new(Window { window: window.map_err(failed)?, size, pixels }))
}

impl Display for Window {
    fn size(&self) -> Size {
        self.size
    }

    fn write(&mut self, area: &Rectangle, pixels: &[Rgb888]) -> Result<(), Error> {
        let (left, top) = (area.top_left.x as usize, area.top_left.y as usize);
        let width = area.size.width as usize;
        for (row, pixels) in pixels.chunks_exact(width.max(1)).enumerate() {
            let start = (top + row) * self.size.width as usize + left;
            for (to, color) in self.pixels[start..start + width].iter_mut().zip(pixels) {
                *to = u32::from_be_bytes([0, color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        if !self.window.is_open() {
            return Err(failed("it was closed"));
        }
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        self.window.update_with_buffer(&self.pixels, width, height).map_err(failed)
    }
}

fn failed(reason: impl ToString) -> Error {
    Error::Failed { subject: "window".to_owned(), reason: reason.to_string() }
}
