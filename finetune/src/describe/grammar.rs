//! Patterns with alternatives: `a {trace|track} is {broken|cut}{| in two}`, and named groups,
//! `a {trace} is cut`.

use rand::{Rng, RngExt};

/// Groups that patterns name: nouns that mean the same to an inspector.
const GROUPS: [(&str, &str); 12] = [
    ("trace", "trace|track|line|conductor|copper line"),
    ("traces", "traces|tracks|lines|conductors|copper lines"),
    ("any", "a|the"),
    ("new", "| that was not there before| now| that the reference does not have"),
    ("print", "print|printing|text|marking|lettering|imprint"),
    ("code", "code|bar code|barcode|matrix code|data matrix|qr code"),
    ("part", "part|component|cap|gasket|seal|lid|ring"),
    ("picture", "picture|image|frame|photo|whole frame"),
    ("surface", "surface|face|top face|skin|finish"),
    ("edge", "edge|rim|border|side"),
    ("product", "part|product|board|label|piece"),
    ("slight", "slightly|a little|a bit|somewhat|a trifle"),
];

/// Every text of a pattern, the last alternatives changing fastest.
pub(super) fn expand(pattern: &str) -> Vec<String> {
    let mut texts = vec![String::new()];
    for alternatives in pieces(pattern) {
        texts = texts
            .iter()
            .flat_map(|text| alternatives.iter().map(move |other| format!("{text}{other}")))
            .collect();
    }
    texts
}

/// One text of a pattern, each alternative as likely as the others beside it.
pub(super) fn choose<R: Rng + ?Sized>(pattern: &str, random: &mut R) -> String {
    pieces(pattern).map(|alternatives| *pick(&alternatives, random).unwrap_or(&"")).collect()
}

/// One of some things; none of none.
pub(super) fn pick<'a, T, R: Rng + ?Sized>(things: &'a [T], random: &mut R) -> Option<&'a T> {
    match things {
        [] => None,
        [only] => Some(only),
        _ => things.get(random.random_range(0..things.len())),
    }
}

/// The pieces of a pattern, each with its alternatives; plain text has one.
fn pieces(pattern: &str) -> impl Iterator<Item = Vec<&str>> {
    pattern.split('{').flat_map(|part| match part.split_once('}') {
        Some((braced, plain)) => vec![alternatives(braced), vec![plain]],
        None => vec![vec![part]],
    })
}

fn alternatives(braced: &str) -> Vec<&str> {
    let group = GROUPS.iter().find(|(name, _)| *name == braced);
    group.map_or(braced, |(_, alternatives)| alternatives).split('|').collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    use super::*;

    #[test]
    fn alternatives_are_combined_in_order() {
        assert_eq!(expand("plain"), ["plain"]);
        assert_eq!(
            expand("{a|the} cap{| is on}"),
            ["a cap", "a cap is on", "the cap", "the cap is on"]
        );
        assert_eq!(expand("{trace}")[..2], ["trace", "track"]);
    }

    #[test]
    fn choices_are_expansions_and_reach_all_of_them() {
        let pattern = "{a|b}{c|d|e}{|!}";
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let chosen: BTreeSet<String> = (0..400).map(|_| choose(pattern, &mut random)).collect();
        assert_eq!(chosen, expand(pattern).into_iter().collect());
    }
}
