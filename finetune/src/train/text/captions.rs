use std::collections::HashSet;
use std::path::PathBuf;

use candle_core::{Device, Result, Tensor};

use super::images::Embedded;
use crate::describe::Captions;
use crate::dice::Dice;
use crate::model::Clip;
use crate::train::loss::{self, Meaning};

/// Of the draws of a step, those of captions have streams of their own.
const STREAM: u64 = 1 << 32;

/// What the images were called before: a term that holds the text tower to it.
#[derive(Debug, Clone)]
pub struct CaptionTerm {
    /// COCO's captions, or rows of `image` and `caption`. Those of images that the sentences name as
    /// whole frames are learned from, since these are embedded; the others are left out.
    pub file: PathBuf,
    /// How much plain CLIP's loss over them counts beside the differences'.
    pub weight: f64,
    /// Captioned images in a step, each with one of its captions; no more than there are.
    pub count: usize,
}

/// Captioned images, embedded.
pub(super) struct Remembered {
    weight: f64,
    count: usize,
    seed: u64,
    /// `[images, E]`, unit rows.
    images: Tensor,
    /// By image, the token ids of each of its captions.
    captions: Vec<Vec<Vec<u32>>>,
}

impl Remembered {
    /// # Errors
    /// Captions that cannot be read, or fewer than two of images that are embedded.
    pub(super) fn new(
        term: &CaptionTerm,
        model: &Clip,
        embedded: &Embedded,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let listed = Captions::open(&term.file)?;
        let encode = |text: &String| model.tokenizer.encode(text, model.text.context);
        let (mut values, mut captions) = (Vec::new(), Vec::new());
        // Two names of one content would be each other's wrong answer.
        let mut seen: HashSet<&str> = HashSet::new();
        for (name, texts) in listed.images() {
            let Some((key, row)) = embedded.frames.get(name) else { continue };
            if seen.insert(key) {
                values.extend_from_slice(row);
                captions.push(texts.iter().map(encode).collect::<std::result::Result<_, _>>()?);
            }
        }
        anyhow::ensure!(
            captions.len() >= 2,
            "{}: captions of {} images that the sentences name, expected at least 2 to contrast",
            term.file.display(),
            captions.len()
        );
        let size = values.len() / captions.len();
        let images = Tensor::from_vec(values, (captions.len(), size), &Device::Cpu)?;
        let count = term.count.clamp(2, captions.len());
        Ok(Self { weight: term.weight, count, seed, images, captions })
    }

    /// What a step remembers: images, and the caption of each.
    pub(super) fn drawn(&self, step: u64) -> Drawn {
        let mut dice = Dice::new(self.seed, STREAM + step);
        let images = rand::seq::index::sample(dice.source(), self.captions.len(), self.count);
        let images = images.into_vec();
        let captions = images.iter().map(|image| dice.pick(&self.captions[*image]).clone());
        Drawn { captions: captions.collect(), images }
    }

    /// The term: texts `[count, E]`, unit rows, are of these images, at the scale of logits that the
    /// base has.
    pub(super) fn loss(&self, drawn: &Drawn, texts: &Tensor, scale: &Tensor) -> Result<Tensor> {
        let images: Vec<u32> = drawn.images.iter().map(|image| *image as u32).collect();
        let images = self.images.index_select(&Tensor::new(images, &Device::Cpu)?, 0)?;
        let each: Vec<Meaning> = (0..drawn.images.len() as Meaning).collect();
        loss::captions(&images, texts, &each, scale)? * self.weight
    }
}

/// Some captioned images.
pub(super) struct Drawn {
    images: Vec<usize>,
    /// Token ids.
    pub(super) captions: Vec<Vec<u32>>,
}
