use serde::{Deserialize, Serialize};

use crate::capture::Timing;

/// What a part without a verdict does to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// That part is rejected and the line goes on.
    #[default]
    Reject,
    /// Nothing passes any more until somebody resumes.
    Hold,
}

/// Which part is rejected uninspected when parts come faster than verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overload {
    /// The one that just came: those that wait keep their place.
    #[default]
    RejectNewest,
    /// The one that waits longest, which is closest to its deadline.
    RejectOldest,
}

/// When a part is at the place where it is let through or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ejector {
    /// As soon as its verdict is known and those before it have left.
    AtVerdict,
    /// So long after its trigger.
    After {
        /// From the trigger.
        delay_ns: i64,
        /// How much later a pass may still be given.
        tolerance_ns: i64,
    },
    /// So many encoder pulses after its trigger.
    AfterPulses {
        /// From the trigger.
        pulses: u64,
        /// How many more a pass may be late.
        tolerance: u64,
    },
}

/// What the core goes by, in nanoseconds; all values were checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreConfig {
    /// Which frames belong to which part.
    pub timing: Timing,
    /// From the trigger to the last moment at which a verdict counts.
    pub deadline_ns: i64,
    /// Where parts are let through.
    pub ejector: Ejector,
    /// How long a pulse lasts.
    pub pulse_ns: i64,
    /// The least between two pulses of one output.
    pub gap_ns: i64,
    /// What a part without a verdict does.
    pub on_failure: OnFailure,
    /// Who gives way.
    pub overload: Overload,
    /// Parts that may wait for inspection, at least 1.
    pub waiting: usize,
    /// An inspection that takes longer is given up, and its thread with it.
    pub inspection_timeout_ns: i64,
}
