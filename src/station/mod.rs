//! The station: triggers, frames, verdicts and signals of one line, under one deadline.
//!
//! Owns the station file ([`StationConfig`]), the pure [`Core`] that decides what happens to each part,
//! and the threads around it ([`Station`]): a camera each, the inspector, inputs, commands, and the line
//! itself, which drives the outputs and waits for none of the others. Whoever of them fails is started
//! again with back-off, and the parts it concerns are rejected or hold the line, as configured.
//!
//! Beside the running line: taking labelled pairs with the same cameras ([`Teaching`]), judging logged
//! parts again ([`replay`]), and what a station needs of a box ([`check`]).
//!
//! It judges no frame and finds no threshold, and it is never the reason that a part passes.

mod belt;
mod camera;
mod check;
mod command;
mod config;
mod confirm;
mod control;
mod core;
mod driver;
mod error;
mod found;
mod goldens;
mod inputs;
mod inspector;
mod judge;
mod memory;
mod message;
mod notify;
mod onlookers;
mod rate;
mod replay;
mod rim;
mod run;
mod silence;
mod standing;
mod status;
mod teach;
mod template;
#[cfg(test)]
mod tests;
mod thermal;
mod threads;
mod view;

use std::sync::Arc;

pub use self::core::{
    Action, Component, Core, CoreConfig, Counters, Details, Ejector, FaultFound, Findings,
    Finished, Health, HoldKind, IN_FLIGHT, Judgement, Latency, LatencyFigures, OnFailure, Overload,
};
pub use camera::OpenSource;
pub use check::check;
pub use command::{By, Command};
pub use config::{
    ConfirmationConfig, JournalConfig, PanelConfig, RawChallenge, RawConfirmation, RawControl,
    RawEjector, RawEncoder, RawJournal, RawPanel, RawSpi, RawSpiModel, RawStation, RawTrigger,
    StationConfig, TriggerConfig, TriggerKind,
};
pub use error::Error;
pub use goldens::SampleSeen;
pub use judge::{Identity, Judge, OpenJudge, Pair, RecipeJudge};
pub use onlookers::JournalOutbox;
pub use replay::{Difference, Replayed, ScoreChange, Skipped, replay};
pub use run::{Commander, Setup, Station};
pub use status::{DeskStatus, DriftSeen, FrameCounts, JournalStatus, Status};
pub use teach::{Lesson, Take, Teaching};
pub use template::template;
pub use view::{PartSeen, RECENT, Recent, View};

use crate::signal;

/// Takes the output lines, de-energised.
pub type OpenOutputs =
    Arc<dyn Fn() -> Result<Box<dyn signal::Outputs>, signal::Error> + Send + Sync>;
