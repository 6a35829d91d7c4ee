use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::common::{GoldenFrames, RecipeArguments, decode, progress};
use super::labels;
use super::parallel::in_order;
use crate::calibrate::{
    self, Auroc, Beside, DEEPPCB_IOU, DIFFERENCE, FittedThresholds, PixelDifference, Prediction,
    PredictionRow, Sample, Scored, Tile, TruthBox, Units, Unjudged,
};
use crate::frame::{Frame, Rect};
use crate::inspect::{Inspector, Measurement, NotInspected};
use crate::manifest::{self, Pair};
use crate::spec::Kind;
use crate::verdict::Thresholds;

/// A sentence below this confidence is no prediction.
const LEAST_CONFIDENCE: f32 = 0.01;

/// Labelled pairs and the recipe that judges them.
#[derive(Debug, Args)]
pub(crate) struct StudyArguments {
    /// CSV with pair_id,ref_path,test_path and labels: group, label, boxes
    pub(crate) manifest: PathBuf,
    #[command(flatten)]
    pub(crate) recipe: RecipeArguments,
    /// What is counted [default: region when the manifest has boxes]
    #[arg(long)]
    unit: Option<UnitName>,
    /// Only pairs of these groups, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "GROUP,...")]
    groups: Vec<String>,
    /// All pairs but those of these groups
    #[arg(long, value_delimiter = ',', value_name = "GROUP,...", conflicts_with = "groups")]
    without_groups: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnitName {
    Pair,
    Region,
}

/// Labelled pairs as measured: what calibration and evaluation count.
#[derive(Default)]
pub(crate) struct Study {
    /// Ids of the sentences that can be violated, in the order of all confidences.
    pub(crate) spec_ids: Vec<String>,
    /// For each whether it is a fault, of which a region has one; not a requirement.
    competing: Vec<bool>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) unjudged: Vec<Unjudged>,
    /// Reason by pair id.
    pub(crate) not_inspected: Vec<(String, NotInspected)>,
    pub(crate) rows: Vec<PredictionRow>,
    pub(crate) predictions: Vec<Prediction>,
    pub(crate) truths: Vec<TruthBox>,
    /// Whether any pair has labelled boxes.
    pub(crate) has_boxes: bool,
    /// Each sample by the plain pixel difference after erosion; NaN where frames differ in size.
    pub(crate) baseline: Vec<f64>,
    /// Pixel difference by pair and tile.
    pub(crate) tile_baseline: HashMap<(usize, Rect), f64>,
    /// Pairs that were inspected, by id.
    pub(crate) inspected: HashMap<String, usize>,
    pub(crate) pairs: usize,
    /// Boxes that are not within their frame, with the pair's id.
    outside: Vec<String>,
    /// "region" or "pair".
    pub(crate) unit: &'static str,
}

/// What one pair adds.
struct Measured {
    units: Units,
    regions: Vec<(Rect, Vec<f32>)>,
    baseline: Vec<f64>,
    tiles: Vec<(Rect, f64)>,
    outside: Vec<String>,
}

impl StudyArguments {
    /// The pairs wanted; groups that are not in the manifest are an error, not an empty study.
    pub(crate) fn pairs(&self) -> anyhow::Result<Vec<Pair>> {
        let mut pairs = manifest::open(&self.manifest)?;
        for group in self.groups.iter().chain(&self.without_groups) {
            let known = pairs.iter().any(|pair| pair.group.as_ref() == Some(group));
            anyhow::ensure!(known, "{}: no pair of group {group:?}", self.manifest.display());
        }
        let listed = |pair: &Pair, list: &[String]| {
            pair.group.as_ref().is_some_and(|group| list.contains(group))
        };
        pairs.retain(|pair| {
            (self.groups.is_empty() || listed(pair, &self.groups))
                && !listed(pair, &self.without_groups)
        });
        anyhow::ensure!(!pairs.is_empty(), "{}: no pairs are left", self.manifest.display());
        Ok(pairs)
    }

    /// As [`Self::pairs`], where figures of pairs without any label would mean nothing.
    pub(crate) fn labelled_pairs(&self) -> anyhow::Result<Vec<Pair>> {
        let pairs = self.pairs()?;
        let manifest = self.manifest.display();
        labels::check_any(&pairs, self.is_by_region(&pairs))
            .with_context(|| manifest.to_string())?;
        Ok(pairs)
    }

    fn is_by_region(&self, pairs: &[Pair]) -> bool {
        match self.unit {
            Some(unit) => unit == UnitName::Region,
            None => pairs.iter().any(|pair| pair.boxes.is_some()),
        }
    }
}

impl Study {
    /// Measures every pair with all cores.
    pub(crate) fn run(
        arguments: &StudyArguments,
        inspector: &Inspector,
        (pairs, tiles): (Vec<Pair>, &[Tile]),
    ) -> anyhow::Result<Self> {
        let by_region = arguments.is_by_region(&pairs);
        let spec_ids = violable_ids(inspector);
        if let Some(warning) = labels::unknown(&pairs, &spec_ids, by_region) {
            log::warn!("{}: {warning}", arguments.manifest.display());
        }
        let violable = violable_indices(inspector);
        let mut tiles_of: HashMap<&str, Vec<Rect>> = HashMap::new();
        for tile in tiles {
            tiles_of.entry(&tile.pair_id).or_default().push(tile.rect);
        }
        let golden = &GoldenFrames::of(inspector.recipe());
        let (violable, spec_ids_ref) = (&violable, &spec_ids);
        let context = Measurer { inspector, golden, violable, spec_ids: spec_ids_ref, by_region };
        let numbered: Vec<(usize, &Pair)> = pairs.iter().enumerate().collect();
        let mut study = Self { spec_ids: spec_ids.clone(), pairs: pairs.len(), ..Self::default() };
        let specs = &inspector.recipe().sheet.specs;
        study.competing = violable.iter().map(|&spec| specs[spec].kind == Kind::Fault).collect();
        study.unit = if by_region { "region" } else { "pair" };
        study.has_boxes = pairs.iter().any(|pair| pair.boxes.is_some());
        let bar = progress(pairs.len(), "pairs");
        in_order(
            &numbered,
            |(index, pair)| context.measure(*index, pair, tiles_of.get(pair.id.as_str())),
            |index, measured| {
                bar.inc(1);
                study.add(index, &pairs[index], measured, by_region)
            },
        )?;
        bar.finish_and_clear();
        Ok(study)
    }

    fn add(
        &mut self,
        index: usize,
        pair: &Pair,
        measured: Result<Measured, NotInspected>,
        by_region: bool,
    ) -> anyhow::Result<()> {
        self.truths.extend(calibrate::truth_boxes(index, pair, &self.spec_ids));
        let measured = match measured {
            Ok(measured) => measured,
            Err(reason) => {
                self.unjudged.extend(calibrate::unjudged(index, pair, &self.spec_ids, by_region));
                self.not_inspected.push((pair.id.clone(), reason));
                return Ok(());
            }
        };
        self.outside.extend(measured.outside);
        self.inspected.insert(pair.id.clone(), index);
        self.baseline.extend(measured.baseline);
        self.samples.extend(measured.units.samples);
        for (region, (rect, confidences)) in measured.regions.iter().enumerate() {
            self.predict((index, pair), (region, *rect), confidences);
        }
        self.tile_baseline
            .extend(measured.tiles.into_iter().map(|(rect, score)| ((index, rect), score)));
        Ok(())
    }

    fn predict(
        &mut self,
        (index, pair): (usize, &Pair),
        (region, rect): (usize, Rect),
        confidences: &[f32],
    ) {
        for (class, &confidence) in confidences.iter().enumerate() {
            if confidence > LEAST_CONFIDENCE {
                let region = self.competing[class].then_some(region);
                self.predictions.push(Prediction { pair: index, rect, confidence, class, region });
                self.rows.push(PredictionRow {
                    pair_id: pair.id.clone(),
                    rect,
                    confidence,
                    spec: self.spec_ids[class].clone(),
                });
            }
        }
    }

    /// What stands beside the figures of decisions.
    pub(crate) fn beside(
        &self,
        thresholds: &FittedThresholds,
        tiles: &[Tile],
    ) -> anyhow::Result<Beside> {
        let mut beside =
            Beside { baseline: Auroc::of(&self.baseline_scores()?), ..Beside::default() };
        if self.has_boxes {
            let (predictions, truths) = (&self.predictions, &self.truths);
            beside.detections =
                vec![calibrate::detect(predictions, truths, thresholds, DEEPPCB_IOU)?];
        }
        if !tiles.is_empty() {
            let baseline = |pair: usize, rect: Rect| {
                self.tile_baseline.get(&(pair, rect)).copied().filter(|score| !score.is_nan())
            };
            let judged = (self.predictions.as_slice(), self.spec_ids.as_slice());
            let figures = calibrate::judge_tiles(tiles, &self.inspected, judged, Some(&baseline))?;
            beside.tiles = Some(figures);
        }
        Ok(beside)
    }

    /// The units by the plain pixel difference; none when any pair has frames of different sizes.
    pub(crate) fn baseline_scores(&self) -> anyhow::Result<Vec<Scored>> {
        if self.baseline.iter().any(|score| score.is_nan()) {
            log::warn!("frames of different sizes: no pixel difference to compare with");
            return Ok(Vec::new());
        }
        Ok(calibrate::scored_by(&self.samples, &self.baseline)?)
    }

    /// Warns of pairs that were not inspected and of boxes outside of their frames, by name as far as
    /// that can be read.
    pub(crate) fn warn_of_not_inspected(&self) {
        const SHOWN: usize = 10;
        for (pair, reason) in self.not_inspected.iter().take(SHOWN) {
            log::warn!("not inspected: {pair}: {reason}");
        }
        if self.not_inspected.len() > SHOWN {
            log::warn!("not inspected: {} more pairs", self.not_inspected.len() - SHOWN);
        }
        for labelled in self.outside.iter().take(SHOWN) {
            log::warn!("{labelled}");
        }
        if self.outside.len() > SHOWN {
            log::warn!("outside of their frames: {} more boxes", self.outside.len() - SHOWN);
        }
    }

    /// Refuses a study in which no pair could be inspected, with the first reason.
    pub(crate) fn check_any_inspected(&self) -> anyhow::Result<()> {
        match self.not_inspected.first() {
            Some((pair, reason)) if self.inspected.is_empty() => {
                let all = self.pairs;
                anyhow::bail!("none of {all} pairs was inspected; the first, {pair}: {reason}")
            }
            _ => Ok(()),
        }
    }

    /// Writes the predictions table.
    pub(crate) fn save_predictions(&self, path: &Path) -> anyhow::Result<()> {
        calibrate::write_predictions(path, &self.rows).context("the predictions")
    }
}

struct Measurer<'a> {
    inspector: &'a Inspector,
    golden: &'a GoldenFrames,
    violable: &'a [usize],
    spec_ids: &'a [String],
    by_region: bool,
}

impl Measurer<'_> {
    fn measure(
        &self,
        index: usize,
        pair: &Pair,
        tiles: Option<&Vec<Rect>>,
    ) -> Result<Measured, NotInspected> {
        let decoded = decode(self.golden, &pair.reference, &pair.test)?;
        let measurement = self.inspector.measure(&decoded.reference, &decoded.test)?;
        let judged = self.judged(&measurement);
        let units = if self.by_region {
            calibrate::region_units(index, pair, &judged, self.spec_ids)
        } else {
            calibrate::pair_units(index, pair, &judged, self.spec_ids)
        };
        let difference = difference(decoded.reference.frame(), &decoded.test);
        let count =
            |rect: &Rect| difference.as_ref().map_or(f64::NAN, |it| f64::from(it.count(*rect)));
        let baseline = units.places.iter().map(count).collect();
        let outside = labels::outside(pair, decoded.reference.frame());
        let tiles = tiles.into_iter().flatten().map(|rect| (*rect, count(rect))).collect();
        let regions = judged.into_iter().map(|judged| (judged.tight, judged.confidences)).collect();
        Ok(Measured { units, regions, baseline, tiles, outside })
    }

    fn judged(&self, measurement: &Measurement) -> Vec<calibrate::JudgedUnit> {
        let sentences = self.inspector.judge().sentences();
        let judged = |measured: &crate::inspect::MeasuredRegion| {
            let scores = &measured.scores.scores;
            let confidence =
                |&spec: &usize| scores.get(spec).copied().flatten().map_or(0.0, |it| it.confidence);
            calibrate::JudgedUnit {
                tight: measured.region.tight,
                confidences: self.violable.iter().map(confidence).collect(),
                size: measured.scores.size,
                best_cosine: measured.scores.best_cosine(sentences).unwrap_or(-1.0),
            }
        };
        measurement.regions.iter().map(judged).collect()
    }
}

/// The baseline needs no registration and has none; frames of other sizes have no baseline.
fn difference(reference: &Frame, test: &Frame) -> Option<PixelDifference> {
    PixelDifference::new(reference, test, DIFFERENCE, true).ok()
}

fn violable_indices(inspector: &Inspector) -> Vec<usize> {
    let specs = inspector.recipe().sheet.specs.iter().enumerate();
    specs.filter(|(_, spec)| spec.kind != Kind::Allowed).map(|(index, _)| index).collect()
}

/// Ids of the sentences that can be violated.
pub(crate) fn violable_ids(inspector: &Inspector) -> Vec<String> {
    let specs = &inspector.recipe().sheet.specs;
    violable_indices(inspector).into_iter().map(|spec| specs[spec].prompt.id.clone()).collect()
}

/// The limits in force as calibration counts them.
pub(crate) fn fitted(thresholds: &Thresholds, spec_ids: &[String]) -> FittedThresholds {
    FittedThresholds {
        specs: spec_ids.iter().map(|id| (id.clone(), thresholds.armed.get(id).copied())).collect(),
        unexplained: thresholds.unexplained.map(|limits| calibrate::Unexplained {
            min_size: limits.size,
            max_cosine: limits.cosine,
        }),
    }
}
