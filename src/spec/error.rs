use crate::{diff, files};

/// Why a sheet, a class list or a cache cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// Not the TOML of a sheet or class list; the reason carries the line.
    #[error("{path}: {reason}")]
    Toml {
        /// The file.
        path: String,
        /// What the reader said.
        reason: String,
    },
    /// The TOML is well formed and says something that cannot be.
    #[error("{path}: {subject} {id:?}: {reason}")]
    Invalid {
        /// The file.
        path: String,
        /// "spec" or "class".
        subject: &'static str,
        /// Its id.
        id: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// A file without a single entry.
    #[error("{path}: no {expected} in it")]
    NothingInside {
        /// The file.
        path: String,
        /// `[[spec]]` or `[[class]]`.
        expected: &'static str,
    },
    /// Not a cache, or one that was cut or altered.
    #[error("{path}: {reason}; run `pairspec specs embed` again")]
    Cache {
        /// The file.
        path: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// The text encoder failed.
    #[error("sentence {sentence:?} cannot be embedded: {reason}")]
    Encoder {
        /// The sentence.
        sentence: String,
        /// What the encoder said.
        reason: String,
    },
    /// The encoder's answer has no direction.
    #[error("sentence {sentence:?} cannot be embedded")]
    NoDirection {
        /// The sentence, or the id of the prompt whose sentences cancel out.
        sentence: String,
        /// The reason.
        source: diff::Error,
    },
}
