use candle_core::{Result, Tensor, bail};

use super::engine::Leaves;
use super::loss::{self, Meaning, Scalars, normalised};
use super::sampler::Drawn;
use super::settings::Terms;

/// All terms of the loss of a batch.
///
/// With `drops_allowed`, which is every other step, allowed changes are left out of the softmax: a
/// sheet need not name them, and then they must read as no change.
pub(super) fn total(
    drawn: &Drawn,
    leaves: &Leaves,
    (scalars, terms): (&Scalars, Terms),
    (is_fault, drops_allowed): (&dyn Fn(Meaning) -> bool, bool),
) -> Result<Tensor> {
    let Some(images) = &leaves.images else { bail!("a batch without images") };
    let images = normalised(images)?;
    let texts = normalised(&leaves.sentences)?;
    let d = differences(&images)?;
    let is_kept = |meaning: Meaning| !drops_allowed || is_fault(meaning);
    let mut total = sentences((drawn, &is_kept), &d, &texts, scalars)?;
    let mut start = drawn.sentences.len();
    let requirements = drawn.broken.first().map_or(0, Vec::len);
    if requirements > 0 {
        let stated = texts.narrow(0, start, requirements)?;
        let term = loss::requirements(&d, &stated, &drawn.broken, scalars)?;
        total = (total + (term * terms.requirements)?)?;
        start += requirements;
    }
    if !drawn.captions.is_empty() {
        let captions = texts.narrow(0, start, drawn.captions.len())?;
        let captioned = images.narrow(0, 0, drawn.captions.len())?;
        let term = loss::captions(&captioned, &captions, &drawn.captions, &scalars.scale)?;
        total = (total + (term * terms.captions)?)?;
    }
    let faults: Vec<Option<Meaning>> =
        drawn.pairs.iter().map(|pair| pair.filter(|meaning| is_fault(*meaning))).collect();
    total + (loss::sizes(&d, &faults)? * terms.sizes)?
}

/// Test less reference of unit embeddings `[2 pairs, E]`, reference first.
pub(super) fn differences(images: &Tensor) -> Result<Tensor> {
    let (count, size) = images.dims2()?;
    let pairs = images.reshape((count / 2, 2, size))?;
    let frame = |which| pairs.narrow(1, which, 1)?.squeeze(1)?.contiguous();
    frame(1)? - frame(0)?
}

fn sentences(
    (drawn, is_kept): (&Drawn, &dyn Fn(Meaning) -> bool),
    d: &Tensor,
    texts: &Tensor,
    scalars: &Scalars,
) -> Result<Tensor> {
    let pairs: Vec<Option<Meaning>> =
        drawn.pairs.iter().map(|pair| pair.filter(|meaning| is_kept(*meaning))).collect();
    let (kept, meanings): (Vec<u32>, Vec<Meaning>) = (0..)
        .zip(&drawn.sentences)
        .filter(|(_, meaning)| is_kept(**meaning))
        .map(|(index, meaning)| (index, *meaning))
        .unzip();
    let rows = Tensor::from_vec(kept, meanings.len(), d.device())?;
    loss::differences((d, &pairs), (&texts.index_select(&rows, 0)?, &meanings), scalars)
}
