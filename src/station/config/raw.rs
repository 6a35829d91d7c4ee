use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::screen::RawPanel;
use crate::capture::RawCapture;
use crate::input::RawInputs;
use crate::plant::RawPlant;
use crate::signal::{RawInput, RawOutputs};
use crate::station::core::{OnFailure, Overload};

/// A station file, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStation {
    /// For people and for the journal.
    pub name: String,
    /// A built-in board or the file of one: threads of inference, and what temperature is too high.
    pub board: Option<String>,
    /// The recipe that is in force at the start.
    pub recipe: PathBuf,
    /// Further recipes that operator and plant may select; `recipe` is the first of the list.
    #[serde(default)]
    pub recipes: Vec<PathBuf>,
    /// From the trigger to the last moment at which a verdict counts, 1 to 60,000 ms.
    pub deadline_ms: f64,
    /// What a part without a verdict does to the line.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Which part is rejected when parts come faster than verdicts.
    #[serde(default)]
    pub overload: Overload,
    /// Parts that may wait for inspection, 1 to 32.
    #[serde(default = "default_waiting")]
    pub waiting: usize,
    /// An inspection that takes longer is given up with its thread, 100 to 600,000 ms.
    #[serde(default = "default_inspection_timeout_ms")]
    pub inspection_timeout_ms: f64,
    /// How parts are captured.
    pub capture: RawCapture,
    /// What triggers.
    pub trigger: RawTrigger,
    /// Where parts are let through; at the camera without.
    pub ejector: Option<RawEjector>,
    /// The output lines.
    #[serde(default)]
    pub outputs: RawOutputs,
    /// The evidence.
    pub journal: RawJournal,
    /// Goldens that must be judged right before anything passes.
    pub challenge: Option<RawChallenge>,
    /// Where commands are taken.
    pub control: Option<RawControl>,
    /// What the plant's network sees.
    pub plant: Option<RawPlant>,
    /// What the operator sees.
    pub panel: Option<RawPanel>,
    /// What the operator presses.
    pub input: Option<RawInputs>,
}

/// What makes a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerKind {
    /// An edge of an input line.
    Gpio,
    /// Time alone.
    Interval,
    /// Each frame of the test camera.
    FreeRunning,
    /// The command `trigger`.
    Software,
}

/// The `[trigger]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTrigger {
    /// What makes a part.
    pub kind: TriggerKind,
    /// The line; only `gpio` has one.
    pub input: Option<RawInput>,
    /// Parts a second, 0.01 to 200; only `interval` has it.
    pub rate_hz: Option<f64>,
}

/// The `[ejector]` section, as it is written: either a delay or an encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEjector {
    /// From the trigger to the ejector, 1 to 600,000 ms.
    pub delay_ms: Option<f64>,
    /// How much later a pass may still be given, 0.5 to 1,000 ms.
    pub tolerance_ms: Option<f64>,
    /// Instead of a delay: the belt's encoder.
    pub encoder: Option<RawEncoder>,
    /// A sensor that sees what was ejected.
    pub confirmation: Option<RawConfirmation>,
}

/// The `[ejector.encoder]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEncoder {
    /// The line.
    pub input: RawInput,
    /// From the trigger to the ejector, 1 to 1,000,000 edges.
    pub pulses: u64,
    /// How many more a pass may be late, 0 to 1,000.
    #[serde(default = "default_tolerance_pulses")]
    pub tolerance_pulses: u64,
}

/// The `[ejector.confirmation]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfirmation {
    /// The line.
    pub input: RawInput,
    /// The longest from the part's leaving to its edge, 1 to 60,000 ms.
    pub within_ms: f64,
}

/// The `[journal]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawJournal {
    /// Its folder.
    pub folder: PathBuf,
    /// Images of one in so many conforming parts are kept; of none when absent.
    pub conforming_one_in: Option<NonZeroU32>,
    /// The most bytes of images, 0.01 to 100,000 GiB.
    pub images_gib: Option<f64>,
    /// The most bytes of the database, 0.001 to 1,000 GiB.
    pub database_gib: Option<f64>,
    /// Days that images of conforming parts are kept.
    pub passes_days: Option<u32>,
    /// Days that images of other parts are kept.
    pub failures_days: Option<u32>,
    /// The most records, at least 1,000.
    pub records: Option<u64>,
}

/// The `[challenge]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawChallenge {
    /// A labelled manifest in the recipe's folder: each recipe brings its own goldens.
    pub manifest: PathBuf,
}

/// The `[control]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawControl {
    /// A Unix socket that takes a JSON command per line.
    pub socket: PathBuf,
}

fn default_waiting() -> usize {
    4
}

fn default_inspection_timeout_ms() -> f64 {
    10_000.0
}

fn default_tolerance_pulses() -> u64 {
    2
}
