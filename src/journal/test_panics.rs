//! Panics on purpose, in the threads of the journal in a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Before a group is committed.
    BeforeCommit,
    /// When the disk has it and nobody was told.
    AfterCommit,
    /// Before an image is written.
    Image,
}

static PANICS: Mutex<BTreeMap<(PathBuf, Place), u64>> = Mutex::new(BTreeMap::new());

/// Has the next `times` visits of a place panic.
pub(crate) fn panic_at(folder: &Path, place: Place, times: u64) {
    let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    panics.insert((folder.to_owned(), place), times);
}

/// Panics if that was asked for.
pub(super) fn visit(folder: &Path, place: Place) {
    let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    let left = panics.get_mut(&(folder.to_owned(), place)).filter(|left| **left > 0);
    let Some(left) = left else { return };
    *left -= 1;
    drop(panics);
    panic!("on purpose, {place:?}");
}
