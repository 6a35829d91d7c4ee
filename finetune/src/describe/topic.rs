use rand::Rng;

use super::Error;
use super::grammar::pick;
use super::meaning::{Meaning, Sense, meanings};
use super::own::OwnMeanings;
use super::place::Place;
use crate::synth::Kind;

/// A meaning that can be learned: a bundled one or the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name; for a fault the class of its boxes.
    pub key: String,
    /// How it relates to a difference.
    pub sense: Sense,
    /// Of a requirement: the key of the fault that violates it.
    pub violated_by: Option<String>,
    words: Words,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Words {
    Bundled(&'static Meaning),
    Own(Vec<String>),
}

impl Topic {
    pub(super) fn own(
        key: &str,
        (sense, violated_by): (Sense, Option<&str>),
        phrasings: &[String],
    ) -> Self {
        Self {
            key: key.to_owned(),
            sense,
            violated_by: violated_by.map(str::to_owned),
            words: Words::Own(phrasings.to_vec()),
        }
    }

    /// All phrasings without places, in a fixed order.
    pub fn phrasings(&self) -> Vec<String> {
        match &self.words {
            Words::Bundled(meaning) => meaning.phrasings(),
            Words::Own(phrasings) => phrasings.clone(),
        }
    }

    /// A random phrasing; the bundled ones name the place in some cases.
    pub fn sentence<R: Rng + ?Sized>(&self, place: Option<Place>, random: &mut R) -> String {
        match &self.words {
            Words::Bundled(meaning) => meaning.sentence(place, random),
            Words::Own(phrasings) => pick(phrasings, random).cloned().unwrap_or_default(),
        }
    }
}

/// What is bundled about a product by its name: one kind, or none for a word of the user's own.
///
/// # Errors
/// [`Error::Product`]: no word, or one that nothing is bundled or told about.
pub fn products(name: &str, own: &OwnMeanings) -> Result<Vec<Kind>, Error> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let wrong =
        |reason: &str| Err(Error::Product { product: name.to_owned(), reason: reason.to_owned() });
    if name.is_empty() || !name.chars().all(is_plain) {
        return wrong("expected one word of letters, digits and hyphens");
    }
    let known = [Kind::Board, Kind::Label, Kind::Cap];
    let found: Vec<Kind> = known.into_iter().filter(|kind| kind.name() == name).collect();
    if found.is_empty() && own.phrasings().next().is_none() {
        return wrong(
            "known are board, label and cap; for a product of your own say what its faults look like \
             with --class or --meanings",
        );
    }
    Ok(found)
}

/// What can be said of some products, each meaning once; the user's own come first and replace
/// bundled ones of the same key.
pub fn topics(products: &[Kind], own: &OwnMeanings) -> Vec<Topic> {
    let mut topics = own.topics();
    for meaning in products.iter().flat_map(|product| meanings(*product)) {
        if topics.iter().all(|topic| topic.key != meaning.key) {
            topics.push(Topic {
                key: meaning.key.to_owned(),
                sense: meaning.sense,
                violated_by: meaning.violated_by.map(str::to_owned),
                words: Words::Bundled(meaning),
            });
        }
    }
    topics
}

/// What is said of a single frame with a fault.
pub(crate) fn caption(product: &str, fault: &str) -> String {
    format!("a frame of a {product}: {fault}")
}

/// What is said of a single frame without one.
pub(crate) fn sound_captions(product: &str) -> Vec<String> {
    ["without faults", "as it should be", "in order"]
        .map(|state| format!("a frame of a {product}, {state}"))
        .to_vec()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn own_meanings_replace_bundled_ones_of_their_key() {
        let mut own = OwnMeanings::default();
        own.add_class("open=it is cut").unwrap();
        own.add_class("warped=it is warped").unwrap();
        let topics = topics(&[Kind::Board, Kind::Label], &own);
        let of = |key: &str| topics.iter().filter(|topic| topic.key == key).collect::<Vec<_>>();
        assert_eq!(of("open").len(), 1);
        assert_eq!(of("open")[0].phrasings(), ["it is cut"]);
        assert_eq!(of("warped")[0].sense, Sense::Fault);
        assert_eq!(of("brighter").len(), 1, "said of both products, listed once");
        assert!(of("scratch").is_empty(), "a cap's");
    }

    #[test]
    fn products_are_bundled_or_told_about_and_one_word() {
        let mut own = OwnMeanings::default();
        assert_eq!(products("cap", &own).unwrap(), [Kind::Cap]);
        let message = products("bord", &own).unwrap_err().to_string();
        assert!(message.contains("\"bord\"") && message.contains("--class"), "{message}");
        own.add_class("warped=it is warped").unwrap();
        assert_eq!(products("cover", &own).unwrap(), []);
        for wrong in ["", "a/b", "my cover"] {
            assert!(products(wrong, &own).unwrap_err().to_string().contains("one word"), "{wrong}");
        }
    }
}
