//! Who judges: a recipe at work, and the goldens that show that it judges right.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Error;
use super::core::{Details, Judgement};
use super::found::findings_of;
use super::goldens::{SampleSeen, challenge, check_listed, luma};
use crate::capture::Controls;
use crate::clip::Bundle;
use crate::drift::DriftConfig;
use crate::files;
use crate::frame::Frame;
use crate::inspect::{Goldens, Inspection, Inspector, Opening, Reference};
use crate::journal::{Outcome, SpecScore};
use crate::recipe::{Date, Recipe, today};
use crate::verdict::{NotInspected, Verdict};

/// What a part is judged by, for read-back and for the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// The recipe's name.
    pub name: String,
    /// SHA-256 over the recipe, its sheet, its class list and its list of goldens.
    pub recipe_sha256: String,
    /// SHA-256 of the vision file.
    pub model_sha256: String,
    /// SHA-256 of the threshold file: others are others' verdicts.
    pub thresholds_sha256: String,
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

    /// The goldens that were judged last.
    fn samples(&self) -> &[SampleSeen] {
        &[]
    }

    /// What of its parts is watched for drift, if anything is.
    fn drift(&self) -> Option<DriftConfig> {
        None
    }

    /// What its recipe sets at the cameras: the test's, then the reference's.
    fn controls(&self) -> [Controls; 2] {
        Default::default()
    }

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
    /// Where no reference comes with a part.
    golden: Option<Goldens>,
    /// The manifest of the challenge.
    manifest: Option<PathBuf>,
    samples: Vec<SampleSeen>,
}

impl RecipeJudge {
    /// Loads a recipe with its model and runs the model's parity vectors.
    ///
    /// `is_golden`: parts are compared with the recipe's good goldens, see [`Goldens`]. `manifest` is
    /// that of the challenge, relative to the recipe's folder.
    ///
    /// # Errors
    /// [`Error::Recipe`] when it could not judge: a file is missing or stale, there are no
    /// thresholds, a golden is not what was listed, or the model does not run as it should.
    pub fn open(path: &Path, is_golden: bool, manifest: Option<&Path>) -> Result<Self, Error> {
        Self::with(path, manifest, |recipe| {
            is_golden.then(|| Goldens::load(recipe, Some(today()), luma)).transpose()
        })
    }

    /// As [`RecipeJudge::open`], to judge parts of other days again: goldens that expired since are
    /// those that parts were compared with then.
    ///
    /// # Errors
    /// As [`RecipeJudge::open`], except that goldens may be lacking.
    pub fn open_to_replay(path: &Path) -> Result<Self, Error> {
        Self::with(path, None, |recipe| Ok(Goldens::load(recipe, None, luma).ok()))
    }

    /// Whether a part without a reference of its own can be judged.
    pub fn has_goldens(&self) -> bool {
        self.golden.is_some()
    }

    fn with(
        path: &Path,
        manifest: Option<&Path>,
        load: impl FnOnce(&Recipe) -> Result<Option<Goldens>, NotInspected>,
    ) -> Result<Self, Error> {
        let refused = |reason: String| Error::Recipe { path: path.to_owned(), reason };
        let recipe = Recipe::open(path).map_err(|error| refused(error.to_string()))?;
        check_listed(&recipe).map_err(refused)?;
        let golden = load(&recipe).map_err(|reason| refused(reason.detail))?;
        let inspector = Inspector::open(recipe, &Opening::default())
            .map_err(|error| refused(error.to_string()))?;
        inspector.thresholds().map_err(|reason| refused(reason.detail.clone()))?;
        check_parity(&inspector).map_err(|error| refused(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let thresholds_path = &inspector.recipe().thresholds_path;
        let identity = Identity {
            thresholds_sha256: files::sha256_of(thresholds_path)
                .map_err(|error| refused(error.to_string()))?,
            name: inspector.recipe().name.clone(),
            recipe_sha256: inspector.recipe().content_sha256().to_owned(),
            model_sha256: inspector.made_with().vision_sha256.clone(),
        };
        let manifest = manifest.map(|manifest| folder.join(manifest));
        Ok(Self { inspector, identity, golden, manifest, samples: Vec::new() })
    }

    /// Judges on this many threads.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZero<usize>) -> Self {
        self.inspector = self.inspector.with_threads(threads);
        self
    }

    /// Judges one part as on a day, which decides the goldens that are in force.
    pub fn judge_on(&self, pair: &Pair, day: Date) -> Judgement {
        judgement_of(self.inspect(pair, day), &self.inspector)
    }

    fn inspect(&self, pair: &Pair, day: Date) -> Inspection {
        match (&pair.reference, &self.golden) {
            (Some(reference), _) => {
                let reference = Reference::once((**reference).clone());
                self.inspector.inspect(&reference, &pair.test)
            }
            (None, Some(goldens)) => {
                let start = Instant::now();
                let chosen = goldens.choose(&pair.test, day);
                let choosing = start.elapsed().as_secs_f64() * 1e3;
                match chosen {
                    Ok((_, golden)) => {
                        let mut inspection = self.inspector.inspect(golden, &pair.test);
                        inspection.timing = inspection.timing.with_choosing(choosing);
                        inspection
                    }
                    Err(reason) => Inspection::not_inspected(reason),
                }
            }
            (None, None) => Inspection::not_inspected(NotInspected::new(
                crate::verdict::Stage::Frame,
                "there is no reference frame",
            )),
        }
    }
}

impl Judge for RecipeJudge {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn judge(&mut self, pair: &Pair) -> Judgement {
        self.judge_on(pair, today())
    }

    fn drift(&self) -> Option<DriftConfig> {
        self.inspector.recipe().drift.clone()
    }

    fn controls(&self) -> [Controls; 2] {
        self.inspector.recipe().controls.clone()
    }

    fn challenge(&mut self) -> Result<usize, String> {
        let by = (self.manifest.as_deref(), today());
        challenge(&self.inspector, by, &mut self.samples)
    }

    fn samples(&self) -> &[SampleSeen] {
        &self.samples
    }
}

fn check_parity(inspector: &Inspector) -> Result<(), crate::clip::Error> {
    let Some(folder) = &inspector.recipe().bundle else { return Ok(()) };
    let bundle = Bundle::open(folder)?;
    bundle.check_parity(bundle.vision_file(None)?).map(drop)
}

/// What the line and the journal keep of an inspection.
fn judgement_of(inspection: Inspection, inspector: &Inspector) -> Judgement {
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
    let scores = scores_of(&inspection, inspector);
    let findings = findings_of(inspection, inspector, &scores);
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
