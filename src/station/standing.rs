//! What must outlive the process: the recipe in force, and what holds the line.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Error;
use super::config::StationConfig;
use super::core::{Core, HoldKind};
use super::inspector::InUse;
use super::judge::{Identity, Judge, OpenJudge};
use crate::files;

const FILE: &str = "standing.json";
const FORMAT: u32 = 1;
const MAX_BYTES: u64 = 1 << 16;
/// What the line may have told that is not written yet.
pub(super) const QUEUE: usize = 4;
/// How long after a failed write the next is tried.
const RETRY: Duration = Duration::from_secs(1);

/// How the station stands, as it is written beside the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    format: u32,
    /// That of the station file then: a file that names another one since is not overruled.
    station_recipe: PathBuf,
    recipe: PathBuf,
    identity: Identity,
    /// What holds the line until somebody resumes.
    hold: Option<Hold>,
    /// Whether it ended in order: whoever starts it again may have changed files on purpose.
    is_stopped: bool,
}

/// What holds the line, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    pub(super) kind: HoldKind,
    pub(super) reason: String,
}

/// The line's end: tells the thread that writes, without waiting.
pub(super) struct Teller {
    sender: SyncSender<Standing>,
    recipe: Option<u32>,
    hold: Option<Hold>,
}

/// What a station starts with.
pub(super) struct Restored {
    pub(super) judge: Box<dyn Judge>,
    pub(super) recipe: PathBuf,
    /// What it starts held by.
    pub(super) hold: Option<Hold>,
}

impl Hold {
    fn of_recipe(reason: String) -> Self {
        Self { kind: HoldKind::Recipe, reason }
    }

    fn parts(&self) -> (HoldKind, &str) {
        (self.kind, &self.reason)
    }
}

impl From<(HoldKind, &str)> for Hold {
    fn from((kind, reason): (HoldKind, &str)) -> Self {
        Self { kind, reason: reason.to_owned() }
    }
}

impl Teller {
    pub(super) fn new(sender: SyncSender<Standing>) -> Self {
        Self { sender, recipe: None, hold: None }
    }

    /// Tells what changed; with `is_stopped` in any case.
    pub(super) fn tell<P: Clone>(
        &mut self,
        (config, core): (&StationConfig, &Core<P>),
        in_force: &InUse,
        is_stopped: bool,
    ) {
        let is_same_hold = self.hold.as_ref().map(Hold::parts) == core.held();
        if self.recipe == Some(in_force.recipe) && is_same_hold && !is_stopped {
            return;
        }
        let standing = Standing {
            format: FORMAT,
            station_recipe: config.recipe.clone(),
            recipe: in_force.path.clone(),
            identity: in_force.identity.clone(),
            hold: core.held().map(Hold::from),
            is_stopped,
        };
        // When there is no room it is tried again with the next turn.
        if self.sender.try_send(standing).is_ok() {
            self.recipe = Some(in_force.recipe);
            self.hold = core.held().map(Hold::from);
        }
    }
}

/// Writes what the line tells until it ends.
pub(super) fn keep(folder: &Path, told: &Receiver<Standing>) {
    let mut unwritten: Option<Standing> = None;
    loop {
        let next = match &unwritten {
            Some(_) => told.recv_timeout(RETRY),
            None => told.recv().map_err(RecvTimeoutError::from),
        };
        let is_over = next == Err(RecvTimeoutError::Disconnected);
        let newest = told.try_iter().last().or(next.ok()).or(unwritten.take());
        if let Some(standing) = newest
            && let Err(error) = write(folder, &standing)
        {
            log::error!("{error}; a restart would not know of the recipe in force and of a hold");
            unwritten = Some(standing);
        }
        if is_over {
            return;
        }
    }
}

fn write(folder: &Path, standing: &Standing) -> Result<(), files::Error> {
    let path = folder.join(FILE);
    let text = serde_json::to_vec(standing).map_err(std::io::Error::other);
    files::write(&path, &text.map_err(files::Error::io(&path, "encode"))?)
}

fn read(folder: &Path) -> Result<Option<Standing>, String> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let text = files::read_text(&path, MAX_BYTES).map_err(|error| error.to_string())?;
    let damaged = |reason: String| format!("{}: {reason}", path.display());
    let standing: Standing =
        serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    match standing.format {
        FORMAT => Ok(Some(standing)),
        other => Err(damaged(format!("format {other}, this program knows {FORMAT}"))),
    }
}

/// Opens the recipe that was in force; one that is not what it was holds the line.
///
/// # Errors
/// When the station's own recipe cannot be opened.
pub(super) fn restore(config: &StationConfig, open: &OpenJudge) -> Result<Restored, Error> {
    let own = |hold: Option<Hold>| -> Result<Restored, Error> {
        Ok(Restored { judge: open(&config.recipe)?, recipe: config.recipe.clone(), hold })
    };
    let held = |reason: String| Some(Hold::of_recipe(reason));
    let standing = match read(&config.journal.folder) {
        Ok(Some(standing)) => standing,
        Ok(None) => return own(None),
        Err(reason) => return own(held(format!("the recipe in force is not known: {reason}"))),
    };
    let Standing { station_recipe, recipe, identity, hold, is_stopped, .. } = standing;
    if station_recipe != config.recipe {
        return own(hold);
    }
    let is_own = recipe == config.recipe;
    let changed = format!("{}: changed since it was in force", recipe.display());
    match open(&recipe) {
        Ok(judge) if *judge.identity() == identity => Ok(Restored { judge, recipe, hold }),
        // Edited while it stood, and started by whoever did that.
        Ok(judge) if is_own && is_stopped => {
            log::warn!("{changed}");
            Ok(Restored { judge, recipe, hold })
        }
        Ok(judge) if is_own => Ok(Restored { judge, recipe, hold: hold.or(held(changed)) }),
        Err(error) if is_own => Err(error),
        Ok(_) => own(held(format!("{changed}; select a recipe, then resume"))),
        Err(error) => own(held(format!("the recipe in force: {error}"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn standing(hold: Option<&str>) -> Standing {
        Standing {
            format: FORMAT,
            station_recipe: "a.toml".into(),
            recipe: "b.toml".into(),
            identity: Identity { name: "b".to_owned(), ..Identity::default() },
            hold: hold.map(|reason| Hold::from((HoldKind::Hand, reason))),
            is_stopped: false,
        }
    }

    #[test]
    fn what_was_told_last_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), Ok(None));
        let (sender, told) = sync_channel(QUEUE);
        for hold in [None, Some("by hand")] {
            sender.send(standing(hold)).unwrap();
        }
        drop(sender);
        keep(folder.path(), &told);
        assert_eq!(read(folder.path()), Ok(Some(standing(Some("by hand")))));
    }

    #[test]
    fn a_file_that_is_damaged_or_newer_is_no_standing() {
        let folder = tempfile::tempdir().unwrap();
        let whole = serde_json::to_string(&standing(None)).unwrap();
        let newer = whole.replace("\"format\":1", "\"format\":2");
        for text in ["", "{}", &whole[..whole.len() / 2], &newer] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            assert!(read(folder.path()).is_err(), "{text}");
        }
    }
}
