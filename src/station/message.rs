//! What the threads of a station tell the line.

use std::sync::mpsc::SyncSender;

use serde_json::Value;

use super::Error;
use super::command::{By, Command};
use super::core::{Component, Judgement};
use super::goldens::SampleSeen;
use super::judge::{Identity, Judge};
use crate::capture::{Captured, Controls};
use crate::drift::Drift;

/// One event for the line's thread.
pub(super) enum Message {
    /// A part passed the trigger.
    Trigger {
        /// CLOCK_MONOTONIC.
        ns: i64,
        /// Triggers before it that are known to be missed.
        missed: u64,
    },
    /// A camera delivered a frame.
    Frame { camera: usize, captured: Captured },
    /// Something is missing, or there again.
    Missing { component: Component, reason: Option<String> },
    /// The confirming sensor saw something.
    Confirmed { ns: i64 },
    /// The inspector of this generation opened its judges, or could not.
    InspectorReady { generation: u32, opened: Result<(), String> },
    /// A verdict.
    Judged { generation: u32, number: u64, judgement: Judgement },
    /// The inspector of this generation ended.
    InspectorLost { generation: u32, reason: String },
    /// The goldens were judged.
    Challenged { generation: u32, result: Result<usize, String>, samples: Vec<SampleSeen> },
    /// A recipe was loaded and its goldens judged right, or not.
    Loaded(Result<Box<Loaded>, Error>),
    /// A camera was set to the controls of this change and has read them back, or not.
    CameraSet { camera: usize, change: u32, set: Result<(), String> },
    /// Somebody wants something.
    Command { command: Command, by: By, reply: SyncSender<Value> },
}

/// A recipe that is ready to be put in force.
pub(super) struct Loaded {
    pub(super) path: std::path::PathBuf,
    pub(super) identity: Identity,
    pub(super) judge: Box<dyn Judge>,
    pub(super) drift: Option<Drift>,
    /// What it sets at the cameras.
    pub(super) controls: [Controls; 2],
}
