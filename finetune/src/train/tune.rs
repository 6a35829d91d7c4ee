//! Both towers of a CLIP that exists, all of it or by a low-rank change, on labelled pairs of frames.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pairspec::clip::VisionConfig;
use pairspec::manifest::Pair;
use rand::seq::SliceRandom;
use serde::Serialize;

use super::augment::Symmetry;
use super::differences::Differences;
use super::origin;
use super::run::{Report, Run, Session};
use super::sampler::{Sampler, Source};
use super::settings::Settings;
use super::vocabulary::{Vocabulary, widened};
use crate::crops::{self, Cutter, Pool, Refused};
use crate::describe::{OwnMeanings, products, topics};
use crate::dice::Dice;
use crate::export::Card;
use crate::model::{Clip, LOGIT_SCALE, Trained};

/// Values of one image's activations, tokens by width by blocks, that all images held at once may have
/// together in a lane: about 600 MB.
const HELD: usize = 4_000_000;
/// Images held at once at most; more are no faster.
const MOST_HELD: usize = 64;
/// The highest learning rates: where what was learned must not be lost, and where it cannot be.
const GENTLE_PEAK: f64 = 1e-5;
const PEAK: f64 = 3e-4;
/// Of so many groups one in ten is held out whole; of fewer too much would be lost.
const MANY_GROUPS: usize = 10;

/// What to tune, and on what.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// A Hugging Face directory with both towers.
    pub base: PathBuf,
    /// A manifest with boxes.
    pub manifest: PathBuf,
    /// The groups to train with; all that are not held out if empty.
    pub groups: Vec<String>,
    /// The groups to validate with; what `split` takes from the others if empty.
    pub held_out: Vec<String>,
    /// What is kept for validation where no groups are named.
    pub split: Split,
    /// What the pairs show: `board`, `label`, `cap`, or a word of the user's own.
    pub product: String,
    /// How its crops may be turned.
    pub symmetry: Symmetry,
    /// Whether crops keep their colours.
    pub is_colour: bool,
    /// The rank of the change of every block's products; everything is trained if `None`.
    pub rank: Option<usize>,
    /// How it is trained.
    pub settings: Settings,
    /// The schedule's peak; if `None`, 3e-4 for a low-rank change and for models that this program
    /// trained from random weights, 1e-5 for all of any other.
    pub peak: Option<f64>,
    /// Share of the trained weights in what is written, the rest is the base's; 1 for none of it.
    /// Half keeps more of what the base knew of products that are not among the pairs.
    pub average: f64,
    /// Images held with their activations at once, per lane; as the size of the model allows if `None`.
    pub micro: Option<usize>,
    /// The same seed gives the same model.
    pub seed: u64,
}

/// What is kept for validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// A tenth of the groups where there are ten, and otherwise of the pairs: nothing validated shares
    /// a frame with what was trained with.
    Pairs,
    /// Every tenth crop; its neighbours in the same frames are trained with.
    Crops,
}

/// Tunes as `tuning` says, from the last checkpoint in `folder` where there is one, and writes a
/// Hugging Face directory `model` into it.
///
/// # Errors
/// A base or a manifest that cannot be used, a class without sentences, one class only, and what
/// training from scratch fails with.
pub fn tune(
    tuning: &Tuning,
    own: &OwnMeanings,
    folder: &Path,
    session: Session,
) -> anyhow::Result<Report> {
    let topics = topics(&products(&tuning.product, own)?, own);
    let mut model = Clip::open(&tuning.base)?;
    let settings = tuning.settings_for(&model);
    settings.check()?;
    let average = tuning.average;
    anyhow::ensure!((0.0..=1.0).contains(&average), "average: {average}, expected 0 to 1");
    let base = model.parameters.clone();
    let which = tuning.rank.map_or(Trained::All, Trained::LowRank);
    model.parameters.train(which, tuning.seed)?;
    let parts = parts(tuning)?;
    let id = id((tuning, &settings), own, &parts)?;
    let (train, validation) = pools((tuning, &parts), model.vision.image as u32, session)?;
    let source = Source::new((&tuning.product, tuning.symmetry, 1.0), train, &topics)?;
    let sentences: Vec<String> = topics.iter().flat_map(|topic| topic.phrasings()).collect();
    let words = widened(model.words.as_deref(), sentences.iter().map(String::as_str));
    let sampler = Sampler::new(vec![source], topics, settings.batch, (&model, tuning.seed));
    let scale = model.parameters.scalar(LOGIT_SCALE)?;
    let task = Differences {
        settings,
        sampler,
        vocabulary: Vocabulary::new(model.tokenizer.clone(), model.text.context),
        validation: vec![(tuning.product.clone(), validation)],
        largest_logit_scale: Some(scale.max(100_f32.ln())),
    };
    let mut run = Run::new(task.plan(id), (folder, session), model, &task)?;
    run.train()?;
    run.average(&base, average)?;
    let provenance = format!(
        "{} tuned by pairspec-finetune {} on {} pairs ({}), {} steps",
        tuning.base.file_name().unwrap_or_default().to_string_lossy(),
        env!("CARGO_PKG_VERSION"),
        tuning.manifest.file_name().unwrap_or_default().to_string_lossy(),
        if tuning.groups.is_empty() { "all groups".to_owned() } else { tuning.groups.join(", ") },
        settings.schedule.steps
    );
    let card = Card {
        name: &tuning.product,
        // Whoever tunes on data of their own says what may be done with the result.
        license: "unknown",
        provenance: &provenance,
        vocabulary: words.as_deref(),
        half: session.half,
    };
    run.finish(&card)
}

impl Tuning {
    /// The settings, with what depends on the base where nothing else is asked for.
    fn settings_for(&self, model: &Clip) -> Settings {
        let mut settings = self.settings;
        // Only models that this program trained from random weights know all their words.
        let is_gentle = self.rank.is_none() && model.words.is_none();
        settings.schedule.peak = self.peak.unwrap_or(if is_gentle { GENTLE_PEAK } else { PEAK });
        settings.batch.micro = self.micro.unwrap_or_else(|| held(&model.vision));
        settings
    }
}

/// Images that a lane holds at once, so that ViT-B/32 with its optimizer stays under 8 GB.
fn held(vision: &VisionConfig) -> usize {
    let values = vision.tower.layers * vision.tower.hidden * vision.tokens();
    (HELD / values.max(1)).clamp(1, MOST_HELD)
}

/// What checkpoints are told apart by: everything that the result depends on, and no path.
fn id(
    (tuning, settings): (&Tuning, &Settings),
    own: &OwnMeanings,
    parts: &[Vec<Pair>; 2],
) -> anyhow::Result<String> {
    let id = serde_json::json!({
        "base": origin::of_model(&tuning.base)?,
        "pairs": parts.each_ref().map(|pairs| origin::of_pairs(pairs)),
        "meanings": own,
        "split": tuning.split,
        "product": tuning.product,
        "symmetry": tuning.symmetry,
        "is_colour": tuning.is_colour,
        "rank": tuning.rank,
        "settings": settings,
        "seed": tuning.seed,
    });
    Ok(id.to_string())
}

/// The pairs to train and to validate with; none of the latter where crops are split.
fn parts(tuning: &Tuning) -> anyhow::Result<[Vec<Pair>; 2]> {
    let mut train = crops::pairs(&tuning.manifest, &tuning.groups)?;
    if !tuning.held_out.is_empty() {
        let validation = crops::pairs(&tuning.manifest, &tuning.held_out)?;
        let is_held_out =
            |pair: &Pair| pair.group.as_ref().is_some_and(|group| tuning.held_out.contains(group));
        train.retain(|pair| !is_held_out(pair));
        anyhow::ensure!(
            !train.is_empty(),
            "{}: every pair is held out; leave groups to train with",
            tuning.manifest.display()
        );
        return Ok([train, validation]);
    }
    match tuning.split {
        Split::Crops => Ok([train, Vec::new()]),
        Split::Pairs => Ok(split(train, tuning.seed)),
    }
}

/// Takes a tenth out: whole groups where there are many, else of sound and of faulty pairs.
fn split(pairs: Vec<Pair>, seed: u64) -> [Vec<Pair>; 2] {
    let mut groups: Vec<&str> = pairs.iter().filter_map(|pair| pair.group.as_deref()).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut dice = Dice::new(seed, u64::MAX);
    let taken: BTreeSet<String> = if groups.len() >= MANY_GROUPS {
        groups.shuffle(dice.source());
        let taken = &groups[..groups.len() / 10];
        let of = |pair: &&Pair| pair.group.as_deref().is_some_and(|group| taken.contains(&group));
        pairs.iter().filter(of).map(|pair| pair.id.clone()).collect()
    } else {
        let has_fault = |pair: &&Pair| pair.boxes.as_ref().is_some_and(|boxes| !boxes.is_empty());
        let (faulty, sound): (Vec<&Pair>, Vec<&Pair>) = pairs.iter().partition(has_fault);
        let mut taken = BTreeSet::new();
        for mut part in [faulty, sound] {
            part.shuffle(dice.source());
            // One of two at least, and never the only one.
            let count = part.len().div_ceil(10).min(part.len() / 2);
            taken.extend(part[..count].iter().map(|pair| pair.id.clone()));
        }
        taken
    };
    let (validation, train) = pairs.into_iter().partition(|pair| taken.contains(&pair.id));
    [train, validation]
}

/// The crops to train and to validate with.
fn pools(
    (tuning, [train, validation]): (&Tuning, &[Vec<Pair>; 2]),
    side: u32,
    session: Session,
) -> anyhow::Result<(Pool, Pool)> {
    let cutter = Cutter::new(side, tuning.is_colour);
    let read = |pairs: &[Pair]| {
        let bar = session.bar(pairs.len() as u64, "pairs cut");
        let read = crops::from_pairs((&tuning.manifest, pairs), &cutter, &|done| {
            bar.set_position(done);
        });
        bar.finish_and_clear();
        read.map(|(pool, refused)| {
            warn(&refused);
            pool
        })
    };
    let train = read(train)?;
    if validation.is_empty() {
        return Ok(train.split(10));
    }
    match read(validation) {
        Ok(validation) => Ok((train, validation)),
        // So few pairs were taken that none has a crop.
        Err(crops::Error::NoCrops { .. }) if tuning.held_out.is_empty() => {
            log::warn!("no crop in {} pairs for validation; crops are split", validation.len());
            Ok(train.split(10))
        }
        Err(error) => Err(error.into()),
    }
}

fn warn(refused: &[Refused]) {
    if let Some(first) = refused.first() {
        log::warn!("{} pairs left out; {}: {}", refused.len(), first.id, first.reason);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use pairspec::clip::{Activation, TowerConfig};
    use pairspec::manifest;

    use super::*;

    fn pairs(count: usize, groups: usize) -> Vec<Pair> {
        let row = |index: usize| {
            let boxes = if index.is_multiple_of(4) { "" } else { "1 2 3 4 open" };
            format!("{index},r,t,{},{boxes}\n", index % groups)
        };
        let rows: String = (0..count).map(row).collect();
        let text = format!("pair_id,ref_path,test_path,group,boxes\n{rows}");
        manifest::parse(text.as_bytes(), Path::new("m.csv")).unwrap()
    }

    #[test]
    fn of_many_groups_a_tenth_is_held_out_whole() {
        let [train, validation] = split(pairs(200, 20), 1);
        let groups = |pairs: &[Pair]| -> BTreeSet<String> {
            pairs.iter().filter_map(|pair| pair.group.clone()).collect()
        };
        assert_eq!((groups(&train).len(), groups(&validation).len()), (18, 2));
        assert!(groups(&train).is_disjoint(&groups(&validation)));
        assert_eq!(split(pairs(200, 20), 1)[1], validation, "the same seed holds out the same");
        assert_ne!(split(pairs(200, 20), 2)[1], validation);
    }

    #[test]
    fn of_few_groups_a_tenth_of_the_pairs_is_held_out_sound_and_faulty() {
        let [train, validation] = split(pairs(40, 4), 1);
        let faulty = validation.iter().filter(|pair| !pair.boxes.as_ref().unwrap().is_empty());
        assert_eq!((train.len(), validation.len(), faulty.count()), (36, 4, 3));
        let [train, validation] = split(pairs(2, 1), 1);
        assert_eq!((train.len(), validation.len()), (2, 0), "never the only one of its kind");
    }

    #[test]
    fn large_models_are_held_a_few_images_at_a_time() {
        let vision = |layers, hidden, image, patch| {
            let (intermediate, heads) = (4 * hidden, hidden / 64);
            let (activation, layer_norm_eps) = (Activation::QuickGelu, 1e-5);
            let tower =
                TowerConfig { hidden, intermediate, layers, heads, activation, layer_norm_eps };
            VisionConfig { tower, image, patch }
        };
        assert_eq!(held(&vision(4, 192, 64, 8)), MOST_HELD, "the bundled model");
        assert_eq!(held(&vision(12, 768, 224, 32)), 8, "ViT-B/32");
        assert_eq!(held(&vision(24, 1024, 336, 14)), 1, "ViT-L/14 at 336 px");
    }
}
