use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checks::{Bad, bad, in_range};
use crate::panel::{DisplayConfig, DisplayDevice, Language, SpiModel, SpiPanel, Turn};

/// The `[panel]` section, as it is written: one of `framebuffer`, `drm`, `spi` and `window`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPanel {
    /// What the operator reads: `en` or `ja`.
    #[serde(default)]
    pub language: Language,
    /// How the picture is turned on the display: 0, 90, 180 or 270, clockwise.
    #[serde(default)]
    pub rotation_deg: u16,
    /// A framebuffer, such as `/dev/fb0`.
    pub framebuffer: Option<PathBuf>,
    /// A DRM device, such as `/dev/dri/card0`.
    pub drm: Option<PathBuf>,
    /// A panel at an SPI bus.
    pub spi: Option<RawSpi>,
    /// A window on a desktop with these columns and rows, for development.
    pub window: Option<[u16; 2]>,
}

/// The `[panel.spi]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSpi {
    /// Its controller.
    pub model: RawSpiModel,
    /// The bus and chip select, such as `/dev/spidev0.0`.
    pub device: PathBuf,
    /// Clock of the bus, 100,000 to 100,000,000 Hz.
    #[serde(default = "default_clock_hz")]
    pub clock_hz: u32,
    /// Columns before it is turned, 64 to 480.
    pub width: u16,
    /// Rows before it is turned, 64 to 480.
    pub height: u16,
    /// The GPIO chip of the lines beside the bus.
    pub chip: PathBuf,
    /// The line that tells data from commands.
    pub data_line: u32,
    /// The line that resets the controller, if it is wired.
    pub reset_line: Option<u32>,
}

/// Controllers of SPI panels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawSpiModel {
    /// Sitronix ST7789.
    St7789,
    /// Ilitek ILI9341.
    Ili9341,
}

/// The operator's screen; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelConfig {
    /// What the operator reads.
    pub language: Language,
    /// Where it is drawn.
    pub display: DisplayConfig,
}

impl RawPanel {
    pub(super) fn checked(&self) -> Result<PanelConfig, Bad> {
        let turn = Turn::from_degrees(self.rotation_deg)
            .ok_or_else(|| bad("panel.rotation_deg", self.rotation_deg, "0, 90, 180 or 270"))?;
        let mut devices = self.devices()?;
        let (Some(device), None) = (devices.pop(), devices.pop()) else {
            return Err(bad("panel", "not one display", "one of framebuffer, drm, spi and window"));
        };
        Ok(PanelConfig { language: self.language, display: DisplayConfig { device, turn } })
    }
}

impl RawPanel {
    fn devices(&self) -> Result<Vec<DisplayDevice>, Bad> {
        let mut found = Vec::new();
        if let Some(path) = &self.framebuffer {
            found.push(DisplayDevice::Framebuffer(absolute("panel.framebuffer", path)?));
        }
        if let Some(path) = &self.drm {
            found.push(DisplayDevice::Drm(absolute("panel.drm", path)?));
        }
        if let Some(spi) = &self.spi {
            found.push(DisplayDevice::Spi(spi.checked()?));
        }
        if let Some([width, height]) = self.window {
            found.push(DisplayDevice::Window { width, height });
        }
        Ok(found)
    }
}

impl RawSpi {
    fn checked(&self) -> Result<SpiPanel, Bad> {
        in_range("panel.spi.clock_hz", self.clock_hz.into(), 1e5, 1e8)?;
        in_range("panel.spi.width", self.width.into(), 64.0, 480.0)?;
        in_range("panel.spi.height", self.height.into(), 64.0, 480.0)?;
        Ok(SpiPanel {
            model: match self.model {
                RawSpiModel::St7789 => SpiModel::St7789,
                RawSpiModel::Ili9341 => SpiModel::Ili9341,
            },
            device: absolute("panel.spi.device", &self.device)?,
            clock_hz: self.clock_hz,
            width: self.width,
            height: self.height,
            chip: absolute("panel.spi.chip", &self.chip)?,
            data_line: self.data_line,
            reset_line: self.reset_line,
        })
    }
}

fn absolute(key: &str, path: &Path) -> Result<PathBuf, Bad> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    Err(bad(key, path.display(), "an absolute path"))
}

fn default_clock_hz() -> u32 {
    32_000_000
}
