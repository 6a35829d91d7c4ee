use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::common::print;
use super::outputs::Inputs;
use super::plots::{plot_places, save_plots};
use super::study::{Study, StudyArguments, violable_ids};
use super::{CONFORMING, seen};
use crate::calibrate::{self, Arming, Calibration, Plan, Target};
use crate::files;
use crate::inspect::Inspector;
use crate::manifest::Pair;
use crate::recipe::ThresholdFile;
use crate::verdict::{Thresholds, UnexplainedLimits};

/// Set thresholds from labelled pairs, and say what they reach on pairs they were not fitted to
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    study: StudyArguments,
    /// Reject at most this share of conforming units
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, conflicts_with = "max_miss")]
    max_false_reject: f64,
    /// Pass at most this share of faulty units
    #[arg(long, value_name = "SHARE")]
    max_miss: Option<f64>,
    /// The limits with the best F instead: for faults that are found, named and counted, where a wrong
    /// call costs as much as a missed one
    #[arg(long, conflicts_with_all = ["max_miss", "max_false_reject"])]
    best_f: bool,
    /// Divide the groups into this many folds [default: one for each group]
    #[arg(long, value_name = "N")]
    folds: Option<usize>,
    /// Never call a difference a mismatch because no sentence explains it
    #[arg(long)]
    no_unexplained: bool,
    /// The threshold file to write [default: the recipe's]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write ROC and histogram as PNG into this folder [default: beside the threshold file]
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

/// Measures the pairs, fits, prints the figures and writes the plots, then the threshold file if
/// its limits can be used.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let inspector = arguments.study.recipe.open()?;
    let path = arguments.out.as_ref().unwrap_or(&inspector.recipe().thresholds_path);
    let folder = arguments.plots.as_deref().or(path.parent()).unwrap_or(Path::new("."));
    let pairs = arguments.study.labelled_pairs()?;
    arguments.check_outputs((path, folder), &inspector, &pairs)?;
    let mut seen = toml::Table::new();
    seen::note(&mut seen, &pairs);
    let study = Study::run(&arguments.study, &inspector, (pairs, &[]))?;
    study.warn_of_not_inspected();
    study.check_any_inspected()?;
    let target = match arguments.max_miss {
        _ if arguments.best_f => Target::BestF,
        Some(share) => Target::MaxMiss(share),
        None => Target::MaxFalseReject(arguments.max_false_reject),
    };
    let plan = Plan { target, folds: arguments.folds, unexplained: !arguments.no_unexplained };
    let calibration =
        calibrate::calibrate(&study.samples, &study.unjudged, &study.spec_ids, &plan)?;
    let beside = study.beside(&calibration.thresholds(), &[])?;
    let text = calibration.render(study.unit, &beside);
    print(|out| out.write_all(text.as_bytes()))?;
    let plots = save_plots(folder, &study, &calibration.thresholds(), &calibration.totals)?;
    print(|out| {
        writeln!(out)?;
        plots.iter().try_for_each(|plot| writeln!(out, "plot: {}", plot.display()))
    })?;
    save(path, &inspector, (&calibration, seen))?;
    print(|out| writeln!(out, "thresholds: {}", path.display()))?;
    Ok(CONFORMING)
}

impl Arguments {
    /// A run takes minutes: that its outcome cannot be written is said before.
    fn check_outputs(
        &self,
        (path, plots): (&Path, &Path),
        inspector: &Inspector,
        pairs: &[Pair],
    ) -> anyhow::Result<()> {
        let recipe = inspector.recipe();
        let inputs = Inputs::new([&self.study.manifest]).with_frames(pairs);
        let inputs = inputs.with_recipe(&self.study.recipe, recipe)?;
        inputs.check(path)?;
        ThresholdFile::check_place(path)?;
        files::check_writable(path)?;
        let inputs = inputs.with(&recipe.thresholds_path);
        plot_places(plots, &violable_ids(inspector)).iter().try_for_each(|it| {
            inputs.check(it)?;
            Ok(files::check_writable(it)?)
        })
    }
}

fn save(
    path: &Path,
    inspector: &Inspector,
    (calibration, seen): (&Calibration, toml::Table),
) -> anyhow::Result<()> {
    let thresholds = thresholds_of(calibration);
    let violable = calibration.specs.iter().map(|spec| spec.id.as_str());
    thresholds.validate(violable).with_context(|| {
        format!("{} is left as it was: these limits cannot be used", path.display())
    })?;
    let mut evidence: toml::Table =
        calibration.to_toml()?.parse().context("the figures of the calibration")?;
    evidence.extend(seen);
    let file = ThresholdFile::new(inspector.made_with().clone(), thresholds, evidence);
    Ok(file.save(path)?)
}

fn thresholds_of(calibration: &Calibration) -> Thresholds {
    let mut thresholds = Thresholds::default();
    for spec in &calibration.specs {
        match &spec.arming {
            Arming::Armed(limit) => {
                thresholds.armed.insert(spec.id.clone(), *limit);
            }
            Arming::Unarmed(reason) => {
                thresholds.unarmed.insert(spec.id.clone(), reason.clone());
            }
        }
    }
    thresholds.unexplained = calibration
        .unexplained
        .map(|limits| UnexplainedLimits { size: limits.min_size, cosine: limits.max_cosine });
    thresholds
}
