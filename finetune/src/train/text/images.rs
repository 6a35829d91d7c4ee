use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZero;
use std::path::Path;

use candle_core::{Device, Result, Tensor};
use pairspec::clip::{Bundle, FileName, ImageEncoder, ImportOptions, import};
use pairspec::frame::Frame;

use super::TextTuning;
use super::cache::Cache;
use super::pictures::{Picture, Pictures};
use crate::crops::Cutter;
use crate::describe::{Difference, Sense};
use crate::train::run::Session;

/// The base as a bundle, for its encoder; the sum of what it was made of follows.
const BUNDLE: &str = "base-bundle-";
/// As many letters of a sum tell bases apart.
const LETTERS: usize = 12;
/// Images embedded at once.
const CHUNK: usize = 16;

/// Unit difference embeddings, one per sentence.
pub(super) struct Differences(Tensor);

impl Differences {
    /// Some of them, in the order asked for.
    pub(super) fn rows(&self, indices: &[usize]) -> Result<Tensor> {
        let indices: Vec<u32> = indices.iter().map(|index| *index as u32).collect();
        self.0.index_select(&Tensor::from_vec(indices.clone(), indices.len(), &Device::Cpu)?, 0)
    }
}

/// What the images of sentences are embedded of.
pub(super) struct Given<'a> {
    pub(super) tuning: &'a TextTuning,
    pub(super) sentences: &'a [Difference],
    /// The base's, by its content.
    pub(super) base_sum: &'a str,
}

/// What the images say of sentences.
pub(super) struct Embedded {
    pub(super) d: Differences,
    /// Indices of the sentences that it has rows for.
    pub(super) kept: Vec<usize>,
    /// A sum over the content of the images.
    pub(super) sum: String,
    /// Of whole frames, by name: what tells their content apart, and the unit embedding.
    pub(super) frames: HashMap<String, (String, Vec<f32>)>,
}

/// Embeds every image that the sentences name, once, by the encoder that inspection runs, and
/// subtracts: `n(n(test) - n(reference))`, turned around for requirements.
///
/// A sentence with a box is about the crop that inspection would look at there; where it would not
/// look, the sentence is left out.
pub(super) fn differences(
    given: &Given<'_>,
    folder: &Path,
    session: Session,
) -> anyhow::Result<Embedded> {
    let (bundle, side) = bundle(given, folder)?;
    // A trained tower takes grey frames as three equal channels.
    let cutter = Cutter::new(side, true);
    let pictures = Pictures::new(given, &cutter)?;
    let embeddings = embeddings(&bundle, &pictures, folder, session)?;
    let (mut values, mut kept) = (Vec::new(), Vec::new());
    for (index, (one, keys)) in given.sentences.iter().zip(pictures.keys()).enumerate() {
        let [Some(reference), Some(test)] = keys.each_ref().map(|key| embeddings.get(key)) else {
            continue;
        };
        let sign = one.sense.map_or(1.0, Sense::sign);
        let d: Vec<f32> = test.iter().zip(reference).map(|(a, b)| sign * (a - b)).collect();
        values.extend(unit(&d));
        kept.push(index);
    }
    let left_out = given.sentences.len() - kept.len();
    if left_out > 0 {
        log::warn!(
            "{}: {left_out} sentences left out: inspection would not look where their boxes are",
            given.tuning.differences.display()
        );
    }
    anyhow::ensure!(
        !kept.is_empty(),
        "{}: no sentence is left to learn from",
        given.tuning.differences.display()
    );
    let size = values.len() / kept.len();
    let frames = pictures.frames().filter_map(|(name, key)| {
        Some((name.to_owned(), (key.to_owned(), embeddings.get(key)?.clone())))
    });
    let frames = frames.collect();
    let d = Differences(Tensor::from_vec(values, (kept.len(), size), &Device::Cpu)?);
    Ok(Embedded { d, kept, sum: pictures.sum(), frames })
}

/// The base as a bundle, imported where it was not yet, and the side of what it sees, pixels.
fn bundle(given: &Given<'_>, folder: &Path) -> anyhow::Result<(Bundle, u32)> {
    let sum = given.base_sum.get(..LETTERS).unwrap_or(given.base_sum);
    let place = folder.join(format!("{BUNDLE}{sum}"));
    if !place.exists() {
        let options = ImportOptions { text: false, ..ImportOptions::default() };
        import(&given.tuning.base, &place, &options)?;
    }
    let bundle = Bundle::open(&place)?;
    let (side, _) = bundle.preprocess()?.size();
    Ok((bundle, side))
}

/// Unit embeddings by key, from the cache where it has them; all cores embed the others.
fn embeddings(
    bundle: &Bundle,
    pictures: &Pictures<'_>,
    folder: &Path,
    session: Session,
) -> anyhow::Result<HashMap<String, Vec<f32>>> {
    let mut cache = Cache::open(folder, bundle.sha256(FileName::Vision).unwrap_or_default());
    let wanted: BTreeSet<&str> = pictures.keys().iter().flatten().map(String::as_str).collect();
    let missing = |key: &str| wanted.contains(key) && !cache.rows.contains_key(key);
    let work: Vec<Picture<'_>> = pictures.distinct(&missing);
    let bar = session.bar(wanted.len() as u64, "images");
    bar.set_position((wanted.len() - work.iter().map(Picture::count).sum::<usize>()) as u64);
    bar.reset_eta();
    if !work.is_empty() {
        let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let encoder = ImageEncoder::open(bundle, None)?.with_threads(threads);
        let mut waiting: BTreeMap<String, Frame> = BTreeMap::new();
        for picture in &work {
            waiting.extend(pictures.open(picture)?);
            if waiting.len() >= CHUNK {
                bar.inc(waiting.len() as u64);
                embed(&encoder, std::mem::take(&mut waiting), &mut cache)?;
            }
        }
        embed(&encoder, waiting, &mut cache)?;
    }
    bar.finish_and_clear();
    cache.flush()?;
    Ok(cache.rows)
}

fn embed(
    encoder: &ImageEncoder,
    frames: BTreeMap<String, Frame>,
    cache: &mut Cache,
) -> anyhow::Result<()> {
    if frames.is_empty() {
        return Ok(());
    }
    let encoded = encoder.encode_frames(&frames.values().collect::<Vec<_>>())?;
    let rows = frames.into_keys().zip(encoded.iter().map(|it| unit(it.values())));
    cache.add(rows)
}

fn unit(values: &[f32]) -> Vec<f32> {
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    values.iter().map(|value| value / length).collect()
}
