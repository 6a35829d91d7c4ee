use std::path::{Path, PathBuf};

use anyhow::Context;
use image::RgbImage;

use super::study::Study;
use crate::calibrate::{
    Auroc, FittedThresholds, Histogram, Scored, Totals, Truth, overall_scores, roc,
};
use crate::files;
use crate::report::{HistogramPlot, RocLine, RocPlot, png};

const BINS: usize = 40;
/// Confidences are shares.
const RANGE: (f64, f64) = (0.0, 1.0);

/// Writes the ROC of all sentences together with the plain pixel difference beside it, a histogram
/// of the highest confidence, and one for each sentence with its threshold.
pub(crate) fn save_plots(
    folder: &Path,
    study: &Study,
    thresholds: &FittedThresholds,
    totals: &Totals,
) -> anyhow::Result<Vec<PathBuf>> {
    let scored = overall_scores(&study.samples, thresholds);
    let mut saved = vec![save(folder, "roc.png", &roc_plot(study, &scored, totals)?)?];
    let overall = histogram(&scored, "highest confidence of any armed sentence", study.unit, None);
    saved.push(save(folder, "histogram.png", &overall)?);
    for (spec, (id, threshold)) in thresholds.specs.iter().enumerate() {
        let drawing = histogram(
            &of_spec(study, spec),
            &format!("confidence of {id}"),
            study.unit,
            threshold.map(f64::from),
        );
        saved.push(save(folder, &format!("histogram-{id}.png"), &drawing)?);
    }
    Ok(saved)
}

/// Where [`save_plots`] writes.
pub(crate) fn plot_places(folder: &Path, spec_ids: &[String]) -> Vec<PathBuf> {
    let all = ["roc.png", "histogram.png"].map(|name| folder.join(name));
    let each = spec_ids.iter().map(|id| folder.join(format!("histogram-{id}.png")));
    all.into_iter().chain(each).collect()
}

fn roc_plot(study: &Study, scored: &[Scored], totals: &Totals) -> anyhow::Result<RgbImage> {
    let line = |name: &str, scored: &[Scored]| {
        let points: Vec<(f64, f64)> =
            roc(scored).into_iter().map(|point| (point.false_rejects, point.found)).collect();
        let area = Auroc::of(scored).map_or("-".to_owned(), |area| format!("{:.4}", area.value));
        (format!("{name}, AUROC {area}"), points)
    };
    let baseline = study.baseline_scores()?;
    let mut lines = vec![line("sentences", scored)];
    if !baseline.is_empty() {
        lines.push(line("plain pixel difference", &baseline));
    }
    let lines: Vec<RocLine<'_>> =
        lines.iter().map(|(label, points)| RocLine { label, points }).collect();
    let faulty = scored.iter().filter(|unit| unit.bad).count();
    let plot = RocPlot {
        title: &format!("faults against conforming, by {}", study.unit),
        conforming: scored.len() - faulty,
        faulty,
        lines: &lines,
        operating_point: totals.operating_point().map(|point| (point.false_rejects, point.found)),
    };
    Ok(plot.draw())
}

fn histogram(scored: &[Scored], score: &str, unit: &str, threshold: Option<f64>) -> RgbImage {
    let counts = |bad: bool| {
        let side = scored.iter().filter(|unit| unit.bad == bad).map(|unit| unit.score);
        Histogram::of(side, RANGE, BINS).counts
    };
    let plot = HistogramPlot {
        title: &format!("{score}, by {unit}"),
        score,
        range: RANGE,
        conforming: &counts(false),
        faulty: &counts(true),
        threshold,
    };
    plot.draw()
}

/// The sentence's own faults against the conforming units.
fn of_spec(study: &Study, spec: usize) -> Vec<Scored> {
    let own = study
        .samples
        .iter()
        .filter(|sample| sample.truth == Truth::Conforming || sample.truth == Truth::Fault(spec));
    own.map(|sample| Scored {
        cluster: sample.pair,
        bad: sample.truth.is_fault(),
        score: sample.confidences.get(spec).copied().unwrap_or_default().into(),
    })
    .collect()
}

fn save(folder: &Path, name: &str, drawing: &RgbImage) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    files::write(&path, &png(drawing).context("the plot")?)?;
    Ok(path)
}
