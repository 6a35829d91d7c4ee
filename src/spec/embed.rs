use super::{Error, Prompt};
use crate::diff;

/// Turns prompts into unit vectors, one per prompt, in their order.
///
/// Paraphrases: the unit embeddings are averaged and normalised again (CLIP's prompt ensembling,
/// arXiv 2103.00020 section 3.1.4). Comparative partners i of prompt j with differences c_ij:
/// `t'_j = n(a t_j + (1 - a) mean_i(t_i - c_ij))` (arXiv 2409.09721, section 4.3), where the t are
/// the ensembled unit vectors and c_ij the unit embedding of how i differs from j.
///
/// `encode` returns the raw text embedding of one sentence.
///
/// # Errors
/// [`Error::Encoder`] and [`Error::NoDirection`]. A partner that is no prompt is left to
/// [`super::Sheet`] to refuse, and skipped here.
pub fn embed<E: std::fmt::Display>(
    prompts: &[&Prompt],
    mut encode: impl FnMut(&str) -> Result<Vec<f32>, E>,
) -> Result<Vec<Vec<f32>>, Error> {
    let mut unit = |text: &str| -> Result<Vec<f32>, Error> {
        let mut vector = encode(text).map_err(|error| Error::Encoder {
            sentence: text.to_owned(),
            reason: error.to_string(),
        })?;
        normalise(&mut vector, text)?;
        Ok(vector)
    };
    let mut own = Vec::with_capacity(prompts.len());
    for prompt in prompts {
        let embedded =
            prompt.sentences.iter().map(|text| unit(text)).collect::<Result<Vec<_>, _>>()?;
        own.push(mean_direction(&embedded, &prompt.id)?);
    }
    let mut mixed = own.clone();
    for (prompt, target) in prompts.iter().zip(&mut mixed) {
        let Some(comparative) = &prompt.comparative else { continue };
        let mut moved = Vec::new();
        for partner in &comparative.partners {
            let Some(index) = prompts.iter().position(|other| other.id == partner.id) else {
                continue;
            };
            let difference = unit(&partner.difference)?;
            moved.push(own[index].iter().zip(difference).map(|(t, c)| t - c).collect());
        }
        let partners = mean(&moved);
        for (value, partner) in target.iter_mut().zip(partners) {
            *value = comparative.weight * *value + (1.0 - comparative.weight) * partner;
        }
        normalise(target, &prompt.id)?;
    }
    Ok(mixed)
}

fn mean_direction(vectors: &[Vec<f32>], name: &str) -> Result<Vec<f32>, Error> {
    let mut mean = mean(vectors);
    normalise(&mut mean, name)?;
    Ok(mean)
}

fn mean(vectors: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; vectors.first().map_or(0, Vec::len)];
    for vector in vectors {
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
    }
    sum.iter_mut().for_each(|value| *value /= vectors.len() as f32);
    sum
}

fn normalise(vector: &mut [f32], sentence: &str) -> Result<(), Error> {
    diff::normalise(vector, "spec")
        .map_err(|source| Error::NoDirection { sentence: sentence.to_owned(), source })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Comparative, Partner};
    use super::*;

    fn prompt(id: &str, sentences: &[&str]) -> Prompt {
        let sentences = sentences.iter().map(|text| (*text).to_owned()).collect();
        Prompt { id: id.to_owned(), sentences, comparative: None }
    }

    fn compass(text: &str) -> Result<Vec<f32>, String> {
        match text {
            "north" => Ok(vec![0.0, 3.0]),
            "east" => Ok(vec![2.0, 0.0]),
            "south" => Ok(vec![0.0, -1.0]),
            other => Err(format!("no {other}")),
        }
    }

    #[test]
    fn paraphrases_are_averaged_as_directions() {
        let north_east = prompt("a", &["north", "east"]);
        let embedded = embed(&[&north_east], compass).unwrap();
        let half = 0.5_f32.sqrt();
        assert!((embedded[0][0] - half).abs() < 1e-6 && (embedded[0][1] - half).abs() < 1e-6);
    }

    #[test]
    fn comparative_partners_follow_the_formula_of_the_paper() {
        let mut north = prompt("a", &["north"]);
        let partners = vec![Partner { id: "b".into(), difference: "south".into() }];
        north.comparative = Some(Comparative { weight: 0.8, partners });
        let east = prompt("b", &["east"]);
        let embedded = embed(&[&north, &east], compass).unwrap();
        // 0.8 (0, 1) + 0.2 ((1, 0) - (0, -1)) = (0.2, 1.0)
        let norm = (0.04_f32 + 1.0).sqrt();
        assert!((embedded[0][0] - 0.2 / norm).abs() < 1e-6);
        assert!((embedded[0][1] - 1.0 / norm).abs() < 1e-6);
        assert_eq!(embedded[1], [1.0, 0.0]);
    }

    #[test]
    fn sentences_that_cancel_out_or_fail_are_named() {
        let cancels = prompt("a", &["north", "south"]);
        assert!(embed(&[&cancels], compass).unwrap_err().to_string().contains("\"a\""));
        let unknown = prompt("a", &["up"]);
        assert!(embed(&[&unknown], compass).unwrap_err().to_string().contains("no up"));
    }
}
