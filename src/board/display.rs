use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;

/// The operator's screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayDefaults {
    /// What it hangs on.
    pub device: DisplayNode,
    /// Columns of the device, before its picture is turned.
    pub width: u32,
    /// Rows of the device, before its picture is turned.
    pub height: u32,
    /// By how much the picture is turned clockwise: 0, 90, 180 or 270.
    pub rotation_deg: u16,
}

/// What a screen hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisplayNode {
    /// A framebuffer, by device node.
    Framebuffer(PathBuf),
    /// A DRM device, by device node.
    Drm(PathBuf),
    /// A controller at an SPI bus.
    Spi(SpiDisplay),
}

/// A controller at an SPI bus.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpiDisplay {
    /// Which controller it is.
    pub model: SpiController,
    /// The device node of bus and chip select.
    pub device: PathBuf,
    /// The clock of the bus, 100,000 to 125,000,000 Hz.
    pub clock_hz: u32,
    /// The GPIO chip of the lines, by device node.
    pub chip: PathBuf,
    /// The line that tells data from commands.
    pub data_line: u32,
    /// The line that resets the controller.
    pub reset_line: u32,
}

/// Controllers that can be driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpiController {
    /// Sitronix ST7789.
    St7789,
    /// Ilitek ILI9341.
    Ili9341,
}

/// The `[display]` section, exactly the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDisplay {
    framebuffer: Option<PathBuf>,
    drm: Option<PathBuf>,
    spi: Option<SpiDisplay>,
    width: u32,
    height: u32,
    #[serde(default)]
    rotation_deg: u16,
}

/// Pixels of the shorter and of the longer side that the smallest layout needs.
const LEAST: (u32, u32) = (240, 320);
const MOST: u32 = 4_096;

impl DisplayDefaults {
    /// Checks what is written; `origin` names the profile in messages.
    pub(super) fn validate(raw: &RawDisplay, origin: &str) -> Result<Self, Error> {
        let bad = |key, found: String, expected: &str| {
            let (origin, expected) = (origin.to_owned(), expected.to_owned());
            Err(Error::Invalid { origin, line: None, key, found, expected })
        };
        let (width, height) = (raw.width, raw.height);
        if width.min(height) < LEAST.0 || width.max(height) < LEAST.1 || width.max(height) > MOST {
            let expected =
                "from 240 to 4096 each way, 320 the longer: what the panel's layouts need";
            return bad("display.width, height", format!("{width}x{height}"), expected);
        }
        if !matches!(raw.rotation_deg, 0 | 90 | 180 | 270) {
            let found = raw.rotation_deg.to_string();
            return bad("display.rotation_deg", found, "0, 90, 180 or 270");
        }
        let device = match (&raw.framebuffer, &raw.drm, &raw.spi) {
            (Some(path), None, None) => DisplayNode::Framebuffer(path.clone()),
            (None, Some(path), None) => DisplayNode::Drm(path.clone()),
            (None, None, Some(spi)) => DisplayNode::Spi(spi.clone()),
            _ => {
                let expected = "exactly one of framebuffer, drm and spi";
                return bad("display", "its device".to_owned(), expected);
            }
        };
        if let Some((key, path)) = device.paths().into_iter().find(|(_, path)| !path.is_absolute())
        {
            return bad(key, path.display().to_string(), "an absolute path");
        }
        if let DisplayNode::Spi(spi) = &device {
            if !(100_000..=125_000_000).contains(&spi.clock_hz) {
                let found = spi.clock_hz.to_string();
                return bad("display.spi.clock_hz", found, "from 100000 to 125000000");
            }
            if spi.data_line == spi.reset_line {
                let found = spi.reset_line.to_string();
                return bad("display.spi.reset_line", found, "another line than data_line's");
            }
        }
        Ok(Self { device, width, height, rotation_deg: raw.rotation_deg })
    }
}

impl DisplayNode {
    /// The device node that says whether it is there.
    pub fn path(&self) -> &Path {
        match self {
            Self::Framebuffer(path) | Self::Drm(path) => path,
            Self::Spi(spi) => &spi.device,
        }
    }

    fn paths(&self) -> Vec<(&'static str, &Path)> {
        match self {
            Self::Framebuffer(path) => vec![("display.framebuffer", path)],
            Self::Drm(path) => vec![("display.drm", path)],
            Self::Spi(spi) => {
                vec![("display.spi.device", &spi.device), ("display.spi.chip", &spi.chip)]
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SPI: &str = "width = 240\nheight = 320\nrotation_deg = 270\n[spi]\nmodel = 'st7789'\n\
        device = '/dev/spidev0.0'\nclock_hz = 40000000\nchip = '/dev/gpiochip0'\ndata_line = 25\n\
        reset_line = 27\n";

    fn validated(text: &str) -> Result<DisplayDefaults, String> {
        let raw: RawDisplay = toml::from_str(text).map_err(|error| error.to_string())?;
        DisplayDefaults::validate(&raw, "x").map_err(|error| error.to_string())
    }

    #[test]
    fn a_screen_hangs_on_one_device() {
        let drm = validated("drm = '/dev/dri/card0'\nwidth = 800\nheight = 480\n").unwrap();
        assert_eq!(drm.device, DisplayNode::Drm("/dev/dri/card0".into()));
        assert_eq!(drm.rotation_deg, 0);
        let spi = validated(SPI).unwrap();
        assert_eq!(spi.device.path(), Path::new("/dev/spidev0.0"));
        assert_eq!(spi.rotation_deg, 270);
    }

    #[test]
    fn what_cannot_be_is_refused_by_key() {
        let framebuffer = "framebuffer = '/dev/fb0'\nwidth = 480\nheight = 320\n";
        for (text, fact) in [
            (framebuffer.replace("320", "200"), "480x200: from 240 to 4096"),
            (framebuffer.replace("480", "5000"), "5000x320: from 240"),
            (format!("{framebuffer}rotation_deg = 45"), "display.rotation_deg = 45: 0, 90"),
            (format!("{framebuffer}drm = '/dev/dri/card0'"), "exactly one of framebuffer"),
            ("width = 480\nheight = 320".to_owned(), "exactly one of framebuffer"),
            (SPI.replace("'/dev/spidev0.0'", "'spidev0.0'"), "display.spi.device = spidev0.0"),
            (SPI.replace("'/dev/gpiochip0'", "'gpio'"), "display.spi.chip = gpio: an absolute"),
            (SPI.replace("40000000", "40"), "display.spi.clock_hz = 40: from"),
            (SPI.replace("reset_line = 27", "reset_line = 25"), "another line than data_line's"),
            (SPI.replace("st7789", "ssd1306"), "unknown variant"),
            (format!("{framebuffer}colour = 1"), "unknown field"),
        ] {
            let error = validated(&text).unwrap_err();
            assert!(error.contains(fact), "{fact}: {error}");
        }
    }
}
