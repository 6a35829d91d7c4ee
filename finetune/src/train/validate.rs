use candle_core::{Result, Tensor};
use pairspec::calibrate::{Auroc, Scored};
use serde::{Deserialize, Deserializer, Serialize};

use super::augment::{Symmetry, View};
use super::engine::Engine;
use super::loss::normalised;
use super::total;
use super::vocabulary::Vocabulary;
use crate::crops::Pool;
use crate::describe::{Sense, Topic};
use crate::dice::Dice;
use crate::model::{Clip, LOGIT_SCALE, NO_CHANGE_LOGIT, Sentences, patches};

/// Phrasings that stand for a meaning.
const PHRASINGS: usize = 16;
/// Crops embedded at once.
const CHUNK: usize = 128;
/// Crops judged at most, spread over the pool.
const JUDGED: usize = 1500;

/// How a model does on pairs it was not trained with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The product.
    pub product: String,
    /// Crops judged.
    pub crops: usize,
    /// How well the highest fault confidence tells faults from sound crops.
    #[serde(deserialize_with = "number")]
    pub auroc: f64,
    /// Share of faults whose own sentence is the highest of the faults'.
    #[serde(deserialize_with = "number")]
    pub kind: f64,
    /// Share of sound crops whose highest logit is a fault's.
    #[serde(deserialize_with = "number")]
    pub false_faults: f64,
    /// Mean AUROC of the requirements, each broken against intact.
    #[serde(deserialize_with = "number")]
    pub requirements: f64,
    /// Share of faults whose difference has a positive cosine with their sentence.
    #[serde(deserialize_with = "number")]
    pub differences: f64,
}

impl Validation {
    /// Of sentences about differences there are no kinds: only their direction is known.
    pub(super) fn of_sentences(count: usize, differences: f64) -> Self {
        Self {
            product: "sentences".to_owned(),
            crops: count,
            auroc: f64::NAN,
            kind: f64::NAN,
            false_faults: f64::NAN,
            requirements: f64::NAN,
            differences,
        }
    }
}

/// JSON has no NaN; what could not be measured is null in it.
fn number<'de, D: Deserializer<'de>>(source: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(source)?.unwrap_or(f64::NAN))
}

/// What a validation needs of a run.
pub(super) struct Judged<'a> {
    pub(super) engine: &'a Engine,
    pub(super) model: &'a Clip,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) topics: &'a [Topic],
}

impl Judged<'_> {
    /// Judges crops of a product by the mean of some phrasings of each fault.
    pub(super) fn validate(&self, product: &str, pool: &Pool) -> Result<Validation> {
        let mut classes = pool.classes();
        let is_allowed = |class: &String| {
            self.topics.iter().any(|it| it.key == *class && it.sense == Sense::Allowed)
        };
        classes.retain(|class| !is_allowed(class));
        let fault = |topic: &Topic, class: &str| topic.sense == Sense::Fault && topic.key == class;
        let requirement = |topic: &Topic, class: &str| topic.violated_by.as_deref() == Some(class);
        let faults = self.prototypes(&classes, fault)?;
        let requirements = self.prototypes(&classes, requirement)?;
        let step = pool.crops().len().div_ceil(JUDGED).max(1);
        let judged: Vec<usize> = (0..pool.crops().len()).step_by(step).collect();
        let scale = self.model.parameters.scalar(LOGIT_SCALE)?.exp();
        let no_change = self.model.parameters.scalar(NO_CHANGE_LOGIT)?;
        let mut tally = Tally::new(classes.len());
        for chunk in judged.chunks(CHUNK) {
            let d = self.differences(pool, chunk)?;
            let dots = |prototypes: &Option<Tensor>| match prototypes {
                Some(prototypes) => d.matmul(&prototypes.t()?)?.to_vec2::<f32>(),
                None => Ok(vec![Vec::new(); chunk.len()]),
            };
            let (towards, kept) = (dots(&faults)?, dots(&requirements)?);
            for ((index, towards), kept) in chunk.iter().zip(towards).zip(kept) {
                let class = &pool.crops()[*index].class;
                let truth = class.as_ref().and_then(|class| classes.binary_search(class).ok());
                let logits: Vec<f32> = towards.iter().map(|dot| scale * dot).collect();
                tally.count(truth, (&logits, &kept), no_change);
            }
        }
        Ok(tally.finish(product.to_owned()))
    }

    /// Unit rows, one per class: the mean of unit embeddings of its phrasings.
    fn prototypes(
        &self,
        classes: &[String],
        is_meant: impl Fn(&Topic, &str) -> bool,
    ) -> Result<Option<Tensor>> {
        let mut rows = Vec::new();
        for class in classes {
            let topic = self.topics.iter().find(|topic| is_meant(topic, class));
            let texts = topic.map(Topic::phrasings).unwrap_or_else(|| vec![String::new()]);
            let mut dice = Dice::new(0, 0);
            let ids: Vec<Vec<u32>> =
                (0..PHRASINGS).map(|_| self.vocabulary.ids(dice.pick::<String>(&texts))).collect();
            let sentences = Sentences::new(ids, self.model.text.pooling);
            let embedded = self.engine.embed_sentences(&self.model.parameters, &sentences)?;
            rows.push(normalised(&normalised(&embedded)?.mean_keepdim(0)?)?);
        }
        // Nothing that was held out needs to show a fault.
        if rows.is_empty() { Ok(None) } else { Tensor::cat(&rows, 0).map(Some) }
    }

    /// Differences of unit embeddings, test less reference.
    fn differences(&self, pool: &Pool, chunk: &[usize]) -> Result<Tensor> {
        let view = View {
            sides: [pool.side() as usize, self.model.vision.image],
            channels: pool.channels(),
            symmetry: Symmetry::None,
            allowed: None,
        };
        let mut images = Vec::new();
        for index in chunk {
            let views = view.centred(&pool.crops()[*index]);
            views.into_iter().for_each(|view| images.extend(view));
        }
        let patches = patches(&images, &self.model.vision, &self.model.preprocess.ends())?;
        let embedded = normalised(&self.engine.embed_images(&self.model.parameters, &patches)?)?;
        total::differences(&embedded)
    }
}

/// Counts over crops.
struct Tally {
    scored: Vec<Scored>,
    by_requirement: Vec<Vec<Scored>>,
    faults: usize,
    right: usize,
    towards: usize,
    sound: usize,
    called_faults: usize,
}

impl Tally {
    fn new(classes: usize) -> Self {
        Self {
            scored: Vec::new(),
            by_requirement: vec![Vec::new(); classes],
            faults: 0,
            right: 0,
            towards: 0,
            sound: 0,
            called_faults: 0,
        }
    }

    fn count(&mut self, truth: Option<usize>, (logits, kept): (&[f32], &[f32]), no_change: f32) {
        let largest = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b]));
        let Some(largest) = largest else { return };
        let sum: f32 = logits.iter().map(|logit| (logit - no_change).exp()).sum();
        let confidence = f64::from((logits[largest] - no_change).exp() / (1.0 + sum));
        let unit = self.scored.len();
        self.scored.push(scored(unit, confidence, truth.is_some()));
        for (of, (scores, dot)) in self.by_requirement.iter_mut().zip(kept).enumerate() {
            if truth.is_none() || truth == Some(of) {
                scores.push(scored(unit, f64::from(-dot), truth == Some(of)));
            }
        }
        match truth {
            Some(truth) => {
                self.faults += 1;
                self.right += usize::from(largest == truth);
                self.towards += usize::from(logits[truth] > 0.0);
            }
            None => {
                self.sound += 1;
                self.called_faults += usize::from(logits[largest] > no_change);
            }
        }
    }

    fn finish(self, product: String) -> Validation {
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let auroc = |scored: &[Scored]| Auroc::of(scored).map_or(f64::NAN, |auroc| auroc.value);
        let requirements: Vec<f64> =
            self.by_requirement.iter().map(|scored| auroc(scored)).collect();
        Validation {
            product,
            crops: self.scored.len(),
            auroc: auroc(&self.scored),
            kind: share(self.right, self.faults),
            false_faults: share(self.called_faults, self.sound),
            requirements: requirements.iter().sum::<f64>() / requirements.len().max(1) as f64,
            differences: share(self.towards, self.faults),
        }
    }
}

fn scored(cluster: usize, score: f64, bad: bool) -> Scored {
    Scored { cluster, bad, score }
}
