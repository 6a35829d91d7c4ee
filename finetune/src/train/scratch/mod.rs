//! Both towers from random weights, on pairs rendered for it: sentences, requirements, captions.

mod config;
mod data;

use std::path::Path;

use pairspec::files;

use super::differences::Differences;
use super::run::{Report, Run, Session};
use super::sampler::{Sampler, Source};
use super::vocabulary::Vocabulary;
use crate::describe::{OwnMeanings, topics};
use crate::export::Card;
use crate::model::{Clip, Trained};

pub use config::{Config, ModelConfig, ProductConfig, TextModelConfig};

/// Trains both towers as `config` says, from the last checkpoint in `folder` where there is one, and
/// writes a Hugging Face directory `model` into it.
///
/// # Errors
/// A folder of another run, files that cannot be written, and a loss that is not a number; what was
/// made before is kept.
pub fn scratch(config: &Config, folder: &Path, session: Session) -> anyhow::Result<Report> {
    std::fs::create_dir_all(folder).map_err(files::Error::io(folder, "create"))?;
    let kinds =
        config.product.iter().map(ProductConfig::kind).collect::<anyhow::Result<Vec<_>>>()?;
    let topics = topics(&kinds, &OwnMeanings::default());
    let (mut sources, mut validation) = (Vec::new(), Vec::new());
    for (product, kind) in config.product.iter().zip(kinds) {
        let crops = data::crops(config, product, folder, session)?;
        let kind = (kind.name(), product.symmetry, product.share);
        sources.push(Source::new(kind, crops.train, &topics)?);
        validation.push((product.kind.clone(), crops.validation));
    }
    let corpus = data::corpus(&topics, config.seed);
    let sizes = (config.text.vocabulary, config.text.context);
    let tokenizer = Vocabulary::learn(&corpus, sizes)?.tokenizer().clone();
    let (vision, text) = (config.vision(), config.text(tokenizer.id_bound(), tokenizer.end_id()));
    let towers = (vision, text, config.model.projection);
    let mut model = Clip::random(towers, tokenizer, config.seed)?;
    model.parameters.train(Trained::All, config.seed)?;
    let drawing = (&model, config.seed);
    let vocabulary = Vocabulary::new(model.tokenizer.clone(), model.text.context);
    let sampler = Sampler::new(sources, topics, config.settings.batch, drawing);
    let task = Differences {
        settings: config.settings,
        sampler,
        vocabulary,
        validation,
        largest_logit_scale: None,
    };
    let plan = task.plan(serde_json::to_string(config)?);
    let mut run = Run::new(plan, (folder, session), model, &task)?;
    run.train()?;
    let provenance = format!(
        "trained from scratch by pairspec-finetune {} on pairs it rendered itself, seed {}, {} steps",
        env!("CARGO_PKG_VERSION"),
        config.seed,
        config.settings.schedule.steps
    );
    let card = Card {
        name: &config.name,
        license: &config.license,
        provenance: &provenance,
        vocabulary: Some(&data::vocabulary(&corpus)),
        half: session.half,
    };
    run.finish(&card)
}
