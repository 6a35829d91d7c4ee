use serde::Serialize;

use crate::frame::Rect;
use crate::inspect::{Inspection, Inspector, Timing};
use crate::spec::{Kind, Spec};
use crate::verdict::{Decision, Unexplained, Verdict, Violation};

/// The JSON object of one inspection; keys are a contract and are only ever added to.
#[derive(Debug, Clone, Serialize)]
pub struct InspectionJson {
    /// `conforming`, `mismatch` or `not_inspected`.
    pub verdict: Verdict,
    /// Why there is no verdict, or the first reason for a mismatch; null when conforming.
    pub reason: Option<String>,
    /// Sentences that are violated, strongest first.
    pub violations: Vec<ViolationJson>,
    /// Regions that changed more than conforming parts do, and not as any sentence says.
    pub unexplained: Vec<UnexplainedJson>,
    /// Regions that were judged.
    pub regions: Vec<RegionJson>,
    /// Regions that were found and not judged because there were too many.
    pub omitted_regions: usize,
    /// Sentences that can find nothing, since calibration did not arm them.
    pub unarmed: Vec<String>,
    /// Where the time went.
    pub timing_ms: Timing,
    /// SHA-256 of the vision file.
    pub model_sha256: String,
    /// SHA-256 of the recipe with its sheet and class list.
    pub recipe_sha256: String,
}

/// One violated sentence.
#[derive(Debug, Clone, Serialize)]
pub struct ViolationJson {
    /// The spec id.
    pub spec: String,
    /// Its first sentence.
    pub sentence: String,
    /// `fault`, `requirement`, or `variant` for a part of another class than the recipe names.
    pub kind: &'static str,
    /// What was compared with the threshold: the confidence, in (0, 1]; for a variant the lead in
    /// cosine.
    pub score: f32,
    /// Cosine of the difference with the sentence, -1 to 1.
    pub cosine: f32,
    /// `d . t`, -2 to 2.
    pub dot: f32,
    /// The limit that was reached.
    pub threshold: f32,
    /// Where, in pixels of the reference.
    pub region: Rect,
}

/// One unexplained region.
#[derive(Debug, Clone, Serialize)]
pub struct UnexplainedJson {
    /// Where, in pixels of the reference.
    pub region: Rect,
    /// `|d|`, 0 to 2.
    pub size: f32,
    /// The highest cosine of any sentence there.
    pub best_cosine: f32,
}

/// One judged region.
#[derive(Debug, Clone, Serialize)]
pub struct RegionJson {
    /// The tight box of what differs.
    pub region: Rect,
    /// What was embedded.
    pub crop: Rect,
    /// `|d|`, 0 to 2.
    pub size: f32,
    /// The sentence with the highest confidence there, if any applies.
    pub best: Option<BestJson>,
}

/// The sentence that says best what happened in a region.
#[derive(Debug, Clone, Serialize)]
pub struct BestJson {
    /// The spec id.
    pub spec: String,
    /// Its confidence, in (0, 1].
    pub confidence: f32,
    /// Its cosine, -1 to 1.
    pub cosine: f32,
}

/// One line of `pairspec batch`.
#[derive(Debug, Clone, Serialize)]
pub struct BatchLine<'a> {
    /// From the manifest.
    pub pair_id: &'a str,
    /// The inspection, its keys beside `pair_id`.
    #[serde(flatten)]
    pub inspection: &'a InspectionJson,
}

impl InspectionJson {
    /// The JSON of an inspection by `inspector`.
    pub fn new(inspection: &Inspection, inspector: &Inspector) -> Self {
        let shape = Shape { inspection, inspector };
        let violations = shape.violations();
        let unexplained = shape.unexplained();
        Self {
            verdict: inspection.verdict(),
            reason: reason(inspection, &violations, &unexplained),
            violations,
            unexplained,
            regions: shape.regions(),
            omitted_regions: inspection.measurement.as_ref().map_or(0, |measured| measured.omitted),
            unarmed: inspector
                .thresholds()
                .map_or(Vec::new(), |limits| limits.unarmed.keys().cloned().collect()),
            timing_ms: inspection.timing,
            model_sha256: inspector.made_with().vision_sha256.clone(),
            recipe_sha256: inspector.recipe().content_sha256().to_owned(),
        }
    }
}

struct Shape<'a> {
    inspection: &'a Inspection,
    inspector: &'a Inspector,
}

impl Shape<'_> {
    fn decision(&self) -> Option<&Decision> {
        self.inspection.outcome.as_ref().ok()
    }

    fn tight(&self, region: usize) -> Rect {
        let measured = self.inspection.measurement.as_ref();
        let region = measured.and_then(|measured| measured.regions.get(region));
        region.map_or(Rect::new(0, 0, 0, 0), |measured| measured.region.tight)
    }

    fn violations(&self) -> Vec<ViolationJson> {
        let Some(decision) = self.decision() else { return Vec::new() };
        let specs = &self.inspector.recipe().sheet.specs;
        let of_sentences = decision.violations.iter().filter_map(|violation| {
            Some(self.violation(violation, specs.get(violation.sentence)?))
        });
        of_sentences.chain(self.wrong_variant(decision)).collect()
    }

    fn violation(&self, violation: &Violation, spec: &Spec) -> ViolationJson {
        ViolationJson {
            spec: spec.prompt.id.clone(),
            sentence: spec.prompt.sentences.first().cloned().unwrap_or_default(),
            kind: kind_name(spec.kind),
            score: violation.score.confidence,
            cosine: violation.score.cosine,
            dot: violation.score.dot,
            threshold: violation.threshold,
            region: self.tight(violation.region),
        }
    }

    fn wrong_variant(&self, decision: &Decision) -> Option<ViolationJson> {
        let wrong = decision.wrong_variant?;
        let variant = self.inspector.recipe().variant.as_ref()?;
        let [expected, found] =
            [variant.expect, wrong.found].map(|class| variant.classes.classes.get(class));
        let (expected, found) = (&expected?.prompt, &found?.prompt);
        let standings = &self.inspection.measurement.as_ref()?.standings;
        let cosine = standings.iter().find(|standing| standing.class == wrong.found)?.cosine;
        Some(ViolationJson {
            spec: expected.id.clone(),
            sentence: format!("the part is {}, not {}", found.id, expected.id),
            kind: "variant",
            score: wrong.lead,
            cosine,
            dot: cosine,
            threshold: variant.classes.margin,
            region: self.inspection.measurement.as_ref()?.test.bounds(),
        })
    }

    fn unexplained(&self) -> Vec<UnexplainedJson> {
        let Some(decision) = self.decision() else { return Vec::new() };
        let shape = |&Unexplained { region, size, best_cosine }: &Unexplained| UnexplainedJson {
            region: self.tight(region),
            size,
            best_cosine,
        };
        decision.unexplained.iter().map(shape).collect()
    }

    fn regions(&self) -> Vec<RegionJson> {
        let Some(measurement) = &self.inspection.measurement else { return Vec::new() };
        let sentences = self.inspector.judge().sentences();
        let shape = |measured: &crate::inspect::MeasuredRegion| {
            let scored = sentences.iter().zip(&measured.scores.scores);
            let best = scored
                .filter_map(|(sentence, score)| Some((sentence, (*score)?)))
                .max_by(|(_, a), (_, b)| a.confidence.total_cmp(&b.confidence))
                .map(|(sentence, score)| BestJson {
                    spec: sentence.id.clone(),
                    confidence: score.confidence,
                    cosine: score.cosine,
                });
            RegionJson {
                region: measured.region.tight,
                crop: measured.region.crop,
                size: measured.scores.size,
                best,
            }
        };
        measurement.regions.iter().map(shape).collect()
    }
}

fn reason(
    inspection: &Inspection,
    violations: &[ViolationJson],
    unexplained: &[UnexplainedJson],
) -> Option<String> {
    if let Err(not_inspected) = &inspection.outcome {
        return Some(not_inspected.to_string());
    }
    let violated = violations
        .first()
        .map(|violation| format!("{} {}: {}", violation.kind, violation.spec, violation.sentence));
    violated.or_else(|| {
        let first = unexplained.first()?;
        Some(format!("a difference of size {:.3} that no sentence explains", first.size))
    })
}

/// The kind as it stands in sheets and in JSON.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Fault => "fault",
        Kind::Requirement => "requirement",
        Kind::Allowed => "allowed",
    }
}
