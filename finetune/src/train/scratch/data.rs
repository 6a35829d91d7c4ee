use std::path::Path;

use crate::crops::{Cutter, Pool, from_renderer};
use crate::describe::{Place, Topic};
use crate::synth::Renderer;
use crate::train::run::Session;
use crate::train::scratch::{Config, ProductConfig};

/// What captions say around a difference sentence.
const CAPTION_WORDS: &str = "a frame of a board label cap without faults as it should be in order";
/// Random sentences with places that byte pairs are learned from, per meaning.
const PLACED_SENTENCES: usize = 60;

/// The crops of one product, to train and to validate with.
pub(super) struct Crops {
    pub(super) train: Pool,
    pub(super) validation: Pool,
}

/// Renders and cuts a product's pairs, or reads what an earlier call with the same settings left.
pub(super) fn crops(
    config: &Config,
    product: &ProductConfig,
    folder: &Path,
    session: Session,
) -> anyhow::Result<Crops> {
    let [train, validation] = product.pairs;
    Ok(Crops {
        train: pool((config, product), 0..train, folder, session)?,
        validation: pool((config, product), train..train + validation, folder, session)?,
    })
}

fn pool(
    (config, product): (&Config, &ProductConfig),
    range: std::ops::Range<u64>,
    folder: &Path,
    session: Session,
) -> anyhow::Result<Pool> {
    let made_of = format!(
        "{} {} {range:?} {:?} {}",
        config.seed, product.kind, product.styles, config.model.image
    );
    let path = folder.join(format!("crops-{}-{}.safetensors", product.kind, range.start));
    if path.exists()
        && let Some(pool) = Pool::read(&path, &made_of)?
    {
        return Ok(pool);
    }
    let renderer = Renderer::new(config.seed, product.synth()?)?;
    let cutter = Cutter::new(config.model.image as u32, product.is_colour());
    let bar = session.bar(range.end - range.start, &format!("{} pairs", product.kind));
    let (pool, refused) = from_renderer(&renderer, range, &cutter, &|| bar.inc(1))?;
    bar.finish_and_clear();
    if let Some(first) = refused.first() {
        log::warn!("{} {} pairs not registered: {}", refused.len(), product.kind, first.reason);
    }
    pool.write(&path, &made_of)?;
    Ok(pool)
}

/// What byte pairs are learned from: every phrasing, and random sentences with places.
pub(super) fn corpus(topics: &[Topic], seed: u64) -> Vec<String> {
    let mut dice = crate::dice::Dice::new(seed, u64::MAX);
    let mut sentences = Vec::new();
    for topic in topics {
        sentences.extend(topic.phrasings());
        for _ in 0..PLACED_SENTENCES {
            let point = (dice.between(0.0, 1.0), dice.between(0.0, 1.0));
            let place = Place::of(point, (1.0, 1.0));
            sentences.push(topic.sentence(Some(place), dice.source()));
        }
        sentences.push(CAPTION_WORDS.to_owned());
    }
    sentences
}

/// Every word that training shows, sorted.
pub(super) fn vocabulary(sentences: &[String]) -> Vec<String> {
    let words = sentences.iter().flat_map(|sentence| sentence.split([' ', ',', '.', ':']));
    let mut words: Vec<String> =
        words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.sort_unstable();
    words.dedup();
    words
}
