//! Known parts that must be judged right: those of a manifest, and those listed beside the recipe.

use std::path::Path;

use crate::frame::{Frame, Pixels};
use crate::inspect::{Goldens, Inspection, Inspector, Reference};
use crate::manifest::{self, Label};
use crate::recipe::{Date, GoldenState, Recipe, Shows};
use crate::verdict::{NotInspected, Stage, Verdict};

/// One golden of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleSeen {
    /// Its pair id, or its file.
    pub name: String,
    /// The spec ids of its faults; `None` for a good one.
    pub fault: Option<String>,
    /// What it was judged as.
    pub found: Verdict,
}

/// The goldens that were judged so far, and the first that was judged wrong.
#[derive(Debug, Default)]
struct Judged {
    samples: Vec<SampleSeen>,
    wrong: Option<String>,
}

/// Judges the pairs of `manifest` and the listed goldens that are in force; how many there were.
/// Each that was judged is in `samples` then, right or wrong.
///
/// A listed golden is judged as a part that looks so would be: a bad one against the good one that it is
/// most like, a good one against itself, which shows that inspection takes its photo and no more.
/// Without a manifest and without a listed bad golden there is nothing to be judged right.
///
/// # Errors
/// The first that was judged wrong or cannot be read, or that one of both kinds is lacking.
pub(super) fn challenge(
    inspector: &Inspector,
    (manifest, day): (Option<&Path>, Date),
    samples: &mut Vec<SampleSeen>,
) -> Result<usize, String> {
    samples.clear();
    let recipe = inspector.recipe();
    if manifest.is_none() && !has_bad(recipe) {
        return Ok(0);
    }
    let mut judged = Judged::default();
    let read = manifest.map_or(Ok(()), |path| judge_pairs(inspector, path, &mut judged));
    let read = read.and_then(|()| judge_listed(inspector, day, &mut judged));
    *samples = judged.samples;
    read?;
    judged.wrong.map_or(Ok(()), Err)?;
    let good = samples.iter().filter(|sample| sample.fault.is_none()).count();
    if good == 0 || good == samples.len() {
        let of = manifest.map_or("the recipe's goldens".to_owned(), |it| it.display().to_string());
        return Err(format!("{of}: {good} of {} are good; both kinds are needed", samples.len()));
    }
    Ok(samples.len())
}

/// Refuses a recipe whose list names a golden that is not what was listed.
pub(super) fn check_listed(recipe: &Recipe) -> Result<(), String> {
    for golden in recipe.goldens.iter().filter(|golden| golden.listed.is_some()) {
        let is_withdrawn = golden.listed.as_ref().is_some_and(|it| it.withdrawn.is_some());
        let state = golden.file_state();
        if state.is_broken() && !is_withdrawn {
            return Err(format!("golden {}: {state}", golden.file));
        }
    }
    Ok(())
}

/// Frames of a station are luma, whatever they come from.
pub(super) fn luma(path: &Path) -> Result<Frame, NotInspected> {
    let failed = |error| NotInspected::new(Stage::Frame, error);
    let frame = Frame::open(path).map_err(failed)?;
    let pixels = Pixels::Gray(frame.luma().into_owned());
    Frame::new(pixels, frame.bit_depth(), frame.origin()).map_err(failed)
}

fn has_bad(recipe: &Recipe) -> bool {
    let mut listed = recipe.goldens.iter().filter(|golden| golden.shows != Shows::Good);
    listed.any(|golden| golden.listed.as_ref().is_some_and(|it| it.withdrawn.is_none()))
}

fn judge_pairs(inspector: &Inspector, path: &Path, judged: &mut Judged) -> Result<(), String> {
    for pair in manifest::open(path).map_err(|error| error.to_string())? {
        let id = &pair.id;
        let fault = match &pair.label {
            Some(Label::Conforming) => None,
            Some(Label::Faults(faults)) => Some(faults.join(", ")),
            None => return Err(format!("golden {id:?}: no label, so nothing to be judged right")),
        };
        let frame = |path| luma(path).map_err(|reason| format!("golden {id:?}: {}", reason.detail));
        let (reference, test) = (frame(&pair.reference)?, frame(&pair.test)?);
        let inspection = inspector.inspect(&Reference::once(reference), &test);
        judged.take(id, fault, &inspection);
    }
    Ok(())
}

fn judge_listed(inspector: &Inspector, day: Date, judged: &mut Judged) -> Result<(), String> {
    let recipe = inspector.recipe();
    let listed = || recipe.goldens.iter().filter(|golden| golden.listed.is_some());
    if listed().next().is_none() {
        return Ok(());
    }
    let goldens = Goldens::load(recipe, Some(day), luma).map_err(|reason| reason.detail)?;
    for golden in listed() {
        match golden.state(day) {
            GoldenState::InForce => {}
            state if state.is_broken() => return Err(format!("golden {}: {state}", golden.file)),
            _ => continue,
        }
        let of = |reason: NotInspected| format!("golden {}: {}", golden.file, reason.detail);
        let test = luma(&golden.path).map_err(of)?;
        let (_, reference) = goldens.choose(&test, day).map_err(of)?;
        let inspection = inspector.inspect(reference, &test);
        let fault = match &golden.shows {
            Shows::Good => None,
            Shows::Faults(faults) => Some(faults.join(", ")),
        };
        judged.take(&golden.file, fault, &inspection);
    }
    Ok(())
}

impl Judged {
    /// Takes a golden, judged as it must be or not.
    fn take(&mut self, name: &str, fault: Option<String>, inspection: &Inspection) {
        let expected = if fault.is_none() { Verdict::Conforming } else { Verdict::Mismatch };
        let found = inspection.verdict();
        if found != expected && self.wrong.is_none() {
            let reason = inspection.outcome.as_ref().err();
            let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
            self.wrong =
                Some(format!("golden {name:?}: judged {found}, expected {expected}{reason}"));
        }
        self.samples.push(SampleSeen { name: name.to_owned(), fault, found });
    }
}
