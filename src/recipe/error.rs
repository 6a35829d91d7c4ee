use crate::{files, spec, verdict};

/// Why a recipe or its thresholds cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// Not the TOML of a recipe or threshold file; the reason carries the line.
    #[error("{path}: {reason}")]
    Toml {
        /// The file.
        path: String,
        /// What the reader said.
        reason: String,
    },
    /// The TOML is well formed and says something that cannot be.
    #[error("{path}: [{section}]: {reason}")]
    Invalid {
        /// The file.
        path: String,
        /// The section.
        section: &'static str,
        /// What was found and what was expected.
        reason: String,
    },
    /// The spec sheet or class list cannot be used.
    #[error(transparent)]
    Spec(#[from] spec::Error),
    /// The thresholds do not fit the sheet.
    #[error("{path}: {source}")]
    Thresholds {
        /// The file.
        path: String,
        /// Why.
        source: verdict::Error,
    },
    /// Another kind of file is where thresholds should go.
    #[error("{path}: is no threshold file and is not overwritten; name another place")]
    Occupied {
        /// The file.
        path: String,
    },
    /// Made for something else.
    #[error(
        "{path}: made with another {what} ({made_with}, now {found}); run `pairspec {command}` again"
    )]
    Stale {
        /// The file.
        path: String,
        /// What differs.
        what: &'static str,
        /// The start of the sum it was made with.
        made_with: String,
        /// The start of the sum found now.
        found: String,
        /// The subcommand that makes it.
        command: &'static str,
    },
}
