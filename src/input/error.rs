use std::io;
use std::path::PathBuf;

/// What can go wrong with the operator's input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of the configuration that cannot be.
    #[error("{key} = {found}: expected {expected}")]
    Invalid {
        /// The key.
        key: String,
        /// What it has.
        found: String,
        /// What it may have.
        expected: String,
    },
    /// The system refused something of a device.
    #[error("{}: cannot {action}: {source}", path.display())]
    Device {
        /// The device node.
        path: PathBuf,
        /// What was tried, an infinitive.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The thread could not be started.
    #[error("input thread: {0}")]
    Thread(io::Error),
}
