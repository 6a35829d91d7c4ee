use std::path::PathBuf;

use pairspec::files;

/// Why differences could not be described, or not all of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A line or an entry of a file that was read is wrong.
    #[error("{}{place}: {reason}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// `, line 3`, or nothing where the reason holds the place.
        place: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// A meaning given on the command line.
    #[error("{text:?}: {reason}, expected NAME=one sentence|another sentence")]
    Class {
        /// As given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A box or label whose class has no sentence.
    #[error(
        "class {class:?} of pair {pair}: nothing is known about it; say what it looks like with \
         --class {class}=\"one sentence|another sentence\" or in a file for --meanings"
    )]
    UnknownClass {
        /// The class.
        class: String,
        /// The first pair that has it.
        pair: String,
    },
    /// The name of a product.
    #[error("product {product:?}: {reason}")]
    Product {
        /// As given.
        product: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pair whose label and boxes say opposite things.
    #[error("pair {pair}: its label is ok, and it has {boxes} boxes; which is right?")]
    Contradiction {
        /// The pair.
        pair: String,
        /// How many boxes.
        boxes: usize,
    },
    /// A manifest without any label.
    #[error("{pairs} pairs, none with a label or boxes: there is nothing to describe them by")]
    Unlabelled {
        /// How many pairs.
        pairs: usize,
    },
    /// Fewer captions than a sample needs.
    #[error("{}: {images} images with captions give {possible} pairs, {wanted} are wanted", path.display())]
    TooFewImages {
        /// The captions.
        path: PathBuf,
        /// Images with at least one caption.
        images: usize,
        /// Pairs of two different images.
        possible: u64,
        /// Pairs asked for.
        wanted: u64,
    },
    /// An address that cannot be asked.
    #[error("--endpoint: {reason}")]
    Address {
        /// What was found and what was expected; never a password.
        reason: String,
    },
    /// The endpoint does not want to answer, and would not another time.
    #[error("{address}: {reason}; {written} lines are kept in {}, the same command goes on from there", output.display())]
    Refused {
        /// The endpoint.
        address: String,
        /// What it said.
        reason: String,
        /// Lines in the output.
        written: u64,
        /// The output.
        output: PathBuf,
    },
    /// The endpoint gave no usable answer to any of several attempts.
    #[error(
        "{address}: {attempts} attempts, the last one: {reason}; {written} lines are kept in {}, the same \
         command goes on from there",
        output.display()
    )]
    Unavailable {
        /// The endpoint.
        address: String,
        /// How often it was asked.
        attempts: u32,
        /// What went wrong at last.
        reason: String,
        /// Lines in the output.
        written: u64,
        /// The output.
        output: PathBuf,
    },
    /// Every answer was dropped.
    #[error(
        "{}: empty, {counts}; the answers are kept in {}.dropped, see what the model said there",
        output.display(),
        output.display()
    )]
    NothingKept {
        /// The output.
        output: PathBuf,
        /// How many were dropped, and why.
        counts: String,
    },
    /// The output could not take another line.
    #[error("{}: cannot write: {reason}; {written} lines are whole and kept", path.display())]
    Stopped {
        /// The output, or the list of dropped answers beside it.
        path: PathBuf,
        /// What the system said.
        reason: String,
        /// Whole lines in it.
        written: u64,
    },
    /// The output holds lines that this run would not make.
    #[error(
        "{}: holds pair {pair}, which these captions, --pairs and --seed do not give; repeat the command \
         that began it, or name another file",
        path.display()
    )]
    Foreign {
        /// The output.
        path: PathBuf,
        /// The first such pair.
        pair: String,
    },
    /// Another process writes the same output.
    #[error("{}: another run is writing it", path.display())]
    InUse {
        /// The output.
        path: PathBuf,
    },
}

impl Error {
    /// An [`Error::Entry`] with the number of its line, counted from 1.
    pub(super) fn line(path: &std::path::Path, line: usize, reason: impl ToString) -> Self {
        let place = format!(", line {line}");
        Self::Entry { path: path.to_owned(), place, reason: reason.to_string() }
    }

    /// An [`Error::Entry`] of a file as a whole.
    pub(super) fn entry(path: &std::path::Path, reason: impl ToString) -> Self {
        Self::Entry { path: path.to_owned(), place: String::new(), reason: reason.to_string() }
    }
}
