use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;
use serde::Serialize;

use super::common::{counted, print};
use super::outputs::Inputs;
use super::plots::{plot_places, save_plots};
use super::study::{Study, StudyArguments, fitted, violable_ids};
use super::{CONFORMING, seen};
use crate::calibrate::{self, Beside, Evaluation, FittedThresholds, Tile};
use crate::inspect::Inspector;
use crate::manifest::Pair;

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
    let (pairs, tiles) = match &arguments.tiles {
        // Tiles are labels of their own.
        Some(path) => arguments.study.pairs().and_then(|pairs| {
            let tiles = tiles_of(&pairs, path, arguments.tile_size)?;
            Ok((pairs, tiles))
        })?,
        None => (arguments.study.labelled_pairs()?, Vec::new()),
    };
    let inspector = arguments.study.recipe.open()?;
    arguments.check_outputs(&inspector, &pairs)?;
    if let Some(warning) = seen::warning(inspector.recipe(), &pairs) {
        log::warn!("{warning}");
    }
    let study = Study::run(&arguments.study, &inspector, (pairs, &tiles))?;
    study.warn_of_not_inspected();
    let thresholds = match inspector.thresholds() {
        Ok(thresholds) => fitted(thresholds, &study.spec_ids),
        Err(reason) => {
            log::warn!("{reason}; no sentence is armed here");
            unarmed(&study.spec_ids)
        }
    };
    let evaluation = calibrate::evaluate(&study.samples, &study.unjudged, &thresholds)?;
    let beside = study.beside(&thresholds, &tiles)?;
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

impl Arguments {
    fn check_outputs(&self, inspector: &Inspector, pairs: &[Pair]) -> anyhow::Result<()> {
        let recipe = inspector.recipe();
        let inputs = Inputs::new([&self.study.manifest, &recipe.thresholds_path]);
        let inputs = inputs.with_frames(pairs).with_recipe(&self.study.recipe, recipe)?;
        let inputs = self.tiles.iter().fold(inputs, Inputs::with);
        let plots = self.plots.iter().flat_map(|it| plot_places(it, &violable_ids(inspector)));
        plots.chain(self.predictions.clone()).try_for_each(|output| inputs.check(&output))
    }
}

/// The tiles of these pairs: those of pairs that were not asked for are no concern of this study.
fn tiles_of(pairs: &[Pair], path: &Path, size: Option<u32>) -> anyhow::Result<Vec<Tile>> {
    let asked: HashSet<&str> = pairs.iter().map(|pair| pair.id.as_str()).collect();
    let mut tiles = calibrate::read_tiles(path, size)?;
    let all = tiles.len();
    tiles.retain(|tile| asked.contains(tile.pair_id.as_str()));
    ensure!(
        !tiles.is_empty(),
        "{}: none of {} has a pair_id of the pairs to evaluate; is it of another set?",
        path.display(),
        counted(all, "tile")
    );
    Ok(tiles)
}

fn unarmed(spec_ids: &[String]) -> FittedThresholds {
    let specs = spec_ids.iter().map(|id| (id.clone(), None)).collect();
    FittedThresholds { specs, unexplained: None }
}
