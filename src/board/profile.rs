use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;
use super::display::DisplayDefaults;
use super::machine::{Zone, zones};
use super::raw::{RawBoard, RawCamera, RawData, RawGpio, RawThermal};
use crate::capture::{FourCc, PixelFormat};
use crate::files;

const MAX_BYTES: u64 = 64 << 10;
/// More than any box of this kind has.
const MOST_THREADS: usize = 256;

/// All that is specific to one kind of box; every value was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// The built-in name, or the file.
    pub name: String,
    /// For people.
    pub title: String,
    /// As Rust names it: `aarch64` or `x86_64`.
    pub architecture: String,
    /// How its device tree's model begins; `None` where there is no device tree.
    pub model: Option<String>,
    /// What its processor has, in the words of `/proc/cpuinfo`.
    pub cpu_features: Vec<String>,
    /// The int8 kernel it should run; `None`: the fastest it has.
    pub kernel: Option<String>,
    /// Threads of inference, at least 1.
    pub threads: usize,
    /// MiB of memory it has at least.
    pub least_memory_mb: u64,
    /// What cameras are usually set to.
    pub camera: CameraDefaults,
    /// The operator's screen, if it has one.
    pub display: Option<DisplayDefaults>,
    /// The lines to the machine, if it has any.
    pub gpio: Option<GpioLines>,
    /// Where its temperature is read.
    pub thermal: Option<Thermal>,
    /// The device node of the hardware watchdog.
    pub watchdog: Option<PathBuf>,
    /// The one folder that is written to.
    pub data_folder: PathBuf,
    /// MiB that must be free there.
    pub least_free_mb: u64,
}

/// What cameras are usually set to.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraDefaults {
    /// Formats to ask for, the best first; all can be converted.
    pub formats: Vec<FourCc>,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames a second.
    pub rate_hz: f64,
    /// Which of its sensors cannot be used directly.
    pub bridge: Option<String>,
}

/// What a line that nobody drives means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineWiring {
    /// A part goes through on a pulse of its own alone: a dead box rejects.
    #[default]
    EnergiseToPass,
    /// A part goes through unless it is pulsed out: a dead box passes everything.
    PulseToReject,
}

/// The lines to the machine, by number on one chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpioLines {
    /// The chip's label: numbers of chips change between kernels.
    pub chip: String,
    /// The newest GPIO interface of its kernel: 1 or 2.
    pub interface: u8,
    /// What an undriven line means.
    pub wiring: LineWiring,
    /// Each line with what it is for.
    pub lines: Vec<(&'static str, u32)>,
}

/// Where a temperature is read, and what is too hot.
#[derive(Debug, Clone, PartialEq)]
pub struct Thermal {
    /// Types of thermal zones, the first that is there counts.
    pub zones: Vec<String>,
    /// From here on the processor will soon slow down, in degrees Celsius.
    pub warn_c: f64,
}

impl Thermal {
    /// The first of its zones that is there, as it is now.
    pub fn look(&self) -> Option<Zone> {
        self.look_below(Path::new("/"))
    }

    /// As the files below a root say.
    pub(super) fn look_below(&self, root: &Path) -> Option<Zone> {
        let found = zones(root);
        self.zones.iter().find_map(|kind| found.iter().find(|zone| zone.kind == *kind)).cloned()
    }
}

impl Board {
    /// Reads a profile from a file.
    ///
    /// # Errors
    /// Those of reading, and of a profile that is none.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let origin = path.display().to_string();
        Self::parse(&files::read_text(path, MAX_BYTES)?, &origin)
    }

    /// A profile from its text; `origin` names it in messages.
    ///
    /// # Errors
    /// [`Error::Toml`] and [`Error::Invalid`], with line and key.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let raw = RawBoard::parse(text, origin)?;
        Self::checked(raw, origin).map_err(|error| error.in_text(text))
    }

    fn checked(raw: RawBoard, origin: &str) -> Result<Self, Error> {
        let check = Check { origin };
        check.numbers(&raw)?;
        check.camera(&raw.camera)?;
        let display = raw.display.as_ref();
        let display = display.map(|raw| DisplayDefaults::validate(raw, origin)).transpose()?;
        let gpio = raw.gpio.as_ref().map(|gpio| check.gpio(gpio)).transpose()?;
        raw.thermal.as_ref().map_or(Ok(()), |thermal| check.thermal(thermal))?;
        check.data(&raw.data)?;
        Ok(Self::of(raw, (display, gpio), origin))
    }

    fn of(
        raw: RawBoard,
        (display, gpio): (Option<DisplayDefaults>, Option<GpioLines>),
        origin: &str,
    ) -> Self {
        let RawCamera { formats, width, height, rate_hz, bridge } = raw.camera;
        Self {
            name: origin.to_owned(),
            title: raw.title,
            architecture: raw.architecture,
            model: raw.model,
            cpu_features: raw.cpu_features,
            kernel: raw.kernel,
            threads: raw.threads,
            least_memory_mb: raw.least_memory_mb,
            camera: CameraDefaults { formats, width, height, rate_hz, bridge },
            display,
            gpio,
            thermal: raw.thermal.map(|RawThermal { zones, warn_c }| Thermal { zones, warn_c }),
            watchdog: raw.watchdog.map(|watchdog| watchdog.device),
            data_folder: raw.data.folder,
            least_free_mb: raw.data.least_free_mb,
        }
    }
}

/// The checks of one profile.
struct Check<'a> {
    origin: &'a str,
}

impl Check<'_> {
    fn numbers(&self, raw: &RawBoard) -> Result<(), Error> {
        if !["aarch64", "x86_64"].contains(&raw.architecture.as_str()) {
            return Err(self.bad("architecture", &raw.architecture, "aarch64 or x86_64"));
        }
        if !(1..=MOST_THREADS).contains(&raw.threads) {
            return Err(self.bad("threads", raw.threads, "from 1 to 256"));
        }
        match &raw.watchdog {
            Some(watchdog) if !watchdog.device.is_absolute() => {
                Err(self.bad("watchdog.device", watchdog.device.display(), "an absolute path"))
            }
            _ => Ok(()),
        }
    }

    fn camera(&self, raw: &RawCamera) -> Result<(), Error> {
        if raw.formats.is_empty() {
            return Err(self.bad("camera.formats", "[]", "at least one FourCC"));
        }
        for name in &raw.formats {
            if let Err(error) = PixelFormat::of(*name) {
                return Err(self.bad("camera.formats", name, &error.to_string()));
            }
        }
        self.size("camera.width", raw.width)?;
        self.size("camera.height", raw.height)?;
        if !(0.1..=1_000.0).contains(&raw.rate_hz) {
            return Err(self.bad("camera.rate_hz", raw.rate_hz, "from 0.1 to 1000"));
        }
        Ok(())
    }

    /// A line that is wired twice would switch two things at once.
    fn gpio(&self, raw: &RawGpio) -> Result<GpioLines, Error> {
        if !(1..=2).contains(&raw.interface) {
            return Err(self.bad("gpio.interface", raw.interface, "1 or 2"));
        }
        let named = [
            ("trigger", "gpio.trigger", raw.trigger),
            ("pass", "gpio.pass", raw.pass),
            ("reject", "gpio.reject", raw.reject),
            ("fault", "gpio.fault", raw.fault),
            ("busy", "gpio.busy", raw.busy),
        ];
        let mut lines: Vec<(&'static str, u32)> = Vec::new();
        for (name, key, line) in named {
            let Some(line) = line else { continue };
            if let Some((other, _)) = lines.iter().find(|(_, taken)| *taken == line) {
                let expected = format!("another line than {other}'s");
                return Err(self.bad(key, line, &expected));
            }
            lines.push((name, line));
        }
        Ok(GpioLines {
            chip: raw.chip.clone(),
            interface: raw.interface,
            wiring: raw.wiring,
            lines,
        })
    }

    fn thermal(&self, raw: &RawThermal) -> Result<(), Error> {
        if raw.zones.is_empty() {
            return Err(self.bad("thermal.zones", "[]", "at least one zone"));
        }
        if !(0.0..=150.0).contains(&raw.warn_c) {
            return Err(self.bad("thermal.warn_c", raw.warn_c, "from 0 to 150"));
        }
        Ok(())
    }

    fn data(&self, raw: &RawData) -> Result<(), Error> {
        if raw.folder.is_absolute() {
            return Ok(());
        }
        Err(self.bad("data.folder", raw.folder.display(), "an absolute path"))
    }

    fn size(&self, key: &'static str, found: u32) -> Result<(), Error> {
        if (2..=16_384).contains(&found) {
            return Ok(());
        }
        Err(self.bad(key, found, "from 2 to 16384"))
    }

    fn bad(&self, key: &'static str, found: impl ToString, expected: &str) -> Error {
        let (origin, found) = (self.origin.to_owned(), found.to_string());
        Error::Invalid { origin, line: None, key, found, expected: expected.to_owned() }
    }
}
