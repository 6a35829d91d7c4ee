//! Which pairs thresholds were set with, so that figures on the same pairs are told as what they are.

use std::collections::HashSet;

use super::common::counted;
use crate::files;
use crate::manifest::Pair;
use crate::recipe::{Recipe, ThresholdFile};

/// Where the threshold file keeps them, among the evidence.
const KEY: &str = "calibrated_on";
/// Of more pairs nothing is kept: the file is read at every start of a station.
const MOST: usize = 50_000;
/// Hexadecimal digits of a sum: two of a million pairs have the same by chance.
const DIGITS: usize = 10;

/// What the evidence says of the pairs: the start of the SHA-256 of each test frame's file.
///
/// Not their ids, which another manifest may give anew, and not the manifest, which may be cut.
pub(super) fn note(evidence: &mut toml::Table, pairs: &[Pair]) {
    if pairs.len() <= MOST {
        let sums = pairs.iter().filter_map(sum).map(toml::Value::from).collect();
        evidence.insert(KEY.to_owned(), toml::Value::Array(sums));
    }
}

/// What to say where pairs to evaluate are pairs that the thresholds were set with.
pub(super) fn warning(recipe: &Recipe, pairs: &[Pair]) -> Option<String> {
    let file = ThresholdFile::open(&recipe.thresholds_path).ok()?;
    let known = file.evidence.get(KEY)?.as_array()?;
    let known: HashSet<&str> = known.iter().filter_map(toml::Value::as_str).collect();
    let seen = pairs.iter().filter_map(sum).filter(|sum| known.contains(sum.as_str())).count();
    (seen > 0).then(|| {
        format!(
            "{} of {} were there when {} was calibrated: figures on them are better than on other \
             parts; evaluate on pairs that were not",
            seen,
            counted(pairs.len(), "pair"),
            recipe.thresholds_path.display()
        )
    })
}

/// Frames that cannot be read are told of when they are judged.
fn sum(pair: &Pair) -> Option<String> {
    let sum = files::sha256_of(&pair.test).ok()?;
    sum.get(..DIGITS).map(str::to_owned)
}
