use std::collections::HashMap;
use std::path::Path;

use candle_core::safetensors::load_buffer;
use candle_core::{Device, Result, Tensor};
use pairspec::clip::{Bundle, FileName, ImageEncoder, ImportOptions, import};
use pairspec::files;
use pairspec::frame::Frame;
use safetensors::{SafeTensors, serialize};

use super::TextTuning;
use crate::describe::{Difference, Sense};
use crate::train::run::Session;

/// Embeddings of the images, kept in the output folder.
const CACHE: &str = "images.safetensors";
/// The base as a bundle, for its encoder.
const BUNDLE: &str = "base-bundle";
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

/// Embeds every image that the sentences name, once, by the encoder that inspection runs, and
/// subtracts: `n(n(test) - n(reference))`, turned around for requirements.
pub(super) fn differences(
    (tuning, sentences): (&TextTuning, &[Difference]),
    folder: &Path,
    session: Session,
) -> anyhow::Result<Differences> {
    let mut names: Vec<&str> = Vec::new();
    for (index, one) in sentences.iter().enumerate() {
        let (Some(reference), Some(test)) = (&one.reference, &one.test) else {
            anyhow::bail!(
                "{}, sentence {}: names no images; sentences from labels are for `train tune`",
                tuning.differences.display(),
                index + 1
            );
        };
        names.extend([reference.as_str(), test.as_str()]);
    }
    names.sort_unstable();
    names.dedup();
    let embeddings = embeddings(tuning, &names, folder, session)?;
    let row = |name: &Option<String>| {
        let name = name.as_deref().unwrap_or_default();
        names.binary_search(&name).ok().map(|index| &embeddings[index])
    };
    let mut values = Vec::new();
    let mut size = 0;
    for one in sentences {
        let (Some(reference), Some(test)) = (row(&one.reference), row(&one.test)) else { continue };
        let sign = one.sense.map_or(1.0, Sense::sign);
        let d: Vec<f32> = test.iter().zip(reference).map(|(a, b)| sign * (a - b)).collect();
        size = d.len();
        values.extend(unit(&d));
    }
    Ok(Differences(Tensor::from_vec(values, (sentences.len(), size), &Device::Cpu)?))
}

/// Unit embeddings in the order of `names`, from the cache where it is of the same images and model.
fn embeddings(
    tuning: &TextTuning,
    names: &[&str],
    folder: &Path,
    session: Session,
) -> anyhow::Result<Vec<Vec<f32>>> {
    let place = folder.join(BUNDLE);
    if !place.exists() {
        import(&tuning.base, &place, &ImportOptions { text: false, ..ImportOptions::default() })?;
    }
    let bundle = Bundle::open(&place)?;
    let sum = bundle.sha256(FileName::Vision).unwrap_or_default();
    let made_of = files::sha256(format!("{sum}\n{}", names.join("\n")).as_bytes());
    let path = folder.join(CACHE);
    if let Some(kept) = read(&path, &made_of) {
        return Ok(kept);
    }
    let encoder = ImageEncoder::open(&bundle, None)?;
    let bar = session.bar(names.len() as u64, "images");
    let mut embeddings = Vec::with_capacity(names.len());
    for chunk in names.chunks(CHUNK) {
        let open = |name: &&str| {
            let path = files::join_below(&tuning.images, name)?;
            anyhow::Ok(Frame::open(&path)?)
        };
        let frames = chunk.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
        let encoded = encoder.encode_frames(&frames.iter().collect::<Vec<_>>())?;
        embeddings.extend(encoded.iter().map(|embedding| unit(embedding.values())));
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    write(&path, &embeddings, &made_of)?;
    Ok(embeddings)
}

fn unit(values: &[f32]) -> Vec<f32> {
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    values.iter().map(|value| value / length).collect()
}

fn write(path: &Path, embeddings: &[Vec<f32>], made_of: &str) -> anyhow::Result<()> {
    let values: Vec<f32> = embeddings.iter().flatten().copied().collect();
    let size = embeddings.first().map_or(0, Vec::len);
    let tensor = Tensor::from_vec(values, (embeddings.len(), size), &Device::Cpu)?;
    let header = HashMap::from([("made_of".to_owned(), made_of.to_owned())]);
    files::write(path, &serialize([("embeddings", tensor)], Some(header))?)?;
    Ok(())
}

/// What [`write`] wrote; nothing when it is missing, damaged or of something else: it is made again.
fn read(path: &Path, made_of: &str) -> Option<Vec<Vec<f32>>> {
    let content = std::fs::read(path).ok()?;
    let (_, header) = SafeTensors::read_metadata(&content).ok()?;
    if header.metadata().as_ref()?.get("made_of")? != made_of {
        return None;
    }
    let tensors = load_buffer(&content, &Device::Cpu).ok()?;
    tensors.get("embeddings")?.to_vec2().ok()
}
