use serde::Serialize;

use crate::diff::{self, Error};
use crate::verdict::{NotInspected, Stage, WrongVariant};

/// How one class fares on one frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Standing {
    /// Index of the class in its list.
    pub class: usize,
    /// Cosine of the frame's embedding with the class's text embedding, -1 to 1.
    pub cosine: f32,
}

/// Orders classes by how well they describe a frame, best first; `classes` are unit vectors with
/// comparative prompting already worked in.
///
/// # Errors
/// [`Error`] when the embedding has no direction or another length than the classes.
pub fn identify(embedding: &[f32], classes: &[Vec<f32>]) -> Result<Vec<Standing>, Error> {
    let mut frame = embedding.to_vec();
    diff::normalise(&mut frame, "test")?;
    let mut standings = Vec::with_capacity(classes.len());
    for (class, vector) in classes.iter().enumerate() {
        if vector.len() != frame.len() {
            return Err(Error::Dimensions { reference: vector.len(), test: frame.len() });
        }
        standings.push(Standing { class, cosine: diff::dot(&frame, vector) });
    }
    standings.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
    Ok(standings)
}

/// Whether the best class is another than `expect`; nothing to say without standings.
///
/// # Errors
/// When the expected class and the best other one are closer than `margin`: undecided.
pub(super) fn check(
    standings: &[Standing],
    expect: usize,
    margin: f32,
) -> Result<Option<WrongVariant>, NotInspected> {
    let expected = standings.iter().find(|standing| standing.class == expect);
    let rival = standings.iter().find(|standing| standing.class != expect);
    let (Some(expected), Some(rival)) = (expected, rival) else { return Ok(None) };
    let lead = rival.cosine - expected.cosine;
    if lead.abs() < margin {
        let detail = format!(
            "the classes are only {:.4} apart in cosine, at least {margin} is needed to tell them",
            lead.abs()
        );
        return Err(NotInspected::new(Stage::Variant, detail));
    }
    Ok((lead > 0.0).then_some(WrongVariant { found: rival.class, lead }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_right_wrong_or_undecided() {
        let standings =
            [(1, 0.5), (0, 0.4), (2, 0.1)].map(|(class, cosine)| Standing { class, cosine });
        assert_eq!(check(&standings, 1, 0.05).unwrap(), None);
        assert_eq!(check(&standings, 0, 0.05).unwrap().unwrap().found, 1);
        assert_eq!(check(&standings, 2, 0.05).unwrap().unwrap().found, 1);
        assert_eq!(check(&standings, 1, 0.2).unwrap_err().stage, Stage::Variant);
        assert_eq!(check(&standings, 0, 0.2).unwrap_err().stage, Stage::Variant);
        assert_eq!(check(&[], 0, 0.2).unwrap(), None);
    }

    #[test]
    fn the_class_closest_in_direction_comes_first() {
        let classes = [vec![1.0, 0.0], vec![0.6, 0.8], vec![0.0, 1.0]];
        let order: Vec<usize> = identify(&[3.0, 4.0], &classes)
            .unwrap()
            .iter()
            .map(|standing| standing.class)
            .collect();
        assert_eq!(order, [1, 2, 0]);
    }

    #[test]
    fn embeddings_that_do_not_fit_are_refused() {
        assert!(identify(&[1.0], &[vec![1.0, 0.0]]).is_err());
        assert!(identify(&[f32::NAN, 0.0], &[vec![1.0, 0.0]]).is_err());
    }
}
