use std::path::PathBuf;

use embedded_graphics::geometry::Size;

use super::memory::check_size;
use super::{Display, Error, Framebuffer, Kms, Turn};

/// Which display to draw on; board profiles say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayConfig {
    /// The device.
    pub device: DisplayDevice,
    /// How the picture is turned on it.
    pub turn: Turn,
}

/// A device with a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisplayDevice {
    /// A Linux framebuffer.
    Framebuffer(PathBuf),
    /// A DRM device.
    Drm(PathBuf),
    /// A panel at an SPI bus, in builds with the feature `spi-panel`.
    Spi(SpiPanel),
    /// A window on a desktop, in builds with the feature `window`.
    Window {
        /// Columns before it is turned.
        width: u16,
        /// Rows before it is turned.
        height: u16,
    },
}

/// A panel at an SPI bus, with the lines beside the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiPanel {
    /// Which controller it has.
    pub model: SpiModel,
    /// The bus and chip select, as `/dev/spidev0.0`.
    pub device: PathBuf,
    /// Clock of the bus.
    pub clock_hz: u32,
    /// Columns of the panel before it is turned.
    pub width: u16,
    /// Rows of the panel before it is turned.
    pub height: u16,
    /// The GPIO chip of the lines.
    pub chip: PathBuf,
    /// The line that tells data from commands.
    pub data_line: u32,
    /// The line that resets the controller, if it is wired.
    pub reset_line: Option<u32>,
}

/// Controllers of SPI panels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpiModel {
    /// Sitronix ST7789.
    St7789,
    /// Ilitek ILI9341.
    Ili9341,
}

impl DisplayConfig {
    /// Whether such a display can be drawn on at all; what only the device knows is not asked.
    ///
    /// # Errors
    /// [`Error::NotBuilt`] for a kind that this build does not have, and [`Error::Size`] for one that
    /// is too small.
    pub fn check(&self) -> Result<(), Error> {
        let (kind, feature, is_built, width, height) = match &self.device {
            DisplayDevice::Framebuffer(_) | DisplayDevice::Drm(_) => return Ok(()),
            DisplayDevice::Spi(panel) => {
                let is_built = cfg!(feature = "spi-panel");
                ("spi", "spi-panel", is_built, panel.width, panel.height)
            }
            DisplayDevice::Window { width, height } => {
                ("window", "window", cfg!(feature = "window"), *width, *height)
            }
        };
        if !is_built {
            return Err(Error::NotBuilt { kind, feature });
        }
        check_size(Size::new(width.into(), height.into()))
    }

    /// Opens the display.
    ///
    /// # Errors
    /// The device's, and [`Error::NotBuilt`] for a kind that this build does not have.
    pub fn open(&self) -> Result<Box<dyn Display>, Error> {
        match &self.device {
            DisplayDevice::Framebuffer(path) => Ok(Box::new(Framebuffer::open(path, self.turn)?)),
            DisplayDevice::Drm(path) => Ok(Box::new(Kms::open(path, self.turn)?)),
            DisplayDevice::Spi(panel) => open_spi(panel, self.turn),
            DisplayDevice::Window { width, height } => {
                open_window(Size::new((*width).into(), (*height).into()), self.turn)
            }
        }
    }
}

#[cfg(feature = "spi-panel")]
fn open_spi(panel: &SpiPanel, turn: Turn) -> Result<Box<dyn Display>, Error> {
    super::spi::open(panel, turn)
}

#[cfg(not(feature = "spi-panel"))]
fn open_spi(_: &SpiPanel, _: Turn) -> Result<Box<dyn Display>, Error> {
    Err(Error::NotBuilt { kind: "spi", feature: "spi-panel" })
}

#[cfg(feature = "window")]
fn open_window(size: Size, turn: Turn) -> Result<Box<dyn Display>, Error> {
    super::window::open(size, turn)
}

#[cfg(not(feature = "window"))]
fn open_window(_: Size, _: Turn) -> Result<Box<dyn Display>, Error> {
    Err(Error::NotBuilt { kind: "window", feature: "window" })
}
