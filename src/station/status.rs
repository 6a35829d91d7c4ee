use std::path::PathBuf;

use serde::Serialize;

use super::core::{Component, Counters, Health, HoldKind, LatencyFigures};
use super::judge::Identity;
use crate::capture::Counts;
use crate::drift::{Alarm, FigureStatus};
use crate::{capture, journal};

/// How a station is, at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The station's name.
    pub name: String,
    /// The state, as one word.
    pub health: Health,
    /// Why it is not running, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds since the start.
    pub up_s: f64,
    /// What parts are judged by that trigger now.
    pub recipe: Identity,
    /// What happened to parts.
    pub counters: Counters,
    /// Parts that left, per minute, over the last minute.
    pub parts_per_minute: f64,
    /// Parts that were triggered and have not left.
    pub in_flight: usize,
    /// From the trigger to leaving.
    pub to_leaving: LatencyFigures,
    /// From the start of an inspection to its verdict.
    pub inspection: LatencyFigures,
    /// What happened to frames.
    pub frames: FrameCounts,
    /// The evidence.
    pub journal: JournalStatus,
    /// How often a judging thread was started again.
    pub inspector_restarts: u32,
    /// Ejections that no sensor confirmed.
    pub unconfirmed: u64,
    /// What is missing now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Component>,
    /// What holds it, if it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<HoldKind>,
    /// Whether the goldens do not stand for the judge now.
    pub is_challenge_failed: bool,
    /// Whether the goldens are being judged now.
    pub is_challenging: bool,
    /// The recipe that is being loaded and challenged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preparing: Option<PathBuf>,
    /// The operator's screen, keys and buttons.
    pub desk: DeskStatus,
    /// What is watched for drift.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<DriftSeen>,
}

/// One figure that is watched for drift.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftSeen {
    /// Such as `focus`.
    pub name: &'static str,
    /// How far it is from what is usual, in parts of the distance that holds the line.
    pub level: f64,
    /// What it calls for.
    pub alarm: Alarm,
}

impl From<&FigureStatus> for DriftSeen {
    fn from(figure: &FigureStatus) -> Self {
        Self { name: figure.figure.name(), level: figure.level, alarm: figure.alarm }
    }
}

/// How the operator's screen, keys and buttons are; all counts since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DeskStatus {
    /// Why nothing is shown now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_fault: Option<String>,
    /// Times that the display could not be opened or was lost.
    pub display_failures: u64,
    /// Texts that did not fit on the screen.
    pub cut_texts: u64,
    /// Characters that the panel's font does not have.
    pub unknown_glyphs: u64,
    /// Keyboards and touch screens that are read now.
    pub inputs: u64,
    /// Times that one of them could not be opened or was lost.
    pub input_failures: u64,
    /// Times that a button's line could not be taken or was lost.
    pub button_failures: u64,
    /// Presses that were not heard.
    pub lost_presses: u64,
}

/// What happened to frames; see [`Counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FrameCounts {
    /// Frames that arrived.
    pub arrived: u64,
    /// Frames that left with their part.
    pub used: u64,
    /// Frames in no part's window.
    pub unmatched: u64,
    /// Frames that came when their part had left.
    pub late: u64,
    /// Frames of parts that were not inspected, or second ones.
    pub surplus: u64,
    /// Frames that were pushed out, here or on the way to the line.
    pub overflowed: u64,
    /// Frames that cameras took and did not deliver.
    pub dropped: u64,
}

/// How the journal is.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct JournalStatus {
    /// Why records cannot be written now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Records that wait to be written.
    pub queued: u64,
    /// Parts whose records were dropped.
    pub dropped_parts: u64,
    /// Other records that were dropped.
    pub dropped_others: u64,
    /// Records that cannot be: a second outcome, or a number that was never given out.
    pub refused: u64,
    /// Numbers given out before their reservation was durable; a power loss may give them again.
    pub undurable_numbers: u64,
    /// Times that a thread of it panicked and went on.
    pub restarts: u64,
    /// Parts whose images were dropped.
    pub parts_without_images: u64,
    /// The last durable record.
    pub last_seq: u64,
    /// The longest that a group of records took to be durable, in milliseconds.
    pub slowest_commit_ms: f64,
}

impl Status {
    /// The status of a station that has not begun.
    pub(super) fn nothing_yet(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            health: Health::Starting,
            reason: None,
            up_s: 0.0,
            recipe: Identity::default(),
            counters: Counters::default(),
            parts_per_minute: 0.0,
            in_flight: 0,
            to_leaving: LatencyFigures::default(),
            inspection: LatencyFigures::default(),
            frames: FrameCounts::default(),
            journal: JournalStatus::default(),
            inspector_restarts: 0,
            unconfirmed: 0,
            missing: Vec::new(),
            held_by: None,
            is_challenge_failed: false,
            is_challenging: false,
            preparing: None,
            desk: DeskStatus::default(),
            drift: Vec::new(),
        }
    }
}

impl FrameCounts {
    pub(super) fn new(counts: Counts, lost: u64) -> Self {
        let capture::Counts { frames, used, unmatched, late, surplus, overflowed, dropped, .. } =
            counts;
        let (arrived, overflowed) = (frames + lost, overflowed + lost);
        Self { arrived, used, unmatched, late, surplus, overflowed, dropped }
    }
}

impl From<&journal::Health> for JournalStatus {
    fn from(health: &journal::Health) -> Self {
        Self {
            fault: health.fault.clone(),
            queued: health.queued,
            dropped_parts: health.dropped_parts,
            dropped_others: health.dropped_others,
            refused: health.refused,
            undurable_numbers: health.undurable_numbers,
            restarts: health.restarts,
            parts_without_images: health.parts_without_images,
            last_seq: health.last_seq,
            slowest_commit_ms: health.slowest_commit.as_secs_f64() * 1e3,
        }
    }
}
