use std::collections::HashSet;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::Captions;
use crate::describe::Error;

/// Two captioned images in the places of a reference and a test frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CaptionPair {
    /// Both names, reference first.
    pub(super) id: String,
    /// Name and caption.
    pub(super) reference: (String, String),
    /// Name and caption.
    pub(super) test: (String, String),
}

/// The first `count` pairs of different images by `seed`, no two of the same images; of several
/// captions of an image one is drawn for each pair. A larger count begins with the same pairs.
pub(super) fn sample(
    captions: &Captions,
    seed: u64,
    count: u64,
) -> Result<Vec<CaptionPair>, Error> {
    let images = captions.images.len();
    let possible = (images as u64).saturating_mul((images as u64).saturating_sub(1)) / 2;
    if count > possible {
        let path = captions.path.clone();
        return Err(Error::TooFewImages { path, images, possible, wanted: count });
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut taken, mut pairs) = (HashSet::new(), Vec::new());
    while (pairs.len() as u64) < count {
        let [one, other] = [0, 1].map(|_| random.random_range(0..images));
        // Drawn even if the pair is not taken, which keeps the stream simple.
        let [reference, test] = [one, other].map(|index| {
            let (name, captions) = &captions.images[index];
            (name.clone(), captions[random.random_range(0..captions.len())].clone())
        });
        if one != other && taken.insert((one.min(other), one.max(other))) {
            let id = format!("{}|{}", reference.0, test.0);
            pairs.push(CaptionPair { id, reference, test });
        }
    }
    Ok(pairs)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod unit {
    use super::*;

    fn captions(count: usize) -> Captions {
        let image =
            |index| (format!("{index}.jpg"), vec![format!("a{index}"), format!("b{index}")]);
        Captions { path: "c.json".into(), images: (0..count).map(image).collect() }
    }

    #[test]
    fn pairs_are_of_different_images_and_none_stands_twice() {
        let pairs = sample(&captions(6), 1, 15).unwrap();
        let mut seen = HashSet::new();
        for pair in &pairs {
            assert_ne!(pair.reference.0, pair.test.0);
            let mut names = [pair.reference.0.clone(), pair.test.0.clone()];
            names.sort();
            assert!(seen.insert(names));
        }
        assert!(pairs.iter().any(|pair| pair.reference.1.starts_with('a')));
        assert!(pairs.iter().any(|pair| pair.reference.1.starts_with('b')));
    }

    #[test]
    fn a_larger_sample_begins_with_the_smaller_one_and_seeds_differ() {
        let captions = captions(40);
        let of = |seed, count| sample(&captions, seed, count).unwrap();
        assert_eq!(of(3, 20), of(3, 50)[..20]);
        assert_ne!(of(3, 20), of(4, 20));
    }

    #[test]
    fn more_pairs_than_there_are_is_an_error() {
        for (images, wanted, fact) in
            [(6, 16, "give 15 pairs, 16"), (1, 1, "give 0"), (0, 1, "0 images")]
        {
            let message = sample(&captions(images), 1, wanted).unwrap_err().to_string();
            assert!(message.contains(fact), "{message}");
        }
    }
}
