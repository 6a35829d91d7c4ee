//! The text tower of a CLIP that exists, on difference sentences of image pairs: PC-CLIP.
//!
//! Source: Sam, Willmott, Semedo, Kolter, "Finetuning CLIP to Reason about Pairwise Differences",
//! arXiv 2409.09721. Image embeddings are computed once; of the text tower only the blocks are
//! trained; the loss is symmetric InfoNCE over normalised difference embeddings at temperature 1.

mod cache;
mod captions;
mod images;
mod pictures;

use std::path::{Path, PathBuf};

use candle_core::{Device, Result, Tensor};
use pairspec::files;
use rand::seq::SliceRandom;

use super::engine::{Batch, Engine, Gradients};
use super::loss::{self, Meaning, normalised};
use super::optimizer::AdamConfig;
use super::origin;
use super::run::{Plan, Report, Run, Session, Task};
use super::schedule::EpochSchedule;
use super::validate::Validation;
use super::vocabulary::widened;
use crate::describe::{self, Difference, Sense};
use crate::dice::Dice;
use crate::export::Card;
use crate::model::{Clip, LOGIT_SCALE, Sentences, Trained};
pub use captions::CaptionTerm;
use captions::Remembered;
use images::Differences;

/// Differences whose direction a validation looks at, at most.
const VALIDATED: usize = 512;

/// What to tune, and on what.
#[derive(Debug, Clone)]
pub struct TextTuning {
    /// A Hugging Face directory with both towers.
    pub base: PathBuf,
    /// `differences.jsonl` from `describe`.
    pub differences: PathBuf,
    /// Where the images that the sentences name are.
    pub images: PathBuf,
    /// Share of the sentences that are kept for validation, 0 to 0.5.
    pub held_out: f32,
    /// Passes over the sentences; the paper's is 20.
    pub epochs: u64,
    /// Sentences in a step; the paper's is 512.
    pub batch: usize,
    /// The learning rate of the first epoch; the paper's is 1e-8.
    pub rate: f64,
    /// What each further epoch multiplies the rate by; the paper's is 0.9.
    pub factor: f64,
    /// A term against forgetting; the paper has none.
    pub captions: Option<CaptionTerm>,
    /// Share of the trained weights in what is written, the rest is the base's; 1 for none of it.
    pub average: f64,
    /// Lanes, and sentences held with their activations per lane.
    pub lanes: [usize; 2],
    /// The same seed gives the same model.
    pub seed: u64,
}

/// The paper's constants.
impl Default for TextTuning {
    fn default() -> Self {
        Self {
            base: PathBuf::new(),
            differences: PathBuf::new(),
            images: PathBuf::new(),
            held_out: 0.1,
            epochs: 20,
            batch: 512,
            rate: 1e-8,
            factor: 0.9,
            captions: None,
            average: 1.0,
            lanes: [2, 32],
            seed: 1,
        }
    }
}

impl TextTuning {
    fn check(&self) -> anyhow::Result<()> {
        let shares = [("held_out", f64::from(self.held_out), 0.5), ("average", self.average, 1.0)];
        for (name, value, most) in shares {
            anyhow::ensure!((0.0..=most).contains(&value), "{name}: {value}, expected 0 to {most}");
        }
        anyhow::ensure!(self.batch >= 2, "batch: {}, expected at least 2 to contrast", self.batch);
        anyhow::ensure!(self.epochs > 0, "epochs: 0, expected at least 1");
        anyhow::ensure!(
            self.rate > 0.0 && self.rate.is_finite() && self.factor > 0.0 && self.factor <= 1.0,
            "rate {} and factor {}, expected above 0, and above 0 to 1",
            self.rate,
            self.factor
        );
        if let Some(term) = &self.captions {
            let weight = term.weight;
            anyhow::ensure!(
                weight > 0.0 && weight.is_finite(),
                "weight of captions: {weight}, expected above 0"
            );
        }
        Ok(())
    }
}

/// Tunes as `tuning` says, from the last checkpoint in `folder` where there is one, and writes a
/// Hugging Face directory `model` into it.
///
/// # Errors
/// A base, sentences or images that cannot be used, and what training from scratch fails with.
pub fn tune_text(tuning: &TextTuning, folder: &Path, session: Session) -> anyhow::Result<Report> {
    tuning.check()?;
    std::fs::create_dir_all(folder).map_err(files::Error::io(folder, "create"))?;
    let sentences = describe::read(&tuning.differences)?;
    let mut model = Clip::open(&tuning.base)?;
    let base = model.parameters.clone();
    let base_sum = origin::of_model(&tuning.base)?;
    let given = images::Given { tuning, sentences: &sentences, base_sum: &base_sum };
    let images = images::differences(&given, folder, session)?;
    let sentences: Vec<Difference> =
        images.kept.iter().map(|index| sentences[*index].clone()).collect();
    let id = id(tuning, [&base_sum, &images.sum])?;
    let words = widened(model.words.as_deref(), sentences.iter().map(|it| it.sentence.as_str()));
    let task = DifferenceSentences::new(tuning, &model, &sentences, images)?;
    model.parameters.train(Trained::TextBlocks, tuning.seed)?;
    let epoch = (task.train.len() / task.batch) as u64;
    let rate =
        EpochSchedule { first: tuning.rate, factor: tuning.factor, epoch, epochs: tuning.epochs };
    let plan = Plan {
        rate: &rate,
        // The paper's optimizer is Adam with the library's constants.
        adam: AdamConfig { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip: 1e9 },
        lanes: (tuning.lanes[0], tuning.lanes[1]),
        every: [epoch, epoch.min(10)],
        id,
        compares: true,
    };
    let mut run = Run::new(plan, (folder, session), model, &task)?;
    run.train()?;
    run.average(&base, tuning.average)?;
    let provenance = format!(
        "{} with its text blocks tuned by pairspec-finetune {} on {} difference sentences ({})",
        tuning.base.file_name().unwrap_or_default().to_string_lossy(),
        env!("CARGO_PKG_VERSION"),
        sentences.len(),
        tuning.differences.file_name().unwrap_or_default().to_string_lossy(),
    );
    let card = Card {
        name: "pc-clip",
        license: "unknown",
        provenance: &provenance,
        vocabulary: words.as_deref(),
        half: session.half,
    };
    run.finish(&card)
}

/// What checkpoints are told apart by: what the trained weights depend on, and no path. How much of
/// them is written is decided after training.
fn id(tuning: &TextTuning, [base, images]: [&str; 2]) -> anyhow::Result<String> {
    let of_captions = |term: &CaptionTerm| {
        let sum = files::sha256_of(&term.file)?;
        anyhow::Ok(serde_json::json!({"file": sum, "weight": term.weight, "count": term.count}))
    };
    let captions = tuning.captions.as_ref().map(of_captions).transpose()?;
    let id = serde_json::json!({
        "base": base,
        "differences": files::sha256_of(&tuning.differences)?,
        "images": images,
        "held_out": tuning.held_out,
        "epochs": tuning.epochs,
        "batch": tuning.batch,
        "rate": tuning.rate,
        "factor": tuning.factor,
        "captions": captions,
        "lanes": tuning.lanes,
        "seed": tuning.seed,
    });
    Ok(id.to_string())
}

/// Learning from sentences, with the differences they are true of embedded before.
struct DifferenceSentences {
    /// Unit rows, test less reference, turned around for requirements.
    d: Differences,
    remembered: Option<Remembered>,
    ids: Vec<Vec<u32>>,
    /// Equal numbers mean the same; a sentence without a key means something of its own.
    meanings: Vec<Meaning>,
    pooling: pairspec::clip::Pooling,
    /// Indices of sentences.
    train: Vec<usize>,
    held_out: Vec<usize>,
    batch: usize,
    seed: u64,
}

impl DifferenceSentences {
    fn new(
        tuning: &TextTuning,
        model: &Clip,
        sentences: &[Difference],
        images: images::Embedded,
    ) -> anyhow::Result<Self> {
        let encode = |one: &Difference| model.tokenizer.encode(&one.sentence, model.text.context);
        let ids = sentences.iter().map(encode).collect::<std::result::Result<Vec<_>, _>>()?;
        let mut keys: Vec<(Option<&str>, Option<Sense>)> = Vec::new();
        let mut meanings = Vec::with_capacity(sentences.len());
        for (index, one) in sentences.iter().enumerate() {
            let key = (one.key.as_deref(), one.sense);
            let known = keys.iter().position(|known| one.key.is_some() && *known == key);
            // Numbers of keys and of sentences without one must not meet.
            let number = known.unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            });
            meanings
                .push(if one.key.is_some() { number } else { sentences.len() + index } as Meaning);
        }
        let mut order: Vec<usize> = (0..sentences.len()).collect();
        order.shuffle(Dice::new(tuning.seed, u64::MAX).source());
        let held_out = (sentences.len() as f32 * tuning.held_out) as usize;
        let train = order.split_off(held_out);
        let batch = tuning.batch.min(train.len());
        anyhow::ensure!(
            batch >= 2,
            "{}: {} sentences, expected more to contrast",
            tuning.differences.display(),
            sentences.len()
        );
        let (pooling, seed) = (model.text.pooling, tuning.seed);
        let remember = |term| Remembered::new(term, model, &images, seed);
        let remembered = tuning.captions.as_ref().map(remember).transpose()?;
        let d = images.d;
        Ok(Self { d, remembered, ids, meanings, pooling, train, held_out: order, batch, seed })
    }

    /// The sentences of a step: each once in an epoch, in an order of its own.
    fn drawn(&self, step: u64) -> Vec<usize> {
        let steps = (self.train.len() / self.batch) as u64;
        let mut order = self.train.clone();
        order.shuffle(Dice::new(self.seed, step / steps).source());
        let start = (step % steps) as usize * self.batch;
        order[start..start + self.batch].to_vec()
    }

    fn ids(&self, indices: &[usize]) -> Vec<Vec<u32>> {
        indices.iter().map(|index| self.ids[*index].clone()).collect()
    }
}

impl Task for DifferenceSentences {
    fn gradients(&self, engine: &Engine, model: &Clip, step: u64) -> Result<(f32, Gradients)> {
        let drawn = self.drawn(step);
        let captioned = self.remembered.as_ref().map(|it| (it, it.drawn(step)));
        let mut ids = self.ids(&drawn);
        ids.extend(captioned.iter().flat_map(|(_, drawn)| drawn.captions.iter().cloned()));
        let batch = Batch { patches: None, sentences: Sentences::new(ids, self.pooling) };
        let d = self.d.rows(&drawn)?;
        let meanings: Vec<Meaning> = drawn.iter().map(|index| self.meanings[*index]).collect();
        let temperature = Tensor::from_slice(&[1_f32], 1, &Device::Cpu)?;
        let scale = model.parameters.get(LOGIT_SCALE)?.exp()?.reshape(1)?;
        engine.step(&model.parameters, &batch, |leaves| {
            let texts = normalised(&leaves.sentences)?;
            let sentences = texts.narrow(0, 0, drawn.len())?;
            let loss = loss::captions(&d, &sentences, &meanings, &temperature)?;
            let Some((remembered, captioned)) = &captioned else { return Ok(loss) };
            let captions = texts.narrow(0, drawn.len(), captioned.captions.len())?;
            loss + remembered.loss(captioned, &captions, &scale)?
        })
    }

    /// Difference classification, as in the paper: the cosine has the right sign.
    fn validate(&self, engine: &Engine, model: &Clip) -> Result<Vec<Validation>> {
        let judged: Vec<usize> = self.held_out.iter().copied().take(VALIDATED).collect();
        if judged.is_empty() {
            return Ok(Vec::new());
        }
        let mut right = 0;
        for chunk in judged.chunks(self.batch) {
            let sentences = Sentences::new(self.ids(chunk), self.pooling);
            let texts = engine.embed_sentences(&model.parameters, &sentences)?;
            let cosines = (self.d.rows(chunk)? * normalised(&texts)?)?.sum(1)?.to_vec1::<f32>()?;
            right += cosines.iter().filter(|cosine| **cosine > 0.0).count();
        }
        let share = right as f64 / judged.len() as f64;
        Ok(vec![Validation::of_sentences(judged.len(), share)])
    }
}
