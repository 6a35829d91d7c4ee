//! Decision limits from labelled evidence, and honest figures on what they reach.
//!
//! Owns threshold calibration (limits fitted on some units and reported on others), evaluation of
//! given limits, the metrics of both (AUROC, exact bounds, box and tile measures, the attribute
//! study that an acceptance asks for) and the plain pixel difference to compare with.
//!
//! It does not judge pairs, and does not train anything.

mod acceptance;
mod auroc;
mod baseline;
mod best_f;
mod bootstrap;
mod calibration;
mod cross_validation;
mod curve;
mod detection;
mod error;
mod evaluation;
mod figures;
mod fit;
mod folds;
mod named;
mod predictions;
mod proportion;
mod render;
mod sample;
mod search;
#[cfg(test)]
mod simulated;
mod table;
mod thresholds;
mod tiles;
mod units;

pub use acceptance::{Acceptance, Assessed, Grade};
pub use auroc::{Auroc, Scored};
pub use baseline::{DIFFERENCE, PixelDifference};
pub use bootstrap::Interval;
pub use calibration::{Calibration, FoldFigures};
pub use cross_validation::{Plan, calibrate};
pub use curve::{Histogram, RocPoint, quantile, roc};
pub use detection::{
    Agreement, BestAgreement, ClassDetection, DEEPPCB_IOU, Detection, Prediction, TruthBox, detect,
};
pub use error::Error;
pub use evaluation::{Evaluation, evaluate};
pub use figures::{SpecFigures, Totals, overall_scores, scored_by};
pub use fit::spec_scores;
pub use predictions::{PredictionRow, read_predictions, write_predictions};
pub use proportion::{Proportion, excluded_rate};
pub use render::Beside;
pub use sample::{Sample, Truth, Unjudged};
pub use thresholds::{Arming, Decision, FittedThresholds, Target, Unexplained};
pub use tiles::{TILE_SIZE, Tile, TileFigures, TileLabel, judge_tiles, read_tiles};
pub use units::{JudgedUnit, RegionLabel, Units, pair_units, region_units, truth_boxes, unjudged};
