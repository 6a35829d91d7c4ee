use std::path::PathBuf;

/// Why a line cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of the configuration that cannot work.
    #[error("{key} = {found}: {expected}")]
    BadConfig {
        /// The key, with its section.
        key: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// No chip of that label, name or path.
    #[error("gpio chip {wanted:?}: not on this box, which has {present}")]
    NoChip {
        /// What was asked for.
        wanted: String,
        /// Name and label of each chip.
        present: String,
    },
    /// Two chips carry the label.
    #[error("gpio chip {wanted:?}: {found} have this label; name one by its path")]
    TwoChips {
        /// What was asked for.
        wanted: String,
        /// Their paths.
        found: String,
    },
    /// The chip has no such line.
    #[error("{chip}: line {wanted}: not there; the chip has {lines} lines")]
    NoLine {
        /// The chip's path and label.
        chip: String,
        /// Offset or name.
        wanted: String,
        /// How many lines the chip has.
        lines: u32,
    },
    /// Somebody else holds the line.
    #[error("{chip}: line {line}: in use by {consumer:?}; stop that program or remove its overlay")]
    LineTaken {
        /// The chip's path and label.
        chip: String,
        /// The line's offset.
        line: u32,
        /// Who holds it, as the kernel says.
        consumer: String,
    },
    /// The user may not open the chip.
    #[error("{}: permission denied; add the user to group {group:?}", path.display())]
    Permission {
        /// The device.
        path: PathBuf,
        /// The group that owns it.
        group: String,
    },
    /// Anything else that the kernel said.
    #[error("{line}: cannot {action}: {reason}")]
    Io {
        /// The line or file.
        line: String,
        /// What was tried, an infinitive.
        action: &'static str,
        /// What the system said.
        reason: String,
    },
}

impl Error {
    /// An [`Error::Io`] for `line`, for `map_err`.
    pub(super) fn io<E: std::fmt::Display>(
        line: impl Into<String>,
        action: &'static str,
    ) -> impl FnOnce(E) -> Self {
        let line = line.into();
        move |error| Self::Io { line, action, reason: error.to_string() }
    }
}
