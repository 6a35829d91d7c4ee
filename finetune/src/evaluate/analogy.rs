use pairspec::calibrate::Proportion;
use pairspec::diff::{self, dot};

use super::embedded::Embedded;
use super::protocols::{nearest, right};
use crate::dice::Dice;

/// The analogy check: reference is to test as another reference is to which test?
///
/// One difference of every class, of validation crops drawn anew each time, is added to a crop's
/// reference; right if the sum nearest to its test frame is that of its own class. No sentence is
/// used; chance is one in the number of classes. Nothing where a class has no validation crop.
pub(super) fn analogies(crops: &[Embedded], classes: usize) -> anyhow::Result<Option<Proportion>> {
    let examples: Vec<Vec<&Embedded>> = (0..classes)
        .map(|class| {
            let is_one = |crop: &&Embedded| crop.is_validation && crop.class == Some(class);
            crops.iter().filter(is_one).collect()
        })
        .collect();
    if examples.iter().any(Vec::is_empty) {
        return Ok(None);
    }
    let mut dice = Dice::new(0, 0);
    let mut answers = Vec::new();
    for crop in crops.iter().filter(|crop| !crop.is_validation) {
        let Some(truth) = crop.class else { continue };
        let mut sums = Vec::with_capacity(classes);
        for of_class in &examples {
            let example: &Embedded = dice.pick::<&Embedded>(of_class);
            let difference = example.difference.vector();
            let mut sum: Vec<f32> =
                crop.frames[0].iter().zip(difference).map(|(a, b)| a + b).collect();
            diff::normalise(&mut sum, "reference and difference")?;
            sums.push(sum);
        }
        if let Some(said) = nearest(&sums, |sum| dot(&crop.frames[1], sum)) {
            answers.push((truth, said));
        }
    }
    Ok(Some(right(&answers)))
}
