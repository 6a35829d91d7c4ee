use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};

use super::common::print;
use super::{CONFORMING, MISMATCH};
use crate::files;
use crate::frame::Frame;
use crate::inspect::{Goldens, NotInspected, complaints};
use crate::recipe::{
    Date, Golden, GoldenList, GoldenState, Listed, NewGolden, Recipe, Shows, today,
};
use crate::verdict::Stage;

/// The most bytes of an image that are read; frames of cameras are far smaller.
const MAX_BYTES: u64 = 256 << 20;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy an image beside the recipe and list it with its SHA-256
    Add {
        /// The recipe
        recipe: PathBuf,
        /// The image
        image: PathBuf,
        /// What it shows: ok, or the ids of the sentences it violates, separated by |
        #[arg(long, value_name = "ok|SPEC_ID", default_value = "ok", value_parser = shows)]
        label: Shows,
        /// The day on which it was taken [default: today]
        #[arg(long, value_name = "DATE")]
        taken: Option<Date>,
        /// The first day on which it is not to be used any more [default: it does not expire]
        #[arg(long, value_name = "DATE")]
        expires: Option<Date>,
    },
    /// Each golden with its age, its expiry and whether its file is what was listed; exit 1 if one is not
    List {
        /// The recipe
        recipe: PathBuf,
    },
    /// Take a golden out of force from today on; its image and its line stay
    Expire {
        /// The recipe
        recipe: PathBuf,
        /// Its file as `list` prints it, or the start of the name
        golden: String,
    },
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.command {
        Command::Add { recipe, image, label, taken, expires } => {
            let taken = taken.unwrap_or_else(today);
            add(recipe, image, NewGolden { shows: label.clone(), taken, expires: *expires })
        }
        Command::List { recipe } => list(recipe),
        Command::Expire { recipe, golden } => {
            // What cannot be read is not written again.
            Recipe::open(recipe)?;
            let mut list = GoldenList::beside(recipe)?;
            let file = list.withdraw(golden, today())?.file.clone();
            print(|out| writeln!(out, "{file}: out of force from today on"))?;
            let recipe = Recipe::open(recipe)?;
            if let Some(reason) = nothing_in_force(&recipe) {
                log::warn!("{reason}");
            }
            Ok(CONFORMING)
        }
    }
}

/// Says which goldens of a recipe cannot be used; whether a line could do with the others.
pub(super) fn check(recipe: &Recipe) -> anyhow::Result<bool> {
    let today = today();
    let mut is_ready = true;
    for golden in &recipe.goldens {
        let state = golden.state(today);
        is_ready &= !state.is_broken();
        if state != GoldenState::InForce {
            print(|out| writeln!(out, "  golden {}: {state}", golden.file))?;
        }
    }
    if let Some(reason) = nothing_in_force(recipe) {
        is_ready = false;
        print(|out| writeln!(out, "not ready: {reason}"))?;
    }
    Ok(is_ready)
}

/// Why no part could be compared with a golden, where the recipe has good ones.
fn nothing_in_force(recipe: &Recipe) -> Option<String> {
    let mut good = recipe.goldens.iter().filter(|it| it.shows == Shows::Good).peekable();
    good.peek()?;
    let today = today();
    let is_any = good.any(|golden| golden.state(today).is_in_force());
    (!is_any).then(|| "no good golden is in force; take a new one".to_owned())
}

fn add(path: &Path, image: &Path, new: NewGolden) -> anyhow::Result<u8> {
    let recipe = Recipe::open(path)?;
    let mut list = GoldenList::beside(path)?;
    let content = files::read(image, MAX_BYTES)?;
    let frame = Frame::decode(&content, &image.display().to_string())?;
    if let Shows::Faults(ids) = &new.shows {
        let known: Vec<&str> = recipe.violable().collect();
        let unknown = ids.iter().find(|id| !known.contains(&id.as_str()));
        ensure!(
            unknown.is_none(),
            "--label {}: no fault or requirement of {}; known are ok {}",
            unknown.map_or("", String::as_str),
            recipe.sheet_path.display(),
            known.join(" ")
        );
    }
    check_frame(&frame, &new, &recipe)?;
    let extension = if content.starts_with(b"\x89PNG") { "png" } else { "jpg" };
    let golden = list.add((&content, extension), new)?;
    let line = line(golden, today());
    print(|out| write!(out, "{line}"))?;
    Ok(CONFORMING)
}

/// Refuses a golden whose photo inspection would not take, and one of a fault that would not be judged
/// for it; a good one that is unlike the others is only told of: it may be of another mould.
fn check_frame(frame: &Frame, new: &NewGolden, recipe: &Recipe) -> anyhow::Result<()> {
    let complaints = |reference: &Frame| {
        let found = complaints(reference, frame, recipe);
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let own = complaints(frame);
    ensure!(own.is_empty(), "not added: {own}");
    let read =
        |path: &Path| Frame::open(path).map_err(|error| NotInspected::new(Stage::Frame, error));
    let known = Goldens::load(recipe, Some(today()), read).ok();
    let chosen = known.as_ref().and_then(|known| known.choose(frame, today()).ok());
    match (chosen, &new.shows) {
        (Some((golden, reference)), shows) => {
            let found = complaints(reference.frame());
            let is_good = *shows == Shows::Good;
            ensure!(found.is_empty() || is_good, "not added: {found}");
            if !found.is_empty() {
                log::warn!("unlike {}: {found}; is it of this product?", golden.file);
            }
        }
        (None, Shows::Good) => {}
        (None, Shows::Faults(_)) => {
            log::warn!("no good golden is in force that it could be compared with");
        }
    }
    Ok(())
}

fn list(path: &Path) -> anyhow::Result<u8> {
    let recipe = Recipe::open(path).context("the recipe")?;
    let today = today();
    let lines: String = recipe.goldens.iter().map(|golden| line(golden, today)).collect();
    let shown = if lines.is_empty() { "no goldens\n" } else { lines.as_str() };
    print(|out| write!(out, "{shown}"))?;
    let is_broken = |golden: &Golden| golden.file_state().is_broken();
    Ok(if recipe.goldens.iter().any(is_broken) { MISMATCH } else { CONFORMING })
}

/// One golden, one line: file, what it shows, dates, hash and whether it is in force.
fn line(golden: &Golden, today: Date) -> String {
    let file_state = golden.file_state();
    let hash = match (&file_state, &golden.listed) {
        (GoldenState::Altered { .. }, _) => "hash differs",
        (GoldenState::Unreadable(_), _) => "no file",
        (_, Some(_)) => "hash ok",
        (_, None) => "no hash",
    };
    let dates = match &golden.listed {
        Some(Listed { taken, expires, .. }) => {
            let age = golden.age_days(today).unwrap_or(0);
            let expires = expires.map_or("never".to_owned(), |day| day.to_string());
            format!("taken {taken} ({age} days ago), expires {expires}")
        }
        None => "named by the recipe itself".to_owned(),
    };
    let state = match golden.dated(today) {
        GoldenState::InForce => file_state,
        dated => dated,
    };
    format!("{}  {}  {dates}  {hash}  {state}\n", golden.file, golden.shows)
}

fn shows(text: &str) -> Result<Shows, String> {
    Shows::try_from(text.to_owned())
}
