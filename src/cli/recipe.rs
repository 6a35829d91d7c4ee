use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::common::{counted, print};
use super::{CONFORMING, MISMATCH, golden};
use crate::files;
use crate::inspect::{Inspector, Opening};
use crate::recipe::Recipe;
use crate::spec::Kind;

/// Recipes: start one, check one, keep its goldens
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented recipe and spec sheet to start from
    Init {
        /// The new folder; its name becomes the product's
        folder: PathBuf,
        /// The model bundle the recipe names
        #[arg(long, value_name = "DIR")]
        model: Option<PathBuf>,
    },
    /// Say whether a recipe is complete and fits its model; exit 1 if not
    Check {
        /// The recipe
        recipe: PathBuf,
        /// A model bundle instead of the recipe's
        #[arg(long, value_name = "DIR")]
        model: Option<PathBuf>,
    },
    /// Goldens: stored frames of good parts that parts are compared with, and of bad ones to be found
    Golden(golden::Arguments),
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.command {
        Command::Init { folder, model } => init(folder, model.as_deref()),
        Command::Check { recipe, model } => check(recipe, model.clone()),
        Command::Golden(arguments) => golden::run(arguments),
    }
}

fn init(folder: &Path, model: Option<&Path>) -> anyhow::Result<u8> {
    for name in ["recipe.toml", "specs.toml"] {
        anyhow::ensure!(
            !folder.join(name).exists(),
            "{}: has a {name} already; choose another folder",
            folder.display()
        );
    }
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("product");
    let bundle = match model {
        Some(path) => {
            let path = path.canonicalize().with_context(|| path.display().to_string())?;
            format!("bundle = {}", toml_string(&path.display().to_string()))
        }
        None => "# bundle = \"../bundle\"".to_owned(),
    };
    let recipe = include_str!("template/recipe.toml")
        .replace("\"NAME\"", &toml_string(name))
        .replace("BUNDLE\n# What", &format!("{bundle}\n# What"));
    Recipe::check_text(&recipe, &folder.join("recipe.toml"))?;
    files::write(&folder.join("recipe.toml"), recipe.as_bytes())?;
    files::write(&folder.join("specs.toml"), include_bytes!("template/specs.toml"))?;
    print(|out| {
        writeln!(out, "{0}/recipe.toml and {0}/specs.toml written; next:", folder.display())?;
        writeln!(out, "  edit specs.toml: the sentences of your product")?;
        writeln!(out, "  pairspec specs embed {}/specs.toml --model BUNDLE", folder.display())?;
        writeln!(out, "  pairspec calibrate MANIFEST.csv --recipe {}/recipe.toml", folder.display())
    })?;
    Ok(CONFORMING)
}

fn check(path: &Path, bundle: Option<PathBuf>) -> anyhow::Result<u8> {
    let recipe = Recipe::open(path)?;
    let name = recipe.name.clone();
    let inspector = Inspector::open(recipe, &Opening { bundle, ..Opening::default() })?;
    let specs = &inspector.recipe().sheet.specs;
    let count = |kind: Kind, noun: &str| {
        counted(specs.iter().filter(|spec| spec.kind == kind).count(), noun)
    };
    print(|out| {
        writeln!(
            out,
            "{name}: {}, {}, {}",
            count(Kind::Fault, "fault"),
            count(Kind::Requirement, "requirement"),
            count(Kind::Allowed, "allowed difference")
        )?;
        writeln!(out, "vision file {}", inspector.made_with().vision_sha256)
    })?;
    let mut is_ready = golden::check(inspector.recipe())?;
    match inspector.thresholds() {
        Ok(limits) => print(|out| {
            limits
                .armed
                .iter()
                .try_for_each(|(id, limit)| writeln!(out, "  {id}: armed at {limit:.3}"))?;
            limits
                .unarmed
                .iter()
                .try_for_each(|(id, reason)| writeln!(out, "  {id}: not armed: {reason}"))
        })?,
        Err(reason) => {
            is_ready = false;
            print(|out| writeln!(out, "not ready: {reason}"))?;
        }
    }
    Ok(if is_ready { CONFORMING } else { MISMATCH })
}

/// A basic TOML string; JSON's escapes are valid there.
fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
