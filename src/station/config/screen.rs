use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checks::{Bad, bad, in_range};
use crate::board::{self, DisplayDefaults, DisplayNode, Machine, SpiController};
use crate::panel::{self, DisplayConfig, DisplayDevice, Language, SpiModel, SpiPanel, Turn};

/// The `[panel]` section, as it is written: one of `framebuffer`, `drm`, `spi` and `window`, or none
/// for the display of the board's profile.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPanel {
    /// What the operator reads: `en` or `ja`.
    #[serde(default)]
    pub language: Language,
    /// How the picture is turned on the display: 0, 90, 180 or 270, clockwise. Without it: not at all,
    /// or as the board's profile says.
    pub rotation_deg: Option<u16>,
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
        let mut devices = self.devices()?;
        let mut display = match (devices.pop(), devices.pop()) {
            (Some(device), None) => DisplayConfig { device, turn: Turn::None },
            (None, _) => of_this_board()?,
            (Some(_), Some(_)) => {
                let expected = "one of framebuffer, drm, spi and window";
                return Err(bad("panel", "more than one display", expected));
            }
        };
        if let Some(degrees) = self.rotation_deg {
            display.turn = Turn::from_degrees(degrees)
                .ok_or_else(|| bad("panel.rotation_deg", degrees, "0, 90, 180 or 270"))?;
        }
        let key = match display.device {
            DisplayDevice::Spi(_) if self.spi.is_some() => "panel.spi",
            DisplayDevice::Window { .. } => "panel.window",
            _ => "panel",
        };
        // Not when it is drawn on: no later try makes it another build or a larger screen.
        display.check().map_err(|error| unusable(key, &error))?;
        Ok(PanelConfig { language: self.language, display })
    }
}

/// The display of the board that this machine is.
fn of_this_board() -> Result<DisplayConfig, Bad> {
    let expected = "one of framebuffer, drm, spi and window";
    let board = board::detect(&Machine::identity())
        .map_err(|error| bad("panel", error.to_string(), expected))?;
    match &board.display {
        Some(display) => Ok(of_profile(display)),
        None => {
            let found = format!("no display, and none in the profile {:?}", board.title);
            Err(bad("panel", found, expected))
        }
    }
}

fn of_profile(display: &DisplayDefaults) -> DisplayConfig {
    let device = match &display.device {
        DisplayNode::Framebuffer(path) => DisplayDevice::Framebuffer(path.clone()),
        DisplayNode::Drm(path) => DisplayDevice::Drm(path.clone()),
        DisplayNode::Spi(spi) => DisplayDevice::Spi(SpiPanel {
            model: match spi.model {
                SpiController::St7789 => SpiModel::St7789,
                SpiController::Ili9341 => SpiModel::Ili9341,
            },
            device: spi.device.clone(),
            clock_hz: spi.clock_hz,
            // Profiles have sides up to 4,096.
            width: u16::try_from(display.width).unwrap_or(u16::MAX),
            height: u16::try_from(display.height).unwrap_or(u16::MAX),
            chip: spi.chip.clone(),
            data_line: spi.data_line,
            reset_line: Some(spi.reset_line),
        }),
    };
    // A profile has no other numbers.
    let turn = Turn::from_degrees(display.rotation_deg).unwrap_or_default();
    DisplayConfig { device, turn }
}

fn unusable(key: &str, error: &panel::Error) -> Bad {
    match error {
        panel::Error::NotBuilt { kind, feature } => {
            let expected = format!("a display of this build; build with --features {feature}");
            bad(key, format!("a display of kind {kind:?}"), expected)
        }
        panel::Error::Size { width, height } => {
            let expected = "from 240 to 4096 pixels each way, 320 the longer";
            bad(key, format!("{width}x{height}"), expected)
        }
        other => bad(key, other.to_string(), "a display that can be drawn on"),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<PanelConfig, String> {
        let raw: RawPanel = toml::from_str(text).unwrap();
        raw.checked().map_err(|Bad { key, found, expected }| format!("{key} = {found}: {expected}"))
    }

    #[test]
    fn what_can_never_be_drawn_on_is_refused_when_it_is_read() {
        let small = "[spi]\nmodel = 'st7789'\ndevice = '/dev/spidev0.0'\nwidth = 240\n\
            height = 240\nchip = '/dev/gpiochip0'\ndata_line = 5\n";
        let built = small.replace("height = 240", "height = 320");
        if cfg!(feature = "spi-panel") {
            let text = checked(small).unwrap_err();
            assert!(text.starts_with("panel.spi = 240x240: from 240"), "{text}");
            assert!(checked(&built).is_ok());
        } else {
            let text = checked(&built).unwrap_err();
            assert!(text.contains("panel.spi = a display of kind") && text.contains("spi-panel"));
        }
        let window = checked("window = [200, 100]").unwrap_err();
        let is_told =
            window.contains("panel.window = 200x100") || window.contains("features window");
        assert!(is_told, "{window}");
        let two = checked("framebuffer = '/dev/fb0'\ndrm = '/dev/dri/card0'").unwrap_err();
        assert!(two.contains("more than one display"), "{two}");
        assert!(checked("framebuffer = '/dev/fb0'\nrotation_deg = 45").is_err());
    }

    #[test]
    fn a_panel_without_a_device_is_the_one_of_the_profile() {
        let emulated = board::Board::find("emulated").unwrap().display.unwrap();
        let expected = DisplayDevice::Framebuffer(PathBuf::from("/dev/fb0"));
        assert_eq!(of_profile(&emulated), DisplayConfig { device: expected, turn: Turn::None });
        let turned = DisplayDefaults { rotation_deg: 270, ..emulated };
        assert_eq!(of_profile(&turned).turn, Turn::ThreeQuarters);
        // Whatever machine this is, its profile answers.
        match checked("language = 'ja'") {
            Ok(config) => assert_eq!(config.language, Language::Ja),
            Err(text) => assert!(text.starts_with("panel = "), "{text}"),
        }
    }
}
