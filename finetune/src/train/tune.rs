//! Both towers of a CLIP that exists, all of it or by a low-rank change, on labelled pairs of frames.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::augment::Symmetry;
use super::differences::Differences;
use super::run::{Report, Run, Session};
use super::sampler::{Sampler, Source};
use super::settings::Settings;
use super::vocabulary::Vocabulary;
use crate::crops::{Cutter, Pool, Refused, from_manifest};
use crate::describe::{OwnMeanings, topics};
use crate::export::Card;
use crate::model::{Clip, Trained};
use crate::synth::Kind;

/// What to tune, and on what.
#[derive(Debug, Clone, Serialize)]
pub struct Tuning {
    /// A Hugging Face directory with both towers.
    pub base: PathBuf,
    /// A manifest with boxes.
    pub manifest: PathBuf,
    /// The groups to train with; all if empty.
    pub groups: Vec<String>,
    /// The groups to validate with; every tenth crop of the others if empty.
    pub held_out: Vec<String>,
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
    /// The same seed gives the same model.
    pub seed: u64,
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
    tuning.settings.check()?;
    let mut model = Clip::open(&tuning.base)?;
    let which = tuning.rank.map_or(Trained::All, Trained::LowRank);
    model.parameters.train(which, tuning.seed)?;
    let (train, validation) = pools(tuning, model.vision.image as u32, session)?;
    let kinds = [Kind::Board, Kind::Label, Kind::Cap];
    let kinds: Vec<Kind> = kinds.into_iter().filter(|kind| kind.name() == tuning.product).collect();
    let topics = topics(&kinds, own);
    let source = Source::new((&tuning.product, tuning.symmetry, 1.0), train, &topics)?;
    let words: Vec<String> = topics.iter().flat_map(|topic| topic.phrasings()).collect();
    let drawing = (&model, tuning.seed);
    let sampler = Sampler::new(vec![source], topics, tuning.settings.batch, drawing);
    let validation = vec![(tuning.product.clone(), validation)];
    let vocabulary = Vocabulary::new(model.tokenizer.clone(), model.text.context);
    let task = Differences { settings: tuning.settings, sampler, vocabulary, validation };
    let plan = task.plan(serde_json::to_string(tuning)?);
    let mut run = Run::new(plan, (folder, session), model, &task)?;
    run.train()?;
    let provenance = format!(
        "{} tuned by pairspec-finetune {} on {} pairs ({}), {} steps",
        tuning.base.file_name().unwrap_or_default().to_string_lossy(),
        env!("CARGO_PKG_VERSION"),
        tuning.manifest.file_name().unwrap_or_default().to_string_lossy(),
        if tuning.groups.is_empty() { "all groups".to_owned() } else { tuning.groups.join(", ") },
        tuning.settings.schedule.steps
    );
    let card = Card {
        name: &tuning.product,
        // Whoever tunes on data of their own says what may be done with the result.
        license: "unknown",
        provenance: &provenance,
        vocabulary: &super::scratch::vocabulary(&words),
        half: session.half,
    };
    run.finish(&card)
}

/// The crops to train and to validate with.
fn pools(tuning: &Tuning, side: u32, session: Session) -> anyhow::Result<(Pool, Pool)> {
    let cutter = Cutter::new(side, tuning.is_colour);
    let read = |groups: &[String]| -> anyhow::Result<Pool> {
        let bar = session.bar(0, "pairs cut");
        let (pool, refused) = from_manifest(&tuning.manifest, groups, &cutter, &|done| {
            bar.set_length(done.max(bar.length().unwrap_or(0)));
            bar.set_position(done);
        })?;
        bar.finish_and_clear();
        warn(&refused);
        Ok(pool)
    };
    let train = read(&tuning.groups)?;
    if tuning.held_out.is_empty() {
        return Ok(train.split(10));
    }
    Ok((train, read(&tuning.held_out)?))
}

fn warn(refused: &[Refused]) {
    if let Some(first) = refused.first() {
        log::warn!("{} pairs left out; {}: {}", refused.len(), first.id, first.reason);
    }
}
