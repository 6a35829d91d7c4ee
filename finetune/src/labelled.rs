//! What a pair of a manifest is labelled with: the rules that sentences and crops share.

use pairspec::frame::Rect;
use pairspec::manifest::{Label, Pair};

/// What the label and the boxes of a pair say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Labelled<'a> {
    /// Nobody labelled it.
    Nothing,
    /// Nothing is wrong anywhere in it.
    Conforming,
    /// Faults of which nobody said where they are.
    Somewhere(Vec<&'a str>),
    /// A fault in each box.
    Boxed(Vec<(&'a str, Rect)>),
    /// Conforming, and with so many boxes.
    Contradiction(usize),
}

impl<'a> Labelled<'a> {
    /// A column of boxes that has none for a pair without a label says that nothing is wrong.
    pub(crate) fn of(pair: &'a Pair) -> Self {
        let boxes = pair.boxes.as_deref();
        match (&pair.label, boxes.unwrap_or_default()) {
            (None, []) if boxes.is_none() => Self::Nothing,
            (Some(Label::Conforming), boxes @ [_, ..]) => Self::Contradiction(boxes.len()),
            (Some(Label::Faults(faults)), []) => {
                Self::Somewhere(faults.iter().map(String::as_str).collect())
            }
            (_, []) => Self::Conforming,
            (_, boxes) => {
                Self::Boxed(boxes.iter().map(|one| (one.class.as_str(), one.rect)).collect())
            }
        }
    }
}
