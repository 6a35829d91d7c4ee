use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use drm::Device as _;
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::dumbbuffer::DumbBuffer;
use drm::control::{ClipRect, Device as _, Mode, connector, crtc, framebuffer};
use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;

use super::memory::check_size;
use super::raster::{Packing, Raster, Turn};
use super::{Display, Error};

/// How often the cable is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A screen of a DRM device (`/dev/dri/cardN`), drawn through a dumb buffer.
///
/// The first connected connector in its preferred mode. What was shown before comes back by itself
/// when this is dropped, for the kernel restores its console.
#[derive(Debug)]
pub struct Kms {
    path: PathBuf,
    card: Card,
    connector: connector::Handle,
    framebuffer: framebuffer::Handle,
    buffer: DumbBuffer,
    raster: Raster,
    looked: Instant,
}

#[derive(Debug)]
struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

/// A connector with something on it, and what drives it.
struct Route {
    connector: connector::Handle,
    crtc: crtc::Handle,
    mode: Mode,
}

impl Kms {
    /// Takes the first connected screen.
    ///
    /// # Errors
    /// When the device is not there, not permitted, in another's hand, or nothing is connected.
    pub fn open(path: &Path, turn: Turn) -> Result<Self, Error> {
        let open = OpenOptions::new().read(true).write(true).open(path);
        let card = Card(open.map_err(Error::device(path, "open"))?);
        let route = card.route().map_err(Error::device(path, "list its screens"))?;
        let Some(route) = route else { return Err(Error::Disconnected { path: path.to_owned() }) };
        let (width, height) = route.mode.size();
        let size = Size::new(width.into(), height.into());
        check_size(size)?;
        let (buffer, framebuffer) =
            card.buffer(size).map_err(Error::device(path, "allocate a buffer on"))?;
        let stride = buffer.pitch() as usize;
        let raster = Raster::new(size, stride, (Packing::XRGB8888, turn));
        let Route { connector, crtc, mode } = route;
        let looked = Instant::now();
        let path = path.to_owned();
        let kms = Self { path, card, connector, framebuffer, buffer, raster, looked };
        let set = kms.card.set_crtc(crtc, Some(framebuffer), (0, 0), &[connector], Some(mode));
        set.map_err(Error::device(&kms.path, "show a picture on (is another program using it?)"))?;
        Ok(kms)
    }

    fn check_connected(&mut self) -> Result<(), Error> {
        if self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.looked = Instant::now();
        // Without probing: the kernel keeps the state, and probing would stop the picture.
        let info = self.card.get_connector(self.connector, false);
        let info = info.map_err(Error::device(&self.path, "look at the cable of"))?;
        match info.state() {
            connector::State::Disconnected => Err(Error::Disconnected { path: self.path.clone() }),
            _ => Ok(()),
        }
    }

    /// Copies the damaged areas and tells the driver, where it wants to be told.
    fn present(&mut self) -> io::Result<()> {
        let damage = self.raster.take_damage();
        if damage.is_empty() {
            return Ok(());
        }
        let stride = self.raster.stride();
        let mut mapping = self.card.map_dumb_buffer(&mut self.buffer)?;
        for area in &damage {
            copy(self.raster.bytes(), mapping.as_mut(), (stride, area));
        }
        drop(mapping);
        let clips: Vec<ClipRect> = damage.iter().map(clip).collect();
        match self.card.dirty_framebuffer(self.framebuffer, &clips) {
            // Drivers that scan the buffer out need not be told, and say so in either way.
            Err(error) if is_needless(&error) => Ok(()),
            other => other,
        }
    }
}

impl Display for Kms {
    fn size(&self) -> Size {
        self.raster.seen_size()
    }

    fn write(&mut self, area: &Rectangle, pixels: &[Rgb888]) -> Result<(), Error> {
        self.raster.write(area, pixels);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.check_connected()?;
        self.present().map_err(Error::device(&self.path, "show a picture on"))
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        // Closing the device frees both as well; nothing can be done about a refusal.
        let _ = self.card.destroy_framebuffer(self.framebuffer);
        let _ = self.card.destroy_dumb_buffer(self.buffer);
    }
}

impl Card {
    fn route(&self) -> io::Result<Option<Route>> {
        // Only a device that nobody else shows pictures on can be taken; the refusal comes later.
        let _ = self.acquire_master_lock();
        let resources = self.resource_handles()?;
        for &handle in resources.connectors() {
            let info = self.get_connector(handle, true)?;
            let Some(&mode) = preferred(info.modes()) else { continue };
            if info.state() != connector::State::Connected {
                continue;
            }
            for &encoder in info.encoders() {
                let encoder = self.get_encoder(encoder)?;
                let possible = resources.filter_crtcs(encoder.possible_crtcs());
                let crtc = encoder.crtc().or_else(|| possible.first().copied());
                if let Some(crtc) = crtc {
                    return Ok(Some(Route { connector: handle, crtc, mode }));
                }
            }
        }
        Ok(None)
    }

    fn buffer(&self, size: Size) -> io::Result<(DumbBuffer, framebuffer::Handle)> {
        let buffer = self.create_dumb_buffer((size.width, size.height), DrmFourcc::Xrgb8888, 32)?;
        match self.add_framebuffer(&buffer, 24, 32) {
            Ok(framebuffer) => Ok((buffer, framebuffer)),
            Err(error) => {
                let _ = self.destroy_dumb_buffer(buffer);
                Err(error)
            }
        }
    }
}

fn preferred(modes: &[Mode]) -> Option<&Mode> {
    let is_preferred =
        |mode: &&Mode| mode.mode_type().contains(drm::control::ModeTypeFlags::PREFERRED);
    modes.iter().find(is_preferred).or_else(|| modes.first())
}

fn is_needless(error: &io::Error) -> bool {
    [libc::ENOSYS, libc::EOPNOTSUPP].map(Some).contains(&error.raw_os_error())
}

/// Copies an area from one picture to another with rows of the same length.
fn copy(from: &[u8], to: &mut [u8], (stride, area): (usize, &Rectangle)) {
    let bytes = Packing::XRGB8888.bytes;
    for row in area.rows() {
        let start = row.max(0) as usize * stride + area.top_left.x.max(0) as usize * bytes;
        let end = start + area.size.width as usize * bytes;
        if let (Some(from), Some(to)) = (from.get(start..end), to.get_mut(start..end)) {
            to.copy_from_slice(from);
        }
    }
}

fn clip(area: &Rectangle) -> ClipRect {
    let edge = |value: i32| u16::try_from(value).unwrap_or(u16::MAX);
    let (x, y) = (area.top_left.x, area.top_left.y);
    let (right, bottom) = (x + area.size.width as i32, y + area.size.height as i32);
    ClipRect::new(edge(x), edge(y), edge(right), edge(bottom))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use embedded_graphics::geometry::Point;

    use super::*;

    #[test]
    fn only_the_damaged_area_is_copied() {
        let from = [7_u8; 4 * 4 * 3];
        let mut to = [0_u8; 4 * 4 * 3];
        let area = Rectangle::new(Point::new(1, 1), Size::new(2, 1));
        copy(&from, &mut to, (16, &area));
        let touched: Vec<usize> = (0..to.len()).filter(|&index| to[index] == 7).collect();
        assert_eq!(touched, (20..28).collect::<Vec<_>>());
    }

    #[test]
    fn a_clip_ends_one_past_its_area() {
        let area = Rectangle::new(Point::new(3, 4), Size::new(10, 20));
        assert_eq!(clip(&area), ClipRect::new(3, 4, 13, 24));
        let wild = Rectangle::new(Point::new(-3, 70_000), Size::new(1, 1));
        assert_eq!(clip(&wild).y1(), u16::MAX);
    }

    #[test]
    fn what_is_no_drm_device_is_an_error_with_its_path() {
        let absent = Kms::open(Path::new("/nonexistent/card0"), Turn::None).unwrap_err();
        assert!(absent.to_string().starts_with("/nonexistent/card0: cannot open"));
        let other = Kms::open(Path::new("/dev/null"), Turn::None).unwrap_err();
        assert!(other.to_string().contains("/dev/null: cannot list its screens"), "{other}");
    }
}
