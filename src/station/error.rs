use std::path::{Path, PathBuf};

use crate::{capture, files, input, journal, manifest, panel, plant, signal};

/// Why a station cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// Not the TOML of a station; the reason carries the line.
    #[error("{}: {reason}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// The TOML is well formed and says something that cannot be.
    #[error("{}{}: {key} = {found}: {expected}", path.display(), line_text(*line))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line of the key, where it is written.
        line: Option<usize>,
        /// The key, with its section.
        key: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// A camera cannot be used.
    #[error(transparent)]
    Capture(#[from] capture::Error),
    /// An output or input line cannot be used.
    #[error(transparent)]
    Signal(#[from] signal::Error),
    /// The screen cannot be started.
    #[error(transparent)]
    Panel(#[from] panel::Error),
    /// Keys and buttons cannot be listened to.
    #[error(transparent)]
    Input(#[from] input::Error),
    /// The services of the plant cannot be started.
    #[error(transparent)]
    Plant(#[from] plant::Error),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// A manifest cannot be read or written.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// What delivers parts is gone.
    #[error("{what} is lost: {reason}")]
    Lost {
        /// Which camera, or the trigger.
        what: &'static str,
        /// What is known.
        reason: String,
    },
    /// The recipe cannot be put to work.
    #[error("{}: {reason}", path.display())]
    Recipe {
        /// The recipe.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The socket for commands cannot be used.
    #[error("{}: cannot {action}: {reason}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What was tried, an infinitive.
        action: &'static str,
        /// What the system said.
        reason: String,
    },
    /// A thread ended that the station cannot do without.
    #[error("the {name} thread ended: {reason}")]
    Thread {
        /// Which.
        name: &'static str,
        /// What is known.
        reason: String,
    },
}

impl Error {
    /// Whether it may go away by itself while a box starts: a chip, screen or network that is late.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Signal(_)
                | Self::Panel(_)
                | Self::Input(_)
                | Self::Plant(_)
                | Self::Socket { .. }
        )
    }

    /// An [`Error::Socket`], for `map_err`.
    pub(super) fn socket(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Socket { path, action, reason: error.to_string() }
    }
}

fn line_text(line: Option<usize>) -> String {
    line.map_or(String::new(), |line| format!(", line {line}"))
}
