//! The operator's input: what somebody at the line can ask for, and by which button.
//!
//! Owns the actions, keys and touch screens of Linux (evdev) with debouncing and back-off, the
//! mapping from touches to buttons on a screen and from GPIO buttons to actions, and the lock that
//! keeps configuration from the operator.
//!
//! It does nothing itself: whoever runs the station takes a [`Press`], asks the [`Lock`], acts and
//! writes it to the journal.

mod config;
mod debounce;
mod device;
mod error;
mod events;
mod lock;
mod thread;
mod touch;

pub use config::{
    ButtonConfig, InputsConfig, Place, RawAction, RawButton, RawInputs, RawKeys, RawOperator,
};
pub use debounce::{ButtonMap, Debounce};
pub use error::Error;
pub use lock::{Circumstances, Lock, Refusal};
pub use thread::{InputCounts, InputThread};
pub use touch::TouchMap;

use serde::{Deserialize, Serialize};

/// What an operator can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The message was seen.
    Acknowledge,
    /// Hold the line.
    Hold,
    /// Let the line go on.
    Resume,
    /// Judge the known parts.
    Challenge,
    /// Point at the next recipe.
    NextRecipe,
    /// Take the recipe that is pointed at.
    SelectRecipe,
    /// Show the next screen.
    NextScreen,
}

/// All actions.
pub const ACTIONS: [Action; 7] = [
    Action::Acknowledge,
    Action::Hold,
    Action::Resume,
    Action::Challenge,
    Action::NextRecipe,
    Action::SelectRecipe,
    Action::NextScreen,
];

/// A button that was pressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Press {
    /// What it asks for.
    pub action: Action,
    /// By what, for the journal: a device with its key, a touch, a GPIO button.
    pub source: String,
}

impl Action {
    /// Its name in configuration, messages and the journal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Challenge => "challenge",
            Self::NextRecipe => "next-recipe",
            Self::SelectRecipe => "select-recipe",
            Self::NextScreen => "next-screen",
        }
    }
}
