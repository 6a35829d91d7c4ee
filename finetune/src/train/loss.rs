use candle_core::{D, Result, Tensor};

/// Takes a logit out of a softmax.
const OUT: f64 = -1e9;
/// Difference embeddings of pairs that show the same should not be longer than this,
const SMALL: f64 = 0.25;
/// those of pairs that differ not shorter than this. Both are differences of unit vectors.
const LARGE: f64 = 0.75;

/// What an element of a batch means: equal numbers mean the same.
pub(crate) type Meaning = u32;

/// The two learned scalars, as tensors of one value.
#[derive(Debug, Clone)]
pub(crate) struct Scalars {
    /// The scale of logits, after `exp`.
    pub(crate) scale: Tensor,
    /// The logit of "nothing changed".
    pub(crate) no_change: Tensor,
}

/// Unit rows.
pub(crate) fn normalised(x: &Tensor) -> Result<Tensor> {
    let length = (x.sqr()?.sum_keepdim(D::Minus1)? + 1e-12)?.sqrt()?;
    x.broadcast_div(&length)
}

/// How well difference embeddings `[N, E]` tell which of the sentences `[S, E]` (unit rows) is true
/// of them, in nats: the mean of both directions' cross-entropies.
///
/// From pair to sentence, the logits `scale * d . t` compete with the no-change logit, which is right
/// where a pair means nothing (`None`). A meaning counts once however many sentences of the batch
/// have it: each logit is lowered by the logarithm of their number, so that the softmax is the one
/// inspection makes over one sentence each. From sentence to pair, every pair with the sentence's
/// meaning is a positive (Khosla et al., "Supervised Contrastive Learning", arXiv 2004.11362,
/// eq. 2); sentences no pair means are left out.
pub(crate) fn differences(
    (d, of_pairs): (&Tensor, &[Option<Meaning>]),
    (t, of_sentences): (&Tensor, &[Meaning]),
    scalars: &Scalars,
) -> Result<Tensor> {
    let device = d.device();
    let logits = d.matmul(&t.t()?)?.broadcast_mul(&scalars.scale)?;
    let count = |meaning: Meaning| of_sentences.iter().filter(|one| **one == meaning).count();
    let lower: Vec<f32> =
        of_sentences.iter().map(|meaning| -(count(*meaning) as f32).ln()).collect();
    let lower = Tensor::from_vec(lower, of_sentences.len(), device)?;
    let unchanged = scalars.no_change.reshape((1, 1))?.broadcast_as((of_pairs.len(), 1))?;
    let all = Tensor::cat(&[&logits.broadcast_add(&lower)?, &unchanged], 1)?;
    let right = |pair: &Option<Meaning>| {
        let sentences = of_sentences.iter().map(move |meaning| Some(*meaning) == *pair);
        sentences.chain([pair.is_none()]).collect::<Vec<_>>()
    };
    let right: Vec<bool> = of_pairs.iter().flat_map(right).collect();
    let forth = of_right(&all, &right)?;
    let back = from_sentences(&logits.t()?.contiguous()?, of_pairs, of_sentences)?;
    (forth + back)? / 2.0
}

/// The mean over rows of `-log` of the share that the right columns of a row have together.
fn of_right(logits: &Tensor, right: &[bool]) -> Result<Tensor> {
    let penalty: Vec<f32> = right.iter().map(|is| if *is { 0.0 } else { OUT as f32 }).collect();
    let penalty = Tensor::from_vec(penalty, logits.dims(), logits.device())?;
    let all = logits.log_sum_exp(D::Minus1)?;
    (all - (logits + penalty)?.log_sum_exp(D::Minus1)?)?.mean_all()
}

/// The mean over sentences with a positive of the mean over positives of `-log` of their shares.
fn from_sentences(
    logits: &Tensor,
    of_pairs: &[Option<Meaning>],
    of_sentences: &[Meaning],
) -> Result<Tensor> {
    let positives = |meaning: &Meaning| {
        let is = |pair: &Option<Meaning>| if *pair == Some(*meaning) { 1.0 } else { 0.0 };
        of_pairs.iter().map(is).collect::<Vec<f32>>()
    };
    contrast(logits, of_sentences.iter().map(positives).collect())
}

/// The mean over rows with a positive of the mean over positives of `-log` of their shares.
fn contrast(logits: &Tensor, positives: Vec<Vec<f32>>) -> Result<Tensor> {
    let rows = positives.iter().filter(|row| row.contains(&1.0)).count().max(1);
    let share = |row: &Vec<f32>| {
        let count = row.iter().sum::<f32>().max(1.0) * rows as f32;
        row.iter().map(move |weight| weight / count).collect::<Vec<_>>()
    };
    let weights: Vec<f32> = positives.iter().flat_map(share).collect();
    let weights = Tensor::from_vec(weights, logits.dims(), logits.device())?;
    let logs = logits.broadcast_sub(&logits.log_sum_exp(D::Minus1)?.unsqueeze(D::Minus1)?)?;
    (logs * weights)?.sum_all()?.neg()
}

/// Whether requirements hold: binary cross-entropy of inspection's own confidence,
/// `sigmoid(-scale * d . t - no_change)`, with broken ones weighing as much as intact ones.
///
/// `broken[i][j]` says whether pair `i` breaks requirement `j`.
pub(crate) fn requirements(
    d: &Tensor,
    t: &Tensor,
    broken: &[Vec<bool>],
    scalars: &Scalars,
) -> Result<Tensor> {
    let logits = d.matmul(&t.t()?)?.broadcast_mul(&scalars.scale)?;
    let logits = logits.broadcast_add(&scalars.no_change)?.neg()?;
    let flat: Vec<bool> = broken.iter().flatten().copied().collect();
    let count = flat.iter().filter(|is| **is).count().max(1) as f32;
    let intact = (flat.len() as f32 - count).max(1.0);
    let signs = flat.iter().map(|is| if *is { -1.0 } else { 1.0 }).collect();
    let weights = flat.iter().map(|is| 0.5 / if *is { count } else { intact }).collect();
    let tensor = |values: Vec<f32>| Tensor::from_vec(values, logits.dims(), logits.device());
    // softplus(x) = max(x, 0) + ln(1 + e^-|x|)
    let wrong = (&logits * tensor(signs)?)?;
    let softplus = (wrong.relu()? + (wrong.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
    (softplus * tensor(weights)?)?.sum_all()
}

/// Keeps the length of differences a measure of change: squared excess over 0.25 where pairs show
/// the same, squared shortfall under 0.75 where they do not.
pub(crate) fn sizes(d: &Tensor, of_pairs: &[Option<Meaning>]) -> Result<Tensor> {
    let length = (d.sqr()?.sum(D::Minus1)? + 1e-8)?.sqrt()?;
    let is_fault: Vec<f32> =
        of_pairs.iter().map(|pair| f32::from(u8::from(pair.is_some()))).collect();
    let is_fault = Tensor::from_vec(is_fault, of_pairs.len(), d.device())?;
    let short = ((&length * -1.0)? + LARGE)?.relu()?.sqr()?;
    let long = (&length - SMALL)?.relu()?.sqr()?;
    ((short * &is_fault)? + (long * (1.0 - &is_fault)?)?)?.mean_all()
}

/// Plain CLIP: images `[N, E]` and their captions `[N, E]`, both unit rows, with equal meanings as
/// positives; the mean of both directions.
pub(crate) fn captions(
    images: &Tensor,
    texts: &Tensor,
    meanings: &[Meaning],
    scale: &Tensor,
) -> Result<Tensor> {
    let logits = images.matmul(&texts.t()?)?.broadcast_mul(scale)?;
    let row = |meaning: &Meaning| {
        let is = |other: &Meaning| if other == meaning { 1.0 } else { 0.0 };
        meanings.iter().map(is).collect::<Vec<f32>>()
    };
    let positives: Vec<Vec<f32>> = meanings.iter().map(row).collect();
    let forth = contrast(&logits, positives.clone())?;
    let back = contrast(&logits.t()?.contiguous()?, positives)?;
    (forth + back)? / 2.0
}

/// Sentences `[S, E]`, unit rows, beside others of their own meaning and away from the rest (Khosla
/// et al., arXiv 2004.11362, eq. 2).
pub(crate) fn meanings(t: &Tensor, meanings: &[Meaning], scale: &Tensor) -> Result<Tensor> {
    let count = meanings.len();
    let same = |i: usize, j: usize| i != j && meanings[i] == meanings[j];
    let itself: Vec<f32> = (0..count * count)
        .map(|at| if at / count == at % count { OUT as f32 } else { 0.0 })
        .collect();
    let itself = Tensor::from_vec(itself, (count, count), t.device())?;
    let logits = (t.matmul(&t.t()?)?.broadcast_mul(scale)? + itself)?;
    let row = |i| (0..count).map(|j| f32::from(u8::from(same(i, j)))).collect();
    contrast(&logits, (0..count).map(row).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn rows(values: &[[f32; 2]]) -> Tensor {
        let flat: Vec<f32> = values.iter().flatten().copied().collect();
        Tensor::from_vec(flat, (values.len(), 2), &Device::Cpu).unwrap()
    }

    fn scalar(value: f32) -> Result<Tensor> {
        Tensor::from_vec(vec![value], 1, &Device::Cpu)
    }

    fn scalars() -> Scalars {
        Scalars { scale: scalar(3.0).unwrap(), no_change: scalar(1.0).unwrap() }
    }

    fn value(x: &Tensor) -> f64 {
        f64::from(x.flatten_all().unwrap().get(0).unwrap().to_scalar::<f32>().unwrap())
    }

    #[test]
    fn phrasings_of_one_meaning_count_once() {
        let d = rows(&[[1.0, 0.0], [0.0, 0.1]]);
        let meanings = [Some(0), None];
        let one = differences((&d, &meanings), (&rows(&[[1.0, 0.0]]), &[0]), &scalars()).unwrap();
        let twice = rows(&[[1.0, 0.0], [1.0, 0.0]]);
        let two = differences((&d, &meanings), (&twice, &[0, 0]), &scalars()).unwrap();
        assert!((value(&one) - value(&two)).abs() < 1e-6);
    }

    #[test]
    fn the_difference_loss_is_the_formula_worked_by_hand() {
        let d = rows(&[[1.0, 0.0], [0.0, 0.1]]);
        let t = rows(&[[1.0, 0.0], [0.0, 1.0]]);
        let loss = differences((&d, &[Some(0), None]), (&t, &[0, 1]), &scalars()).unwrap();
        let exp = |x: f64| x.exp();
        let first = -(exp(3.0) / (exp(3.0) + exp(0.0) + exp(1.0))).ln();
        let second = -(exp(1.0) / (exp(0.0) + exp(0.3) + exp(1.0))).ln();
        let back = -(exp(3.0) / (exp(3.0) + exp(0.0))).ln();
        let expected = ((first + second) / 2.0 + back) / 2.0;
        assert!((value(&loss) - expected).abs() < 1e-5, "{} {expected}", value(&loss));
    }

    #[test]
    fn moving_away_from_a_broken_requirement_lowers_the_loss() {
        let t = rows(&[[1.0, 0.0]]);
        let broken = [vec![true], vec![false]];
        let at = |x: f32| {
            let d = rows(&[[x, 0.0], [0.0, 0.0]]);
            value(&requirements(&d, &t, &broken, &scalars()).unwrap())
        };
        assert!(at(-1.0) < at(0.0) && at(0.0) < at(1.0));
    }

    #[test]
    fn sizes_cost_nothing_inside_their_limits() {
        let d = rows(&[[0.8, 0.0], [0.1, 0.1]]);
        assert!(value(&sizes(&d, &[Some(3), None]).unwrap()) < 1e-6);
        assert!(value(&sizes(&d, &[None, Some(3)]).unwrap()) > 0.1);
    }

    #[test]
    fn sentences_of_one_meaning_belong_together() {
        let t = rows(&[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]);
        let of =
            |numbers: &[Meaning]| value(&meanings(&t, numbers, &scalar(2.0).unwrap()).unwrap());
        let expected = (1.0 + 2.0 * (-2f64).exp()).ln();
        assert!((of(&[0, 0, 1, 1]) - expected).abs() < 1e-5, "{}", of(&[0, 0, 1, 1]));
        assert!(of(&[0, 1, 0, 1]) > 2.0);
    }

    #[test]
    fn equal_captions_are_not_negatives_of_each_other() {
        let images = rows(&[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]);
        let same = captions(&images, &images, &[0, 0, 1], &scalar(50.0).unwrap()).unwrap();
        assert!((value(&same) - 2.0 / 3.0 * 2f64.ln()).abs() < 1e-3, "{}", value(&same));
    }
}
