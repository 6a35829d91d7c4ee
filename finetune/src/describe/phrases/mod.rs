//! The words of every meaning, one table for each product and one for what is allowed.
//!
//! Patterns are those of [`super::grammar`]: braces hold alternatives or the name of a group. No
//! pattern names a place, because crops are flipped.

mod allowed;
mod board;
mod cap;
mod label;

use super::meaning::{Meaning, Sense};
use crate::synth::Kind;

/// All meanings.
pub(super) const TABLES: [&[Meaning]; 4] =
    [board::MEANINGS, label::MEANINGS, cap::MEANINGS, allowed::MEANINGS];

const fn fault(product: Kind, key: &'static str, patterns: &'static [&'static str]) -> Meaning {
    Meaning { key, product: Some(product), sense: Sense::Fault, violated_by: None, patterns }
}

/// A requirement, as key of itself and of the fault that violates it.
const fn requirement(
    product: Kind,
    (key, fault): (&'static str, &'static str),
    patterns: &'static [&'static str],
) -> Meaning {
    let violated_by = Some(fault);
    Meaning { key, product: Some(product), sense: Sense::Requirement, violated_by, patterns }
}

const fn allowed(key: &'static str, patterns: &'static [&'static str]) -> Meaning {
    Meaning { key, product: None, sense: Sense::Allowed, violated_by: None, patterns }
}
