use super::Error;

/// One judged unit: a region, or a whole pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Index of the pair; units of one pair are not independent of each other.
    pub pair: usize,
    /// What is held out together: a board, a panel, a shift.
    pub group: String,
    /// What the label says.
    pub truth: Truth,
    /// Confidence of every spec in the order of the spec ids, each 0 to 1.
    pub confidences: Vec<f32>,
    /// Length of the difference embedding, at least 0.
    pub size: f32,
    /// Highest cosine of any sentence, allowed ones included, -1 to 1.
    pub best_cosine: f32,
}

/// What the label of a unit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// Nothing wrong.
    Conforming,
    /// Bad, in the way the spec with this index describes.
    Fault(usize),
    /// Bad, with a class no spec has.
    FaultOther(String),
    /// Neither: too close to a fault to count as conforming, for example.
    Skip,
}

impl Truth {
    /// Whether the label says bad.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_) | Self::FaultOther(_))
    }
}

/// A unit that could not be judged: counted apart, and a reject in every rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged {
    /// Index of the pair.
    pub pair: usize,
    /// What the label says.
    pub truth: Truth,
}

/// Refuses samples that no figure should be made of.
///
/// # Errors
/// [`Error::Count`], [`Error::Score`] naming pair and spec, [`Error::Duplicate`] for two equal spec
/// ids.
pub(crate) fn check(samples: &[Sample], spec_ids: &[String]) -> Result<(), Error> {
    for (index, id) in spec_ids.iter().enumerate() {
        if spec_ids[..index].contains(id) {
            return Err(Error::Duplicate { what: "specs", name: id.clone() });
        }
    }
    samples.iter().try_for_each(|sample| check_one(sample, spec_ids))
}

fn check_one(sample: &Sample, spec_ids: &[String]) -> Result<(), Error> {
    let (found, expected) = (sample.confidences.len(), spec_ids.len());
    if found != expected {
        let what = format!("pair {}: confidences", sample.pair);
        return Err(Error::Count { what, found, expected });
    }
    if let Truth::Fault(spec) = sample.truth
        && spec >= expected
    {
        let what = format!("pair {}: index of the labelled spec", sample.pair);
        return Err(Error::Count { what, found: spec, expected });
    }
    let score = |what: &str, value: f32, range| {
        Err(Error::Score { pair: sample.pair, what: what.to_owned(), value: value.into(), range })
    };
    for (id, &confidence) in spec_ids.iter().zip(&sample.confidences) {
        // Not-a-number is in no range.
        if !(0.0..=1.0).contains(&confidence) {
            return score(id, confidence, "0 to 1");
        }
    }
    if !(0.0..f32::INFINITY).contains(&sample.size) {
        return score("size of the difference", sample.size, "0 and above");
    }
    // A cosine may leave its range by rounding.
    if !(-1.001..=1.001).contains(&sample.best_cosine) {
        return score("best cosine", sample.best_cosine, "-1 to 1");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        Sample {
            pair: 7,
            group: "a".into(),
            truth: Truth::Fault(1),
            confidences: vec![0.0, 1.0],
            size: 0.5,
            best_cosine: 1.0,
        }
    }

    fn refusal(change: impl FnOnce(&mut Sample)) -> String {
        let mut changed = sample();
        change(&mut changed);
        match check(&[sample(), changed], &["open".into(), "short".into()]) {
            Ok(()) => "accepted".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_score_that_is_no_number_is_refused_with_pair_and_spec() {
        let message = refusal(|sample| sample.confidences[1] = f32::NAN);
        assert!(message.starts_with("pair 7, short: NaN"), "{message}");
        assert!(refusal(|sample| sample.size = f32::INFINITY).contains("size"));
        assert!(refusal(|sample| sample.best_cosine = f32::NAN).contains("best cosine"));
        assert_eq!(refusal(|_| ()), "accepted");
    }

    #[test]
    fn lists_that_do_not_match_the_specs_are_refused() {
        assert!(refusal(|sample| sample.confidences.push(0.1)).contains("found 3, expected 2"));
        assert!(refusal(|sample| sample.truth = Truth::Fault(2)).contains("labelled spec"));
        let twice = ["open".to_owned(), "open".to_owned()];
        assert!(check(&[], &twice).is_err());
    }
}
