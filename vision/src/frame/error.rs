/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] crate::files::Error),
    /// Neither PNG nor JPEG.
    #[error("{origin}: neither PNG nor JPEG ({})", beginning(start))]
    Foreign {
        /// The file.
        origin: String,
        /// Its first bytes.
        start: Vec<u8>,
    },
    /// Cut short or altered.
    #[error("{origin}: damaged image: {reason}")]
    Damaged {
        /// The file.
        origin: String,
        /// What the decoder said.
        reason: String,
    },
    /// Sound, and of a kind that is not read.
    #[error("{origin}: {reason}")]
    Unsupported {
        /// The file.
        origin: String,
        /// What was found and what is expected.
        reason: String,
    },
    /// More pixels than a line camera delivers.
    #[error("{origin}: {width}x{height} pixels, at most {limit} in all are decoded")]
    TooLarge {
        /// The file.
        origin: String,
        /// Columns, from the header.
        width: u32,
        /// Rows, from the header.
        height: u32,
        /// The most pixels accepted.
        limit: u64,
    },
    /// No pixel at all.
    #[error("{origin}: no pixels")]
    Empty {
        /// The file or camera.
        origin: String,
    },
    /// A `preprocessor_config.json` that cannot be followed.
    #[error("{origin}: {reason}")]
    Preprocessor {
        /// The file.
        origin: String,
        /// The key, what it says and what is understood.
        reason: String,
    },
    /// A buffer that is not as long as the tensor.
    #[error("tensor buffer: {found} values, {expected} expected (3 x height x width)")]
    TensorLength {
        /// `3 * H * W`.
        expected: usize,
        /// Values in the buffer.
        found: usize,
    },
}

fn beginning(start: &[u8]) -> String {
    match start.is_empty() {
        true => "the file is empty".to_owned(),
        false => format!("starts with {start:02x?}"),
    }
}
