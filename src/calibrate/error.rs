use std::path::PathBuf;

/// Why evidence gives no thresholds or no figures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] crate::files::Error),
    /// A table that is not what it should be.
    #[error("{origin}: line {line}: {reason}")]
    Table {
        /// The file.
        origin: String,
        /// Counted from 1; the header is line 1.
        line: u64,
        /// Found against expected.
        reason: String,
    },
    /// A calibration file that is not one.
    #[error("{origin}: not a threshold calibration: {reason}")]
    Record {
        /// The file.
        origin: String,
        /// Found against expected.
        reason: String,
    },
    /// A score that is no number, or outside its range.
    #[error("pair {pair}, {what}: {value} is not within {range}; was the model damaged?")]
    Score {
        /// Index of the pair.
        pair: usize,
        /// Which score: a spec id, "size", "best cosine" and so on.
        what: String,
        /// What was found.
        value: f64,
        /// What is accepted, in words.
        range: &'static str,
    },
    /// Lists that should be parallel and are not.
    #[error("{what}: found {found}, expected {expected}")]
    Count {
        /// What was counted.
        what: String,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Nothing of a kind that both fitting and reporting need.
    #[error("no {class} unit {place}; thresholds need conforming and faulty units, label some")]
    EmptyClass {
        /// "conforming" or "faulty".
        class: &'static str,
        /// Where: "in the evidence", "outside group a".
        place: String,
    },
    /// Evidence that cannot be divided.
    #[error("{found} to divide into {folds} folds; at least 2 and one for each fold are needed")]
    Folds {
        /// What there is, with its number: "1 pair".
        found: String,
        /// How many folds were asked for.
        folds: usize,
    },
    /// An argument outside its range.
    #[error("{what} {value}: expected {range}")]
    Argument {
        /// Its name.
        what: &'static str,
        /// What was given.
        value: f64,
        /// What is accepted, in words.
        range: &'static str,
    },
    /// The same name twice where names tell things apart.
    #[error("{name:?}: two {what} have this name")]
    Duplicate {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two frames that cannot be compared pixel by pixel.
    #[error("reference {reference:?} and test {test:?} (width, height): sizes differ")]
    FrameSize {
        /// Width and height of the reference frame.
        reference: (u32, u32),
        /// Width and height of the test frame.
        test: (u32, u32),
    },
    /// A tile size that is given neither by argument nor by file name.
    #[error("{}: tile size {size} px, expected 1 to 65535; give --tile-size", path.display())]
    TileSize {
        /// The table of tiles.
        path: PathBuf,
        /// What was found.
        size: u64,
    },
}
