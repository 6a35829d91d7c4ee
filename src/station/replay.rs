//! Logged parts judged again from their images, and compared with what was recorded.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::Error;
use super::core::Judgement;
use super::goldens::luma;
use super::judge::{Judge, Pair, RecipeJudge};
use crate::files;
use crate::frame::Frame;
use crate::journal::{Filter, IMAGES, Image, Outcome, Part, Reader, Record};
use crate::recipe::day_of;
use crate::verdict::Stage;

/// Scores that differ by more are different: kernels of other processors add in another order.
const TOLERANCE: f32 = 2e-3;
/// Numbers of parts that are named for one reason.
const NAMED: usize = 10;
/// The stages of inspection; all others are the line's.
const STAGES: [Stage; 7] = [
    Stage::Frame,
    Stage::Photo,
    Stage::Align,
    Stage::Region,
    Stage::Encode,
    Stage::Variant,
    Stage::Thresholds,
];

/// What judging again came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Replayed {
    /// Parts that were judged again.
    pub compared: u64,
    /// Of these, those with the same verdict and the same scores.
    pub equal: u64,
    /// The others.
    pub different: Vec<Difference>,
    /// The largest difference of a score among all.
    pub largest: f32,
    /// Parts that were not judged again, by reason.
    pub skipped: Vec<Skipped>,
}

/// A part that is judged otherwise now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The part.
    pub number: u64,
    /// The outcome that was recorded.
    pub recorded: String,
    /// The outcome now.
    pub found: String,
    /// The scores that differ.
    pub scores: Vec<ScoreChange>,
}

/// A score that is another now; one that was or is not there is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreChange {
    /// The sentence.
    pub spec: String,
    /// What was recorded.
    pub recorded: Option<f32>,
    /// What it is now.
    pub found: Option<f32>,
}

/// Parts that could not be judged again for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Why.
    pub reason: String,
    /// How many.
    pub parts: u64,
    /// The first of them.
    pub first: Vec<u64>,
}

/// A part that may be judged again.
struct Candidate {
    unix_ms: u64,
    part: Part,
}

/// By reason, in the order of the words.
#[derive(Default)]
struct Skips(BTreeMap<String, (u64, Vec<u64>)>);

/// Judges the parts of a journal again by a recipe, at most the newest `limit` of those that can be.
///
/// A part is judged again when its images are there and are what was recorded, and when recipe and
/// model are those that judged it. Parts that the line itself gave up (no frames, the deadline) have
/// nothing to be compared.
///
/// # Errors
/// [`Error::Journal`], and [`Error::Recipe`] for a recipe that cannot judge.
pub fn replay(journal: &Path, recipe: &Path, limit: Option<u64>) -> Result<Replayed, Error> {
    let reader = Reader::open(journal)?;
    let judge = RecipeJudge::open_to_replay(recipe)?;
    let images = images(&reader)?;
    let mut skips = Skips::default();
    let candidates = candidates(&reader, (&images, &judge), limit, &mut skips)?;
    let mut replayed = Replayed::default();
    for candidate in candidates {
        let number = candidate.part.number;
        let kept = images.get(&number).map_or(&[][..], Vec::as_slice);
        match pair(number, kept, &journal.join(IMAGES)) {
            Ok(pair) if pair.reference.is_none() && !judge.has_goldens() => {
                skips.add(
                    "no image of the reference was kept, and the recipe has no golden",
                    number,
                );
            }
            Ok(pair) => {
                let found = judge.judge_on(&pair, day_of(candidate.unix_ms));
                replayed.compare(&candidate.part, &found);
            }
            Err(reason) => skips.add(&reason, number),
        }
    }
    replayed.skipped = skips.into_list();
    Ok(replayed)
}

/// The images that were recorded, by part.
fn images(reader: &Reader) -> Result<HashMap<u64, Vec<Image>>, Error> {
    let mut images = HashMap::new();
    reader.each(&Filter::default(), |row| {
        if let Record::Evidence(evidence) = row.entry.record
            && !evidence.images.is_empty()
        {
            images.insert(evidence.number, evidence.images);
        }
        ControlFlow::Continue(())
    })?;
    Ok(images)
}

fn candidates(
    reader: &Reader,
    (images, judge): (&HashMap<u64, Vec<Image>>, &RecipeJudge),
    limit: Option<u64>,
    skips: &mut Skips,
) -> Result<VecDeque<Candidate>, Error> {
    let most = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut candidates = VecDeque::new();
    reader.each(&Filter { parts_only: true, ..Filter::default() }, |row| {
        let Record::Part(part) = row.entry.record else { return ControlFlow::Continue(()) };
        match obstacle(&part, images, judge) {
            Some(reason) => skips.add(&reason, part.number),
            None => {
                candidates.push_back(Candidate { unix_ms: row.entry.unix_ms, part });
                if candidates.len() > most
                    && let Some(older) = candidates.pop_front()
                {
                    skips.add("beyond the limit that was asked for", older.part.number);
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(candidates)
}

/// Why a part cannot be judged again, as far as its record says.
fn obstacle(part: &Part, images: &HashMap<u64, Vec<Image>>, judge: &RecipeJudge) -> Option<String> {
    if let Outcome::NotInspected { stage, .. } = &part.outcome
        && !STAGES.iter().any(|known| known.to_string() == *stage)
    {
        return Some(format!("not inspected by the line itself ({stage})"));
    }
    let identity = judge.identity();
    let differs = |what: &str, recorded: &str, present: &str| {
        let start = |sum: &str| sum.get(..12).unwrap_or(sum).to_owned();
        let (then, now) = (start(recorded), start(present));
        (recorded != present).then(|| format!("another {what} judged it ({then}, now {now})"))
    };
    differs("recipe", &part.recipe_sha256, &identity.recipe_sha256)
        .or_else(|| differs("model", &part.model_sha256, &identity.model_sha256))
        .or_else(|| {
            (!images.contains_key(&part.number)).then(|| "no images of it were kept".to_owned())
        })
}

/// The frames of a part, from images that are what was recorded.
fn pair(number: u64, images: &[Image], folder: &Path) -> Result<Pair, String> {
    let frame = |role: &str| -> Result<Option<Arc<Frame>>, String> {
        let ending = format!("-{role}.png");
        let Some(image) = images.iter().find(|image| image.name.ends_with(&ending)) else {
            return Ok(None);
        };
        let path: PathBuf =
            files::join_below(folder, &image.name).map_err(|error| error.to_string())?;
        if !path.exists() {
            return Err("its images are gone (retention)".to_owned());
        }
        let found = files::sha256_of(&path).map_err(|error| error.to_string())?;
        if found != image.sha256 {
            return Err(
                "its images were altered: their SHA-256 is not what was recorded".to_owned()
            );
        }
        luma(&path).map(|frame| Some(Arc::new(frame))).map_err(|reason| reason.detail)
    };
    let test = frame("test")?.ok_or("no image of the part itself was kept")?;
    Ok(Pair { number, reference: frame("reference")?, test })
}

impl Replayed {
    fn compare(&mut self, recorded: &Part, found: &Judgement) {
        let changes = changes(recorded, found);
        let off = changes.iter().map(|change| change.size()).fold(0.0, f32::max);
        self.compared += 1;
        self.largest = self.largest.max(off);
        let scores: Vec<ScoreChange> =
            changes.into_iter().filter(|change| change.size() > TOLERANCE).collect();
        if is_same(&recorded.outcome, &found.outcome) && scores.is_empty() {
            self.equal += 1;
            return;
        }
        self.different.push(Difference {
            number: recorded.number,
            recorded: words(&recorded.outcome),
            found: words(&found.outcome),
            scores,
        });
    }
}

impl ScoreChange {
    /// How far the scores are apart, 1 where there is one only.
    fn size(&self) -> f32 {
        match (self.recorded, self.found) {
            (Some(recorded), Some(found)) => (recorded - found).abs(),
            _ => 1.0,
        }
    }
}

impl Skips {
    fn add(&mut self, reason: &str, number: u64) {
        let (parts, first) = self.0.entry(reason.to_owned()).or_default();
        *parts += 1;
        if first.len() < NAMED {
            first.push(number);
        }
    }

    fn into_list(self) -> Vec<Skipped> {
        let skip = |(reason, (parts, first))| Skipped { reason, parts, first };
        self.0.into_iter().map(skip).collect()
    }
}

/// Every sentence that has a score on either side.
fn changes(recorded: &Part, found: &Judgement) -> Vec<ScoreChange> {
    let mut scores: BTreeMap<&str, (Option<f32>, Option<f32>)> = BTreeMap::new();
    for score in &recorded.scores {
        scores.entry(&score.spec).or_default().0 = Some(score.score);
    }
    for score in &found.details.scores {
        scores.entry(&score.spec).or_default().1 = Some(score.score);
    }
    let change = |(spec, (recorded, found)): (&str, _)| ScoreChange {
        spec: spec.to_owned(),
        recorded,
        found,
    };
    scores.into_iter().map(change).collect()
}

/// The same verdict; what was not inspected, at the same stage.
fn is_same(recorded: &Outcome, found: &Outcome) -> bool {
    match (recorded, found) {
        (Outcome::NotInspected { stage, .. }, Outcome::NotInspected { stage: now, .. }) => {
            stage == now
        }
        (recorded, found) => recorded == found,
    }
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::NotInspected { stage, detail } => format!("not inspected: {stage}: {detail}"),
        judged => judged.verdict().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::SpecScore;
    use crate::station::Details;

    fn score(spec: &str, score: f32) -> SpecScore {
        SpecScore { spec: spec.to_owned(), score, threshold: Some(0.5), region: None }
    }

    fn compared(recorded: (Outcome, &[SpecScore]), found: (Outcome, &[SpecScore])) -> Replayed {
        let part = Part {
            number: 7,
            outcome: recorded.0,
            scores: recorded.1.to_vec(),
            timing_ms: BTreeMap::new(),
            recipe_sha256: String::new(),
            model_sha256: String::new(),
            thresholds_sha256: String::new(),
        };
        let details =
            Details { scores: found.1.to_vec(), timing_ms: BTreeMap::new(), findings: None };
        let mut replayed = Replayed::default();
        replayed.compare(&part, &Judgement { outcome: found.0, details });
        replayed
    }

    #[test]
    fn the_same_verdict_and_scores_are_equal_whatever_the_last_digits() {
        let both = [score("scratch", 0.7), score("mark", 0.1)];
        let near = [score("mark", 0.1), score("scratch", 0.7004)];
        let equal = compared((Outcome::Mismatch, &both), (Outcome::Mismatch, &near));
        assert_eq!((equal.compared, equal.equal, equal.different.len()), (1, 1, 0));
        assert!(equal.largest > 0.0 && equal.largest < TOLERANCE);
        let stage = |detail: &str| Outcome::not_inspected("photo", detail);
        assert_eq!(compared((stage("a"), &[]), (stage("b"), &[])).equal, 1);
    }

    #[test]
    fn another_verdict_score_or_stage_is_a_difference() {
        let scores = [score("scratch", 0.7)];
        let other = [score("scratch", 0.6)];
        let (conforming, mismatch) = (Outcome::Conforming, Outcome::Mismatch);
        let photo = Outcome::not_inspected("photo", "dark");
        let align = Outcome::not_inspected("align", "it does not");
        for (recorded, found) in [
            ((mismatch.clone(), &scores[..]), (conforming.clone(), &scores[..])),
            ((mismatch.clone(), &scores[..]), (mismatch.clone(), &other[..])),
            ((mismatch.clone(), &scores[..]), (mismatch, &[][..])),
            ((photo.clone(), &[][..]), (align, &[][..])),
            ((photo, &[][..]), (conforming, &[][..])),
        ] {
            let told = format!("{recorded:?} {found:?}");
            let replayed = compared(recorded, found);
            assert_eq!((replayed.equal, replayed.different.len()), (0, 1), "{told}");
            assert_eq!(replayed.different[0].number, 7);
        }
    }
}
