use std::path::PathBuf;

use clap::Args;
use pairspec::calibrate::{self, Beside, Evaluation, FittedThresholds, Tile};
use serde::Serialize;

use super::CONFORMING;
use super::common::print;
use super::plots::save_plots;
use super::study::{Study, StudyArguments, fitted};

/// Say what the recipe's thresholds reach on labelled pairs, which should be others than they were
/// set with
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    study: StudyArguments,
    /// CSV with labelled tiles (pair_id,x0,y0,label,classes), judged by the boxes centred in them
    #[arg(long, value_name = "FILE")]
    tiles: Option<PathBuf>,
    /// Edge length of the tiles in pixels [default: the number in the file's name, else 224]
    #[arg(long, value_name = "PX", requires = "tiles")]
    tile_size: Option<u32>,
    /// Write every judged region with every sentence above 0.01, before any threshold
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Write ROC and histogram as PNG into this folder
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures<'a> {
    unit: &'a str,
    pairs: usize,
    pairs_not_inspected: usize,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    #[serde(flatten)]
    beside: &'a Beside,
}

/// Measures the pairs, counts and prints.
///
/// Without thresholds every sentence counts as not armed; ranks (AUROC, mAP) are reported all the
/// same, since they need none.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let tiles: Vec<Tile> = match &arguments.tiles {
        Some(path) => calibrate::read_tiles(path, arguments.tile_size)?,
        None => Vec::new(),
    };
    let inspector = arguments.study.recipe.open()?;
    let study = Study::run(&arguments.study, &inspector, &tiles)?;
    study.warn_of_not_inspected();
    let thresholds = match inspector.thresholds() {
        Ok(thresholds) => fitted(thresholds, &study.spec_ids),
        Err(reason) => {
            log::warn!("{reason}; no sentence is armed here");
            unarmed(&study.spec_ids)
        }
    };
    let evaluation = calibrate::evaluate(&study.samples, &study.unjudged, &thresholds)?;
    let beside = study.beside(&thresholds, &tiles_of_study(&study, tiles))?;
    if let Some(path) = &arguments.predictions {
        study.save_predictions(path)?;
    }
    if let Some(folder) = &arguments.plots {
        save_plots(folder, &study, &thresholds, &evaluation.totals)?;
    }
    let text = if arguments.json {
        let (unit, pairs) = (study.unit, study.pairs);
        let pairs_not_inspected = study.not_inspected.len();
        let (evaluation, beside) = (&evaluation, &beside);
        let figures = Figures { unit, pairs, pairs_not_inspected, evaluation, beside };
        serde_json::to_string(&figures)? + "\n"
    } else {
        evaluation.render(study.unit, &beside)
    };
    print(|out| out.write_all(text.as_bytes()))?;
    Ok(CONFORMING)
}

/// Tiles of pairs that were not asked for are no concern of this study.
fn tiles_of_study(study: &Study, tiles: Vec<Tile>) -> Vec<Tile> {
    let asked = |tile: &Tile| study.asked.contains(&tile.pair_id);
    tiles.into_iter().filter(asked).collect()
}

fn unarmed(spec_ids: &[String]) -> FittedThresholds {
    let specs = spec_ids.iter().map(|id| (id.clone(), None)).collect();
    FittedThresholds { specs, unexplained: None }
}
