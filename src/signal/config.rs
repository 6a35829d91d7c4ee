use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Error, OUTPUTS, Output};

/// What a line that nobody drives means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wiring {
    /// A part goes through on a pulse of its own alone: a dead box rejects.
    #[default]
    EnergiseToPass,
    /// A part goes through unless it is pulsed out: a dead box passes everything.
    PulseToReject,
}

/// A line of a chip, by number or by the name that the board gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LineName {
    /// Counted from 0 on its chip.
    Offset(u32),
    /// Such as `GPIO17`.
    Name(String),
}

/// The `[outputs]` section, as it is written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOutputs {
    /// What an undriven line means.
    #[serde(default)]
    pub wiring: Wiring,
    /// How long pass and reject stay active, 1 to 5,000 ms.
    pub pulse_ms: Option<f64>,
    /// The least between two pulses of one output, 0.1 to 1,000 ms; pulses are cut short for it.
    pub gap_ms: Option<f64>,
    /// The pass output.
    pub pass: Option<RawLine>,
    /// The reject output.
    pub reject: Option<RawLine>,
    /// The fault output.
    pub fault: Option<RawLine>,
    /// The busy output.
    pub busy: Option<RawLine>,
}

/// An output line, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLine {
    /// The chip's label, its name or its path; numbers of chips change between boots.
    pub chip: String,
    /// Which of its lines.
    pub line: LineName,
    /// A low level energises what is behind the line.
    #[serde(default)]
    pub active_low: bool,
    /// The line is energised while the output is inactive, so that a dead box shows it active; for
    /// fault and busy.
    #[serde(default)]
    pub inverted: bool,
}

/// Which change of an input counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawEdge {
    /// From inactive to active.
    #[default]
    Rising,
    /// From active to inactive.
    Falling,
}

/// An input line, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawInput {
    /// The chip's label, its name or its path.
    pub chip: String,
    /// Which of its lines.
    pub line: LineName,
    /// Which change counts.
    #[serde(default)]
    pub edge: RawEdge,
    /// A low level is the active one.
    #[serde(default)]
    pub active_low: bool,
    /// Levels shorter than this are no edges, 0 to 1,000,000 us; edges are told that much later.
    #[serde(default)]
    pub debounce_us: u32,
}

/// The outputs; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputsConfig {
    /// What an undriven line means.
    pub wiring: Wiring,
    /// How long pass and reject stay active.
    pub pulse_ns: i64,
    /// The least between two pulses of one output.
    pub gap_ns: i64,
    /// By [`Output::index`]; `None` is not wired.
    pub lines: [Option<LineConfig>; 4],
}

/// An output line; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineConfig {
    /// Label, name or path of the chip.
    pub chip: String,
    /// Which of its lines.
    pub line: LineName,
    /// A low level energises.
    pub active_low: bool,
    /// Energised while inactive.
    pub is_inverted: bool,
}

/// An input line; every value was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputConfig {
    /// Label, name or path of the chip.
    pub chip: String,
    /// Which of its lines.
    pub line: LineName,
    /// Which change counts.
    pub edge: RawEdge,
    /// A low level is the active one.
    pub active_low: bool,
    /// Levels shorter than this are no edges.
    pub debounce: Duration,
}

impl RawOutputs {
    /// Checks every value against its range and the others.
    ///
    /// # Errors
    /// [`Error::BadConfig`] for the first that cannot work, with its key.
    pub fn validate(&self) -> Result<OutputsConfig, Error> {
        let pulse_ns =
            nanoseconds("outputs.pulse_ms", self.pulse_ms.unwrap_or(20.0), 1.0, 5_000.0)?;
        let gap_ns = nanoseconds("outputs.gap_ms", self.gap_ms.unwrap_or(2.0), 0.1, 1_000.0)?;
        let raw = [&self.pass, &self.reject, &self.fault, &self.busy];
        self.check_inversion(raw)?;
        self.check_wiring()?;
        check_apart(raw)?;
        let lines = raw.map(|line| line.as_ref().map(RawLine::checked));
        Ok(OutputsConfig { wiring: self.wiring, pulse_ns, gap_ns, lines })
    }

    fn check_inversion(&self, lines: [&Option<RawLine>; 4]) -> Result<(), Error> {
        for output in [Output::Pass, Output::Reject] {
            if lines[output.index()].as_ref().is_some_and(|line| line.inverted) {
                let key = format!("outputs.{}.inverted", output.name());
                return Err(bad(
                    &key,
                    "true",
                    "false: a line that is let go of must not be a pulse",
                ));
            }
        }
        Ok(())
    }

    /// The output that the wiring lives by must be there, unless there is none at all: a dry run.
    fn check_wiring(&self) -> Result<(), Error> {
        let is_dry = self.pass.is_none() && self.reject.is_none();
        let (needed, name, wiring) = match self.wiring {
            Wiring::EnergiseToPass => (&self.pass, "outputs.pass", "energise-to-pass"),
            Wiring::PulseToReject => (&self.reject, "outputs.reject", "pulse-to-reject"),
        };
        if is_dry || needed.is_some() {
            return Ok(());
        }
        Err(bad(name, "nothing", format!("a line, since the wiring is {wiring}")))
    }
}

impl OutputsConfig {
    /// Whether a line is wired for any output.
    pub fn has_lines(&self) -> bool {
        self.lines.iter().any(Option::is_some)
    }

    /// What whoever installs this should know.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.wiring == Wiring::PulseToReject {
            warnings.push(
                "outputs.wiring = pulse-to-reject: a dead box, a cut wire or a hung kernel passes \
                 every part; energise-to-pass rejects them"
                    .to_owned(),
            );
        }
        if self.has_lines() && self.lines[Output::Fault.index()].is_none() {
            warnings.push("outputs.fault: not wired; the line does not see a fault".to_owned());
        }
        warnings
    }
}

impl RawLine {
    fn checked(&self) -> LineConfig {
        LineConfig {
            chip: self.chip.clone(),
            line: self.line.clone(),
            active_low: self.active_low,
            is_inverted: self.inverted,
        }
    }
}

impl RawInput {
    /// Checks every value; `section` names it in messages.
    ///
    /// # Errors
    /// [`Error::BadConfig`] with the key.
    pub fn validate(&self, section: &str) -> Result<InputConfig, Error> {
        if self.chip.trim().is_empty() {
            return Err(bad(&format!("{section}.chip"), "\"\"", "a label, a name or a path"));
        }
        if self.debounce_us > 1_000_000 {
            let key = format!("{section}.debounce_us");
            return Err(bad(&key, self.debounce_us, "from 0 to 1000000"));
        }
        Ok(InputConfig {
            chip: self.chip.clone(),
            line: self.line.clone(),
            edge: self.edge,
            active_low: self.active_low,
            debounce: Duration::from_micros(self.debounce_us.into()),
        })
    }
}

impl fmt::Display for LineName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) => write!(formatter, "{offset}"),
            Self::Name(name) => write!(formatter, "{name:?}"),
        }
    }
}

fn check_apart(lines: [&Option<RawLine>; 4]) -> Result<(), Error> {
    for (index, line) in lines.iter().enumerate() {
        let Some(line) = line else { continue };
        let key = |what: &str| format!("outputs.{}.{what}", OUTPUTS[index].name());
        if line.chip.trim().is_empty() {
            return Err(bad(&key("chip"), "\"\"", "a label, a name or a path"));
        }
        let other = lines[..index].iter().position(|other| {
            other
                .as_ref()
                .is_some_and(|other| (&other.chip, &other.line) == (&line.chip, &line.line))
        });
        if let Some(other) = other {
            let expected = format!("another line than that of outputs.{}", OUTPUTS[other].name());
            return Err(bad(&key("line"), &line.line, expected));
        }
    }
    Ok(())
}

fn nanoseconds(key: &str, ms: f64, least: f64, most: f64) -> Result<i64, Error> {
    // False for what is no number, too.
    if (least..=most).contains(&ms) {
        return Ok((ms * 1e6).round() as i64);
    }
    Err(bad(key, ms, format!("from {least} to {most}")))
}

fn bad(key: &str, found: impl ToString, expected: impl Into<String>) -> Error {
    Error::BadConfig { key: key.to_owned(), found: found.to_string(), expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(offset: u32) -> Option<RawLine> {
        let line = LineName::Offset(offset);
        Some(RawLine { chip: "pinctrl".to_owned(), line, active_low: false, inverted: false })
    }

    fn message(raw: &RawOutputs) -> String {
        raw.validate().map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn energise_to_pass_needs_a_pass_line_and_pulse_to_reject_a_reject_line() {
        let mut raw = RawOutputs { reject: line(1), ..RawOutputs::default() };
        assert!(message(&raw).starts_with("outputs.pass = nothing: a line"), "{}", message(&raw));
        raw.wiring = Wiring::PulseToReject;
        assert_eq!(message(&raw), "");
        raw = RawOutputs { pass: line(1), wiring: Wiring::PulseToReject, ..raw };
        raw.reject = None;
        assert!(message(&raw).starts_with("outputs.reject = nothing"), "{}", message(&raw));
    }

    #[test]
    fn a_pulse_that_a_dead_box_would_give_is_refused() {
        let mut raw = RawOutputs { pass: line(1), fault: line(2), ..RawOutputs::default() };
        raw.fault.iter_mut().for_each(|line| line.inverted = true);
        assert_eq!(message(&raw), "");
        raw.pass.iter_mut().for_each(|line| line.inverted = true);
        assert!(message(&raw).starts_with("outputs.pass.inverted = true"), "{}", message(&raw));
    }

    #[test]
    fn two_outputs_never_share_a_line() {
        let raw =
            RawOutputs { pass: line(1), reject: line(2), busy: line(1), ..Default::default() };
        assert!(
            message(&raw).contains("outputs.busy.line = 1: another line than that of outputs.pass")
        );
    }

    #[test]
    fn values_out_of_range_are_named() {
        for (pulse_ms, gap_ms) in [(0.0, 1.0), (f64::NAN, 1.0), (20.0, -1.0), (6_000.0, 1.0)] {
            let raw = RawOutputs {
                pass: line(1),
                pulse_ms: Some(pulse_ms),
                gap_ms: Some(gap_ms),
                ..RawOutputs::default()
            };
            assert!(message(&raw).contains("_ms = "), "{pulse_ms} {gap_ms}: {}", message(&raw));
        }
    }

    #[test]
    fn only_wiring_that_passes_when_dead_is_warned_of() {
        let warnings = |wiring| {
            let (pass, reject, fault) = (line(1), line(2), line(3));
            let raw = RawOutputs { wiring, pass, reject, fault, ..RawOutputs::default() };
            raw.validate().map(|config| config.warnings().len())
        };
        assert_eq!(warnings(Wiring::EnergiseToPass), Ok(0));
        assert_eq!(warnings(Wiring::PulseToReject), Ok(1));
    }
}
