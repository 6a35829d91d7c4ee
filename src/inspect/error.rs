use crate::{clip, recipe, spec};

/// Why a recipe cannot be put to work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The recipe or its thresholds.
    #[error(transparent)]
    Recipe(#[from] recipe::Error),
    /// The bundle or its towers.
    #[error(transparent)]
    Model(#[from] clip::Error),
    /// The sheet or its cache.
    #[error(transparent)]
    Spec(#[from] spec::Error),
    /// No bundle is named.
    #[error("recipe {name:?} names no bundle; add `bundle = \"...\"` or give --model")]
    NoBundle {
        /// The recipe's name.
        name: String,
    },
    /// The cache holds vectors of another length than the image tower makes.
    #[error(
        "{cache}: vectors of {found} values, the image tower makes {expected}; run `pairspec specs embed` again"
    )]
    Dimension {
        /// The cache file.
        cache: String,
        /// Values per cached vector.
        found: usize,
        /// Values per image embedding.
        expected: usize,
    },
}
