use std::collections::BTreeSet;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::grammar::{choose, expand, pick};
use super::phrases;
use super::place::{Column, Place, Row};
use crate::synth::Kind;

/// One sentence in so many ends with a full stop.
const STOPS: u32 = 8;
/// Where a place is named, one sentence in so many begins with it.
const LEADING: u32 = 4;
/// Of the sentences that may name a place, one in so many does.
const PLACED: u32 = 3;

/// How a sentence relates to the difference of test and reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sense {
    /// The test frame moved toward it, and that is bad.
    Fault,
    /// It holds without the fault: a faulty test frame moved away from it.
    Requirement,
    /// The test frame moved toward it, and that is no fault.
    Allowed,
}

impl Sense {
    /// Which way a described difference points along its sentence: 1 toward it, -1 away from it.
    pub const fn sign(self) -> f32 {
        match self {
            Self::Fault | Self::Allowed => 1.0,
            Self::Requirement => -1.0,
        }
    }
}

/// What a difference sentence says, whatever its words.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Meaning {
    /// Its name; for a fault the class of its boxes.
    pub key: &'static str,
    /// The product that it is about; none when it is said of every product.
    pub product: Option<Kind>,
    /// How it relates to a difference.
    pub sense: Sense,
    /// Of a requirement: the key of the fault that violates it.
    pub violated_by: Option<&'static str>,
    pub(super) patterns: &'static [&'static str],
}

impl Meaning {
    /// All phrasings without places, each once, in a fixed order; ASCII, lower case, no full stop.
    pub fn phrasings(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let all = self.patterns.iter().flat_map(|pattern| expand(pattern));
        all.filter(|text| seen.insert(text.clone())).collect()
    }

    /// A random phrasing, in some cases with the words for a place, in some with a full stop.
    ///
    /// What is allowed happens to the whole frame, so that its place is never named.
    pub fn sentence<R: Rng + ?Sized>(&self, place: Option<Place>, random: &mut R) -> String {
        let text = pick(self.patterns, random).map(|pattern| choose(pattern, random));
        let mut text = text.unwrap_or_default();
        let place = place.filter(|_| self.sense != Sense::Allowed);
        if let Some(place) = place.filter(|_| random.random_ratio(1, PLACED)) {
            let words = pick(place.patterns(), random).map(|pattern| choose(pattern, random));
            let words = words.unwrap_or_default();
            text = if random.random_ratio(1, LEADING) {
                format!("{words}, {text}")
            } else {
                format!("{text} {words}")
            };
        }
        if random.random_ratio(1, STOPS) {
            text.push('.');
        }
        text
    }
}

/// What can be said of a product: its faults, their requirements, what is allowed.
pub fn meanings(product: Kind) -> impl Iterator<Item = &'static Meaning> {
    all().filter(move |meaning| meaning.product.is_none_or(|of| of == product))
}

/// The meaning with this key.
pub fn find(key: &str) -> Option<&'static Meaning> {
    all().find(|meaning| meaning.key == key)
}

/// The requirement that a fault violates, by the key of the fault.
pub fn requirement_of(fault: &str) -> Option<&'static Meaning> {
    all().find(|meaning| meaning.violated_by == Some(fault))
}

/// Every word that a sentence can have, sorted; without full stops and commas.
pub fn words() -> BTreeSet<String> {
    let places = [Column::Left, Column::Centre, Column::Right].into_iter().flat_map(|column| {
        [Row::Top, Row::Middle, Row::Bottom].map(|row| Place { column, row }.patterns())
    });
    let patterns = all().map(|meaning| meaning.patterns).chain(places).flatten();
    let texts = patterns.flat_map(|pattern| expand(pattern));
    texts.flat_map(|text| split(&text).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The words of a sentence.
pub(super) fn split(sentence: &str) -> impl Iterator<Item = &str> {
    sentence.split([' ', ',', '.']).filter(|word| !word.is_empty())
}

fn all() -> impl Iterator<Item = &'static Meaning> {
    phrases::TABLES.into_iter().flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
