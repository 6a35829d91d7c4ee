use std::time::Instant;

use super::variant::Standing;
use super::{Reference, Timing, conditions};
use crate::align::{PhotoFigures, Registration};
use crate::clip::ImageEncoder;
use crate::diff::{self, Difference};
use crate::frame::{Frame, Rect};
use crate::recipe::Recipe;
use crate::region::{self, Region};
use crate::verdict::{Judge, NotInspected, RegionScores, Stage};

/// Turned views that are in memory at once: a box may have little.
const VIEWS_AT_ONCE: usize = 64;

/// One region with how all sentences fare in it.
#[derive(Debug, Clone)]
pub struct MeasuredRegion {
    /// Where.
    pub region: Region,
    /// The raw embeddings there, of reference and test.
    pub embeddings: [Vec<f32>; 2],
    /// How the test frame moved away from the reference there.
    pub difference: Difference,
    /// How the sentences fare there.
    pub scores: RegionScores,
}

/// Everything about a pair that does not depend on thresholds.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// The test frame in the reference's coordinates.
    pub test: Frame,
    /// Where the test frame has pixels of its own; nothing outside was judged.
    pub overlap: Rect,
    /// How the frames lie against each other.
    pub registration: Registration,
    /// Photo conditions of the reference and of the test frame.
    pub photo: [PhotoFigures; 2],
    /// The regions, strongest change first.
    pub regions: Vec<MeasuredRegion>,
    /// Regions that were found and not judged because there were too many.
    pub omitted: usize,
    /// How the classes of the recipe's variant fare, best first; empty when it has none.
    pub standings: Vec<Standing>,
    /// Where the time went.
    pub timing: Timing,
}

/// What measuring needs of an inspector.
pub(super) struct Instruments<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) encoder: &'a ImageEncoder,
    pub(super) judge: &'a Judge,
}

/// Milliseconds since the last call.
pub(super) struct Lap(Instant);

impl Lap {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn next(&mut self) -> f64 {
        let now = Instant::now();
        let elapsed = now.duration_since(self.0);
        self.0 = now;
        elapsed.as_secs_f64() * 1e3
    }
}

impl Instruments<'_> {
    /// Takes a pair through every stage before the verdict.
    pub(super) fn measure(
        &self,
        reference: &Reference,
        test: &Frame,
    ) -> Result<Measurement, NotInspected> {
        let mut lap = Lap::start();
        let mut timing = Timing::default();
        self.check_places(reference.frame())?;
        let photo = [
            conditions::photo(reference.frame(), "reference", self.recipe)?,
            conditions::photo(test, "test", self.recipe)?,
        ];
        let aligned = conditions::aligned(reference.frame(), test, self.recipe)?;
        timing.align = lap.next();
        let found =
            region::regions(reference.frame(), &aligned.test, aligned.overlap, &self.recipe.region)
                .map_err(|error| NotInspected::new(Stage::Region, error))?;
        timing.region = lap.next();
        let embeddings = self.embed(reference, &aligned.test, &found.regions)?;
        timing.encode = lap.next();
        let regions = found
            .regions
            .into_iter()
            .zip(embeddings)
            .map(|(region, embeddings)| {
                let difference = Difference::between(&embeddings[0], &embeddings[1])
                    .map_err(|error| NotInspected::new(Stage::Encode, error))?;
                let scores = self.judge.score(&difference, &region.tight);
                Ok(MeasuredRegion { region, embeddings, difference, scores })
            })
            .collect::<Result<Vec<_>, NotInspected>>()?;
        timing.verdict = lap.next();
        Ok(Measurement {
            test: aligned.test,
            overlap: aligned.overlap,
            registration: aligned.registration,
            photo,
            regions,
            omitted: found.omitted,
            standings: Vec::new(),
            timing: timing.summed(),
        })
    }

    /// Refuses a sentence about a place that the reference does not have.
    fn check_places(&self, reference: &Frame) -> Result<(), NotInspected> {
        let bounds = reference.bounds();
        for sentence in self.judge.sentences() {
            let Some(place) = sentence.region else { continue };
            if place.intersection(&bounds) != place {
                let detail = format!(
                    "sentence {:?}: its region {}x{} at ({}, {}) reaches beyond the reference, \
                     {}x{} px; correct it in the spec sheet",
                    sentence.id,
                    place.width,
                    place.height,
                    place.x,
                    place.y,
                    bounds.width,
                    bounds.height
                );
                return Err(NotInspected::new(Stage::Region, detail));
            }
        }
        Ok(())
    }

    /// The embeddings `[reference, test]` of every region, in one batch.
    fn embed(
        &self,
        reference: &Reference,
        test: &Frame,
        regions: &[Region],
    ) -> Result<Vec<[Vec<f32>; 2]>, NotInspected> {
        let failed = |detail: String| NotInspected::new(Stage::Encode, detail);
        let crop =
            |frame: &Frame, rect: Rect| frame.crop(rect).map_err(|error| failed(error.to_string()));
        let kept: Vec<Option<Vec<f32>>> =
            regions.iter().map(|region| reference.kept(region.crop)).collect();
        let mut crops = Vec::with_capacity(2 * regions.len());
        for (region, kept) in regions.iter().zip(&kept) {
            crops.push(crop(test, region.crop)?);
            if kept.is_none() {
                crops.push(crop(reference.frame(), region.crop)?);
            }
        }
        let mut embeddings = self.embeddings(&crops).map_err(failed)?.into_iter();
        let mut next =
            || embeddings.next().ok_or_else(|| failed("the encoder left a crop out".into()));
        regions
            .iter()
            .zip(kept)
            .map(|(region, kept)| {
                let test = next()?;
                let of_reference = match kept {
                    Some(kept) => kept,
                    None => {
                        let embedded = next()?;
                        reference.keep(region.crop, &embedded);
                        embedded
                    }
                };
                Ok([of_reference, test])
            })
            .collect()
    }

    /// One embedding for each crop: of several views the sum of their directions.
    fn embeddings(&self, crops: &[Frame]) -> Result<Vec<Vec<f32>>, String> {
        let views = self.recipe.region.views as usize;
        let encode = |frames: &[&Frame]| {
            let all = self.encoder.encode_frames(frames).map_err(|error| error.to_string())?;
            Ok::<_, String>(all.into_iter().map(|embedding| embedding.into_values()).collect())
        };
        if views == 1 {
            return encode(&crops.iter().collect::<Vec<_>>());
        }
        let sum = |views: &mut [Vec<f32>]| {
            let mut sum = vec![0.0; views.first().map_or(0, Vec::len)];
            for view in views {
                diff::normalise(view, "turned").map_err(|error| error.to_string())?;
                sum.iter_mut().zip(view).for_each(|(sum, value)| *sum += *value);
            }
            Ok::<_, String>(sum)
        };
        let mut all = Vec::with_capacity(crops.len());
        for some in crops.chunks(VIEWS_AT_ONCE / views) {
            let turned = some.iter().flat_map(|crop| (0..views).map(|view| crop.turned(view)));
            let turned: Vec<Frame> = turned.collect();
            let mut embedded: Vec<Vec<f32>> = encode(&turned.iter().collect::<Vec<_>>())?;
            for views in embedded.chunks_mut(views) {
                all.push(sum(views)?);
            }
        }
        Ok(all)
    }
}
