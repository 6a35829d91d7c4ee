//! What an inspection found, for people and for the charts of drift.

use std::sync::Arc;

use super::core::{FaultFound, Findings};
use crate::align::Registration;
use crate::frame::Rect;
use crate::inspect::{Inspection, Inspector, Measurement};
use crate::journal::SpecScore;
use crate::spec::{Label, Spec};
use crate::verdict::Decision;

/// The most faults of one part that are kept for people.
const MOST_FAULTS: usize = 32;

/// What people are shown of an inspection, and what drifts are seen by; `scores` are those of the
/// armed sentences, the one nearest its limit first.
pub(super) fn findings_of(
    inspection: Inspection,
    inspector: &Inspector,
    scores: &[SpecScore],
) -> Option<Box<Findings>> {
    let Inspection { outcome, measurement, .. } = inspection;
    let measurement = measurement?;
    let faults = outcome.map_or_else(|_| Vec::new(), |it| faults_of(&it, &measurement, inspector));
    Some(Box::new(Findings {
        faults,
        nearest: scores.first().and_then(|score| nearest_of(score, inspector)),
        photo: Some(measurement.photo[1].clone()),
        registration: Some(Registration { local: None, ..measurement.registration.clone() }),
        embeddings: mean_of(&measurement, 0).zip(mean_of(&measurement, 1)).map(<[_; 2]>::from),
        registered: Some(Arc::new(measurement.test)),
    }))
}

/// The furthest above its limit first; no more than people read.
fn faults_of(
    decision: &Decision,
    measurement: &Measurement,
    inspector: &Inspector,
) -> Vec<FaultFound> {
    let tight = |region: usize| measurement.regions.get(region).map(|one| one.region.tight);
    let specs = &inspector.recipe().sheet.specs;
    let violations = decision.violations.iter().filter_map(|violation| {
        let region = tight(violation.region);
        let limits = (violation.score.confidence, violation.threshold);
        Some(fault_of(specs.get(violation.sentence)?, region, limits))
    });
    let limit = inspector.thresholds().ok().and_then(|limits| limits.unexplained);
    let unexplained = decision.unexplained.iter().map(|unexplained| FaultFound {
        spec: "unexplained".to_owned(),
        label: Label {
            en: Some("Unexplained change".into()),
            ja: Some("\u{4e0d}\u{660e}\u{306a}\u{5dee}\u{7570}".into()),
        },
        sentence: "it changed more than conforming parts do, and as no sentence says".to_owned(),
        region: tight(unexplained.region),
        score: unexplained.size,
        threshold: limit.map_or(0.0, |limit| limit.size),
    });
    violations.chain(unexplained).take(MOST_FAULTS).collect()
}

fn nearest_of(score: &SpecScore, inspector: &Inspector) -> Option<FaultFound> {
    let mut specs = inspector.recipe().sheet.specs.iter();
    let spec = specs.find(|spec| spec.prompt.id == score.spec)?;
    Some(fault_of(spec, score.region, (score.score, score.threshold?)))
}

fn fault_of(spec: &Spec, region: Option<Rect>, (score, threshold): (f32, f32)) -> FaultFound {
    FaultFound {
        spec: spec.prompt.id.clone(),
        label: spec.label.clone(),
        sentence: spec.prompt.sentences.first().cloned().unwrap_or_default(),
        region,
        score,
        threshold,
    }
}

/// The unit mean of the crops' unit embeddings; `which` is 0 for the reference, 1 for the test.
fn mean_of(measurement: &Measurement, which: usize) -> Option<Vec<f32>> {
    let mut sum = vec![0_f32; measurement.regions.first()?.embeddings[which].len()];
    for region in &measurement.regions {
        let length = norm(&region.embeddings[which]);
        for (sum, value) in sum.iter_mut().zip(&region.embeddings[which]) {
            *sum += value / length;
        }
    }
    let length = norm(&sum);
    sum.iter_mut().for_each(|value| *value /= length);
    Some(sum)
}

fn norm(values: &[f32]) -> f32 {
    values.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12)
}
