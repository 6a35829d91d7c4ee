use std::collections::BTreeMap;

use super::{Error, Sample};

/// Folds by pair where there is a single group and no number was asked for.
const FOLDS_OF_ONE_GROUP: usize = 5;

/// Units that are judged with limits fitted on all the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fold {
    /// For messages and tables: the groups, or "pairs 1 of 5".
    pub(crate) name: String,
    /// Indices into the samples, rising.
    pub(crate) held_out: Vec<usize>,
}

/// Divides samples so that no group, or in a single group no pair, is on both sides of a fold.
///
/// With several groups there is one fold for each, or `wanted` folds of whole groups, the largest
/// groups first into the smallest fold. A single group is divided by pair, with a warning. The same
/// samples give the same folds.
///
/// # Errors
/// [`Error::Folds`] when there are fewer groups or pairs than folds, or fewer than two.
pub(crate) fn divide(
    samples: &[&Sample],
    wanted: Option<usize>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Fold>, Error> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut pairs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, sample) in samples.iter().enumerate() {
        groups.entry(&sample.group).or_default().push(index);
        pairs.entry(sample.pair).or_default().push(index);
    }
    if groups.len() > 1 {
        let blocks = groups.into_iter().map(|(name, units)| (name.to_owned(), units)).collect();
        return pack(blocks, wanted, "groups");
    }
    let folds = wanted.unwrap_or(FOLDS_OF_ONE_GROUP.min(pairs.len()));
    let (number, blocks) = (pairs.len(), pairs.into_values().map(|units| (String::new(), units)));
    let mut divided =
        pack(blocks.collect(), Some(folds), if number == 1 { "pair" } else { "pairs" })?;
    for (index, fold) in divided.iter_mut().enumerate() {
        fold.name = format!("pairs {} of {folds}", index + 1);
    }
    warnings.push(format!(
        "all units are of one group, so that folds divide it by pair; figures for another group \
         (board, batch, shift) may be worse ({number} pairs in {folds} folds)"
    ));
    Ok(divided)
}

/// Puts named blocks of units into folds of about equal size.
fn pack(
    mut blocks: Vec<(String, Vec<usize>)>,
    wanted: Option<usize>,
    what: &str,
) -> Result<Vec<Fold>, Error> {
    let folds = wanted.unwrap_or(blocks.len());
    if folds < 2 || folds > blocks.len() {
        return Err(Error::Folds { found: format!("{} {what}", blocks.len()), folds });
    }
    if folds < blocks.len() {
        blocks.sort_by_key(|(_, units)| std::cmp::Reverse(units.len()));
    }
    let mut packed: Vec<(Vec<String>, Vec<usize>)> = vec![Default::default(); folds];
    for (name, units) in blocks {
        let smallest = packed.iter_mut().min_by_key(|(_, held_out)| held_out.len());
        // There are at least two folds.
        if let Some((names, held_out)) = smallest {
            names.push(name);
            held_out.extend(units);
        }
    }
    let fold = |(names, mut held_out): (Vec<String>, Vec<usize>)| {
        held_out.sort_unstable();
        Fold { name: names.join(" + "), held_out }
    };
    Ok(packed.into_iter().map(fold).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibrate::Truth;

    fn samples(groups: &[(&str, usize)]) -> Vec<Sample> {
        let names = groups.iter().flat_map(|(name, units)| std::iter::repeat_n(*name, *units));
        let sample = |(index, group): (usize, &str)| Sample {
            pair: index / 2,
            group: group.to_owned(),
            truth: Truth::Conforming,
            confidences: vec![],
            size: 0.0,
            best_cosine: 0.0,
        };
        names.enumerate().map(sample).collect()
    }

    fn divided(
        groups: &[(&str, usize)],
        wanted: Option<usize>,
    ) -> Result<(Vec<Fold>, usize), Error> {
        let samples = samples(groups);
        let mut warnings = Vec::new();
        let folds = divide(&samples.iter().collect::<Vec<_>>(), wanted, &mut warnings)?;
        let mut all: Vec<usize> = folds.iter().flat_map(|fold| fold.held_out.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..samples.len()).collect::<Vec<_>>(), "each unit is held out once");
        Ok((folds, warnings.len()))
    }

    #[test]
    fn every_group_is_held_out_once() {
        let (folds, warnings) = divided(&[("b", 4), ("a", 6), ("c", 2)], None).unwrap();
        let names: Vec<&str> = folds.iter().map(|fold| fold.name.as_str()).collect();
        assert_eq!((names, warnings), (vec!["a", "b", "c"], 0));
        assert_eq!(folds[1].held_out, [0, 1, 2, 3]);
    }

    #[test]
    fn folds_of_whole_groups_are_about_equal() {
        let groups = [("a", 2), ("b", 8), ("c", 4), ("d", 6)];
        let (folds, _) = divided(&groups, Some(2)).unwrap();
        let sizes: Vec<usize> = folds.iter().map(|fold| fold.held_out.len()).collect();
        assert_eq!(sizes, [10, 10]);
        assert_eq!(folds[0].name, "b + a");
    }

    #[test]
    fn one_group_is_divided_by_pair_with_a_warning() {
        let (folds, warnings) = divided(&[("a", 12)], None).unwrap();
        assert_eq!((folds.len(), warnings), (5, 1));
        for fold in &folds {
            let whole = fold.held_out.iter().all(|unit| fold.held_out.contains(&(unit ^ 1)));
            assert!(whole, "no pair is in two folds: {fold:?}");
        }
    }

    #[test]
    fn too_little_to_divide_is_refused() {
        let refusal = |groups: &[(&str, usize)], wanted| divided(groups, wanted).unwrap_err();
        assert!(refusal(&[("a", 2)], None).to_string().starts_with("1 pair to divide"));
        assert!(refusal(&[("a", 2), ("b", 2)], Some(3)).to_string().contains("2 groups"));
        assert!(matches!(refusal(&[("a", 8)], Some(1)), Error::Folds { folds: 1, .. }));
        assert!(matches!(refusal(&[], None), Error::Folds { .. }));
    }
}
