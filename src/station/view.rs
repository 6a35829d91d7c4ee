use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use heapless::Deque;

use super::core::Findings;
use super::goldens::SampleSeen;
use super::judge::Identity;
use super::status::{DeskStatus, Status};
use crate::drift::Drift;
use crate::frame::Frame;
use crate::journal::{Outcome, SpecScore};

/// Parts that left and cannot be shown yet, since somebody looks; of more, the newest.
const WAITING: usize = 8;
/// Parts whose scores are kept for the trend.
pub const RECENT: usize = 200;

/// What others may see of a running station: they look when they want to, and the line never waits.
#[derive(Debug)]
pub struct View {
    status: Mutex<Status>,
    seen: Mutex<Seen>,
    drift: Mutex<Option<Arc<Drift>>>,
    samples: Mutex<Vec<SampleSeen>>,
    ended: OnceLock<Result<(), String>>,
    desk: Mutex<DeskStatus>,
}

/// One part that left.
#[derive(Debug, Clone)]
pub struct PartSeen {
    /// Its number.
    pub number: u64,
    /// Milliseconds since 1970-01-01 UTC when it left.
    pub unix_ms: u64,
    /// What it was judged by.
    pub recipe: Identity,
    /// Its outcome.
    pub outcome: Outcome,
    /// Scores with their thresholds, nearest the limit first.
    pub scores: Vec<SpecScore>,
    /// From the trigger to leaving, in milliseconds.
    pub latency_ms: f32,
    /// What was found; none where it was not inspected.
    pub findings: Option<Box<Findings>>,
    /// The frames, unless newer parts took their place: reference and test.
    pub frames: [Option<Arc<Frame>>; 2],
}

/// What the trend shows of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Recent {
    /// Its number.
    pub number: u64,
    /// Whether it passed, was a mismatch (`Some(false)`), or was not inspected.
    pub is_conforming: Option<bool>,
    /// The score nearest its limit, and that limit.
    pub nearest: Option<(f32, f32)>,
}

#[derive(Debug, Default)]
struct Seen {
    last: Option<Arc<PartSeen>>,
    last_failure: Option<Arc<PartSeen>>,
    last_pictured: Option<Arc<PartSeen>>,
    recent: Deque<Recent, RECENT>,
}

impl View {
    /// Of a station that has not begun.
    pub(super) fn nothing_yet(name: &str) -> Self {
        Self {
            status: Mutex::new(Status::nothing_yet(name)),
            seen: Mutex::default(),
            drift: Mutex::default(),
            samples: Mutex::default(),
            ended: OnceLock::new(),
            desk: Mutex::default(),
        }
    }

    /// How the station was at most 100 ms ago.
    pub fn status(&self) -> Status {
        let status = lock(&self.status).clone();
        Status { desk: self.desk(), ..status }
    }

    /// The part that left last.
    pub fn last(&self) -> Option<Arc<PartSeen>> {
        lock(&self.seen).last.clone()
    }

    /// The last part that did not pass.
    pub fn last_failure(&self) -> Option<Arc<PartSeen>> {
        lock(&self.seen).last_failure.clone()
    }

    /// The last part whose test frame can be shown.
    pub fn last_pictured(&self) -> Option<Arc<PartSeen>> {
        lock(&self.seen).last_pictured.clone()
    }

    /// The last [`RECENT`] parts, the oldest first.
    pub fn recent(&self) -> Vec<Recent> {
        lock(&self.seen).recent.iter().cloned().collect()
    }

    /// The charts of the recipe in force, if it has any.
    pub fn drift(&self) -> Option<Arc<Drift>> {
        lock(&self.drift).clone()
    }

    /// The goldens of the last challenge.
    pub fn samples(&self) -> Vec<SampleSeen> {
        lock(&self.samples).clone()
    }

    /// How the line ended, once it did: in order, or by a fault of its own.
    pub fn ended(&self) -> Option<Result<(), String>> {
        self.ended.get().cloned()
    }

    pub(super) fn set_ended(&self, ended: Result<(), String>) {
        // A line ends once.
        let _ = self.ended.set(ended);
    }

    /// How the operator's screen and buttons are.
    pub(super) fn desk(&self) -> DeskStatus {
        lock(&self.desk).clone()
    }

    /// As [`View::desk`], unless somebody is amid changing or reading it.
    pub(super) fn try_desk(&self) -> Option<DeskStatus> {
        try_lock(&self.desk).map(|desk| desk.clone())
    }

    pub(super) fn set_desk(&self, desk: DeskStatus) {
        *lock(&self.desk) = desk;
    }

    pub(super) fn set_samples(&self, samples: Vec<SampleSeen>) {
        *lock(&self.samples) = samples;
    }

    /// The charts as they are now, unless somebody looks: the next ones come in 100 ms.
    pub(super) fn set_drift(&self, drift: Option<&Drift>) {
        let drift = drift.cloned().map(Arc::new);
        let was = try_lock(&self.drift).map(|mut shown| std::mem::replace(&mut *shown, drift));
        // Freed when nobody waits for it.
        drop(was);
    }

    /// The status as it is now, unless somebody looks: the next one comes in 100 ms.
    pub(super) fn set_status(&self, status: Status) {
        if let Some(mut shown) = try_lock(&self.status) {
            *shown = status;
        }
    }

    /// After this there is no other.
    pub(super) fn set_last_status(&self, status: Status) {
        *lock(&self.status) = status;
    }

    /// Shows parts that left, unless somebody looks: then they wait for the next time.
    pub(super) fn push_waiting(&self, waiting: &mut Waiting) {
        let Some(mut seen) = try_lock(&self.seen) else { return };
        while let Some(part) = waiting.0.pop_front() {
            seen.push(part);
        }
    }

    /// A part left.
    #[cfg(test)]
    pub(super) fn push(&self, part: PartSeen) {
        lock(&self.seen).push(part);
    }
}

/// Parts that left and are not shown yet.
#[derive(Debug, Default)]
pub(super) struct Waiting(Deque<PartSeen, WAITING>);

impl Waiting {
    pub(super) fn add(&mut self, part: PartSeen) {
        if self.0.is_full() {
            self.0.pop_front();
        }
        // There is room now.
        let _ = self.0.push_back(part);
    }
}

impl Seen {
    fn push(&mut self, part: PartSeen) {
        let limit = |score: &SpecScore| Some((score.score, score.threshold?));
        let recent = Recent {
            number: part.number,
            is_conforming: match part.outcome {
                Outcome::Conforming => Some(true),
                Outcome::Mismatch => Some(false),
                Outcome::NotInspected { .. } => None,
            },
            nearest: part.scores.first().and_then(limit),
        };
        let part = Arc::new(part);
        if self.recent.is_full() {
            self.recent.pop_front();
        }
        // There is room now.
        let _ = self.recent.push_back(recent);
        if part.outcome != Outcome::Conforming {
            self.last_failure = Some(part.clone());
        }
        if part.frames[1].is_some() {
            self.last_pictured = Some(part.clone());
        }
        self.last = Some(part);
    }
}

/// What a thread that panicked left is as good as what it would have left later.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the line does not wait for: whoever holds it may be kept from going on by the line itself.
fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_waits_for_nobody_who_looks() {
        let view = View::nothing_yet("a");
        let (mut waiting, mut status) = (Waiting::default(), view.status());
        status.up_s = 7.0;
        let looks = (lock(&view.status), lock(&view.drift), lock(&view.seen), lock(&view.desk));
        // Each of these would wait for ever.
        assert!(view.try_desk().is_none());
        view.set_status(status.clone());
        view.set_drift(None);
        (1..=WAITING as u64 + 2).for_each(|number| waiting.add(part(number, Outcome::Mismatch)));
        view.push_waiting(&mut waiting);
        drop(looks);
        assert_eq!((view.status().up_s, view.last().is_some()), (0.0, false));
        view.set_status(status);
        view.push_waiting(&mut waiting);
        assert_eq!((view.status().up_s, view.recent().len()), (7.0, WAITING));
        assert_eq!(view.last().map(|last| last.number), Some(WAITING as u64 + 2));
    }

    fn part(number: u64, outcome: Outcome) -> PartSeen {
        let threshold = Some(0.5);
        let score = SpecScore { spec: "open".into(), score: 0.1, threshold, region: None };
        PartSeen {
            number,
            unix_ms: 0,
            recipe: Identity::default(),
            outcome,
            scores: vec![score],
            latency_ms: 1.0,
            findings: None,
            frames: [None, None],
        }
    }

    #[test]
    fn the_last_failure_outlives_parts_that_pass() {
        let view = View::nothing_yet("a");
        view.push(part(1, Outcome::Mismatch));
        view.push(part(2, Outcome::Conforming));
        assert_eq!(view.last().map(|last| last.number), Some(2));
        assert_eq!(view.last_failure().map(|last| last.number), Some(1));
    }

    #[test]
    fn the_trend_forgets_the_oldest() {
        let view = View::nothing_yet("a");
        for number in 1..=RECENT as u64 + 5 {
            view.push(part(number, Outcome::Conforming));
        }
        let recent = view.recent();
        assert_eq!((recent.len(), recent[0].number), (RECENT, 6));
        assert_eq!(recent[0].nearest, Some((0.1, 0.5)));
    }
}
