use std::path::{Path, PathBuf};

use super::FORMAT;
use crate::files;

/// Why a journal cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// There is no journal.
    #[error("{}: no journal here", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another process writes to it.
    #[error("{}: another process writes to this journal; stop it first", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// An SQLite file of some other program, or no SQLite file.
    #[error("{}: not a pairspec journal", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer pairspec.
    #[error(
        "{}: journal of version {found}, this program knows up to {FORMAT}; use the newer program",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The file is cut, or its content was altered.
    #[error(
        "{}: damaged: {reason}; keep the folder as evidence and start a new journal elsewhere",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The database refused.
    #[error("{}: cannot {action}: {reason}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What was tried, an infinitive.
        action: &'static str,
        /// What it said.
        reason: String,
    },
    /// Records were accepted and could not be written before the writer was closed.
    #[error("{}: {records} records were not written: {reason}", path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// How many.
        records: u64,
        /// The last fault.
        reason: String,
    },
}

impl Error {
    /// What SQLite said of `path`, told apart by what to do about it; for `map_err`.
    pub(super) fn sqlite(
        path: &Path,
        action: &'static str,
    ) -> impl FnOnce(rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        move |error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, reason: error.to_string() },
            _ => Self::Database { path, action, reason: error.to_string() },
        }
    }
}
