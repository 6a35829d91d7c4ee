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
    /// The vision file failed a gate.
    #[error(
        "{path}: failed its gate: {gate} is {value:.4}, the limit is {limit}; quantize again, use \
         --precision fp32, or allow it with --allow-failed-gate"
    )]
    Gate {
        /// The vision file.
        path: String,
        /// What was measured.
        gate: String,
        /// The value found.
        value: f64,
        /// The limit.
        limit: f64,
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
