use std::path::PathBuf;

/// Why there is no bundle, no encoder or no embedding.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] crate::files::Error),
    /// A frame could not be preprocessed.
    #[error(transparent)]
    Frame(#[from] crate::frame::Error),
    /// The tokenizer is unusable, or cannot encode a text.
    #[error(transparent)]
    Tokenizer(#[from] super::TokenizerError),
    /// A `config.json` that describes no CLIP model this room can build.
    #[error("{origin}: {key}: {reason}")]
    Config {
        /// The file.
        origin: String,
        /// The key, with its section: `vision_config.hidden_size`.
        key: String,
        /// What is wrong, found against expected.
        reason: String,
    },
    /// Text that is not JSON or TOML, or not of the expected shape.
    #[error("{origin}: {reason}")]
    Syntax {
        /// The file.
        origin: String,
        /// What the parser said, with the line.
        reason: String,
    },
    /// A weight file that is cut, altered or foreign.
    #[error("{origin}: not a usable safetensors file: {reason}")]
    Safetensors {
        /// The file.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// A tensor that is missing, superfluous, mis-shaped or holds NaN or infinity.
    #[error("{origin}: tensor {tensor}: {reason}")]
    Tensor {
        /// The file or directory.
        origin: String,
        /// The tensor's full name.
        tensor: String,
        /// What is wrong, found against expected.
        reason: String,
    },
    /// An ONNX file that is cut, altered, foreign or beyond what is accepted.
    #[error("{origin}: not a usable ONNX model: {reason}")]
    Onnx {
        /// The file.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// A `bundle.toml` that contradicts itself or this version.
    #[error("{origin}: {key}: {reason}")]
    Manifest {
        /// The file.
        origin: String,
        /// The key.
        key: String,
        /// What is wrong, found against expected.
        reason: String,
    },
    /// A file of a bundle whose content is not what `bundle.toml` was written for.
    #[error(
        "{}: SHA-256 is {found}, bundle.toml says {expected}; the file was altered, import the model again",
        path.display()
    )]
    Altered {
        /// The file.
        path: PathBuf,
        /// The sum in `bundle.toml`.
        expected: String,
        /// The sum of the file.
        found: String,
    },
    /// The bundle (or the directory to import) does not have a file that is needed.
    #[error("{}: has no {file}; {advice}", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
        /// The file, or the alternatives.
        file: String,
        /// What to do.
        advice: &'static str,
    },
    /// The place of a new bundle is taken.
    #[error("{}: exists already; remove it or choose another place", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// The inference engine refused a model or failed to run it.
    #[error("{origin}: cannot {action}: {reason}")]
    Engine {
        /// The model file.
        origin: String,
        /// What was tried, an infinitive.
        action: &'static str,
        /// What the engine said.
        reason: String,
    },
    /// An input of the wrong size.
    #[error("{origin}: input has {found} values, expected {expected}")]
    Input {
        /// The model file.
        origin: String,
        /// Values given.
        found: usize,
        /// Values the model takes.
        expected: usize,
    },
    /// A token id that the model has no row for.
    #[error(
        "{origin}: token id {id}, the model has ids below {vocabulary}; is the tokenizer another model's?"
    )]
    TokenId {
        /// The model file.
        origin: String,
        /// The id.
        id: u32,
        /// The bound.
        vocabulary: usize,
    },
    /// An embedding with NaN or infinity, which would compare as anything.
    #[error("{origin}: embedding {index} has a value that is not finite ({value})")]
    NotFinite {
        /// The model file.
        origin: String,
        /// Which of the batch, from 0.
        index: usize,
        /// The value.
        value: f32,
    },
    /// This machine computes something else than the machine that wrote the bundle.
    #[error(
        "{origin}: parity vector {index}: cosine {cosine:.7} and error {error:.2e} of the largest value, \
         expected at least {least_cosine} and at most {most_error:.0e}"
    )]
    Parity {
        /// The model file.
        origin: String,
        /// Which vector, from 0.
        index: usize,
        /// Cosine found.
        cosine: f64,
        /// Largest difference found, as a share of the largest expected value.
        error: f64,
        /// The least cosine accepted.
        least_cosine: f64,
        /// The largest error accepted.
        most_error: f64,
    },
}
