use std::path::Path;

use anyhow::Context;
use pairspec::clip::{Activation, Pooling, TextConfig, TowerConfig, VisionConfig};
use pairspec::files;
use serde::{Deserialize, Serialize};

use crate::synth::{Config as SynthConfig, Kind, Style};
use crate::train::augment::Symmetry;
use crate::train::settings::Settings;

/// A configuration is a page of text.
const MAX_BYTES: u64 = 1 << 20;
/// Hugging Face's default.
const LAYER_NORM_EPS: f32 = 1e-5;

/// A run from scratch: everything that its result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The model's name.
    pub name: String,
    /// Its licence, an SPDX expression.
    pub license: String,
    /// The same seed gives the same model.
    pub seed: u64,
    /// What is rendered.
    pub product: Vec<ProductConfig>,
    /// The image tower and what both share.
    pub model: ModelConfig,
    /// The text tower.
    pub text: TextModelConfig,
    /// How it is trained.
    pub settings: Settings,
}

/// Pairs of one product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductConfig {
    /// `board`, `label` or `cap`.
    pub kind: String,
    /// `binary`, `grey`, `colour`; one named twice is twice as frequent.
    pub styles: Vec<String>,
    /// Pairs to train with, and further ones to validate with.
    pub pairs: [u64; 2],
    /// Of the pairs of a batch, in proportion to those of the other products.
    pub share: f32,
    /// How crops may be turned.
    pub symmetry: Symmetry,
}

/// The image tower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Side of the crops, pixels.
    pub image: usize,
    /// Side of a patch, pixels.
    pub patch: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width inside the perceptrons.
    pub intermediate: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Size of embeddings.
    pub projection: usize,
}

/// The text tower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextModelConfig {
    /// Tokens of the vocabulary at most.
    pub vocabulary: usize,
    /// Tokens of a sentence at most.
    pub context: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width inside the perceptrons.
    pub intermediate: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
}

impl Config {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// What is wrong with it, with the file's name.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let text = files::read_text(path, MAX_BYTES)?;
        let config: Self = toml::from_str(&text).with_context(|| path.display().to_string())?;
        config.check().with_context(|| path.display().to_string())?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let positive = |name: &str, value: u64| {
            anyhow::ensure!(value > 0, "{name}: 0, expected at least 1");
            Ok(())
        };
        anyhow::ensure!(!self.product.is_empty(), "product: none, expected [[product]] sections");
        for product in &self.product {
            product.synth()?;
            positive("product.pairs", product.pairs[0].min(product.pairs[1]))?;
            anyhow::ensure!(
                product.share > 0.0 && product.share.is_finite(),
                "product.share: {}, expected above 0",
                product.share
            );
        }
        self.settings.check()?;
        let model = &self.model;
        anyhow::ensure!(
            model.patch > 0 && model.image.is_multiple_of(model.patch) && model.image >= 16,
            "model: image {} and patch {}, expected a multiple of the patch from 16 on",
            model.image,
            model.patch
        );
        for (name, hidden, heads) in
            [("model", model.hidden, model.heads), ("text", self.text.hidden, self.text.heads)]
        {
            anyhow::ensure!(
                heads > 0 && hidden > 0 && hidden.is_multiple_of(heads),
                "{name}: {heads} heads, expected a divisor of hidden {hidden}"
            );
        }
        Ok(())
    }

    /// The image tower, as a checkpoint describes it.
    pub(crate) fn vision(&self) -> VisionConfig {
        let model = &self.model;
        let sizes = [model.hidden, model.intermediate, model.layers, model.heads];
        VisionConfig { tower: tower(sizes), image: model.image, patch: model.patch }
    }

    /// The text tower; `vocabulary` and `end` are the tokenizer's.
    pub(crate) fn text(&self, vocabulary: usize, end: u32) -> TextConfig {
        let text = &self.text;
        TextConfig {
            tower: tower([text.hidden, text.intermediate, text.layers, text.heads]),
            vocabulary,
            context: text.context,
            pooling: Pooling::FirstOf(i64::from(end)),
        }
    }
}

fn tower([hidden, intermediate, layers, heads]: [usize; 4]) -> TowerConfig {
    TowerConfig {
        hidden,
        intermediate,
        layers,
        heads,
        activation: Activation::QuickGelu,
        layer_norm_eps: LAYER_NORM_EPS,
    }
}

impl ProductConfig {
    /// The product.
    pub(crate) fn kind(&self) -> anyhow::Result<Kind> {
        let all = [Kind::Board, Kind::Label, Kind::Cap];
        let found = all.into_iter().find(|kind| kind.name() == self.kind);
        found.with_context(|| format!("kind: {:?}, expected board, label or cap", self.kind))
    }

    /// What its pairs are rendered by.
    pub(crate) fn synth(&self) -> anyhow::Result<SynthConfig> {
        let all = [Style::Binary, Style::Grey, Style::Colour];
        let style = |name: &String| {
            let found = all.into_iter().find(|style| style.name() == name);
            found.with_context(|| format!("styles: {name:?}, expected binary, grey or colour"))
        };
        let styles = self.styles.iter().map(style).collect::<anyhow::Result<Vec<_>>>()?;
        anyhow::ensure!(!styles.is_empty(), "styles: none, expected binary, grey or colour");
        Ok(SynthConfig { kinds: vec![self.kind()?], styles, ..SynthConfig::default() })
    }

    /// Whether crops keep their colours.
    pub(crate) fn is_colour(&self) -> bool {
        self.styles.iter().any(|style| style == Style::Colour.name())
    }
}
