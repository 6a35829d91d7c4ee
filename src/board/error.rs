use crate::files::{self, line_of};

/// Why a board profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] files::Error),
    /// Not the TOML of a board; the reason carries line and key.
    #[error("{origin}: {reason}")]
    Toml {
        /// The file, or the built-in profile.
        origin: String,
        /// What the reader said.
        reason: String,
    },
    /// A value that cannot be.
    #[error("{origin}{}: {key} = {found}: {expected}", line_text(*line))]
    Invalid {
        /// The file, or the built-in profile.
        origin: String,
        /// The line of the key, where it is written.
        line: Option<usize>,
        /// The key, with its section.
        key: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// No built-in profile of this name, and no file either.
    #[error("{name}: neither a file nor a built-in board; these are {known}")]
    UnknownName {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// This machine is none that a built-in profile describes.
    #[error("this machine ({found}) has no built-in board; name one or a file (built in: {known})")]
    UnknownMachine {
        /// Model and architecture.
        found: String,
        /// The names there are.
        known: String,
    },
}

impl Error {
    /// With the line that the key has in the profile's text.
    pub(super) fn in_text(mut self, text: &str) -> Self {
        if let Self::Invalid { line, key, .. } = &mut self {
            *line = line_of(text, key);
        }
        self
    }
}

fn line_text(line: Option<usize>) -> String {
    line.map_or(String::new(), |line| format!(", line {line}"))
}
