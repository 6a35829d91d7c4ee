use pairspec::calibrate::Proportion;
use pairspec::diff;
use serde::Serialize;

use super::embedded::Embedded;
use super::protocols::{right, zero_shot};
use super::sentences::Sentences;

/// What a caption keeps of itself, the paper's range.
const WEIGHTS: [f32; 3] = [0.9, 0.85, 0.8];
/// Two states are confused when at least this share of their crops is taken for the other.
const CONFUSED: f64 = 0.1;

/// Comparative prompting: captions of states that are confused, moved by how the states differ.
#[derive(Debug, Clone, Serialize)]
pub struct Comparative {
    /// States confused on validation crops; the empty name is "sound".
    pub pairs: Vec<[String; 2]>,
    /// What a caption keeps of itself, chosen on validation crops.
    pub weight: f32,
    /// Crops of confused states told right by plain captions.
    pub before: Proportion,
    /// The same crops by comparative ones.
    pub after: Proportion,
}

/// Compares plain captions with comparative ones; nothing where no two states are confused.
///
/// For a state `j` and those it is confused with, `t'_j = n(a t_j + (1 - a) mean_i(t_i - c_ij))` (arXiv
/// 2409.09721, section 4.3). Sentences of faults describe a frame against a sound one, so how `i`
/// differs from `j` is `c_ij = n(c_i - c_j)`, where a sound state has `c = 0`.
pub(super) fn comparative(
    crops: &[Embedded],
    sentences: &Sentences,
    classes: &[String],
) -> anyhow::Result<Option<Comparative>> {
    let (validation, judged): (Vec<&Embedded>, Vec<&Embedded>) =
        crops.iter().partition(|crop| crop.is_validation);
    let answers = zero_shot(validation.iter().copied(), &sentences.states);
    let pairs = confused(&answers, sentences.states.len());
    if pairs.is_empty() {
        return Ok(None);
    }
    let sound = classes.len();
    let involved = |crop: &&&Embedded| {
        let state = crop.class.unwrap_or(sound);
        pairs.iter().any(|pair| pair.contains(&state))
    };
    let validation: Vec<&Embedded> = validation.iter().filter(involved).copied().collect();
    let judged: Vec<&Embedded> = judged.iter().filter(involved).copied().collect();
    let mut best: Option<(u64, f32, Vec<Vec<f32>>)> = None;
    for weight in WEIGHTS {
        let states = moved(sentences, &pairs, weight)?;
        let count = right(&zero_shot(validation.iter().copied(), &states)).count();
        if best.as_ref().is_none_or(|(most, ..)| count > *most) {
            best = Some((count, weight, states));
        }
    }
    let Some((_, weight, states)) = best else { return Ok(None) };
    let name = |state: usize| classes.get(state).cloned().unwrap_or_default();
    Ok(Some(Comparative {
        pairs: pairs.iter().map(|pair| pair.map(name)).collect(),
        weight,
        before: right(&zero_shot(judged.iter().copied(), &sentences.states)),
        after: right(&zero_shot(judged.iter().copied(), &states)),
    }))
}

/// Pairs of states of which each other's crops are taken for often.
fn confused(answers: &[(usize, usize)], states: usize) -> Vec<[usize; 2]> {
    let count = |is: &dyn Fn(usize, usize) -> bool| {
        answers.iter().filter(|(truth, said)| is(*truth, *said)).count() as f64
    };
    let mut pairs = Vec::new();
    for i in 0..states {
        for j in i + 1..states {
            let all = count(&|truth, _| truth == i || truth == j);
            let mixed =
                count(&|truth, said| (truth == i && said == j) || (truth == j && said == i));
            if mixed > 0.0 && mixed >= CONFUSED * all {
                pairs.push([i, j]);
            }
        }
    }
    pairs
}

fn moved(
    sentences: &Sentences,
    pairs: &[[usize; 2]],
    weight: f32,
) -> anyhow::Result<Vec<Vec<f32>>> {
    let mut states = sentences.states.clone();
    for (j, state) in states.iter_mut().enumerate() {
        let partners: Vec<usize> = pairs
            .iter()
            .filter_map(|[a, b]| (*a == j).then_some(*b).or((*b == j).then_some(*a)))
            .collect();
        if partners.is_empty() {
            continue;
        }
        let share = (1.0 - weight) / partners.len() as f32;
        state.iter_mut().for_each(|value| *value *= weight);
        for i in partners {
            let difference = differs(sentences, i, j)?;
            for ((value, t), c) in state.iter_mut().zip(&sentences.states[i]).zip(difference) {
                *value += share * (t - c);
            }
        }
        diff::normalise(state, "comparative caption")?;
    }
    Ok(states)
}

/// How state `i` differs from state `j`.
fn differs(sentences: &Sentences, i: usize, j: usize) -> anyhow::Result<Vec<f32>> {
    let mut vector = vec![0.0; sentences.states[i].len()];
    for (state, sign) in [(i, 1.0), (j, -1.0)] {
        let Some(sentence) = sentences.faults.get(state) else { continue };
        vector.iter_mut().zip(sentence).for_each(|(value, c)| *value += sign * c);
    }
    diff::normalise(&mut vector, "difference of two states")?;
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_taken_for_each_other_are_confused_and_others_are_not() {
        let mut answers = vec![(0, 0); 9];
        answers.push((0, 1));
        answers.extend([(1, 1); 5]);
        answers.extend([(2, 2); 10]);
        assert!(confused(&answers, 3).is_empty(), "1 of 15");
        answers.push((1, 0));
        assert_eq!(confused(&answers, 3), [[0, 1]]);
    }
}
