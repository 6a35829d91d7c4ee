use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong between a scene and a screen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused something of a display's device.
    #[error("{}: cannot {action}: {source}", path.display())]
    Device {
        /// The device node.
        path: PathBuf,
        /// What was tried, an infinitive.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A device that is there and cannot be drawn on.
    #[error("{}: {found}; expected {expected}", path.display())]
    Unsuitable {
        /// The device node.
        path: PathBuf,
        /// What it is or has.
        found: String,
        /// What is drawn on.
        expected: &'static str,
    },
    /// No screen is connected to the device.
    #[error("{}: no screen is connected; is its cable plugged in at both ends?", path.display())]
    Disconnected {
        /// The device node.
        path: PathBuf,
    },
    /// A screen that no layout fits on.
    #[error("display: {width}x{height} pixels; expected 240 to 4096 each way, 320 the longer")]
    Size {
        /// Columns found.
        width: u32,
        /// Rows found.
        height: u32,
    },
    /// A kind of display that this build does not have.
    #[error("display {kind:?}: this build does not have it; build with --features {feature}")]
    NotBuilt {
        /// The kind asked for.
        kind: &'static str,
        /// The cargo feature that has it.
        feature: &'static str,
    },
    /// A driver's own words, or the drawing's.
    #[error("{subject}: {reason}")]
    Failed {
        /// What failed: a device, a thread.
        subject: String,
        /// What was said.
        reason: String,
    },
}

impl Error {
    /// An [`Error::Device`], to be used with `map_err`.
    pub(super) fn device(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Device { path, action, source }
    }
}
