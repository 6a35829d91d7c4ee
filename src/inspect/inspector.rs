use std::num::NonZero;
use std::path::{Path, PathBuf};

use super::coverage::unjudged;
use super::measure::{Instruments, Lap};
use super::prefer::{Preference, prefer};
use super::variant::{self, Standing};
use super::{Error, Inspection, Measurement, Reference, Timing};
use crate::clip::{Bundle, FileName, ImageEncoder, Precision};
use crate::frame::Frame;
use crate::recipe::{MadeWith, Recipe, ThresholdFile};
use crate::spec::{Cache, Prompt};
use crate::verdict::{
    Decision, Judge, JudgedRegion, NotInspected, Sentence, Stage, Thresholds, Verdict,
    WrongVariant, decide,
};

/// Least lead of one part over the other that [`Inspector::prefer`] calls a preference.
const PREFERENCE_MARGIN: f32 = 0.02;

/// What to put to work, where it differs from what the recipe says.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// A bundle instead of the recipe's.
    pub bundle: Option<PathBuf>,
    /// Which vision file; the best the bundle has if `None`.
    pub precision: Option<Precision>,
    /// Works with a vision file whose gate failed, too.
    pub allow_failed_gate: bool,
}

/// A recipe at work: image tower, sentence vectors and limits in memory.
pub struct Inspector {
    recipe: Recipe,
    encoder: ImageEncoder,
    judge: Judge,
    classes: Vec<Vec<f32>>,
    made_with: MadeWith,
    thresholds: Result<Thresholds, NotInspected>,
}

impl Inspector {
    /// Loads what inspection needs: the image tower and the caches, never a text tower.
    ///
    /// Missing or stale thresholds are no error here, since calibration needs an inspector too:
    /// every inspection then ends as not inspected.
    ///
    /// # Errors
    /// [`Error`], each naming the file and what to do.
    pub fn open(recipe: Recipe, opening: &Opening) -> Result<Self, Error> {
        let bundle = opening.bundle.as_ref().or(recipe.bundle.as_ref());
        let bundle = bundle.ok_or_else(|| Error::NoBundle { name: recipe.name.clone() })?;
        let bundle = Bundle::open(bundle)?;
        check_gate(&bundle, opening)?;
        let encoder = ImageEncoder::open(&bundle, opening.precision)?;
        let load =
            |path: &Path, prompts: &[&Prompt]| load_vectors(&bundle, &encoder, path, prompts);
        let (vectors, text_sha256) = load(&recipe.cache_path, &recipe.sheet.prompts())?;
        let classes = match &recipe.variant {
            Some(variant) => load(&variant.cache_path, &variant.classes.prompts())?.0,
            None => Vec::new(),
        };
        let sentences = recipe.sheet.specs.iter().zip(vectors).map(|(spec, embedding)| Sentence {
            id: spec.prompt.id.clone(),
            kind: spec.kind,
            embedding,
            region: spec.region,
        });
        let manifest = bundle.manifest();
        let judge = Judge::new(sentences.collect(), manifest.logit_scale, manifest.no_change_logit);
        let made_with = MadeWith {
            vision_sha256: encoder.sha256().to_owned(),
            text_sha256,
            prompts_sha256: Prompt::digest(&recipe.sheet.prompts()),
            sections_sha256: recipe.sections_sha256(),
        };
        let thresholds = load_thresholds(&recipe, &made_with)
            .map_err(|detail| NotInspected::new(Stage::Thresholds, detail));
        Ok(Self { recipe, encoder, judge, classes, made_with, thresholds })
    }

    /// Embeds on this many threads.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZero<usize>) -> Self {
        self.encoder = self.encoder.with_threads(threads);
        self
    }

    /// The recipe at work.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The sentences with their vectors, in the order of all scores.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// What the scores depend on.
    pub fn made_with(&self) -> &MadeWith {
        &self.made_with
    }

    /// The limits in force, or why there are none.
    ///
    /// # Errors
    /// The reason that every inspection ends with.
    pub fn thresholds(&self) -> Result<&Thresholds, &NotInspected> {
        self.thresholds.as_ref()
    }

    /// Puts other limits in force, as calibration does to report on held-out pairs.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = Ok(thresholds);
    }

    /// Judges one pair.
    pub fn inspect(&self, reference: &Reference, test: &Frame) -> Inspection {
        let thresholds = match &self.thresholds {
            Ok(thresholds) => thresholds,
            Err(reason) => return Inspection::not_inspected(reason.clone()),
        };
        let measurement = match self.measure(reference, test) {
            Ok(measurement) => measurement,
            Err(reason) => return Inspection::not_inspected(reason),
        };
        let mut lap = Lap::start();
        let outcome = self.decide(&measurement, thresholds);
        let verdict = measurement.timing.verdict + lap.next();
        let timing = Timing { verdict, ..measurement.timing }.summed();
        Inspection { outcome, measurement: Some(measurement), timing }
    }

    /// Takes a pair through every stage before the verdict.
    ///
    /// # Errors
    /// What prevented it, to be reported as not inspected.
    pub fn measure(
        &self,
        reference: &Reference,
        test: &Frame,
    ) -> Result<Measurement, NotInspected> {
        let instruments =
            Instruments { recipe: &self.recipe, encoder: &self.encoder, judge: &self.judge };
        let mut measurement = instruments.measure(reference, test)?;
        if !self.classes.is_empty() {
            measurement.standings = self.standings(&measurement.test)?;
        }
        Ok(measurement)
    }

    /// The verdict on what was measured, with limits that need not be the ones in force.
    ///
    /// # Errors
    /// When the variant cannot be told, or not all that differs was judged and what was is in order.
    pub fn decide(
        &self,
        measurement: &Measurement,
        thresholds: &Thresholds,
    ) -> Result<Decision, NotInspected> {
        let judged: Vec<JudgedRegion> = measurement
            .regions
            .iter()
            .map(|measured| JudgedRegion {
                tight: measured.region.tight,
                scores: measured.scores.clone(),
            })
            .collect();
        let decision = decide(&judged, self.judge.sentences(), thresholds);
        let decision = match (self.wrong_variant(measurement), decision.verdict) {
            (Ok(wrong), _) => decision.with_variant(wrong),
            // What was found is found, whichever variant it is.
            (Err(_), Verdict::Mismatch) => decision,
            (Err(undecided), _) => return Err(undecided),
        };
        if decision.verdict == Verdict::Conforming
            && let Some(reason) = unjudged(measurement, &self.recipe.region)
        {
            return Err(NotInspected::new(Stage::Region, reason));
        }
        Ok(decision)
    }

    /// Which of two parts fits the sheet better.
    ///
    /// # Errors
    /// What prevented a comparison.
    pub fn prefer(&self, a: &Frame, b: &Frame) -> Result<(Preference, Measurement), NotInspected> {
        let measurement = self.measure(&Reference::once(b.clone()), a)?;
        let pairs: Vec<_> = measurement
            .regions
            .iter()
            .map(|measured| {
                let reversed = measured.difference.reversed();
                [measured.scores.clone(), self.judge.score(&reversed, &measured.region.tight)]
            })
            .collect();
        Ok((prefer(&pairs, self.judge.sentences(), PREFERENCE_MARGIN), measurement))
    }

    fn standings(&self, test: &Frame) -> Result<Vec<Standing>, NotInspected> {
        let failed = |detail: String| NotInspected::new(Stage::Encode, detail);
        let embedded =
            self.encoder.encode_frames(&[test]).map_err(|error| failed(error.to_string()))?;
        let embedding = embedded.first().ok_or_else(|| failed("no embedding".to_owned()))?;
        variant::identify(embedding.values(), &self.classes)
            .map_err(|error| failed(error.to_string()))
    }

    fn wrong_variant(
        &self,
        measurement: &Measurement,
    ) -> Result<Option<WrongVariant>, NotInspected> {
        let Some(variant) = &self.recipe.variant else { return Ok(None) };
        variant::check(&measurement.standings, variant.expect, variant.classes.margin)
    }
}

/// Refuses a vision file that was measured and found wanting.
fn check_gate(bundle: &Bundle, opening: &Opening) -> Result<(), Error> {
    let file = bundle.vision_file(opening.precision)?;
    match bundle.failed_gate(file).filter(|_| !opening.allow_failed_gate) {
        Some(gate) => Err(Error::Gate {
            path: bundle.path(file).display().to_string(),
            gate: gate.name.clone(),
            value: gate.value,
            limit: gate.limit,
        }),
        None => Ok(()),
    }
}

/// The vectors of a cache, checked against the bundle, and the sum of its text tower.
fn load_vectors(
    bundle: &Bundle,
    encoder: &ImageEncoder,
    path: &Path,
    prompts: &[&Prompt],
) -> Result<(Vec<Vec<f32>>, String), Error> {
    let name = path.display().to_string();
    let cache = Cache::open(path)?;
    // The towers themselves may have been left off the box; their sums stay in the manifest.
    let text = bundle.text_file(None)?;
    let sum = |file: FileName| bundle.sha256(file).unwrap_or("none");
    cache.check_model([sum(text), sum(FileName::Tokenizer)], &name)?;
    if cache.dimension() != encoder.embedding_size() {
        let (found, expected) = (cache.dimension(), encoder.embedding_size());
        return Err(Error::Dimension { cache: name, found, expected });
    }
    Ok((cache.vectors_for(prompts, &name)?, cache.text_sha256().to_owned()))
}

fn load_thresholds(recipe: &Recipe, made_with: &MadeWith) -> Result<Thresholds, String> {
    let path = &recipe.thresholds_path;
    if !path.exists() {
        return Err(format!(
            "{}: not there; run `pairspec calibrate` with labelled pairs first",
            path.display()
        ));
    }
    let file = ThresholdFile::open(path).map_err(|error| error.to_string())?;
    let limits = file.limits_for(made_with, &recipe.sheet, path);
    limits.cloned().map_err(|error| error.to_string())
}
