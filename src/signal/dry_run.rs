use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::{Error, OUTPUTS, Output, Outputs};

/// The changes that are remembered; of more, the oldest are forgotten.
const REMEMBERED: usize = 4_096;

/// One change of one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// CLOCK_MONOTONIC.
    pub ns: i64,
    /// Which output.
    pub output: Output,
    /// What it is from then on.
    pub is_active: bool,
}

/// Outputs without lines: remembers each change and appends it to a file, if there is one.
///
/// A file line is `{"ns":..,"output":"pass","is_active":true}`, written before [`Outputs::set`] returns.
#[derive(Debug)]
pub struct DryRun {
    recorded: Recorded,
    file: Option<(PathBuf, File)>,
}

/// What a [`DryRun`] was set to; clones see the same.
#[derive(Debug, Clone, Default)]
pub struct Recorded(Arc<Mutex<Levels>>);

#[derive(Debug, Default)]
struct Levels {
    is_active: [bool; 4],
    changes: VecDeque<Change>,
    forgotten: u64,
}

impl DryRun {
    /// Outputs that are only remembered.
    pub fn new() -> Self {
        Self { recorded: Recorded::default(), file: None }
    }

    /// Outputs that go on with the record of others.
    pub fn recording(recorded: Recorded) -> Self {
        Self { recorded, file: None }
    }

    /// Outputs whose changes are also appended to a file.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn appending_to(path: &Path) -> Result<Self, Error> {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let file = opened.map_err(Error::io(path.display().to_string(), "open"))?;
        Ok(Self { recorded: Recorded::default(), file: Some((path.to_owned(), file)) })
    }

    /// The same, with the levels that the file says as those from before: of a process that is gone.
    ///
    /// # Errors
    /// When the file cannot be read or opened.
    pub fn resuming(path: &Path) -> Result<Self, Error> {
        let outputs = Self::appending_to(path)?;
        let text = fs::read_to_string(path);
        let text = text.map_err(Error::io(path.display().to_string(), "read"))?;
        for change in text.lines().filter_map(|line| serde_json::from_str::<Change>(line).ok()) {
            outputs.recorded.note(change.output, change.is_active);
        }
        Ok(outputs)
    }

    /// A view of what is recorded, from any thread.
    pub fn recorded(&self) -> Recorded {
        self.recorded.clone()
    }
}

impl Default for DryRun {
    fn default() -> Self {
        Self::new()
    }
}

impl Outputs for DryRun {
    fn set(&mut self, output: Output, is_active: bool) -> Result<(), Error> {
        let Some(change) = self.recorded.note(output, is_active) else { return Ok(()) };
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        // One write: a process that is killed leaves whole lines.
        let line = serde_json::to_string(&change).unwrap_or_default() + "\n";
        file.write_all(line.as_bytes()).map_err(Error::io(path.display().to_string(), "append"))
    }

    fn release(&mut self) -> Result<(), Error> {
        let results = OUTPUTS.map(|output| self.set(output, false));
        results.into_iter().collect()
    }
}

impl Drop for DryRun {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            log::error!("{error}");
        }
    }
}

impl Recorded {
    /// Whether an output is active now.
    pub fn is_active(&self, output: Output) -> bool {
        self.levels().is_active[output.index()]
    }

    /// The changes so far, the last 4,096 of them.
    pub fn changes(&self) -> Vec<Change> {
        self.levels().changes.iter().copied().collect()
    }

    /// How often an output became active, among the changes that are remembered.
    pub fn pulses(&self, output: Output) -> usize {
        let levels = self.levels();
        levels.changes.iter().filter(|change| change.output == output && change.is_active).count()
    }

    /// Changes that are not remembered any more.
    pub fn forgotten(&self) -> u64 {
        self.levels().forgotten
    }

    fn note(&self, output: Output, is_active: bool) -> Option<Change> {
        let mut levels = self.levels();
        let before = std::mem::replace(&mut levels.is_active[output.index()], is_active);
        if before == is_active {
            return None;
        }
        if levels.changes.len() == REMEMBERED {
            levels.changes.pop_front();
            levels.forgotten += 1;
        }
        let now = clock_gettime(ClockId::Monotonic);
        let ns = now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec);
        let change = Change { ns, output, is_active };
        levels.changes.push_back(change);
        Some(change)
    }

    fn levels(&self) -> MutexGuard<'_, Levels> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_one_line_and_a_repetition_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("levels.jsonl");
        let mut outputs = DryRun::appending_to(&path).unwrap();
        for is_active in [true, true, false] {
            outputs.set(Output::Pass, is_active).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["output"], &lines[0]["is_active"]), (&"pass".into(), &true.into()));
        assert!(lines[0]["ns"].as_i64() <= lines[1]["ns"].as_i64());
    }

    #[test]
    fn a_drop_and_a_panic_leave_everything_inactive() {
        let outputs = DryRun::new();
        let recorded = outputs.recorded();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let mut outputs = outputs;
            outputs.set(Output::Pass, true).unwrap();
            outputs.set(Output::Busy, true).unwrap();
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        assert_eq!(
            (recorded.is_active(Output::Pass), recorded.is_active(Output::Busy)),
            (false, false)
        );
        assert_eq!(recorded.changes().len(), 4);
    }

    #[test]
    fn what_a_process_left_active_is_let_go_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("levels.jsonl");
        let mut outputs = DryRun::appending_to(&path).unwrap();
        outputs.set(Output::Pass, true).unwrap();
        // As a process that is killed: nothing is dropped.
        std::mem::forget(outputs);
        let mut next = DryRun::resuming(&path).unwrap();
        assert!(next.recorded().is_active(Output::Pass));
        next.release().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("\"output\":\"pass\",\"is_active\":false}\n"), "{text}");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut outputs = DryRun::new();
        for turn in 0..3 * REMEMBERED {
            outputs.set(Output::Pass, turn % 2 == 0).unwrap();
        }
        let recorded = outputs.recorded();
        assert_eq!(recorded.changes().len(), REMEMBERED);
        assert_eq!(recorded.forgotten(), 2 * REMEMBERED as u64);
    }
}
