use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use super::{FileName, ParityVector};
use crate::clip::{Embedding, Error, ImageEncoder, TextEncoder, cosine, relative_error};

/// How near an embedding must come to the one the bundle was written with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// The least cosine.
    pub cosine: f64,
    /// The largest difference, as a share of the largest expected value.
    pub error: f64,
}

impl Tolerance {
    /// fp32 on another machine: other kernels add in another order.
    pub const CLOSE: Self = Self { cosine: 0.999_99, error: 1e-3 };
    /// int8 on another machine: a value that falls on the border of two steps may round the other
    /// way and carry through the blocks behind it.
    pub const QUANTIZED: Self = Self { cosine: 0.999, error: 5e-2 };

    /// The tier that a model file is held to.
    pub const fn of(file: FileName) -> Self {
        if file.is_int8() { Self::QUANTIZED } else { Self::CLOSE }
    }

    /// Compares the embeddings of vector number `index` of a model.
    ///
    /// # Errors
    /// [`Error::Parity`].
    pub fn compare(
        &self,
        found: &Embedding,
        expected: &[f32],
        origin: &str,
        index: usize,
    ) -> Result<(), Error> {
        let cosine = cosine(found.values(), expected);
        let error = relative_error(found.values(), expected);
        if cosine >= self.cosine && error <= self.error {
            return Ok(());
        }
        Err(Error::Parity {
            origin: origin.to_owned(),
            index,
            cosine,
            error,
            least_cosine: self.cosine,
            most_error: self.error,
        })
    }
}

/// Seeds of the pixel tensors; two, so that a chance agreement is no worry.
const SEEDS: [u32; 2] = [1, 2];
/// Tokens of the text vectors, start and end included: a short text and a longer one.
const LENGTHS: [usize; 2] = [4, 12];

/// The pixels of a parity vector: `count` uniform values in [-2, 2), the range of normalised pixels.
///
/// Source: ChaCha with 8 rounds, seeded by `SeedableRng::seed_from_u64` of rand 0.10; the upper 24
/// bits of each 32-bit word.
pub fn parity_pixels(seed: u32, count: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(seed));
    (0..count).map(|_| (random.next_u32() >> 8) as f32 / (1 << 22) as f32 - 2.0).collect()
}

/// Runs an image encoder on the parity inputs.
///
/// # Errors
/// Those of [`ImageEncoder::encode`].
pub(crate) fn measure_vision(
    encoder: &ImageEncoder,
    file: FileName,
) -> Result<Vec<ParityVector>, Error> {
    SEEDS
        .into_iter()
        .map(|seed| {
            let embedding = encoder.encode(&parity_pixels(seed, encoder.tensor_len()), 1)?;
            let embedding = embedding.into_iter().flat_map(Embedding::into_values).collect();
            Ok(ParityVector { file, seed: Some(seed), ids: None, embedding })
        })
        .collect()
}

/// Runs a text encoder on the parity inputs: start token, arbitrary ids, end token.
///
/// # Errors
/// Those of [`TextEncoder::encode_ids`].
pub(crate) fn measure_text(
    encoder: &TextEncoder,
    file: FileName,
) -> Result<Vec<ParityVector>, Error> {
    LENGTHS
        .into_iter()
        .map(|length| {
            let ids = parity_ids(encoder, length.min(encoder.context()));
            let embedding = encoder.encode_ids(std::slice::from_ref(&ids))?;
            let embedding = embedding.into_iter().flat_map(Embedding::into_values).collect();
            Ok(ParityVector { file, seed: None, ids: Some(ids), embedding })
        })
        .collect()
}

fn parity_ids(encoder: &TextEncoder, length: usize) -> Vec<u32> {
    let (start, end) = (encoder.tokenizer().start_id(), encoder.tokenizer().end_id());
    // Both pooling rules must find the end token: the words stay below it and are never it.
    let words = end.max(1);
    let middle = (0..length.saturating_sub(2) as u32).map(|index| (index * 7919 + 11) % words);
    std::iter::once(start).chain(middle).chain([end]).collect()
}

/// Runs the inputs of `vectors` again and compares.
///
/// # Errors
/// [`Error::Parity`] for the first that differs, and those of the encoder.
pub(super) fn check_vision(encoder: &ImageEncoder, vectors: &[&ParityVector]) -> Result<(), Error> {
    for (index, vector) in vectors.iter().enumerate() {
        let pixels = parity_pixels(vector.seed.unwrap_or_default(), encoder.tensor_len());
        compare(encoder.encode(&pixels, 1)?, vector, encoder.origin(), index)?;
    }
    Ok(())
}

/// As [`check_vision`], for texts.
pub(super) fn check_text(encoder: &TextEncoder, vectors: &[&ParityVector]) -> Result<(), Error> {
    for (index, vector) in vectors.iter().enumerate() {
        let ids = vector.ids.clone().unwrap_or_default();
        compare(encoder.encode_ids(&[ids])?, vector, encoder.origin(), index)?;
    }
    Ok(())
}

fn compare(
    found: Vec<Embedding>,
    vector: &ParityVector,
    origin: &str,
    index: usize,
) -> Result<(), Error> {
    found.iter().try_for_each(|found| {
        Tolerance::of(vector.file).compare(found, &vector.embedding, origin, index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bundles of all machines and versions rely on these values.
    #[test]
    fn parity_pixels_never_change() {
        let sum = |values: &[f32]| values.iter().map(|&value| f64::from(value)).sum::<f64>();
        let pixels = parity_pixels(1, 10_000);
        assert_eq!(pixels[..3], [0.197_512_87, -0.390_057_56, 1.938_388_3]);
        assert!(sum(&pixels).abs() < 300.0, "centred");
        assert!(pixels.iter().all(|value| (-2.0..2.0).contains(value)));
        assert_ne!(pixels[..3], parity_pixels(2, 3)[..]);
    }
}
