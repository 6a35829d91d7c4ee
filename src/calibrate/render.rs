use std::fmt::Write;

use serde::Serialize;

use super::acceptance::Acceptance;
use super::{
    Agreement, Arming, Auroc, Calibration, Detection, Evaluation, FoldFigures, Proportion,
    SpecFigures, Target, TileFigures, Totals, Unexplained,
};

/// What the brackets in tables mean.
const BOUNDS: &str =
    "[95 % bounds]: exact for rates (units taken as independent), by pair for AUROC\n";

/// What stands beside the figures of decisions.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Beside {
    /// AUROC of the plain pixel difference on the same units.
    pub baseline: Option<Auroc>,
    /// Boxes found, at one overlap or several.
    pub detections: Vec<Detection>,
    /// Tiles told apart.
    pub tiles: Option<TileFigures>,
}

impl Calibration {
    /// Tables of fixed width for people; `unit` is what was judged ("region", "pair").
    pub fn render(&self, unit: &str, beside: &Beside) -> String {
        let wanted = match self.target {
            Target::MaxFalseReject(share) => format!("false rejects at most {}", percent(share)),
            Target::MaxMiss(share) => format!("misses at most {}", percent(share)),
            Target::BestF => "the best F".to_owned(),
        };
        let title = format!(
            "threshold calibration, unit {unit}, wanted: {wanted}\n\
             figures: {} folds, each judged with limits fitted on the others\n{BOUNDS}",
            self.folds.len()
        );
        let mut text = title;
        figures(&mut text, &self.specs, &self.totals, beside);
        unexplained(&mut text, self.unexplained);
        folds(&mut text, &self.folds);
        for warning in &self.warnings {
            line(&mut text, format_args!("warning: {warning}"));
        }
        text
    }
}

impl Evaluation {
    /// Tables of fixed width for people; `unit` is what was judged ("region", "pair").
    pub fn render(&self, unit: &str, beside: &Beside) -> String {
        let mut text = format!("evaluation, unit {unit}\n{BOUNDS}");
        figures(&mut text, &self.specs, &self.totals, beside);
        text
    }
}

fn figures(text: &mut String, specs: &[SpecFigures], totals: &Totals, beside: &Beside) {
    spec_table(text, specs);
    totals_table(text, totals, beside.baseline);
    acceptance(text, &totals.acceptance());
    beside.detections.iter().for_each(|detection| boxes(text, detection));
    if let Some(figures) = &beside.tiles {
        tiles(text, figures);
    }
}

fn spec_table(text: &mut String, specs: &[SpecFigures]) {
    let width = specs.iter().map(|spec| spec.id.chars().count()).max().unwrap_or(0).max(4);
    let heads = ["AUROC", "threshold", "missed %", "escaped %", "false rejects %"];
    let [auroc, threshold, missed, escaped, rejects] = heads;
    line(
        text,
        format_args!(
            "\n{:width$} {:>6} {auroc:22} {threshold:>9}  {missed:20} {escaped:20} {rejects}",
            "spec", "bad"
        ),
    );
    for spec in specs {
        let limit = match spec.arming.threshold() {
            Some(limit) => format!("{limit:.4}"),
            None => "not armed".to_owned(),
        };
        line(
            text,
            format_args!(
                "{:width$} {:>6} {:22} {limit:>9}  {:20} {:20} {}",
                spec.id,
                spec.escaped.of(),
                area(spec.auroc),
                rate(spec.missed),
                rate(spec.escaped),
                rate(spec.false_rejects),
            ),
        );
    }
    line(
        text,
        format_args!("missed: its own sentence stayed quiet; escaped: nothing fired at all"),
    );
    for spec in specs {
        if let Arming::Unarmed(reason) = &spec.arming {
            line(text, format_args!("not armed: {}: {reason}", spec.id));
        }
    }
}

fn totals_table(text: &mut String, totals: &Totals, baseline: Option<Auroc>) {
    let row = |text: &mut String, name: &str, figure: Proportion, inside: [(u64, &str); 2]| {
        let present = inside.into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = present.map(|(count, what)| format!(", {count} {what}")).collect();
        let (count, of, parts) = (figure.count(), figure.of(), parts.concat());
        line(text, format_args!("{name:16} {:20} {count} of {of}{parts}", rate(figure)));
    };
    line(text, format_args!("\nall together     %"));
    let not_inspected = (totals.conforming_not_inspected.count(), "of them not inspected");
    let unexplained = (totals.conforming_unexplained.count(), "only unexplained");
    row(text, "false rejects", totals.false_rejects, [not_inspected, unexplained]);
    let not_inspected = (totals.faulty_not_inspected.count(), "not inspected and so rejected");
    let unexplained = (totals.faulty_unexplained.count(), "caught only as unexplained");
    row(text, "escapes", totals.escapes, [not_inspected, unexplained]);
    line(text, format_args!("{:16} {}", "AUROC", area(totals.auroc)));
    if baseline.is_some() {
        line(text, format_args!("{:16} {} (plain pixel difference)", "", area(baseline)));
    }
}

fn acceptance(text: &mut String, study: &Acceptance) {
    line(
        text,
        format_args!("\nattribute agreement (AIAG MSA, limits by estimate): {}", {
            study.grade().name()
        }),
    );
    for assessed in study.assessed() {
        let shown = if assessed.is_shown { "shown by the bound" } else { "not shown by the bound" };
        let (figure, grade) = (rate(assessed.figure), assessed.grade.name());
        let (name, limit) = (assessed.name, assessed.limit);
        line(text, format_args!("{name:16} {figure:20} {limit:7} {grade}, {shown}"));
    }
    if let Some(kappa) = study.kappa() {
        line(text, format_args!("{:16} {kappa:.3}", "kappa"));
    }
    if let Some(excluded) = study.excluded_miss_rate() {
        let bad = study.miss_rate.of();
        line(
            text,
            format_args!(
                "no miss in {bad} faulty units: with 95 % confidence the miss rate is below {}",
                percent(excluded)
            ),
        );
    }
}

fn boxes(text: &mut String, detection: &Detection) {
    let bounds = detection.interval.map_or(String::new(), |interval| {
        let (lower, upper) = (hundred(interval.lower), hundred(interval.upper));
        format!(" [{lower}, {upper}] (1000 draws of {} pairs)", interval.pairs)
    });
    let mean = detection.mean_ap.map_or("-".to_owned(), hundred);
    line(text, format_args!("\nboxes, IoU > {}\n{:16} {mean}{bounds}", detection.iou, "mAP %"));
    line(text, format_args!("{:16} {}", "F % at limits", agreement(&detection.at_thresholds)));
    if let Some(best) = &detection.best {
        line(
            text,
            format_args!(
                "{:16} {}\n{:16} at confidence {:.4}, chosen on these very boxes: optimistic",
                "F % at best",
                agreement(&best.agreement),
                "",
                best.confidence
            ),
        );
    }
    for class in &detection.classes {
        let ap = class.ap.map_or("-".to_owned(), hundred);
        let f = class.at_threshold.f().map_or("-".to_owned(), hundred);
        line(text, format_args!("  {:14} AP {ap:>6}  F {f:>6}  {} boxes", class.id, class.truths));
    }
}

fn tiles(text: &mut String, figures: &TileFigures) {
    let TileFigures { ok, ng, not_inspected, .. } = figures;
    line(text, format_args!("\ntiles: {ok} ok, {ng} ng, {not_inspected} not inspected"));
    line(text, format_args!("{:16} {}", "AUROC", area(figures.auroc)));
    if figures.baseline.is_some() {
        line(text, format_args!("{:16} {} (plain pixel difference)", "", area(figures.baseline)));
    }
    let of = figures.kind.of();
    line(text, format_args!("{:16} {} of {of} with one class", "right kind %", rate(figures.kind)));
}

fn unexplained(text: &mut String, limits: Option<Unexplained>) {
    match limits {
        Some(Unexplained { min_size, max_cosine }) => line(
            text,
            format_args!(
                "\nunexplained: size above {min_size:.4} and every cosine below {max_cosine:.4}"
            ),
        ),
        None => line(text, format_args!("\nunexplained: not judged")),
    }
}

fn folds(text: &mut String, folds: &[FoldFigures]) {
    let width = folds.iter().map(|fold| fold.held_out.chars().count()).max().unwrap_or(0).max(8);
    line(text, format_args!("\n{:width$} {:20} escapes %", "held out", "false rejects %"));
    for fold in folds {
        let (rejects, escapes) = (rate(fold.false_rejects), rate(fold.escapes));
        line(text, format_args!("{:width$} {rejects:20} {escapes}", fold.held_out));
    }
}

fn agreement(agreement: &Agreement) -> String {
    let show = |share: Option<f64>| share.map_or("-".to_owned(), hundred);
    let [f, precision, recall] = [agreement.f(), agreement.precision(), agreement.recall()];
    let Agreement { found, reported, labelled } = agreement;
    format!(
        "{} (precision {}, recall {}: {found} right of {reported} reported, {labelled} labelled)",
        show(f),
        show(precision),
        show(recall)
    )
}

/// `1.92 [1.60, 2.29]`, in percent.
fn rate(proportion: Proportion) -> String {
    let bounds = (hundred(proportion.lower()), hundred(proportion.upper()));
    match proportion.rate() {
        Some(rate) => format!("{} [{}, {}]", hundred(rate), bounds.0, bounds.1),
        None => "-".to_owned(),
    }
}

/// `0.991 [0.986, 0.994]`.
fn area(auroc: Option<Auroc>) -> String {
    let Some(Auroc { value, lower, upper }) = auroc else {
        return "-".to_owned();
    };
    format!("{value:.3} [{lower:.3}, {upper:.3}]")
}

fn percent(share: f64) -> String {
    format!("{} %", hundred(share))
}

/// A share in percent with three significant digits or so, never rounded to 0 or 100 from beside.
fn hundred(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent {
        p if p > 99.9 && p < 100.0 => 3,
        p if p > 0.0 && p < 0.1 => 3,
        p if p < 10.0 => 2,
        _ => 1,
    };
    format!("{percent:.decimals$}")
}

/// Appends a line; writing to a string cannot fail.
fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{content}");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::calibrate::simulated::{ids, line};
    use crate::calibrate::{Plan, calibrate, evaluate};

    /// Rooms for the console of a small box, and for a report in a mail.
    const WIDEST: usize = 112;

    fn rendered() -> (String, String) {
        let plan = Plan { target: Target::MaxFalseReject(0.05), folds: None, unexplained: true };
        let mut samples = line(600, 1);
        samples.iter_mut().for_each(|sample| sample.confidences.push(0.5));
        let ids = [ids(), vec!["pin-hole".to_owned()]].concat();
        let calibration = calibrate(&samples, &[], &ids, &plan).unwrap();
        let evaluation = evaluate(&samples, &[], &calibration.thresholds()).unwrap();
        let baseline = Some(Auroc { value: 0.91, lower: 0.9, upper: 0.92 });
        let beside = Beside { baseline, ..Beside::default() };
        (calibration.render("region", &beside), evaluation.render("pair", &beside))
    }

    #[test]
    fn every_figure_of_a_calibration_is_in_its_tables() {
        let (text, _) = rendered();
        for fact in [
            "unit region, wanted: false rejects at most 5.00 %",
            "not armed: pin-hole: no labelled example",
            "0.910 [0.900, 0.920] (plain pixel difference)",
            "effectiveness ",
            "board 3 ",
            "unexplained: size above",
        ] {
            assert!(text.contains(fact), "{fact}: {text}");
        }
    }

    #[test]
    fn no_line_is_too_wide() {
        let (calibration, evaluation) = rendered();
        for line in calibration.lines().chain(evaluation.lines()) {
            assert!(line.len() <= WIDEST, "{} {line}", line.len());
        }
    }

    #[test]
    fn a_rate_beside_a_limit_is_not_rounded_to_it() {
        assert_eq!(hundred(0.0), "0.00");
        assert_eq!(hundred(0.000_2), "0.020");
        assert_eq!(hundred(0.999_8), "99.980");
        assert_eq!(hundred(1.0), "100.0");
        assert_eq!(rate(Proportion::new(5, 10)), "50.0 [18.7, 81.3]");
        assert_eq!(rate(Proportion::new(0, 0)), "-");
    }
}
