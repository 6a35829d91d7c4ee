use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;

use super::fb_info;
use super::memory::check_size;
use super::raster::{Packing, Raster, Turn};
use super::{Display, Error};

/// A Linux framebuffer (`/dev/fbN`).
///
/// Rows are written by pwrite(2), not through a mapping: drivers that update on writes (SPI panels,
/// DRM's emulation) see them, and a device that is gone is an error number instead of a SIGBUS.
#[derive(Debug)]
pub struct Framebuffer {
    path: PathBuf,
    file: File,
    /// Where the first visible row begins.
    start: u64,
    raster: Raster,
}

/// What a framebuffer says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) size: Size,
    /// Bytes from one row to the next.
    pub(super) stride: usize,
    /// Where what is visible begins, in bytes.
    pub(super) start: u64,
    pub(super) packing: Packing,
}

impl Framebuffer {
    /// Opens a framebuffer.
    ///
    /// # Errors
    /// When it is not there, not permitted, or its pixels are not 16 or 32 bits of red, green and
    /// blue.
    pub fn open(path: &Path, turn: Turn) -> Result<Self, Error> {
        let open = OpenOptions::new().read(true).write(true).open(path);
        let file = open.map_err(Error::device(path, "open"))?;
        let geometry = fb_info::geometry(&file, path)?;
        fb_info::wake(&file);
        Self::on(file, path, (geometry, turn))
    }

    fn on(file: File, path: &Path, (geometry, turn): (Geometry, Turn)) -> Result<Self, Error> {
        let Geometry { size, stride, start, packing } = geometry;
        check_size(size)?;
        let raster = Raster::new(size, stride, (packing, turn));
        Ok(Self { path: path.to_owned(), file, start, raster })
    }
}

impl Display for Framebuffer {
    fn size(&self) -> Size {
        self.raster.seen_size()
    }

    fn write(&mut self, area: &Rectangle, pixels: &[Rgb888]) -> Result<(), Error> {
        self.raster.write(area, pixels);
        Ok(())
    }

    /// Writes the rows that changed, whole: the raster has all that is on them.
    fn flush(&mut self) -> Result<(), Error> {
        for (first, end) in rows(&self.raster.take_damage()) {
            let stride = self.raster.stride();
            let bytes = &self.raster.bytes()[first * stride..end * stride];
            let offset = self.start + (first * stride) as u64;
            let written = self.file.write_all_at(bytes, offset);
            written.map_err(Error::device(&self.path, "write"))?;
        }
        Ok(())
    }
}

/// The rows of all areas as stretches that do not overlap: first, and one past the last.
fn rows(areas: &[Rectangle]) -> Vec<(usize, usize)> {
    let mut stretches: Vec<(usize, usize)> = areas
        .iter()
        .map(|area| {
            // Damage lies on the device.
            let first = area.top_left.y.max(0) as usize;
            (first, first + area.size.height as usize)
        })
        .collect();
    stretches.sort_unstable();
    let mut joined: Vec<(usize, usize)> = Vec::new();
    for (first, end) in stretches {
        match joined.last_mut() {
            Some(last) if first <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((first, end)),
        }
    }
    joined
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use embedded_graphics::geometry::Point;
    use embedded_graphics::pixelcolor::RgbColor;

    use super::*;

    fn on_file(turn: Turn) -> (tempfile::NamedTempFile, Framebuffer) {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(400 * 4 * 300).unwrap();
        let geometry = Geometry {
            size: Size::new(320, 240),
            stride: 400 * 4,
            start: 10 * 400 * 4,
            packing: Packing::XRGB8888,
        };
        let display =
            Framebuffer::on(file.reopen().unwrap(), file.path(), (geometry, turn)).unwrap();
        (file, display)
    }

    fn pixel(bytes: &[u8], x: usize, y: usize) -> &[u8] {
        &bytes[(10 + y) * 1600 + x * 4..][..4]
    }

    #[test]
    fn rows_are_written_where_the_visible_part_begins() {
        let (file, mut display) = on_file(Turn::None);
        let area = Rectangle::new(Point::new(319, 239), Size::new(1, 1));
        display.write(&area, &[Rgb888::new(1, 2, 3)]).unwrap();
        assert!(std::fs::read(file.path()).unwrap().iter().all(|&byte| byte == 0));
        display.flush().unwrap();
        let bytes = std::fs::read(file.path()).unwrap();
        assert_eq!(pixel(&bytes, 319, 239), [3, 2, 1, 0]);
        assert_eq!(bytes.iter().filter(|&&byte| byte != 0).count(), 3);
    }

    #[test]
    fn a_turned_screen_has_its_corner_elsewhere() {
        let (file, mut display) = on_file(Turn::Quarter);
        assert_eq!(display.size(), Size::new(240, 320));
        let area = Rectangle::new(Point::zero(), Size::new(1, 1));
        display.write(&area, &[Rgb888::WHITE]).unwrap();
        display.flush().unwrap();
        let bytes = std::fs::read(file.path()).unwrap();
        assert_eq!(pixel(&bytes, 319, 0), [0xff, 0xff, 0xff, 0]);
    }

    #[test]
    fn a_device_that_is_gone_is_an_error_with_its_path() {
        let (file, _) = on_file(Turn::None);
        let geometry = Geometry {
            size: Size::new(320, 240),
            stride: 1280,
            start: 0,
            packing: Packing::XRGB8888,
        };
        // Read only: as a device that takes no more writes.
        let read_only = File::open(file.path()).unwrap();
        let mut display = Framebuffer::on(read_only, file.path(), (geometry, Turn::None)).unwrap();
        let area = Rectangle::new(Point::zero(), Size::new(1, 1));
        display.write(&area, &[Rgb888::WHITE]).unwrap();
        let text = display.flush().unwrap_err().to_string();
        assert!(text.contains("cannot write"), "{text}");
        assert!(display.flush().is_ok());
    }

    #[test]
    fn what_is_no_framebuffer_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = Framebuffer::open(file.path(), Turn::None).unwrap_err().to_string();
        assert!(text.contains("cannot ask for its geometry"), "{text}");
        let absent = Framebuffer::open(Path::new("/nonexistent/fb0"), Turn::None);
        assert!(absent.unwrap_err().to_string().contains("cannot open"));
    }

    #[test]
    fn rows_of_areas_side_by_side_are_written_once() {
        let area = |y, height| Rectangle::new(Point::new(0, y), Size::new(5, height));
        assert_eq!(rows(&[area(4, 3), area(0, 2), area(5, 9), area(2, 1)]), [(0, 3), (4, 14)]);
        assert!(rows(&[]).is_empty());
    }
}
