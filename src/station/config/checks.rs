//! Small named checks from what is written to what holds.

use std::path::{Component, Path, PathBuf};

use super::raw::{RawChallenge, RawEjector, RawJournal, RawStation, RawTrigger, TriggerKind};
use super::screen::RawPanel;
use super::{ConfirmationConfig, JournalConfig, StationConfig, TriggerConfig};
use crate::board::{Board, NAMES};
use crate::capture::{CaptureConfig, Mode, Source};
use crate::input::InputsConfig;
use crate::journal::{EvidenceShare, Retention, Settings};
use crate::signal::InputConfig;
use crate::station::core::{CoreConfig, Ejector, IN_FLIGHT};
use crate::{capture, input, plant, signal};

const GIB: f64 = (1_u64 << 30) as f64;
/// The default tolerance of a delay.
const TOLERANCE_MS: f64 = 5.0;

/// A value that cannot work.
#[derive(Debug)]
pub(super) struct Bad {
    pub(super) key: String,
    pub(super) found: String,
    pub(super) expected: String,
}

impl RawStation {
    pub(super) fn validate(&self, path: &Path) -> Result<StationConfig, Bad> {
        let folder = path.parent().unwrap_or(Path::new(""));
        if self.name.trim().is_empty() {
            return Err(bad("name", "\"\"", "a name"));
        }
        let capture = self.capture(folder)?;
        let trigger = self.trigger.checked(&self.capture)?;
        let outputs = self.outputs.validate()?;
        let core = CoreConfig {
            timing: timing(&capture, &trigger),
            deadline_ns: self.deadline_ns(&capture)?,
            ejector: self.ejector.as_ref().map_or(Ok(Ejector::AtVerdict), RawEjector::checked)?,
            pulse_ns: outputs.pulse_ns,
            gap_ns: outputs.gap_ns,
            on_failure: self.on_failure,
            overload: self.overload,
            waiting: in_range("waiting", self.waiting as f64, 1.0, 32.0).map(|()| self.waiting)?,
            inspection_timeout_ns: nanoseconds(
                "inspection_timeout_ms",
                self.inspection_timeout_ms,
                (100.0, 600_000.0),
            )?,
        };
        check_ejector(&core)?;
        check_in_flight(&core, &capture, &trigger)?;
        let journal = self.journal.checked(folder)?;
        let plant =
            self.plant.as_ref().map(|raw| raw.validate(folder, &journal.folder, &self.name));
        Ok(StationConfig {
            path: path.to_owned(),
            name: self.name.clone(),
            board: self.board(folder)?,
            recipe: folder.join(&self.recipe),
            recipes: self.recipes(folder)?,
            challenge: self.challenge.as_ref().map(RawChallenge::checked).transpose()?,
            capture,
            trigger,
            core,
            encoder: self.encoder()?,
            confirmation: self.confirmation()?,
            outputs,
            journal,
            socket: self.control.as_ref().map(|control| folder.join(&control.socket)),
            plant: plant.transpose()?,
            panel: self.panel.as_ref().map(RawPanel::checked).transpose()?,
            inputs: self.input.as_ref().map(InputsConfig::validate).transpose()?,
        })
    }

    fn board(&self, folder: &Path) -> Result<Option<Board>, Bad> {
        let Some(name) = &self.board else { return Ok(None) };
        let is_file = !NAMES.contains(&name.as_str()) && name.contains(['/', '.']);
        let found = if is_file { Board::open(&folder.join(name)) } else { Board::find(name) };
        found.map(Some).map_err(|error| bad("board", name, error.to_string()))
    }

    /// Places in the list stand on buttons and in registers, so nothing is in it twice.
    fn recipes(&self, folder: &Path) -> Result<Vec<PathBuf>, Bad> {
        let mut recipes = vec![folder.join(&self.recipe)];
        for recipe in &self.recipes {
            let path = folder.join(recipe);
            if recipes.contains(&path) {
                return Err(bad("recipes", recipe.display(), "each once, and not `recipe` again"));
            }
            recipes.push(path);
        }
        in_range("recipes", recipes.len() as f64, 1.0, 64.0).map(|()| recipes)
    }

    fn capture(&self, folder: &Path) -> Result<CaptureConfig, Bad> {
        let mut config = self.capture.validate()?;
        for camera in &mut config.cameras {
            match &mut camera.source {
                Source::Folder(path) | Source::TestFrames(path) | Source::ReferenceFrames(path) => {
                    *path = folder.join(&*path)
                }
                Source::Device(_) | Source::Bus(_) => {}
            }
        }
        Ok(config)
    }

    /// A verdict must be possible before the deadline.
    fn deadline_ns(&self, capture: &CaptureConfig) -> Result<i64, Bad> {
        let deadline_ns = nanoseconds("deadline_ms", self.deadline_ms, (1.0, 60_000.0))?;
        let views = capture.timing.reference.iter().chain([&capture.timing.test]);
        let seen_ns = views.map(|view| view.delay_ns).max().unwrap_or(0);
        if deadline_ns > seen_ns {
            return Ok(deadline_ns);
        }
        let expected =
            format!("more than the {} ms after which the part is seen", seen_ns / 1_000_000);
        Err(bad("deadline_ms", self.deadline_ms, expected))
    }

    fn encoder(&self) -> Result<Option<InputConfig>, Bad> {
        let encoder = self.ejector.as_ref().and_then(|ejector| ejector.encoder.as_ref());
        let input = encoder.map(|encoder| encoder.input.validate("ejector.encoder.input"));
        Ok(input.transpose()?)
    }

    fn confirmation(&self) -> Result<Option<ConfirmationConfig>, Bad> {
        let raw = self.ejector.as_ref().and_then(|ejector| ejector.confirmation.as_ref());
        let Some(raw) = raw else { return Ok(None) };
        let key = "ejector.confirmation.within_ms";
        Ok(Some(ConfirmationConfig {
            input: raw.input.validate("ejector.confirmation.input")?,
            within_ns: nanoseconds(key, raw.within_ms, (1.0, 60_000.0))?,
        }))
    }
}

impl RawTrigger {
    fn checked(&self, capture: &capture::RawCapture) -> Result<TriggerConfig, Bad> {
        self.check_keys()?;
        match (self.kind, &self.input, self.rate_hz) {
            (TriggerKind::Gpio, Some(input), _) => {
                Ok(TriggerConfig::Gpio(input.validate("trigger.input")?))
            }
            (TriggerKind::Interval, _, Some(rate_hz)) => {
                in_range("trigger.rate_hz", rate_hz, 0.01, 200.0)?;
                Ok(TriggerConfig::Interval { period_ns: (1e9 / rate_hz).round() as i64 })
            }
            (TriggerKind::FreeRunning, ..) => {
                check_free_running(capture)?;
                Ok(TriggerConfig::FreeRunning)
            }
            _ => Ok(TriggerConfig::Software),
        }
    }

    fn check_keys(&self) -> Result<(), Bad> {
        let is_gpio = self.kind == TriggerKind::Gpio;
        let is_interval = self.kind == TriggerKind::Interval;
        let here = |is_there: bool| if is_there { "a value" } else { "nothing" };
        if self.input.is_some() != is_gpio {
            let expected = if is_gpio { "gpio needs an input" } else { "only gpio has an input" };
            return Err(bad("trigger.input", here(self.input.is_some()), expected));
        }
        if self.rate_hz.is_some() != is_interval {
            let expected =
                if is_interval { "interval needs rate_hz" } else { "only interval has rate_hz" };
            return Err(bad("trigger.rate_hz", here(self.rate_hz.is_some()), expected));
        }
        Ok(())
    }
}

impl RawEjector {
    fn checked(&self) -> Result<Ejector, Bad> {
        match (self.delay_ms, &self.encoder) {
            (Some(delay_ms), None) => {
                let tolerance_ms = self.tolerance_ms.unwrap_or(TOLERANCE_MS);
                Ok(Ejector::After {
                    delay_ns: nanoseconds("ejector.delay_ms", delay_ms, (1.0, 600_000.0))?,
                    tolerance_ns: nanoseconds("ejector.tolerance_ms", tolerance_ms, (0.5, 1e3))?,
                })
            }
            (None, Some(encoder)) => {
                in_range("ejector.encoder.pulses", encoder.pulses as f64, 1.0, 1e6)?;
                let tolerance = encoder.tolerance_pulses;
                in_range("ejector.encoder.tolerance_pulses", tolerance as f64, 0.0, 1e3)?;
                Ok(Ejector::AfterPulses { pulses: encoder.pulses, tolerance })
            }
            (Some(delay_ms), Some(_)) => {
                Err(bad("ejector.delay_ms", delay_ms, "either a delay or an encoder"))
            }
            (None, None) if self.confirmation.is_some() => Ok(Ejector::AtVerdict),
            (None, None) => Err(bad("ejector.delay_ms", "nothing", "a delay or an encoder")),
        }
    }
}

impl RawJournal {
    fn checked(&self, folder: &Path) -> Result<JournalConfig, Bad> {
        let usual = Settings::default();
        let mut retention = Retention::default();
        if let Some(gib) = self.images_gib {
            in_range("journal.images_gib", gib, 0.01, 1e5)?;
            retention.image_bytes = (gib * GIB) as u64;
        }
        let database_bytes = match self.database_gib {
            Some(gib) => {
                in_range("journal.database_gib", gib, 0.001, 1e3)?;
                (gib * GIB) as u64
            }
            None => usual.database_bytes,
        };
        if let Some(records) = self.records {
            in_range("journal.records", records as f64, 1e3, 1e12)?;
            retention.records = records;
        }
        retention.passes_days = self.passes_days.unwrap_or(retention.passes_days);
        retention.failures_days = self.failures_days.unwrap_or(retention.failures_days);
        Ok(JournalConfig {
            folder: folder.join(&self.folder),
            settings: Settings { database_bytes, retention, ..usual },
            share: EvidenceShare { conforming_one_in: self.conforming_one_in },
        })
    }
}

impl RawChallenge {
    fn checked(&self) -> Result<PathBuf, Bad> {
        let is_below = self.manifest.components().all(|part| matches!(part, Component::Normal(_)));
        if is_below && !self.manifest.as_os_str().is_empty() {
            return Ok(self.manifest.clone());
        }
        let found = self.manifest.display();
        Err(bad("challenge.manifest", found, "a file in the folder of the recipe"))
    }
}

/// With free-running cameras the first frame makes the part, so that it is told as late as frames are.
fn timing(capture: &CaptureConfig, trigger: &TriggerConfig) -> capture::Timing {
    let timing = capture.timing;
    match trigger {
        TriggerConfig::FreeRunning => capture::Timing {
            trigger_latency_ns: timing.frame_latency_ns.saturating_add(timing.window_ns),
            ..timing
        },
        _ => timing,
    }
}

/// The frame makes the part, so it cannot come at another time than its own.
fn check_free_running(capture: &capture::RawCapture) -> Result<(), Bad> {
    if capture.mode == Mode::Twice {
        return Err(bad("capture.mode", "twice", "free-running parts are seen once"));
    }
    if capture.delay_ms != 0.0 {
        return Err(bad("capture.delay_ms", capture.delay_ms, "0 with a free-running trigger"));
    }
    if let Some(delay_ms) = capture.reference_delay_ms.filter(|delay_ms| *delay_ms != 0.0) {
        return Err(bad("capture.reference_delay_ms", delay_ms, "0 with a free-running trigger"));
    }
    let period_ms = 1_000.0 / capture.test.rate_hz;
    if capture.window_ms < period_ms {
        return Ok(());
    }
    let expected = format!("less than the {period_ms:.1} ms from frame to frame");
    Err(bad("capture.window_ms", capture.window_ms, expected))
}

/// A part that is at the ejector before its deadline would be rejected there.
fn check_ejector(core: &CoreConfig) -> Result<(), Bad> {
    match core.ejector {
        Ejector::After { delay_ns, .. } if delay_ns < core.deadline_ns => {
            let expected = format!("at least deadline_ms = {}", core.deadline_ns / 1_000_000);
            Err(bad("ejector.delay_ms", delay_ns as f64 / 1e6, expected))
        }
        _ => Ok(()),
    }
}

/// The parts between camera and ejector must fit.
fn check_in_flight(
    core: &CoreConfig,
    capture: &CaptureConfig,
    trigger: &TriggerConfig,
) -> Result<(), Bad> {
    let camera_ns = capture.cameras.iter().map(|camera| camera.period_ns).max().unwrap_or(1);
    let period_ns = match trigger {
        TriggerConfig::Interval { period_ns } => *period_ns,
        _ => camera_ns,
    };
    let Ejector::After { delay_ns, .. } = core.ejector else { return Ok(()) };
    let parts = delay_ns / period_ns.max(1);
    if parts < IN_FLIGHT as i64 {
        return Ok(());
    }
    let most_ms = period_ns.saturating_mul(IN_FLIGHT as i64 - 1) / 1_000_000;
    let expected = format!("at most {most_ms}, so that {IN_FLIGHT} parts are on the way");
    Err(bad("ejector.delay_ms", delay_ns as f64 / 1e6, expected))
}

fn nanoseconds(key: &str, ms: f64, (least, most): (f64, f64)) -> Result<i64, Bad> {
    in_range(key, ms, least, most).map(|()| (ms * 1e6).round() as i64)
}

pub(super) fn in_range(key: &str, found: f64, least: f64, most: f64) -> Result<(), Bad> {
    // False for what is no number, too.
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(bad(key, found, format!("from {least} to {most}")))
}

pub(super) fn bad(key: &str, found: impl ToString, expected: impl Into<String>) -> Bad {
    Bad { key: key.to_owned(), found: found.to_string(), expected: expected.into() }
}

impl From<capture::Error> for Bad {
    fn from(error: capture::Error) -> Self {
        match error {
            capture::Error::BadConfig { key, found, expected } => Self { key, found, expected },
            other => bad("capture", "what is there", other.to_string()),
        }
    }
}

impl From<input::Error> for Bad {
    fn from(error: input::Error) -> Self {
        match error {
            input::Error::Invalid { key, found, expected } => Self { key, found, expected },
            other => bad("input", "what is there", other.to_string()),
        }
    }
}

impl From<plant::Error> for Bad {
    fn from(error: plant::Error) -> Self {
        match error {
            plant::Error::Invalid { key, found, expected } => Self { key, found, expected },
            plant::Error::File { key, source } => bad(&key, source, "a file that can be used"),
            other => bad("plant", "what is there", other.to_string()),
        }
    }
}

impl From<signal::Error> for Bad {
    fn from(error: signal::Error) -> Self {
        match error {
            signal::Error::BadConfig { key, found, expected } => Self { key, found, expected },
            other => bad("outputs", "what is there", other.to_string()),
        }
    }
}
