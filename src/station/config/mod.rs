//! Station files: TOML as it is written, and as it was checked.

mod checks;
mod raw;
mod screen;
#[cfg(test)]
mod tests;

use std::num::NonZero;
use std::path::{Path, PathBuf};

use super::Error;
use super::core::CoreConfig;
use crate::board::Board;
use crate::capture::{CameraConfig, CaptureConfig, Mode, Timestamps};
use crate::files;
use crate::input::InputsConfig;
use crate::journal::{EvidenceShare, Settings};
use crate::plant::PlantConfig;
use crate::signal::{InputConfig, OutputsConfig};

pub use screen::{PanelConfig, RawPanel, RawSpi, RawSpiModel};

pub use raw::{
    RawChallenge, RawConfirmation, RawControl, RawEjector, RawEncoder, RawJournal, RawStation,
    RawTrigger, TriggerKind,
};

const MAX_BYTES: u64 = 1 << 20;

/// A station: a recipe, cameras, wiring and a journal; every value was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct StationConfig {
    /// The file it was read from.
    pub path: PathBuf,
    /// For people and for the journal.
    pub name: String,
    /// What box it is, where the file says so.
    pub board: Option<Board>,
    /// The recipe that is in force at the start.
    pub recipe: PathBuf,
    /// The recipes that may be selected while it runs, `recipe` first.
    pub recipes: Vec<PathBuf>,
    /// Goldens with labels, relative to the recipe's folder.
    pub challenge: Option<PathBuf>,
    /// How parts are captured.
    pub capture: CaptureConfig,
    /// What triggers.
    pub trigger: TriggerConfig,
    /// What the core goes by.
    pub core: CoreConfig,
    /// The encoder, where parts are followed by its pulses.
    pub encoder: Option<InputConfig>,
    /// Whether and how ejections are confirmed.
    pub confirmation: Option<ConfirmationConfig>,
    /// The output lines.
    pub outputs: OutputsConfig,
    /// The evidence.
    pub journal: JournalConfig,
    /// Where commands are taken.
    pub socket: Option<PathBuf>,
    /// What the plant's network sees.
    pub plant: Option<PlantConfig>,
    /// What the operator sees.
    pub panel: Option<PanelConfig>,
    /// What the operator presses.
    pub inputs: Option<InputsConfig>,
}

/// What triggers; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerConfig {
    /// Edges of an input line.
    Gpio(InputConfig),
    /// A part every so many nanoseconds.
    Interval {
        /// From one to the next.
        period_ns: i64,
    },
    /// Each frame of the test camera is a part.
    FreeRunning,
    /// The command `trigger`.
    Software,
}

/// How ejections are confirmed; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmationConfig {
    /// A sensor behind the ejector.
    pub input: InputConfig,
    /// The longest from the end of a part's way to the edge.
    pub within_ns: i64,
}

/// Where evidence goes; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalConfig {
    /// The journal's folder.
    pub folder: PathBuf,
    /// How it is written, and what may be forgotten.
    pub settings: Settings,
    /// Whose images are kept.
    pub share: EvidenceShare,
}

impl StationConfig {
    /// Reads and checks a station file; paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Toml`] and [`Error::Invalid`], with the file and the line.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::parse(&files::read_text(path, MAX_BYTES)?, path)
    }

    /// Checks the text of a station file; `path` names it in messages and is what relative paths
    /// start from.
    ///
    /// # Errors
    /// [`Error::Toml`] and [`Error::Invalid`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let raw: RawStation = toml::from_str(text).map_err(|error| Error::Toml {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        raw.validate(path).map_err(|bad| Error::Invalid {
            path: path.to_owned(),
            line: files::line_of(text, &bad.key),
            key: bad.key,
            found: bad.found,
            expected: bad.expected,
        })
    }

    /// What whoever installs this should know.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.outputs.warnings();
        if self.challenge.is_none() {
            warnings.push(
                "challenge: no manifest; unless the recipe lists a bad golden, nothing shows at the \
                 start that bad parts are told from good"
                    .to_owned(),
            );
        }
        let unstable = self.capture.cameras.iter().filter(|camera| !camera.source.is_stable());
        warnings.extend(unstable.map(|camera| {
            format!("capture: {:?} may be another camera after a restart", camera.source)
        }));
        let arrival = |camera: &&CameraConfig| camera.timestamps == Timestamps::Arrival;
        warnings.extend(self.capture.cameras.iter().filter(arrival).map(|camera| {
            format!(
                "capture: frames of {} are dated by their arrival, which a busy box or bridge delays: \
                 frame_offset_ms and window_ms must cover it, or parts are not inspected",
                camera.source
            )
        }));
        warnings
    }

    /// Threads of inference: as many as the board should have, one where none is named.
    pub fn threads(&self) -> NonZero<usize> {
        let threads = self.board.as_ref().and_then(|board| NonZero::new(board.threads));
        let here = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        threads.unwrap_or(NonZero::<usize>::MIN).min(here)
    }

    /// Whether the reference is a golden frame of the recipe.
    pub fn is_golden(&self) -> bool {
        self.capture.mode == Mode::Golden
    }
}
