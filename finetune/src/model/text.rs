use std::ops::Range;

use candle_core::{Result, Tensor, bail};
use pairspec::clip::{Pooling, TextConfig};

use super::Parameters;
use super::ops::Mask;
use super::tower::{Tower, pick};

/// The tokens around every text, and their names in Hugging Face files: before it,
pub(crate) const START: &str = "<|startoftext|>";
/// and after it.
pub(crate) const END: &str = "<|endoftext|>";

/// The text tower.
#[derive(Debug, Clone)]
pub(crate) struct TextTower {
    config: TextConfig,
    tower: Tower,
}

/// Token ids of sentences.
#[derive(Debug, Clone)]
pub(crate) struct Sentences {
    sentences: Vec<Vec<u32>>,
    pooling: Pooling,
}

impl Sentences {
    /// Sentences of token ids, start and end token included.
    pub(crate) fn new(sentences: Vec<Vec<u32>>, pooling: Pooling) -> Self {
        Self { sentences, pooling }
    }

    /// How many sentences.
    pub(crate) fn len(&self) -> usize {
        self.sentences.len()
    }

    /// Some of them.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let sentences = self.sentences.get(range).unwrap_or_default().to_vec();
        Self { sentences, pooling: self.pooling }
    }

    fn padded(&self) -> Padded {
        let length = self.sentences.iter().map(Vec::len).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(length * self.len());
        for sentence in &self.sentences {
            let padding = sentence.last().copied().unwrap_or(0);
            ids.extend_from_slice(sentence);
            ids.extend(std::iter::repeat_n(padding, length - sentence.len()));
        }
        let ends = self.sentences.iter().map(|ids| end(ids, self.pooling) as u32).collect();
        Padded { ids, length, ends }
    }
}

/// Sentences as long as the longest of them, padded with their end token.
///
/// Under the causal mask nothing after the end token reaches it, so the padding changes nothing and
/// a batch may be as short as its longest sentence.
struct Padded {
    ids: Vec<u32>,
    length: usize,
    ends: Vec<u32>,
}

/// Where the embedding of a sentence is taken.
fn end(ids: &[u32], pooling: Pooling) -> usize {
    match pooling {
        Pooling::FirstOf(id) => ids.iter().position(|one| i64::from(*one) == id).unwrap_or(0),
        Pooling::LargestId => {
            let largest = ids.iter().max();
            ids.iter().position(|id| Some(id) == largest).unwrap_or(0)
        }
    }
}

impl TextTower {
    pub(crate) fn new(config: &TextConfig) -> Self {
        let tower = Tower { name: "text_model", config: config.tower.clone(), mask: Mask::Causal };
        Self { config: config.clone(), tower }
    }

    /// Raw embeddings `[sentences, projection]`.
    pub(crate) fn forward(&self, parameters: &Parameters, sentences: &Sentences) -> Result<Tensor> {
        let batch = sentences.len();
        let Padded { ids, length, ends } = sentences.padded();
        if length > self.config.context {
            bail!("{length} tokens, the model reads at most {}", self.config.context);
        }
        let hidden = self.config.tower.hidden;
        let table = parameters.get("text_model.embeddings.token_embedding.weight")?;
        let ids = Tensor::from_vec(ids, batch * length, table.device())?;
        let embedded = table.index_select(&ids, 0)?.reshape((batch, length, hidden))?;
        let positions = parameters.get("text_model.embeddings.position_embedding.weight")?;
        let x = embedded.broadcast_add(&positions.narrow(0, 0, length)?)?;
        let x = self.tower.forward(parameters, x)?;
        let x = pick(&x, &ends)?;
        let x = self.tower.norm(parameters, "text_model.final_layer_norm", &x)?;
        x.matmul(&parameters.get("text_projection.weight")?.t()?)
    }
}
