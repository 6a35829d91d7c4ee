use serde::{Deserialize, Serialize};

use super::PartResult;

/// How a station is at one moment, in plain types.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Snapshot {
    /// The station's name.
    pub station: String,
    /// The state by OPC 40100-1.
    pub state: State,
    /// The kind of reason for a state other than the usual.
    pub cause: Cause,
    /// The reason for people; empty when there is none.
    pub reason: String,
    /// Seconds since the start.
    pub up_s: f64,
    /// What parts are judged by that trigger now.
    pub recipe: RecipeInForce,
    /// What happened to parts since the start.
    pub counters: Counters,
    /// Parts that were triggered and have not left.
    pub in_flight: u64,
    /// How fast and how well.
    pub rates: Rates,
    /// From the trigger to leaving.
    pub to_leaving: Latency,
    /// From the start of an inspection to its verdict.
    pub inspection: Latency,
    /// What is wrong with the station itself.
    pub upkeep: Upkeep,
    /// What is watched for drift.
    pub drift: Vec<DriftFigure>,
    /// The last part that has an outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<PartResult>,
}

/// States of OPC 40100-1 (Machine Vision, Part 1: `VisionStateMachineType`, and below `Operational`
/// `VisionAutomaticModeStateMachineType`), as far as a station has them; see [`State::of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum State {
    /// Not ready yet, or not known: nothing passes.
    #[default]
    Preoperational,
    /// The station was stopped.
    Halted,
    /// It cannot do its work until it is repaired or started again.
    Error,
    /// It is held: set up, and nothing passes until somebody resumes.
    #[serde(rename = "Operational.Initialized")]
    Initialized,
    /// Parts are triggered by command, and none is there.
    #[serde(rename = "Operational.Ready")]
    Ready,
    /// A part that was triggered by command is on its way.
    #[serde(rename = "Operational.SingleExecution")]
    SingleExecution,
    /// Parts come by themselves and are judged.
    #[serde(rename = "Operational.ContinuousExecution")]
    ContinuousExecution,
}

/// How a station is, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Not ready yet.
    Starting,
    /// As it should be.
    Running,
    /// Something is missing; parts it concerns are rejected.
    Degraded,
    /// Nothing passes until somebody resumes.
    Held,
    /// It cannot do its work.
    Faulted,
    /// It ended in order.
    Stopped,
}

/// Kinds of reasons, for those who cannot read text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// There is none.
    #[default]
    None,
    /// Not ready yet.
    Starting,
    /// Something is missing.
    Degraded,
    /// Held by a person or a system.
    Held,
    /// The goldens did not stand for the judge.
    Challenge,
    /// Photos or scores drifted beyond a limit.
    Drift,
    /// Cannot do its work.
    Fault,
    /// Ended in order.
    Stopped,
}

/// The recipe in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RecipeInForce {
    /// Its name.
    pub name: String,
    /// Its place in the list of recipes, from 1, if it is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u16>,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
    /// SHA-256 of the vision file, hexadecimal.
    pub model_sha256: String,
}

/// What happened to parts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counters {
    /// Parts that were triggered and counted.
    pub triggers: u64,
    /// Triggers that were seen too late or not at all, as far as is known.
    pub missed_triggers: u64,
    /// Parts that have their outcome.
    pub finished: u64,
    /// Verdicts that came, late ones too.
    pub inspected: u64,
    /// Parts that conformed and were passed.
    pub conforming: u64,
    /// Parts that did not conform.
    pub mismatch: u64,
    /// Parts without a verdict that counts.
    pub not_inspected: u64,
    /// Of these: parts that were rejected because others were before them.
    pub overload_rejected: u64,
    /// Of these: parts without a verdict at their deadline.
    pub deadline_missed: u64,
    /// Verdicts that came after their part had an outcome.
    pub late_verdicts: u64,
}

/// What is wrong with the station itself, whether parts are lost by it or not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Upkeep {
    /// What is missing now, such as `test-camera`.
    pub missing: Vec<String>,
    /// Why the journal cannot write now; empty where it can.
    pub journal_fault: String,
    /// Outcomes of parts that the journal had to drop.
    pub dropped_records: u64,
    /// Parts whose images the journal had to drop.
    pub dropped_images: u64,
    /// Panics that the journal was started again after.
    pub journal_restarts: u64,
    /// Frames that cameras took and did not deliver.
    pub dropped_frames: u64,
    /// Frames that were pushed out before their part.
    pub overflowed_frames: u64,
    /// How often a thread that judges was started again.
    pub inspector_restarts: u64,
    /// Ejections that no sensor confirmed.
    pub unconfirmed_ejections: u64,
}

/// How fast and how well.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Rates {
    /// Parts per minute over the last minute.
    pub parts_per_minute: f64,
    /// Conforming parts of those finished since the start, in percent; 0 without any.
    pub yield_percent: f64,
}

/// A summary of times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// The mean.
    pub mean_ms: f64,
    /// Half are no longer.
    pub p50_ms: f64,
    /// 99 in 100 are no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// One figure that is watched for drift.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct DriftFigure {
    /// Such as `focus`.
    pub name: String,
    /// Its smoothed deviation from the baseline, in multiples of the hold limit: 1 holds.
    pub level: f64,
    /// `ok`, `warn` or `hold`.
    pub state: String,
}

impl State {
    /// The state of a station.
    ///
    /// `Starting` is `Preoperational`, `Stopped` is `Halted`, `Faulted` is `Error`. `Held` is
    /// `Operational.Initialized`: set up, and taking no job. `Running` and `Degraded` are
    /// `Operational.ContinuousExecution` where parts come by themselves; where they are triggered
    /// by command, `Operational.SingleExecution` while one is on its way, else `Operational.Ready`.
    pub fn of(condition: Condition, is_continuous: bool, in_flight: u64) -> Self {
        match condition {
            Condition::Starting => Self::Preoperational,
            Condition::Stopped => Self::Halted,
            Condition::Faulted => Self::Error,
            Condition::Held => Self::Initialized,
            Condition::Running | Condition::Degraded if is_continuous => Self::ContinuousExecution,
            Condition::Running | Condition::Degraded if in_flight > 0 => Self::SingleExecution,
            Condition::Running | Condition::Degraded => Self::Ready,
        }
    }

    /// All states in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::Preoperational,
        Self::Halted,
        Self::Error,
        Self::Initialized,
        Self::Ready,
        Self::SingleExecution,
        Self::ContinuousExecution,
    ];

    /// The name with that of the state above it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preoperational => "Preoperational",
            Self::Halted => "Halted",
            Self::Error => "Error",
            Self::Initialized => "Operational.Initialized",
            Self::Ready => "Operational.Ready",
            Self::SingleExecution => "Operational.SingleExecution",
            Self::ContinuousExecution => "Operational.ContinuousExecution",
        }
    }

    /// The number that stands for it where there is no text, from 1.
    pub fn code(self) -> u16 {
        self as u16 + 1
    }
}

impl Cause {
    /// All causes in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Starting,
        Self::Degraded,
        Self::Held,
        Self::Challenge,
        Self::Drift,
        Self::Fault,
        Self::Stopped,
    ];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Starting => "starting",
            Self::Degraded => "degraded",
            Self::Held => "held",
            Self::Challenge => "challenge",
            Self::Drift => "drift",
            Self::Fault => "fault",
            Self::Stopped => "stopped",
        }
    }

    /// The number that stands for it where there is no text, from 0.
    pub fn code(self) -> u16 {
        self as u16
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_has_one_state_of_opc_40100() {
        use Condition::{Degraded, Faulted, Held, Running, Starting, Stopped};
        for (condition, is_continuous, in_flight, name) in [
            (Starting, true, 0, "Preoperational"),
            (Stopped, true, 1, "Halted"),
            (Faulted, false, 1, "Error"),
            (Held, true, 1, "Operational.Initialized"),
            (Running, true, 0, "Operational.ContinuousExecution"),
            (Degraded, true, 2, "Operational.ContinuousExecution"),
            (Running, false, 0, "Operational.Ready"),
            (Degraded, false, 1, "Operational.SingleExecution"),
        ] {
            assert_eq!(State::of(condition, is_continuous, in_flight).name(), name);
        }
    }

    #[test]
    fn codes_are_places_in_the_lists_and_names_are_those_of_json() {
        for (index, state) in State::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(state.code()), index + 1);
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        for (index, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(cause.code()), index);
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
    }
}
