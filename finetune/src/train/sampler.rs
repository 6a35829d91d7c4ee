use candle_core::Result;
use pairspec::clip::{Pooling, VisionConfig};

use super::augment::{ALLOWED, Symmetry, View};
use super::engine::Batch;
use super::loss::Meaning;
use super::settings::BatchConfig;
use super::vocabulary::Vocabulary;
use crate::crops::{CropPair, Pool};
use crate::describe::{Place, Sense, Topic, caption, sound_captions};
use crate::dice::Dice;
use crate::model::{Clip, Sentences, patches};

/// Sentences of one meaning in a batch without images.
const PHRASINGS: usize = 4;

/// Of the allowed differences of a batch, the share that is of the user's own where there are any.
const OWN_ALLOWED: f32 = 0.5;

/// Crops of one product.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) product: String,
    pub(super) symmetry: Symmetry,
    /// Of a batch, in proportion to the others'.
    pub(super) share: f32,
    pub(super) pool: Pool,
    /// Meaning of a class, and the crops that show it.
    classes: Vec<(Meaning, Vec<usize>)>,
    unchanged: Vec<usize>,
    /// Meaning of an allowed difference of the user's own, and the crops that show it.
    allowed: Vec<(Meaning, Vec<usize>)>,
}

/// Draws batches; each depends on the seed and its number alone.
pub(super) struct Sampler {
    pub(super) sources: Vec<Source>,
    pub(super) topics: Vec<Topic>,
    shares: BatchConfig,
    vision: VisionConfig,
    /// What the model sees pixels of -1 and 1 as, by channel.
    ends: [[f32; 2]; 3],
    pooling: Pooling,
    seed: u64,
}

/// A batch with what is known of it. Image `2 i` is the reference of pair `i`, `2 i + 1` its test.
pub(super) struct Drawn {
    pub(super) batch: Batch,
    /// What happened in each pair: a fault or an allowed change.
    pub(super) pairs: Vec<Option<Meaning>>,
    /// What the first sentences say, all of faults and allowed changes.
    pub(super) sentences: Vec<Meaning>,
    /// By pair, whether it breaks each of the requirements that the next sentences state.
    pub(super) broken: Vec<Vec<bool>>,
    /// What the captions of the first images say, which the last sentences are.
    pub(super) captions: Vec<Meaning>,
}

impl Source {
    /// Sorts the crops by class; a class without a meaning is an error that names it.
    pub(super) fn new(
        (product, symmetry, share): (&str, Symmetry, f32),
        pool: Pool,
        topics: &[Topic],
    ) -> anyhow::Result<Self> {
        let (mut classes, mut allowed) = (Vec::new(), Vec::new());
        for class in pool.classes() {
            let is_known = |topic: &Topic| topic.key == class && topic.sense != Sense::Requirement;
            let Some(meaning) = topics.iter().position(is_known) else {
                anyhow::bail!(
                    "class {class:?}: there are no sentences for such a fault or allowed difference \
                     of a {product}; give some with --class or --meanings"
                );
            };
            let of_class = |crop: &CropPair| crop.class.as_deref() == Some(class.as_str());
            let is_fault = topics[meaning].sense == Sense::Fault;
            let list = if is_fault { &mut classes } else { &mut allowed };
            list.push((meaning as Meaning, indices(&pool, of_class)));
        }
        anyhow::ensure!(!classes.is_empty(), "crops of a {product}: none shows a fault");
        let unchanged = indices(&pool, |crop| crop.class.is_none());
        anyhow::ensure!(
            !unchanged.is_empty(),
            "crops of a {product}: all show a fault; sound pairs are needed too"
        );
        let product = product.to_owned();
        Ok(Self { product, symmetry, share, pool, classes, unchanged, allowed })
    }
}

fn indices(pool: &Pool, wanted: impl Fn(&CropPair) -> bool) -> Vec<usize> {
    (0..pool.crops().len()).filter(|index| wanted(&pool.crops()[*index])).collect()
}

impl Sampler {
    pub(super) fn new(
        sources: Vec<Source>,
        topics: Vec<Topic>,
        shares: BatchConfig,
        (model, seed): (&Clip, u64),
    ) -> Self {
        let (vision, ends) = (model.vision.clone(), model.preprocess.ends());
        let pooling = model.text.pooling;
        Self { sources, topics, shares, vision, ends, pooling, seed }
    }

    /// The batch of a step.
    pub(super) fn batch(&self, step: u64, vocabulary: &Vocabulary) -> Result<Drawn> {
        let mut dice = Dice::new(self.seed, step);
        let (mut images, mut pairs, mut texts, mut sentences) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut products = Vec::new();
        let weights: Vec<f32> = self.sources.iter().map(|source| source.share).collect();
        for _ in 0..self.shares.pairs {
            let source = &self.sources[dice.weighted(&weights)];
            let (views, meaning, middle) = self.pair(source, &mut dice);
            if let Some(meaning) = meaning {
                let place = Place::of((middle[0], middle[1]), (1.0, 1.0));
                texts.push(self.topics[meaning as usize].sentence(Some(place), dice.source()));
                sentences.push(meaning);
            }
            views.into_iter().for_each(|view| images.extend(view));
            pairs.push(meaning);
            products.push(source.product.as_str());
        }
        let broken = self.requirements(&pairs, &mut texts, &mut dice);
        let captions = self.captions((&pairs, &products), &mut texts, &mut dice);
        let ids: Vec<Vec<u32>> = texts.iter().map(|text| vocabulary.ids(text)).collect();
        let batch = Batch {
            patches: Some(patches(&images, &self.vision, &self.ends)?),
            sentences: Sentences::new(ids, self.pooling),
        };
        Ok(Drawn { batch, pairs, sentences, broken, captions })
    }

    /// Sentences of every meaning, some phrasings of each, without images; and what they mean.
    pub(super) fn phrasings(&self, step: u64, vocabulary: &Vocabulary) -> (Batch, Vec<Meaning>) {
        let mut dice = Dice::new(self.seed, step);
        let (mut ids, mut meanings) = (Vec::new(), Vec::new());
        for (meaning, topic) in (0..).zip(&self.topics) {
            for _ in 0..PHRASINGS {
                let place = (topic.sense != Sense::Requirement).then(|| {
                    let mut at = || dice.between(0.0, 1.0);
                    Place::of((at(), at()), (1.0, 1.0))
                });
                ids.push(vocabulary.ids(&topic.sentence(place, dice.source())));
                meanings.push(meaning);
            }
        }
        (Batch { patches: None, sentences: Sentences::new(ids, self.pooling) }, meanings)
    }

    fn pair(&self, source: &Source, dice: &mut Dice) -> ([Vec<f32>; 2], Option<Meaning>, [f32; 2]) {
        let luck = dice.between(0.0, 1.0);
        let (meaning, index, allowed) = if luck < self.shares.faults {
            let (meaning, crops) = dice.pick(&source.classes);
            (Some(*meaning), *dice.pick(crops), None)
        } else if !source.allowed.is_empty()
            && luck < self.shares.faults + self.shares.allowed
            && dice.chance(OWN_ALLOWED)
        {
            let (meaning, crops) = dice.pick(&source.allowed);
            (Some(*meaning), *dice.pick(crops), None)
        } else {
            let index = *dice.pick(&source.unchanged);
            let is_allowed = luck < self.shares.faults + self.shares.allowed;
            let key = is_allowed.then(|| *dice.pick(&ALLOWED));
            let meaning = key.and_then(|key| self.number(key));
            (meaning, index, key)
        };
        let view = View {
            sides: [source.pool.side() as usize, self.vision.image],
            channels: source.pool.channels(),
            symmetry: source.symmetry,
            allowed,
        };
        let (views, middle) = view.draw(&source.pool.crops()[index], dice);
        (views, meaning, middle)
    }

    /// Adds one sentence for each requirement of the products at hand.
    fn requirements(
        &self,
        pairs: &[Option<Meaning>],
        texts: &mut Vec<String>,
        dice: &mut Dice,
    ) -> Vec<Vec<bool>> {
        let mut faults = Vec::new();
        for source in &self.sources {
            for (meaning, _) in &source.classes {
                let key = Some(self.topics[*meaning as usize].key.as_str());
                let violated = |topic: &&Topic| topic.violated_by.as_deref() == key;
                let Some(requirement) = self.topics.iter().find(violated) else { continue };
                texts.push(requirement.sentence(None, dice.source()));
                faults.push(*meaning);
            }
        }
        let broken = |pair: &Option<Meaning>| faults.iter().map(|f| *pair == Some(*f)).collect();
        pairs.iter().map(broken).collect()
    }

    /// Adds the captions of the first pairs' frames; their meanings.
    fn captions(
        &self,
        (pairs, products): (&[Option<Meaning>], &[&str]),
        texts: &mut Vec<String>,
        dice: &mut Dice,
    ) -> Vec<Meaning> {
        let mut meanings = Vec::new();
        for (pair, product) in pairs.iter().zip(products).take(self.shares.captioned) {
            for is_test in [false, true] {
                let fault = pair.filter(|meaning| {
                    is_test && self.topics[*meaning as usize].sense == Sense::Fault
                });
                let text = match fault {
                    None => dice.pick(&sound_captions(product)).clone(),
                    Some(fault) => {
                        caption(product, &self.topics[fault as usize].sentence(None, dice.source()))
                    }
                };
                texts.push(text);
                // Sound frames mean their product; the numbers of faults begin at 0.
                let known = self.sources.iter().position(|source| source.product == *product);
                let sound = (self.topics.len() + known.unwrap_or_default()) as Meaning;
                meanings.push(fault.unwrap_or(sound));
            }
        }
        meanings
    }

    /// Whether a meaning is a fault, not an allowed change.
    pub(super) fn is_fault(&self, meaning: Meaning) -> bool {
        self.topics[meaning as usize].sense == Sense::Fault
    }

    /// The number of a meaning.
    fn number(&self, key: &str) -> Option<Meaning> {
        self.topics.iter().position(|topic| topic.key == key).map(|index| index as Meaning)
    }
}
