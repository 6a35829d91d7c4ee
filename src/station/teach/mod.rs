//! Teaching: labelled pairs, taken with the cameras, triggers and timing that the station runs with.
//!
//! Owns the way from a part in front of the cameras to a row of a manifest that calibration reads: the
//! same pairing as at the line, photo checks and registration by the recipe, two images, one row.
//!
//! It judges nothing, opens no model and takes no output line.

mod takes;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::takes::{Taken, TakenFrames, Takes};
use super::Error;
use super::camera::OpenSource;
use super::config::StationConfig;
use super::goldens::luma;
use super::run::set_for;
use crate::files;
use crate::frame::Frame;
use crate::inspect::{Goldens, complaints};
use crate::manifest::{Appending, Label, LabelledBox, NewPair};
use crate::recipe::{Recipe, today};

/// The manifest in the folder of taken pairs.
const MANIFEST: &str = "manifest.csv";
/// The folder of their images.
const FRAMES: &str = "frames";
/// Held while pairs are taken into a folder.
const LOCK: &str = ".capture.lock";

/// What is to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// What is wrong with the parts, or nothing.
    pub label: Label,
    /// Where that is, in every one of them; empty where nobody says.
    pub boxes: Vec<LabelledBox>,
    /// What the pairs share, and are held out together by.
    pub group: String,
    /// Pairs that inspection would not take are kept, too.
    pub keep_bad: bool,
    /// Where the manifest and the images go.
    pub folder: PathBuf,
}

/// What came of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// It is in the manifest.
    Kept {
        /// The pair's id there.
        id: String,
        /// What is wrong with its photos all the same.
        complaints: Vec<String>,
    },
    /// It is not.
    Refused {
        /// Whether there were frames of it.
        has_frames: bool,
        /// What is wrong with it.
        reasons: Vec<String>,
    },
}

/// Cameras, triggers and a manifest at work.
pub struct Teaching {
    takes: Takes,
    recipe: Recipe,
    recipe_path: PathBuf,
    goldens: Option<Goldens>,
    manifest: Appending,
    lesson: Lesson,
    /// Until it is dropped.
    _lock: File,
}

impl Teaching {
    /// Checks all that can be checked before the first part, then starts cameras and triggers.
    ///
    /// # Errors
    /// [`Error::Recipe`] for a label that the sheet does not know or goldens that are not in force,
    /// [`Error::Manifest`] and [`Error::File`] for a folder that cannot be written to, and
    /// [`Error::Thread`].
    pub fn start(config: &StationConfig, open: &OpenSource, lesson: Lesson) -> Result<Self, Error> {
        let refused = |reason: String| Error::Recipe { path: config.recipe.clone(), reason };
        let recipe = Recipe::open(&config.recipe).map_err(|error| refused(error.to_string()))?;
        check_label(&lesson.label, &recipe).map_err(refused)?;
        let goldens = || Goldens::load(&recipe, Some(today()), luma);
        let goldens = config.is_golden().then(goldens).transpose();
        let goldens = goldens.map_err(|reason| refused(reason.detail))?;
        let lock = lock(&lesson.folder)?;
        let path = lesson.folder.join(MANIFEST);
        let manifest = Appending::open(&path, lesson.label.clone(), lesson.boxes.clone())?;
        // What follows a part to the ejector is not looked at.
        let set = set_for(config, recipe.controls.clone());
        let quiet = StationConfig { encoder: None, confirmation: None, ..set };
        let takes = Takes::start(&quiet, open)?;
        let recipe_path = config.recipe.clone();
        Ok(Self { takes, recipe, recipe_path, goldens, manifest, lesson, _lock: lock })
    }

    /// The manifest that pairs are added to.
    pub fn manifest(&self) -> PathBuf {
        self.lesson.folder.join(MANIFEST)
    }

    /// Waits for the cameras' first frames, at most for so long: a part that is there before them is not
    /// seen.
    ///
    /// # Errors
    /// As [`Teaching::next`].
    pub fn warm_up(&mut self, patience: Duration) -> Result<(), Error> {
        self.takes.warm_up(patience)
    }

    /// A part is there now.
    pub fn trigger(&mut self) {
        self.takes.trigger();
    }

    /// What came of the next part, or `None` if there was none in so long.
    ///
    /// # Errors
    /// [`Error::Lost`] when a camera or the trigger is gone, [`Error::File`] and [`Error::Manifest`]
    /// when the pair cannot be written. All pairs before it are kept.
    pub fn next(&mut self, patience: Duration) -> Result<Option<Take>, Error> {
        let Some(Taken { number, frames }) = self.takes.next(patience)? else { return Ok(None) };
        log::debug!("part {number}");
        match frames {
            Ok(frames) => self.take(frames).map(Some),
            Err(reason) => {
                let reasons = vec![reason.to_string()];
                Ok(Some(Take::Refused { has_frames: false, reasons }))
            }
        }
    }

    fn take(&mut self, frames: TakenFrames) -> Result<Take, Error> {
        let (reference, is_golden) = match self.reference(&frames) {
            Ok(Some(found)) => found,
            Ok(None) => {
                let reasons = vec!["there is no reference frame".to_owned()];
                return Ok(Take::Refused { has_frames: false, reasons });
            }
            Err(reason) => return Err(Error::Recipe { path: self.recipe_path.clone(), reason }),
        };
        let found = complaints(reference, &frames.test, &self.recipe);
        let reasons: Vec<String> = found.iter().map(ToString::to_string).collect();
        if !reasons.is_empty() && !self.lesson.keep_bad {
            return Ok(Take::Refused { has_frames: true, reasons });
        }
        let (id, folder) = (self.manifest.next_id(), &self.lesson.folder);
        let reference = match is_golden {
            true => golden_file(reference, folder)?,
            false => frame_file(reference, folder, &format!("{id}_ref"))?,
        };
        let test = frame_file(&frames.test, folder, &format!("{id}_test"))?;
        self.add(&id, (&reference, is_golden), &test)?;
        Ok(Take::Kept { id, complaints: reasons })
    }

    /// What a part is compared with, and whether that is a golden.
    fn reference<'a>(
        &'a self,
        frames: &'a TakenFrames,
    ) -> Result<Option<(&'a Frame, bool)>, String> {
        match (&frames.reference, &self.goldens) {
            (Some(reference), _) => Ok(Some((reference, false))),
            (None, Some(goldens)) => {
                let chosen = goldens.choose(&frames.test, today());
                let (_, reference) = chosen.map_err(|reason| reason.detail)?;
                Ok(Some((reference.frame(), true)))
            }
            (None, None) => Ok(None),
        }
    }

    fn add(
        &mut self,
        id: &str,
        (reference, is_golden): (&str, bool),
        test: &str,
    ) -> Result<(), Error> {
        let group = self.lesson.group.clone();
        let added = self.manifest.add(NewPair { id, reference, test, group: &group });
        if added.is_err() {
            // What no row names is nobody's; a golden may be another row's, too.
            let images = [(!is_golden).then_some(reference), Some(test)];
            for image in images.into_iter().flatten() {
                let _ = fs::remove_file(self.lesson.folder.join(image));
            }
        }
        Ok(added?)
    }
}

/// A label that calibration would count as a fault of no sentence.
fn check_label(label: &Label, recipe: &Recipe) -> Result<(), String> {
    let Label::Faults(ids) = label else { return Ok(()) };
    let known: Vec<&str> = recipe.violable().collect();
    let Some(id) = ids.iter().find(|id| !known.contains(&id.as_str())) else { return Ok(()) };
    let sheet = recipe.sheet_path.display();
    let is_allowed = recipe.sheet.specs.iter().any(|spec| spec.prompt.id == *id);
    let known = known.join(" ");
    Err(match is_allowed {
        true => format!("label {id:?} is an allowed difference of {sheet}: such parts are ok"),
        false => {
            format!("label {id:?} is no fault or requirement of {sheet}; known are ok {known}")
        }
    })
}

/// Two that take into one folder would give the same ids.
fn lock(folder: &Path) -> Result<File, Error> {
    fs::create_dir_all(folder).map_err(files::Error::io(folder, "create"))?;
    let path = folder.join(LOCK);
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(files::Error::io(&path, "create"))?;
    let locked = file.try_lock().map_err(std::io::Error::from);
    locked.map_err(files::Error::io(&path, "lock: another capture writes to this folder?"))?;
    Ok(file)
}

fn frame_file(frame: &Frame, folder: &Path, stem: &str) -> Result<String, Error> {
    let name = format!("{FRAMES}/{stem}.png");
    let path = folder.join(&name);
    files::write(&path, &png(frame)?)?;
    Ok(name)
}

/// The golden's pixels, once for all pairs that are compared with it.
fn golden_file(frame: &Frame, folder: &Path) -> Result<String, Error> {
    let content = png(frame)?;
    let sum = files::sha256(&content);
    let name = format!("{FRAMES}/golden-{}.png", sum.get(..16).unwrap_or(&sum));
    let path = folder.join(&name);
    if files::sha256_of(&path).ok() != Some(sum) {
        files::write(&path, &content)?;
    }
    Ok(name)
}

fn png(frame: &Frame) -> Result<Vec<u8>, Error> {
    Ok(frame.to_png().map_err(crate::capture::Error::from)?)
}
