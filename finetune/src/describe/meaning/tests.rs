use std::collections::{BTreeMap, BTreeSet};
use std::iter::once;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::*;
use crate::synth::{BoardFault, CapFault, LabelFault};

/// Fewest phrasings of a fault, a requirement, something allowed.
const FEWEST: [(Sense, usize); 3] =
    [(Sense::Fault, 24), (Sense::Requirement, 12), (Sense::Allowed, 8)];
/// Most of any meaning: more would only repeat the same words.
const MOST: usize = 1500;
/// Words without a meaning of their own.
const FILLING: [&str; 34] = [
    "^", "$", "a", "all", "an", "and", "any", "are", "as", "at", "be", "by", "does", "from", "has",
    "have", "in", "is", "it", "its", "not", "of", "on", "one", "or", "so", "some", "that", "the",
    "to", "two", "was", "where", "with",
];

const KINDS: [Kind; 3] = [Kind::Board, Kind::Label, Kind::Cap];

fn board_classes() -> Vec<&'static str> {
    BoardFault::ALL.map(BoardFault::class).to_vec()
}

#[test]
fn faults_are_the_classes_of_the_renderer_and_each_violates_one_requirement() {
    let label = LabelFault::ALL.map(LabelFault::class).to_vec();
    let cap = CapFault::ALL.map(CapFault::class).to_vec();
    let classes = [board_classes(), label, cap];
    for (kind, classes) in KINDS.into_iter().zip(classes) {
        let of = |sense| meanings(kind).filter(move |meaning| meaning.sense == sense);
        assert_eq!(of(Sense::Fault).map(|fault| fault.key).collect::<Vec<_>>(), classes);
        let violated: Vec<_> = of(Sense::Requirement).map(|it| it.violated_by.unwrap()).collect();
        assert_eq!(violated, classes);
        for class in classes {
            assert_eq!(find(class).unwrap().product, Some(kind));
            assert_eq!(requirement_of(class).unwrap().product, Some(kind));
        }
        assert!(of(Sense::Allowed).count() >= 8);
    }
    assert!(find("warped").is_none() && requirement_of("requires-part").is_none());
}

#[test]
fn every_key_stands_once_and_has_phrasings_enough() {
    let mut keys = BTreeSet::new();
    for meaning in all() {
        assert!(keys.insert(meaning.key), "{} twice", meaning.key);
        let fewest = FEWEST.iter().find(|(sense, _)| *sense == meaning.sense).unwrap().1;
        let count = meaning.phrasings().len();
        assert!((fewest..=MOST).contains(&count), "{}: {count} phrasings", meaning.key);
    }
}

#[test]
fn phrasings_are_plain_lower_case_sentences() {
    for meaning in all() {
        for text in meaning.phrasings() {
            let plain = |c: char| c.is_ascii_lowercase() || " ,-".contains(c);
            assert!(text.chars().all(plain), "{text:?}");
            assert!(text == text.trim() && !text.contains("  "), "{text:?}");
            let doubled = split(&text).zip(split(&text).skip(1)).find(|(one, two)| one == two);
            assert_eq!(doubled, None, "{text:?}");
        }
    }
}

#[test]
fn no_two_meanings_share_a_sentence() {
    let mut said_by: BTreeMap<String, &str> = BTreeMap::new();
    for meaning in all() {
        for text in meaning.phrasings() {
            let other = said_by.insert(text.clone(), meaning.key);
            assert_eq!(other, None, "{text:?} says {} too", meaning.key);
        }
    }
}

/// Words, pairs and triples of adjacent words, both ends counted as words, those of filling words
/// alone left out.
fn marks(text: &str) -> BTreeSet<String> {
    let words: Vec<&str> = once("^").chain(split(text)).chain(once("$")).collect();
    let runs = (1..=3).flat_map(|length| words.windows(length));
    let telling = runs.filter(|run| run.iter().any(|word| !FILLING.contains(word)));
    telling.map(|run| run.join(" ")).collect()
}

/// A fault and its requirement speak of the same thing.
fn family(meaning: &Meaning) -> &'static str {
    meaning.violated_by.unwrap_or(meaning.key)
}

#[test]
fn every_phrasing_holds_words_that_nothing_else_said_of_the_product_uses() {
    for kind in KINDS {
        let mut users: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for meaning in meanings(kind) {
            for mark in meaning.phrasings().iter().flat_map(|text| marks(text)) {
                users.entry(mark).or_default().insert(family(meaning));
            }
        }
        let own = |text: &str| marks(text).iter().any(|mark| users[mark].len() == 1);
        for meaning in meanings(kind) {
            let common: Vec<_> =
                meaning.phrasings().into_iter().filter(|text| !own(text)).collect();
            assert!(common.is_empty(), "{}: {common:#?}", meaning.key);
        }
    }
}

#[test]
fn no_phrasing_names_a_place() {
    let places = ["left", "right", "top", "bottom", "upper", "lower", "middle", "corner"];
    // Sides of a word that mean something else.
    let allowed = [
        "left out",
        "was left",
        "been left",
        "right one",
        "is right",
        "are right",
        "top face",
        "is lower",
        "lower contrast",
    ];
    for meaning in all() {
        for mut text in meaning.phrasings() {
            allowed.iter().for_each(|phrase| text = text.replace(phrase, ""));
            if meaning.key.starts_with("requires-right") {
                text = text.replace("right", "");
            }
            assert!(split(&text).all(|word| !places.contains(&word)), "{}: {text:?}", meaning.key);
        }
    }
}

#[test]
fn sentences_are_phrasings_with_or_without_place_and_stop() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let place = Place { column: Column::Right, row: Row::Top };
    let words: BTreeSet<String> =
        place.patterns().iter().flat_map(|pattern| expand(pattern)).collect();
    let meaning = find("open").unwrap();
    let phrasings: BTreeSet<String> = meaning.phrasings().into_iter().collect();
    let (mut placed, mut leading, mut stopped) = (0, 0, 0);
    for _ in 0..1000 {
        let sentence = meaning.sentence(Some(place), &mut random);
        let text = sentence.trim_end_matches('.');
        stopped += usize::from(text != sentence);
        let found = words.iter().find_map(|words| {
            let after = text.strip_suffix(words.as_str()).and_then(|it| it.strip_suffix(' '));
            let before = text.strip_prefix(words.as_str()).and_then(|it| it.strip_prefix(", "));
            leading += usize::from(before.is_some());
            after.or(before)
        });
        placed += usize::from(found.is_some());
        assert!(phrasings.contains(found.unwrap_or(text)), "{sentence:?}");
    }
    assert!((250..420).contains(&placed), "{placed}");
    assert!((50..130).contains(&leading), "{leading}");
    assert!((80..180).contains(&stopped), "{stopped}");
}

#[test]
fn what_is_allowed_and_what_has_no_place_names_none() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let place = Some(Place { column: Column::Left, row: Row::Top });
    for (key, place) in [("brighter", place), ("open", None)] {
        let meaning = find(key).unwrap();
        let phrasings = meaning.phrasings();
        for _ in 0..300 {
            let sentence = meaning.sentence(place, &mut random);
            assert!(phrasings.contains(&sentence.trim_end_matches('.').to_owned()), "{sentence}");
        }
    }
}

#[test]
fn one_seed_says_the_same() {
    let say = || {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        all().map(|it| it.sentence(None, &mut random)).collect::<Vec<_>>()
    };
    assert_eq!(say(), say());
}

#[test]
fn the_words_of_an_ordinary_spec_sheet_are_known() {
    let known = words();
    assert!(words().len() > 300);
    for sentence in [
        "open trace",
        "the copper line is interrupted",
        "there is a gap in the trace that was not there before",
        "two traces are shorted together",
        "copper bridge between two traces",
        "a bite is missing from the edge of the trace",
        "a spur sticks out of the conductor",
        "there is unwanted copper between the tracks",
        "a small hole in the pad",
        "all traces are continuous",
        "label print is missing",
        "the printed mark is present",
        "the text on the label is smeared",
        "the barcode is wrong",
        "the print is shifted to the left",
        "the cap is missing",
        "the gasket is not seated",
        "there is a scratch on the surface",
        "a hair lies on the part",
        "the picture is brighter",
        "the part is shifted slightly",
    ] {
        for word in split(sentence) {
            assert!(known.contains(word), "{word:?} of {sentence:?}");
        }
    }
    assert!(find("copper").unwrap().phrasings().contains(&"spurious copper".to_owned()));
}
