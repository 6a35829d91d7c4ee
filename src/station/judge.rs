//! Who judges: a recipe at work, and the goldens that show that it judges right.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::Error;
use super::core::{Details, FaultFound, Findings, Judgement};
use crate::align::Registration;
use crate::clip::Bundle;
use crate::frame::{Frame, Pixels};
use crate::inspect::{Inspection, Inspector, Measurement, Opening, Reference};
use crate::journal::{Outcome, SpecScore};
use crate::manifest::{self, Label};
use crate::recipe::Recipe;
use crate::verdict::{NotInspected, Verdict};

/// What a part is judged by, for read-back and for the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Identity {
    /// The recipe's name.
    pub name: String,
    /// SHA-256 over the recipe, its sheet and its class list.
    pub recipe_sha256: String,
    /// SHA-256 of the vision file.
    pub model_sha256: String,
}

/// The frames of one part.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The part.
    pub number: u64,
    /// The reference; `None` where it is the recipe's golden frame.
    pub reference: Option<Arc<Frame>>,
    /// The part under test.
    pub test: Arc<Frame>,
}

/// Judges pairs, one at a time.
pub trait Judge: Send {
    /// What it judges by.
    fn identity(&self) -> &Identity;

    /// Judges one part; what prevents that is an outcome too.
    fn judge(&mut self, pair: &Pair) -> Judgement;

    /// Judges known goldens; how many were judged as they must be.
    ///
    /// # Errors
    /// The first that was not, or could not be read.
    fn challenge(&mut self) -> Result<usize, String>;
}

/// Makes a judge of a recipe file.
pub type OpenJudge = Arc<dyn Fn(&Path) -> Result<Box<dyn Judge>, Error> + Send + Sync>;

/// A recipe at work.
pub struct RecipeJudge {
    inspector: Inspector,
    identity: Identity,
    golden: Option<Reference>,
    goldens: Option<PathBuf>,
}

impl RecipeJudge {
    /// Loads a recipe with its model and runs the model's parity vectors.
    ///
    /// `is_golden`: parts are compared with the recipe's first golden frame. `goldens` is the
    /// manifest of the challenge, relative to the recipe's folder.
    ///
    /// # Errors
    /// [`Error::Recipe`] when it could not judge: a file is missing or stale, there are no
    /// thresholds, or the model does not run as it should.
    pub fn open(path: &Path, is_golden: bool, goldens: Option<&Path>) -> Result<Self, Error> {
        let refused = |reason: String| Error::Recipe { path: path.to_owned(), reason };
        let recipe = Recipe::open(path).map_err(|error| refused(error.to_string()))?;
        let golden = match (is_golden, recipe.golden.first()) {
            (false, _) => None,
            (true, Some(golden)) => {
                Some(Reference::golden(luma(golden).map_err(|reason| refused(reason.detail))?))
            }
            (true, None) => {
                return Err(refused("golden: no golden frame, capture.mode needs one".to_owned()));
            }
        };
        let inspector = Inspector::open(recipe, &Opening::default())
            .map_err(|error| refused(error.to_string()))?;
        inspector.thresholds().map_err(|reason| refused(reason.detail.clone()))?;
        check_parity(&inspector).map_err(|error| refused(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let identity = Identity {
            name: inspector.recipe().name.clone(),
            recipe_sha256: inspector.recipe().content_sha256().to_owned(),
            model_sha256: inspector.made_with().vision_sha256.clone(),
        };
        let goldens = goldens.map(|manifest| folder.join(manifest));
        Ok(Self { inspector, identity, golden, goldens })
    }

    fn inspect(&self, pair: &Pair) -> Inspection {
        match (&pair.reference, &self.golden) {
            (Some(reference), _) => {
                let reference = Reference::once((**reference).clone());
                self.inspector.inspect(&reference, &pair.test)
            }
            (None, Some(golden)) => self.inspector.inspect(golden, &pair.test),
            (None, None) => Inspection::not_inspected(NotInspected::new(
                crate::verdict::Stage::Frame,
                "there is no reference frame",
            )),
        }
    }

    fn check_golden(&self, pair: &manifest::Pair) -> Result<(), String> {
        let id = &pair.id;
        let expected = match &pair.label {
            Some(Label::Conforming) => Verdict::Conforming,
            Some(Label::Faults(_)) => Verdict::Mismatch,
            None => return Err(format!("golden {id:?}: no label, so nothing to be judged right")),
        };
        let frame =
            |path: &Path| luma(path).map_err(|reason| format!("golden {id:?}: {}", reason.detail));
        let (reference, test) = (frame(&pair.reference)?, frame(&pair.test)?);
        let inspection = self.inspector.inspect(&Reference::once(reference), &test);
        let found = inspection.verdict();
        if found == expected {
            return Ok(());
        }
        let reason = inspection.outcome.err().map_or(String::new(), |reason| format!(": {reason}"));
        Err(format!("golden {id:?}: judged {}, expected {}{reason}", name(found), name(expected)))
    }
}

impl Judge for RecipeJudge {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn judge(&mut self, pair: &Pair) -> Judgement {
        judgement_of(&self.inspect(pair), &self.inspector)
    }

    fn challenge(&mut self) -> Result<usize, String> {
        let Some(path) = &self.goldens else { return Ok(0) };
        let pairs = manifest::open(path).map_err(|error| error.to_string())?;
        let is_good = |pair: &&manifest::Pair| pair.label == Some(Label::Conforming);
        let good = pairs.iter().filter(is_good).count();
        if good == 0 || good == pairs.len() {
            let path = path.display();
            return Err(format!(
                "{path}: {good} of {} are good; both kinds are needed",
                pairs.len()
            ));
        }
        pairs.iter().try_for_each(|pair| self.check_golden(pair))?;
        Ok(pairs.len())
    }
}

/// Frames of a station are luma, whatever they come from.
fn luma(path: &Path) -> Result<Frame, NotInspected> {
    let failed = |error| NotInspected::new(crate::verdict::Stage::Frame, error);
    let frame = Frame::open(path).map_err(failed)?;
    let pixels = Pixels::Gray(frame.luma().into_owned());
    Frame::new(pixels, frame.bit_depth(), frame.origin()).map_err(failed)
}

fn check_parity(inspector: &Inspector) -> Result<(), crate::clip::Error> {
    let Some(folder) = &inspector.recipe().bundle else { return Ok(()) };
    let bundle = Bundle::open(folder)?;
    bundle.check_parity(bundle.vision_file(None)?).map(drop)
}

/// What the line and the journal keep of an inspection.
fn judgement_of(inspection: &Inspection, inspector: &Inspector) -> Judgement {
    let outcome = match &inspection.outcome {
        Ok(decision) if decision.verdict == Verdict::Conforming => Outcome::Conforming,
        Ok(decision) if decision.verdict == Verdict::Mismatch => Outcome::Mismatch,
        Ok(_) => Outcome::not_inspected("verdict", "there is none"),
        Err(reason) => Outcome::not_inspected(reason.stage.to_string(), reason.detail.clone()),
    };
    let timing = &inspection.timing;
    let timing_ms = [
        ("align", timing.align),
        ("region", timing.region),
        ("encode", timing.encode),
        ("verdict", timing.verdict),
        ("total", timing.total),
    ];
    let timing_ms: BTreeMap<String, f32> =
        timing_ms.into_iter().map(|(stage, ms)| (stage.to_owned(), ms as f32)).collect();
    let scores = scores_of(inspection, inspector);
    let findings =
        inspection.measurement.is_some().then(|| Box::new(findings_of(inspection, inspector)));
    Judgement { outcome, details: Details { scores, timing_ms, findings } }
}

/// Each armed sentence with its highest score and where that was, those nearest their limit first.
fn scores_of(inspection: &Inspection, inspector: &Inspector) -> Vec<SpecScore> {
    let (Some(measurement), Ok(thresholds)) = (&inspection.measurement, inspector.thresholds())
    else {
        return Vec::new();
    };
    let sentences = inspector.judge().sentences().iter().enumerate();
    let mut scores: Vec<SpecScore> = sentences
        .filter_map(|(index, sentence)| {
            let threshold = *thresholds.armed.get(&sentence.id)?;
            let regions = measurement.regions.iter();
            let scored = regions.filter_map(|region| {
                let score = region.scores.scores.get(index).copied().flatten()?;
                Some((score.confidence, region.region.tight))
            });
            let (score, region) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
            let (threshold, region) = (Some(threshold), Some(region));
            Some(SpecScore { spec: sentence.id.clone(), score, threshold, region })
        })
        .collect();
    let nearness = |score: &SpecScore| score.score / score.threshold.unwrap_or(1.0).max(1e-6);
    scores.sort_by(|a, b| nearness(b).total_cmp(&nearness(a)));
    scores
}

/// What people are shown of an inspection, and what drifts are seen by.
fn findings_of(inspection: &Inspection, inspector: &Inspector) -> Findings {
    let mut findings = Findings::default();
    let Some(measurement) = &inspection.measurement else { return findings };
    let tight = |region: usize| measurement.regions.get(region).map(|one| one.region.tight);
    if let Ok(decision) = &inspection.outcome {
        for violation in &decision.violations {
            let Some(spec) = inspector.recipe().sheet.specs.get(violation.sentence) else {
                continue;
            };
            findings.push(FaultFound {
                spec: spec.prompt.id.clone(),
                label: spec.label.clone(),
                region: tight(violation.region),
                score: violation.score.confidence,
                threshold: violation.threshold,
            });
        }
        let limit = inspector.thresholds().ok().and_then(|limits| limits.unexplained);
        for unexplained in &decision.unexplained {
            findings.push(FaultFound {
                spec: "unexplained".to_owned(),
                label: crate::spec::Label::default(),
                region: tight(unexplained.region),
                score: unexplained.size,
                threshold: limit.map_or(0.0, |limit| limit.size),
            });
        }
    }
    findings.photo = Some(measurement.photo[1].clone());
    findings.registration = Some(Registration { local: None, ..measurement.registration.clone() });
    findings.embedding = mean_of(measurement);
    findings
}

/// The unit mean of the test crops' unit embeddings.
fn mean_of(measurement: &Measurement) -> Option<Vec<f32>> {
    let mut sum = vec![0_f32; measurement.regions.first()?.embeddings[1].len()];
    for region in &measurement.regions {
        let length = norm(&region.embeddings[1]);
        for (sum, value) in sum.iter_mut().zip(&region.embeddings[1]) {
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

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Conforming => "conforming",
        Verdict::Mismatch => "mismatch",
        Verdict::NotInspected => "not inspected",
    }
}
