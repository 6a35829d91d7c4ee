use std::path::Path;

use candle_core::{Device, Tensor};
use pairspec::clip::{Checkpoint, Config, Side, TextConfig, Tokenizer, VisionConfig};
use pairspec::files;
use pairspec::frame::Preprocess;

use super::parameters::{LOGIT_SCALE, NO_CHANGE_LOGIT, Parameters, Slot, text_slots, vision_slots};

/// Configurations are a few kilobytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// A CLIP to be trained.
#[derive(Debug, Clone)]
pub(crate) struct Clip {
    pub(crate) vision: VisionConfig,
    pub(crate) text: TextConfig,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) preprocess: Preprocess,
    pub(crate) parameters: Parameters,
    /// Every word it was trained with, where that is known.
    pub(crate) words: Option<Vec<String>>,
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
        let preprocess = symmetric(vision.image)?;
        Ok(Self { vision, text, tokenizer, preprocess, parameters, words: None })
    }

    /// Reads a Hugging Face directory with both towers in safetensors.
    ///
    /// # Errors
    /// What is missing or wrong, with the file.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("config.json");
        let origin = path.display().to_string();
        let config = Config::from_json(&files::read(&path, MAX_CONFIG_BYTES)?, &origin)?;
        let side = Side::read(folder, &config)?;
        let (Some(vision), Some(text), Some(tokenizer), Some(preprocess)) =
            (config.vision, config.text, side.tokenizer, side.preprocess)
        else {
            anyhow::bail!("{origin}: one tower only; training on differences needs both");
        };
        let mut checkpoint = Checkpoint::open(folder)?;
        let slots = slots(&vision, &text, config.projection);
        let mut parameters = Parameters::read(&slots, &mut checkpoint)?;
        let no_change = config.extra.no_change_logit.unwrap_or_default();
        parameters.set(NO_CHANGE_LOGIT, Tensor::from_slice(&[no_change], (), &Device::Cpu)?);
        let words = config.extra.training_vocabulary;
        Ok(Self { vision, text, tokenizer, preprocess, parameters, words })
    }
}

/// Preprocessing of a model that sees pixels from -1 to 1.
fn symmetric(side: usize) -> anyhow::Result<Preprocess> {
    let half = [0.5; 3];
    let file = serde_json::json!({
        "size": {"shortest_edge": side},
        "crop_size": {"height": side, "width": side},
        "image_mean": half,
        "image_std": half,
    });
    Ok(Preprocess::from_json(file.to_string().as_bytes(), "the default model's preprocessor")?)
}

fn slots(vision: &VisionConfig, text: &TextConfig, projection: usize) -> Vec<Slot> {
    let mut slots = vision_slots(vision, projection);
    slots.extend(text_slots(text, projection));
    slots.push((LOGIT_SCALE.to_owned(), vec![]));
    slots
}
