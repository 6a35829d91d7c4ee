//! The difference embedding: `n(E(test)) - n(E(reference))`.
//!
//! Owns the one subtraction the product is about, its direction and its size. The sentence
//! describes the test frame against the reference, so a swap of the frames flips every sign.
//!
//! It does no I/O and knows no sentence.

/// Why two embeddings have no difference.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The two come from different models.
    #[error("embeddings of {reference} and {test} values cannot be subtracted")]
    Dimensions {
        /// Values in the reference's embedding.
        reference: usize,
        /// Values in the test's embedding.
        test: usize,
    },
    /// All zero, infinite or not a number: no direction.
    #[error("the embedding of the {frame} frame has no direction (norm {norm})")]
    NoDirection {
        /// "reference" or "test".
        frame: &'static str,
        /// Its Euclidean norm.
        norm: f32,
    },
}

/// How the test frame moved away from the reference in the embedding space.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    vector: Vec<f32>,
    size: f32,
}

/// How far a difference goes along one sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// `d . t`: how much closer the part moved to the sentence, -2 to 2.
    pub dot: f32,
    /// `d . t / |d|`: direction alone, -1 to 1; 0 when nothing moved.
    pub cosine: f32,
}

impl Difference {
    /// Subtracts the L2-normalised embeddings; not normalised again, since the size is the
    /// evidence that something changed at all (the paper's second normalisation, arXiv 2409.09721
    /// section 3, discards it).
    ///
    /// # Errors
    /// [`Error`] when the embeddings do not fit each other or have no direction.
    pub fn between(reference: &[f32], test: &[f32]) -> Result<Self, Error> {
        if reference.len() != test.len() {
            return Err(Error::Dimensions { reference: reference.len(), test: test.len() });
        }
        let reference_norm = direction_norm(reference, "reference")?;
        let test_norm = direction_norm(test, "test")?;
        let vector: Vec<f32> = reference
            .iter()
            .zip(test)
            .map(|(reference, test)| test / test_norm - reference / reference_norm)
            .collect();
        let size = norm(&vector);
        Ok(Self { vector, size })
    }

    /// The difference, one value per dimension of the embedding.
    pub fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// Its Euclidean norm, 0 (equal frames) to 2 (opposite embeddings).
    pub fn size(&self) -> f32 {
        self.size
    }

    /// The difference of the same frames with their roles swapped.
    pub fn reversed(&self) -> Self {
        Self { vector: self.vector.iter().map(|value| -value).collect(), size: self.size }
    }

    /// How far it goes along a unit text embedding of the same dimension; values beyond the
    /// shorter of the two are not looked at, so callers check dimensions once, when loading.
    pub fn along(&self, sentence: &[f32]) -> Agreement {
        let dot = dot(&self.vector, sentence);
        let cosine =
            if self.size > f32::EPSILON { (dot / self.size).clamp(-1.0, 1.0) } else { 0.0 };
        Agreement { dot, cosine }
    }
}

/// Scales a vector to length 1 in place.
///
/// # Errors
/// [`Error::NoDirection`], which calls the vector `frame`.
pub fn normalise(vector: &mut [f32], frame: &'static str) -> Result<(), Error> {
    let norm = direction_norm(vector, frame)?;
    vector.iter_mut().for_each(|value| *value /= norm);
    Ok(())
}

/// The dot product, summed in f64 so that its value does not depend on the order of partial sums.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32
}

fn norm(vector: &[f32]) -> f32 {
    dot(vector, vector).sqrt()
}

fn direction_norm(vector: &[f32], frame: &'static str) -> Result<f32, Error> {
    let norm = norm(vector);
    if norm.is_normal() { Ok(norm) } else { Err(Error::NoDirection { frame, norm }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const EXACT: f32 = 1e-6;

    #[test]
    fn a_swap_of_the_frames_flips_every_sign() {
        let (a, b) = ([1.0, 2.0, 3.0], [3.0, -1.0, 0.5]);
        let sentence = [0.6, 0.8, 0.0];
        let forth = Difference::between(&a, &b).unwrap();
        let back = Difference::between(&b, &a).unwrap();
        assert_eq!(forth.along(&sentence).dot, -back.along(&sentence).dot);
        assert_eq!(forth.along(&sentence).cosine, -back.along(&sentence).cosine);
        assert_eq!(forth.size(), back.size());
        assert_eq!(forth.reversed(), back);
    }

    #[test]
    fn the_difference_points_from_reference_to_test() {
        let moved = Difference::between(&[1.0, 0.0], &[0.0, 5.0]).unwrap();
        assert_eq!(moved.vector(), [-1.0, 1.0]);
        assert!(moved.along(&[0.0, 1.0]).dot > 0.0, "closer to what the test frame shows");
    }

    #[test]
    fn equal_frames_have_no_size_and_no_cosine() {
        let same = Difference::between(&[0.3, 0.4], &[0.6, 0.8]).unwrap();
        assert!(same.size() < EXACT);
        assert_eq!(same.along(&[1.0, 0.0]).cosine, 0.0);
    }

    #[test]
    fn opposite_embeddings_are_two_apart() {
        assert!((Difference::between(&[2.0], &[-7.0]).unwrap().size() - 2.0).abs() < EXACT);
    }

    #[test]
    fn embeddings_without_direction_are_refused() {
        for bad in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
            assert!(Difference::between(&bad, &[1.0, 0.0]).is_err());
            assert!(Difference::between(&[1.0, 0.0], &bad).is_err());
        }
        assert!(Difference::between(&[1.0], &[1.0, 0.0]).is_err());
        assert!(Difference::between(&[], &[]).is_err());
    }
}
