//! Signals: the electrical edge of the station, one line for each thing it says or hears.
//!
//! Owns the outputs (pass, reject, fault, busy) with their wiring and polarity over GPIO lines or as a
//! record of what would have been switched, and the edges of input lines (trigger, encoder, ejection
//! confirmation) with the kernel's timestamps. Every way of letting go of outputs de-energises them.
//!
//! It decides nothing about a part, times no pulse and knows no network.

mod chip;
mod config;
mod dry_run;
mod edges;
mod error;
mod gpio;
mod stamp;

pub use chip::line_user;
pub use config::{
    InputConfig, LineConfig, LineName, OutputsConfig, RawEdge, RawInput, RawLine, RawOutputs,
    Wiring,
};
pub use dry_run::{Change, DryRun, Recorded};
pub use edges::{Edge, EdgeInput};
pub use error::Error;
pub use gpio::Gpio;

use serde::{Deserialize, Serialize};

/// What the station says by a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// A pulse lets one part through.
    Pass,
    /// A pulse for each part that is not let through.
    Reject,
    /// The station is not running as it should.
    Fault,
    /// Parts are in flight.
    Busy,
}

/// All outputs, in the order that arrays by output have.
pub const OUTPUTS: [Output; 4] = [Output::Pass, Output::Reject, Output::Fault, Output::Busy];

/// Output lines; an output that is not wired takes every setting and does nothing.
///
/// Dropping it leaves every line de-energised.
pub trait Outputs: Send {
    /// Makes an output active or inactive.
    ///
    /// # Errors
    /// When the line did not take it: what it shows now is not known.
    fn set(&mut self, output: Output, is_active: bool) -> Result<(), Error>;

    /// De-energises every line, going on over those that fail.
    ///
    /// # Errors
    /// The first that failed.
    fn release(&mut self) -> Result<(), Error>;
}

impl Output {
    /// Its place in arrays by output.
    pub fn index(self) -> usize {
        match self {
            Self::Pass => 0,
            Self::Reject => 1,
            Self::Fault => 2,
            Self::Busy => 3,
        }
    }

    /// Its name in station files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Reject => "reject",
            Self::Fault => "fault",
            Self::Busy => "busy",
        }
    }
}
