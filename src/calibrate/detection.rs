use serde::Serialize;

use super::bootstrap::{Interval, mean_ap_interval};
use super::named::named;
use super::{Error, FittedThresholds};
use crate::frame::Rect;

/// The overlap above which a box of the DeepPCB benchmark counts as found.
pub const DEEPPCB_IOU: f32 = 0.33;

/// A box that the model reports, before any threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Index of the pair.
    pub pair: usize,
    /// Where, in pixels of the test frame.
    pub rect: Rect,
    /// 0 to 1.
    pub confidence: f32,
    /// Index of the spec.
    pub class: usize,
    /// Which region said so, where a verdict names one sentence of it alone: the most confident fault
    /// at its limit. Nothing for a requirement, which is named beside others.
    pub region: Option<usize>,
}

/// A labelled box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TruthBox {
    /// Index of the pair.
    pub pair: usize,
    /// Where, in pixels of the test frame.
    pub rect: Rect,
    /// Index of the spec.
    pub class: usize,
}

/// How well boxes were found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detection {
    /// A box counts as found above this overlap.
    pub iou: f32,
    /// Mean of the average precisions of the classes with at least one labelled box.
    pub mean_ap: Option<f64>,
    /// 95 % interval of that mean.
    pub interval: Option<Interval>,
    /// F of what a verdict names at the thresholds of the specs.
    pub at_thresholds: Agreement,
    /// The best F of what a verdict names that one confidence for all specs reaches. The confidence is
    /// chosen on the very boxes it is reported on, so the figure is optimistic.
    pub best: Option<BestAgreement>,
    /// Each class.
    pub classes: Vec<ClassDetection>,
}

/// One class of boxes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassDetection {
    /// The spec's id.
    pub id: String,
    /// Labelled boxes.
    pub truths: usize,
    /// Average precision; nothing without a labelled box.
    pub ap: Option<f64>,
    /// At the spec's threshold.
    pub at_threshold: Agreement,
}

/// Boxes reported and boxes labelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Labelled boxes found.
    pub found: usize,
    /// Reported boxes.
    pub reported: usize,
    /// Labelled boxes.
    pub labelled: usize,
}

impl Agreement {
    /// Share of the reported boxes that are right.
    pub fn precision(&self) -> Option<f64> {
        (self.reported > 0).then(|| self.found as f64 / self.reported as f64)
    }

    /// Share of the labelled boxes that are found.
    pub fn recall(&self) -> Option<f64> {
        (self.labelled > 0).then(|| self.found as f64 / self.labelled as f64)
    }

    /// `2 P R / (P + R)`, which is `2 found / (reported + labelled)`.
    pub fn f(&self) -> Option<f64> {
        let of = self.reported + self.labelled;
        (of > 0).then(|| 2.0 * self.found as f64 / of as f64)
    }
}

/// [`Agreement`] at the confidence that was best for it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BestAgreement {
    /// Boxes with at least this confidence are reported.
    pub confidence: f32,
    /// What they reach.
    pub agreement: Agreement,
}

/// A prediction and whether it found a labelled box.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) pair: usize,
    pub(crate) class: usize,
    pub(crate) confidence: f32,
    pub(crate) is_right: bool,
}

/// Compares predictions with labelled boxes above an overlap of `iou`.
///
/// The rule is that of the DeepPCB benchmark (its README, and arXiv 1902.06197, section 4): a
/// prediction is right only if its overlap with a labelled box of the same class is larger than
/// 0.33; mAP and F are reported. Each labelled box can be found once: predictions take, from the
/// most confident down, the free box of their class they overlap most. Average precision is the
/// area under the monotone envelope of the precision-recall points (Pascal VOC from 2010 on);
/// predictions with equal confidence enter together. F counts the boxes of all classes together, and
/// of each region what a verdict would name.
///
/// # Errors
/// [`Error::Count`] for a class beyond the specs, [`Error::Score`] for a confidence outside 0 to 1,
/// [`Error::Argument`] for an overlap outside 0 to below 1.
pub fn detect(
    predictions: &[Prediction],
    truths: &[TruthBox],
    thresholds: &FittedThresholds,
    iou: f32,
) -> Result<Detection, Error> {
    check(predictions, truths, thresholds, iou)?;
    let classes = thresholds.specs.len();
    let outcomes = matched(predictions, truths, iou);
    let at_limits = matched(&named(predictions, |class| thresholds.specs[class].1), truths, iou);
    let mut labelled = vec![0; classes];
    truths.iter().for_each(|truth| labelled[truth.class] += 1);
    let figures: Vec<ClassDetection> = (0..classes)
        .map(|class| {
            let at_threshold = agreement_of(&at_limits, class, labelled[class]);
            let id = thresholds.specs[class].0.clone();
            let ap = ap_of(&outcomes, class, labelled[class]);
            ClassDetection { id, truths: labelled[class], ap, at_threshold }
        })
        .collect();
    let aps: Vec<f64> = figures.iter().filter_map(|class| class.ap).collect();
    let at_thresholds =
        figures.iter().map(|class| class.at_threshold).fold(Agreement::default(), |sum, class| {
            Agreement {
                found: sum.found + class.found,
                reported: sum.reported + class.reported,
                labelled: sum.labelled + class.labelled,
            }
        });
    Ok(Detection {
        iou,
        mean_ap: (!aps.is_empty()).then(|| aps.iter().sum::<f64>() / aps.len() as f64),
        interval: mean_ap_interval(&outcomes, truths, classes),
        at_thresholds,
        best: best(&matched(&named(predictions, |_| Some(0.0)), truths, iou), truths.len()),
        classes: figures,
    })
}

/// Average precision from right and wrong weights in order of falling confidence: each item is one
/// confidence, `labelled` the weight of all labelled boxes.
pub(crate) fn average_precision(
    steps: impl DoubleEndedIterator<Item = (f64, f64)> + Clone,
    labelled: f64,
) -> f64 {
    // From the end, so that the envelope (the best precision at this recall or more) is at hand.
    let (mut right, mut all) = steps
        .clone()
        .fold((0.0, 0.0), |(right, all), step| (right + step.0, all + step.0 + step.1));
    let (mut envelope, mut area) = (0.0_f64, 0.0);
    for (found, wrong) in steps.rev() {
        if all > 0.0 {
            envelope = envelope.max(right / all);
        }
        area += found / labelled * envelope;
        right -= found;
        all -= found + wrong;
    }
    area
}

fn check(
    predictions: &[Prediction],
    truths: &[TruthBox],
    thresholds: &FittedThresholds,
    iou: f32,
) -> Result<(), Error> {
    if !(0.0..1.0).contains(&iou) {
        let value = iou.into();
        return Err(Error::Argument { what: "overlap (IoU)", value, range: "0 to below 1" });
    }
    let expected = thresholds.specs.len();
    let classes = predictions.iter().map(|prediction| (prediction.pair, prediction.class));
    for (pair, found) in classes.chain(truths.iter().map(|truth| (truth.pair, truth.class))) {
        if found >= expected {
            let what = format!("pair {pair}: index of the spec of a box");
            return Err(Error::Count { what, found, expected });
        }
    }
    match predictions.iter().find(|prediction| !(0.0..=1.0).contains(&prediction.confidence)) {
        None => Ok(()),
        Some(Prediction { pair, confidence, class, .. }) => Err(Error::Score {
            pair: *pair,
            what: thresholds.specs[*class].0.clone(),
            value: f64::from(*confidence),
            range: "0 to 1",
        }),
    }
}

/// Outcomes by falling confidence.
fn matched(predictions: &[Prediction], truths: &[TruthBox], iou: f32) -> Vec<Outcome> {
    let mut by_place: Vec<usize> = (0..truths.len()).collect();
    let place = |truth: &TruthBox| (truth.pair, truth.class);
    by_place.sort_by_key(|index| place(&truths[*index]));
    let mut is_found = vec![false; truths.len()];
    let mut sorted: Vec<&Prediction> = predictions.iter().collect();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let outcome = |prediction: &Prediction| {
        let Prediction { pair, rect, confidence, class, .. } = *prediction;
        let start = by_place.partition_point(|index| place(&truths[*index]) < (pair, class));
        let same = by_place[start..].iter().take_while(|i| place(&truths[**i]) == (pair, class));
        let free = same.filter(|index| !is_found[**index]);
        let best = free
            .map(|index| (truths[*index].rect.iou(&rect), *index))
            .filter(|(overlap, _)| *overlap > iou)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, index)) = best {
            is_found[index] = true;
        }
        Outcome { pair, class, confidence, is_right: best.is_some() }
    };
    sorted.into_iter().map(outcome).collect()
}

fn agreement_of(outcomes: &[Outcome], class: usize, labelled: usize) -> Agreement {
    let own = outcomes.iter().filter(|outcome| outcome.class == class);
    let found = own.clone().filter(|outcome| outcome.is_right).count();
    Agreement { found, reported: own.count(), labelled }
}

fn ap_of(outcomes: &[Outcome], class: usize, labelled: usize) -> Option<f64> {
    let own: Vec<Outcome> = outcomes.iter().copied().filter(|o| o.class == class).collect();
    let ties: Vec<(f64, f64)> = own
        .chunk_by(|a, b| a.confidence == b.confidence)
        .map(|ties| {
            let right = ties.iter().filter(|outcome| outcome.is_right).count();
            (right as f64, (ties.len() - right) as f64)
        })
        .collect();
    (labelled > 0).then(|| average_precision(ties.iter().copied(), labelled as f64))
}

fn best(outcomes: &[Outcome], labelled: usize) -> Option<BestAgreement> {
    let mut agreement = Agreement { labelled, ..Agreement::default() };
    let mut best: Option<BestAgreement> = None;
    for ties in outcomes.chunk_by(|a, b| a.confidence == b.confidence) {
        agreement.reported += ties.len();
        agreement.found += ties.iter().filter(|outcome| outcome.is_right).count();
        if agreement.f() > best.and_then(|best| best.agreement.f()) {
            best = Some(BestAgreement { confidence: ties[0].confidence, agreement });
        }
    }
    best
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Fractions worked out by hand.
    const CLOSE: f64 = 1e-9;

    fn thresholds(limits: &[Option<f32>]) -> FittedThresholds {
        let specs = limits.iter().enumerate().map(|(i, limit)| (format!("spec{i}"), *limit));
        FittedThresholds { specs: specs.collect(), unexplained: None }
    }

    fn square(x: u32) -> Rect {
        Rect::new(x, 0, 10, 10)
    }

    fn predicted(pair: usize, x: u32, confidence: f32, class: usize) -> Prediction {
        Prediction { pair, rect: square(x), confidence, class, region: None }
    }

    fn labelled(pair: usize, x: u32, class: usize) -> TruthBox {
        TruthBox { pair, rect: square(x), class }
    }

    fn detection(predictions: &[Prediction], truths: &[TruthBox]) -> Detection {
        detect(predictions, truths, &thresholds(&[Some(0.5), Some(0.5)]), DEEPPCB_IOU).unwrap()
    }

    #[test]
    fn average_precision_is_the_area_under_the_envelope() {
        // Right, wrong, right of 4 labelled: precision 1 up to recall 1/4, 2/3 up to 2/4.
        let truths: Vec<TruthBox> = (0..4).map(|pair| labelled(pair, 0, 0)).collect();
        let predictions =
            [predicted(0, 0, 0.9, 0), predicted(0, 50, 0.8, 0), predicted(1, 0, 0.7, 0)];
        let found = detection(&predictions, &truths);
        let ap = found.classes[0].ap.unwrap();
        assert!((ap - (0.25 + 0.25 * 2.0 / 3.0)).abs() < CLOSE, "{ap}");
        assert_eq!(found.mean_ap, Some(ap), "a class without a labelled box does not count");
        assert_eq!(found.classes[1].ap, None);
    }

    #[test]
    fn a_labelled_box_is_found_once_and_by_its_own_class() {
        let truths = [labelled(0, 0, 0)];
        let twice = detection(&[predicted(0, 0, 0.9, 0), predicted(0, 1, 0.8, 0)], &truths);
        assert_eq!(twice.at_thresholds, Agreement { found: 1, reported: 2, labelled: 1 });
        let other = detection(&[predicted(0, 0, 0.9, 1), predicted(1, 0, 0.9, 0)], &truths);
        assert_eq!(other.at_thresholds, Agreement { found: 0, reported: 2, labelled: 1 });
        assert_eq!(other.mean_ap, Some(0.0));
    }

    #[test]
    fn the_overlap_must_be_above_the_limit() {
        // Shifted by 5 of 10 px: exactly a third.
        let truths = [labelled(0, 0, 0)];
        let shifted = [predicted(0, 5, 0.9, 0)];
        let limits = thresholds(&[None]);
        let at = |iou| detect(&shifted, &truths, &limits, iou).unwrap().mean_ap.unwrap();
        assert_eq!((at(0.33), at(1.0 / 3.0), at(0.5)), (1.0, 0.0, 0.0));
    }

    #[test]
    fn the_more_confident_prediction_takes_the_better_box() {
        let truths = [labelled(0, 0, 0), labelled(0, 4, 0)];
        let found = detection(&[predicted(0, 1, 0.8, 0), predicted(0, 3, 0.9, 0)], &truths);
        assert_eq!(found.at_thresholds.found, 2);
    }

    #[test]
    fn equal_confidences_enter_together() {
        let truths = [labelled(0, 0, 0)];
        let right_first = [predicted(0, 0, 0.5, 0), predicted(0, 50, 0.5, 0)];
        let wrong_first = [predicted(0, 50, 0.5, 0), predicted(0, 0, 0.5, 0)];
        let ap = |predictions| detection(predictions, &truths).mean_ap.unwrap();
        assert_eq!((ap(&right_first), ap(&wrong_first)), (0.5, 0.5));
    }

    #[test]
    fn the_best_f_is_reported_with_its_confidence() {
        let truths = [labelled(0, 0, 0), labelled(1, 0, 1)];
        let predictions = [
            predicted(0, 0, 0.9, 0),
            predicted(1, 0, 0.4, 1),
            predicted(1, 50, 0.2, 1),
            predicted(1, 80, 0.2, 1),
        ];
        let found = detection(&predictions, &truths);
        let best = found.best.unwrap();
        assert_eq!((best.confidence, best.agreement.f()), (0.4, Some(1.0)));
        assert_eq!(found.at_thresholds.f(), Some(2.0 / 3.0), "the second is below 0.5");
    }

    #[test]
    fn a_region_with_two_likely_kinds_reports_one() {
        let truths = [labelled(0, 0, 0)];
        let of_region = |confidence, class| Prediction {
            region: Some(7),
            ..predicted(0, 0, confidence, class)
        };
        let found = detection(&[of_region(0.6, 0), of_region(0.55, 1)], &truths);
        assert_eq!(found.at_thresholds, Agreement { found: 1, reported: 1, labelled: 1 });
        assert_eq!(found.best.unwrap().agreement.f(), Some(1.0));
        // A box is not taken by what was not reported.
        let truths = [labelled(0, 0, 1)];
        let other = predicted(0, 1, 0.52, 1);
        let found = detection(&[of_region(0.6, 0), of_region(0.55, 1), other], &truths);
        assert_eq!(found.at_thresholds, Agreement { found: 1, reported: 2, labelled: 1 });
    }

    #[test]
    fn nothing_labelled_and_nothing_reported_give_no_figure() {
        let found = detection(&[], &[]);
        assert_eq!((found.mean_ap, found.interval, found.best), (None, None, None));
        assert_eq!(found.at_thresholds.f(), None);
        assert_eq!(detection(&[], &[labelled(0, 0, 0)]).mean_ap, Some(0.0));
    }

    #[test]
    fn damaged_lists_are_refused() {
        let limits = thresholds(&[None]);
        let refusal = |predictions: &[Prediction], iou| {
            detect(predictions, &[], &limits, iou).unwrap_err().to_string()
        };
        assert!(refusal(&[predicted(3, 0, f32::NAN, 0)], 0.5).starts_with("pair 3, spec0: NaN"));
        assert!(refusal(&[predicted(3, 0, 0.5, 1)], 0.5).contains("found 1, expected 1"));
        assert!(refusal(&[], f32::NAN).starts_with("overlap"));
        assert!(detect(&[], &[labelled(0, 0, 1)], &limits, 0.5).is_err());
    }
}
