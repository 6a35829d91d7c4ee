use std::num::NonZero;
use std::path::PathBuf;

use pairspec::calibrate::{Auroc, Proportion};
use pairspec::clip::{Bundle, ImageEncoder, Precision, TextEncoder};
use serde::Serialize;

use super::analogy::analogies;
use super::comparative::{Comparative, comparative};
use super::embedded::{Embedded, embed};
use super::protocols::{
    ClassFigures, Differences, differences, faulty, kinds, of_classes, right, zero_shot,
};
use super::sentences::Sentences;
use crate::crops::{Cutter, from_manifest};
use crate::describe::{OwnMeanings, Sense, products, topics};

/// What is asked of which bundle.
#[derive(Debug, Clone)]
pub struct Question {
    /// The bundle, with both towers.
    pub bundle: PathBuf,
    /// Pairs with boxes.
    pub manifest: PathBuf,
    /// The groups to use; all if empty. Every other one is used to choose things and not judged.
    pub groups: Vec<String>,
    /// What the pairs show: `board`, `label`, `cap`, or a word of the user's own.
    pub product: String,
    /// Whether crops keep their colours.
    pub is_colour: bool,
    /// Which image and text files of the bundle.
    pub precision: Option<Precision>,
}

/// All figures, of crops that inspection would look at; bounds take crops as independent.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Crops with a fault.
    pub faults: usize,
    /// Crops without.
    pub sound: usize,
    /// Pairs that could not be registered.
    pub refused: usize,
    /// Difference classification.
    pub differences: Differences,
    /// Faults whose sentence is the nearest to their difference.
    pub kind: Proportion,
    /// Faults against sound crops by the highest confidence of a fault.
    pub auroc: Option<Auroc>,
    /// By class.
    pub classes: Vec<ClassFigures>,
    /// Zero-shot classification of test frames alone, "sound" among the answers.
    pub zero_shot: Proportion,
    /// Comparative prompting; absent where nothing is confused.
    pub comparative: Option<Comparative>,
    /// The analogy check; absent where a class is too rare.
    pub analogies: Option<Proportion>,
}

/// Embeds the crops of a manifest and measures them by every protocol.
///
/// # Errors
/// What reading the bundle and the manifest fails with, a class without sentences, and a manifest
/// whose crops are all sound.
pub fn evaluate(
    question: &Question,
    own: &OwnMeanings,
    progress: &(dyn Fn(u64) + Sync),
) -> anyhow::Result<Evaluation> {
    let topics = topics(&products(&question.product, own)?, own);
    let bundle = Bundle::open(&question.bundle)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let encoder = ImageEncoder::open(&bundle, question.precision)?.with_threads(threads);
    let text = TextEncoder::open(&bundle, question.precision)?;
    let (side, _) = bundle.preprocess()?.size();
    let cutter = Cutter::new(side, question.is_colour);
    let (pool, refused) =
        from_manifest(&question.manifest, &question.groups, &cutter, &|done| progress(done))?;
    let mut classes = pool.classes();
    // Boxes of allowed differences hold no fault; their crops count as sound.
    let is_allowed =
        |class: &String| topics.iter().any(|it| it.key == *class && it.sense == Sense::Allowed);
    classes.retain(|class| !is_allowed(class));
    anyhow::ensure!(
        !classes.is_empty(),
        "{}: no crop shows a fault; pairs need boxes",
        question.manifest.display()
    );
    let product = question.product.as_str();
    let sentences = Sentences::embed(&text, (product, &topics), &classes)?;
    let crops = embed(&pool, &classes, &encoder, &|_| ())?;
    let scalars = (bundle.manifest().logit_scale, bundle.manifest().no_change_logit);
    judge(&crops, &sentences, (&classes, scalars, refused.len()))
}

pub(super) fn judge(
    crops: &[Embedded],
    sentences: &Sentences,
    (classes, scalars, refused): (&[String], (f32, f32), usize),
) -> anyhow::Result<Evaluation> {
    let faults = crops.iter().filter(|crop| crop.class.is_some()).count();
    Ok(Evaluation {
        faults,
        sound: crops.len() - faults,
        refused,
        differences: differences(crops, sentences),
        kind: right(&kinds(crops, sentences)),
        auroc: faulty(crops, sentences, scalars),
        classes: of_classes(crops, sentences, classes),
        zero_shot: right(&zero_shot(crops, &sentences.states)),
        comparative: comparative(crops, sentences, classes)?,
        analogies: analogies(crops, classes.len())?,
    })
}
