//! Import: a Hugging Face directory, or seeded random weights, become a bundle.
//!
//! Owns the search for files as transformers, Optimum and transformers.js lay them out, and the
//! refusal of whatever does not fit together (weights and configuration, tokenizer and text tower,
//! preprocessing and image size). Every import ends with parity vectors from the written files.
//!
//! It does not convert precision beyond fp16 weights.

mod build;
mod ready;
mod side;

use std::path::Path;

use build::Build;
pub use side::Side;
use side::file_of;

use super::onnx::WeightType;
use super::{Architecture, Bundle, Checkpoint, Config, Draft, Error, RandomWeights};
use crate::files;

const MAX_CONFIG_BYTES: u64 = 64 << 20;

/// What an import may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOptions {
    /// The bundle's name; that of the directory when absent.
    pub name: Option<String>,
    /// How matrices are stored; ready ONNX files stay as they are.
    pub weight_type: WeightType,
    /// Take over the image tower, if there is one.
    pub vision: bool,
    /// Take over the text tower, if there is one.
    pub text: bool,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self { name: None, weight_type: WeightType::Float32, vision: true, text: true }
    }
}

/// Turns a Hugging Face CLIP directory into a bundle at `place`.
///
/// Weights come from `model.safetensors` (one file or shards behind its index); without it from
/// `vision_model.onnx` and `text_model.onnx`, in the directory or its `onnx` folder.
///
/// # Errors
/// [`Error::Exists`] when the place is taken; otherwise an error naming the file and the fact that
/// keeps it from being imported.
pub fn import(directory: &Path, place: &Path, options: &ImportOptions) -> Result<Bundle, Error> {
    let draft = Draft::new(place)?;
    let path = directory.join("config.json");
    if !path.is_file() {
        return Err(Error::Missing {
            path: directory.to_owned(),
            file: "config.json".to_owned(),
            advice: "is this a Hugging Face CLIP directory?",
        });
    }
    let bytes = files::read(&path, MAX_CONFIG_BYTES)?;
    let mut config = Config::from_json(&bytes, &path.display().to_string())?;
    config.vision = config.vision.filter(|_| options.vision);
    config.text = config.text.filter(|_| options.text);
    let name = options.name.clone().or_else(|| config.extra.name.clone());
    let name = name.unwrap_or_else(|| file_of(directory));
    let mut build = Build::new(draft, config, name);
    if Checkpoint::is_in(directory) {
        let mut checkpoint = Checkpoint::open(directory)?;
        build.drop_absent_towers(&checkpoint);
        let side = Side::read(directory, &build.config)?;
        build.describe_source(directory, checkpoint.paths())?;
        build.scales_of(&mut checkpoint)?;
        build.write(&mut checkpoint, options.weight_type, &side)?;
        build.refuse_unread(&checkpoint)?;
        return build.finish(side);
    }
    ready::import(directory, build)
}

/// Writes a bundle with seeded random weights: for measuring speed where no model is at hand.
///
/// # Errors
/// [`Error::Exists`] and [`Error::File`].
pub fn random_bundle(
    architecture: Architecture,
    seed: u64,
    weight_type: WeightType,
    place: &Path,
) -> Result<Bundle, Error> {
    let draft = Draft::new(place)?;
    let mut config = architecture.config()?;
    let side = Side::made_up(&mut config)?;
    let mut build = Build::new(draft, config, format!("{architecture}-random-{seed}"));
    build.manifest.architecture = architecture.name().to_owned();
    build.manifest.provenance =
        format!("random weights, seed {seed}: right sizes and speed, no meaning");
    build.manifest.license = "CC0-1.0".to_owned();
    build.write(&mut RandomWeights::new(seed), weight_type, &side)?;
    build.finish(side)
}
