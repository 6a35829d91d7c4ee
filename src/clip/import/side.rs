use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use crate::clip::{Config, Error, Pooling, TextConfig, Tokenizer};
use crate::files;
use crate::frame::Preprocess;

const MAX_TOKENIZER_BYTES: u64 = 256 << 20;
const MAX_PREPROCESSOR_BYTES: u64 = 1 << 20;

/// What stands beside the weights of a Hugging Face directory.
#[derive(Debug, Clone)]
pub struct Side {
    /// There when the configuration has a text tower.
    pub tokenizer: Option<Tokenizer>,
    /// There when the configuration has an image tower.
    pub preprocess: Option<Preprocess>,
}

impl Side {
    /// Reads tokenizer and preprocessing files of a Hugging Face directory as far as the
    /// configuration needs them.
    ///
    /// # Errors
    /// A file that is missing or cannot be used, and a tokenizer or an image size that does not fit
    /// the configuration.
    pub fn read(directory: &Path, config: &Config) -> Result<Self, Error> {
        let tokenizer = match &config.text {
            Some(text) => Some(tokenizer(directory, text)?),
            None => None,
        };
        let preprocess = match &config.vision {
            Some(vision) => Some(preprocess(directory, vision.image)?),
            None => None,
        };
        Ok(Self { tokenizer, preprocess })
    }

    /// A tokenizer of single bytes, and preprocessing as OpenAI's checkpoints have it.
    ///
    /// The end token that the text tower looks for becomes the tokenizer's.
    pub(super) fn made_up(config: &mut Config) -> Result<Self, Error> {
        let tokenizer = match &mut config.text {
            Some(text) => {
                let tokenizer = byte_tokenizer()?;
                text.pooling = Pooling::FirstOf(i64::from(tokenizer.end_id()));
                Some(tokenizer)
            }
            None => None,
        };
        let preprocess =
            config.vision.as_ref().map(|vision| Preprocess::for_size(vision.image as u32));
        Ok(Self { tokenizer, preprocess })
    }
}

/// The last part of a path, for names and messages.
pub(super) fn file_of(path: &Path) -> String {
    let named = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let named: PathBuf = named.file_name().map_or_else(|| path.to_owned(), PathBuf::from);
    named.display().to_string()
}

fn tokenizer(directory: &Path, config: &TextConfig) -> Result<Tokenizer, Error> {
    let path = directory.join("tokenizer.json");
    let (vocab, merges) = (directory.join("vocab.json"), directory.join("merges.txt"));
    let found = if path.is_file() {
        let bytes = files::read(&path, MAX_TOKENIZER_BYTES)?;
        Tokenizer::from_bundle_json(&bytes, &path.display().to_string())?
    } else if vocab.is_file() && merges.is_file() {
        let (vocab_bytes, merges) =
            (files::read(&vocab, MAX_TOKENIZER_BYTES)?, files::read(&merges, MAX_TOKENIZER_BYTES)?);
        Tokenizer::from_vocab_and_merges(&vocab_bytes, &merges, &vocab.display().to_string())?
    } else {
        return Err(Error::Missing {
            path: directory.to_owned(),
            file: "tokenizer.json, nor vocab.json with merges.txt".to_owned(),
            advice: "the text tower needs it; import the image tower alone without it",
        });
    };
    fits(&found, config, directory)?;
    Ok(found)
}

/// Refuses a tokenizer whose sentences the text tower would pool at the wrong place.
fn fits(tokenizer: &Tokenizer, config: &TextConfig, directory: &Path) -> Result<(), Error> {
    let refuse = |key: &str, reason: String| {
        let origin = directory.join("config.json").display().to_string();
        Err(Error::Config { origin, key: format!("text_config.{key}"), reason })
    };
    let (end, bound) = (tokenizer.end_id(), tokenizer.id_bound());
    if bound > config.vocabulary {
        let reason = format!("{}, the tokenizer gives ids below {bound}", config.vocabulary);
        return refuse("vocab_size", reason);
    }
    match config.pooling {
        Pooling::FirstOf(id) if id != i64::from(end) => {
            refuse("eos_token_id", format!("{id}, the tokenizer ends sentences with {end}"))
        }
        Pooling::LargestId if end as usize + 1 != bound => {
            let reason = format!(
                "2 pools at the largest id, the tokenizer ends with {end} and has ids up to {}",
                bound - 1
            );
            refuse("eos_token_id", reason)
        }
        _ => Ok(()),
    }
}

fn preprocess(directory: &Path, image: usize) -> Result<Preprocess, Error> {
    let path = directory.join("preprocessor_config.json");
    let origin = path.display().to_string();
    if !path.is_file() {
        log::warn!("{origin}: absent; frames will be prepared as for OpenAI's checkpoints");
        return Ok(Preprocess::for_size(image as u32));
    }
    let found = Preprocess::from_json(&files::read(&path, MAX_PREPROCESSOR_BYTES)?, &origin)?;
    let (width, height) = found.size();
    if (width as usize, height as usize) == (image, image) {
        return Ok(found);
    }
    let reason = format!("{width}x{height} pixels, config.json says image_size {image}");
    Err(Error::Config { origin, key: "crop_size".to_owned(), reason })
}

/// One token per byte, one per byte that ends a word, start and end.
fn byte_tokenizer() -> Result<Tokenizer, Error> {
    let mut bytes: Vec<char> = ByteLevel::alphabet().into_iter().collect();
    bytes.sort_unstable();
    let inside = bytes.iter().map(char::to_string);
    let ending = bytes.iter().map(|byte| format!("{byte}</w>"));
    let special = ["<|startoftext|>", "<|endoftext|>"].map(str::to_owned);
    let vocab: BTreeMap<String, usize> =
        inside.chain(ending).chain(special).enumerate().map(|(id, token)| (token, id)).collect();
    let origin = "generated vocabulary";
    let vocab = serde_json::to_vec(&vocab)
        .map_err(|error| Error::Syntax { origin: origin.to_owned(), reason: error.to_string() })?;
    Ok(Tokenizer::from_vocab_and_merges(&vocab, b"#version: 0.2\n", origin)?)
}
