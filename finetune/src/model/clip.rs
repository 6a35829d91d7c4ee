use std::path::Path;

use anyhow::Context;
use candle_core::{Device, Tensor};
use pairspec::clip::{Checkpoint, Config, TextConfig, Tokenizer, VisionConfig};
use pairspec::files;

use super::parameters::{LOGIT_SCALE, NO_CHANGE_LOGIT, Parameters, Slot, text_slots, vision_slots};

/// Vocabularies are a few megabytes.
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
/// Configurations are a few kilobytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// A CLIP to be trained.
#[derive(Debug, Clone)]
pub(crate) struct Clip {
    pub(crate) vision: VisionConfig,
    pub(crate) text: TextConfig,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) parameters: Parameters,
}

impl Clip {
    /// With first values that depend on the seed alone.
    ///
    /// # Errors
    /// When memory cannot be had.
    pub(crate) fn random(
        (vision, text, projection): (VisionConfig, TextConfig, usize),
        tokenizer: Tokenizer,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let mut slots = slots(&vision, &text, projection);
        slots.push((NO_CHANGE_LOGIT.to_owned(), vec![]));
        let parameters = Parameters::random(&slots, (seed, vision.tower.heads))?;
        Ok(Self { vision, text, tokenizer, parameters })
    }

    /// Reads a Hugging Face directory with both towers in safetensors.
    ///
    /// # Errors
    /// What is missing or wrong, with the file.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("config.json");
        let origin = path.display().to_string();
        let config = Config::from_json(&files::read(&path, MAX_CONFIG_BYTES)?, &origin)?;
        let (Some(vision), Some(text)) = (config.vision, config.text) else {
            anyhow::bail!("{origin}: one tower only; training on differences needs both");
        };
        let mut checkpoint = Checkpoint::open(folder)?;
        let slots = slots(&vision, &text, config.projection);
        let mut parameters = Parameters::read(&slots, &mut checkpoint)?;
        let no_change = config.extra.no_change_logit.unwrap_or_default();
        parameters.set(NO_CHANGE_LOGIT, Tensor::from_slice(&[no_change], (), &Device::Cpu)?);
        let tokenizer = tokenizer(folder)?;
        anyhow::ensure!(
            tokenizer.id_bound() <= text.vocabulary,
            "{}: ids up to {}, the text tower embeds {}",
            folder.display(),
            tokenizer.id_bound().saturating_sub(1),
            text.vocabulary
        );
        Ok(Self { vision, text, tokenizer, parameters })
    }
}

fn slots(vision: &VisionConfig, text: &TextConfig, projection: usize) -> Vec<Slot> {
    let mut slots = vision_slots(vision, projection);
    slots.extend(text_slots(text, projection));
    slots.push((LOGIT_SCALE.to_owned(), vec![]));
    slots
}

fn tokenizer(folder: &Path) -> anyhow::Result<Tokenizer> {
    let path = folder.join("tokenizer.json");
    if path.is_file() {
        let content = files::read(&path, MAX_TOKENIZER_BYTES)?;
        return Ok(Tokenizer::from_bundle_json(&content, &path.display().to_string())?);
    }
    let file = |name: &str| files::read(&folder.join(name), MAX_TOKENIZER_BYTES);
    let (vocab, merges) = (file("vocab.json"), file("merges.txt"));
    let missing =
        || format!("{}: no tokenizer.json and no vocab.json with merges.txt", folder.display());
    let (vocab, merges) = (vocab.with_context(missing)?, merges.with_context(missing)?);
    Ok(Tokenizer::from_vocab_and_merges(&vocab, &merges, &folder.display().to_string())?)
}
