use std::fs;
use std::path::{Path, PathBuf};

use super::common::RecipeArguments;
use super::data;
use crate::files;
use crate::manifest::Pair;
use crate::recipe::Recipe;

/// What a command reads: none of it may be where the command writes.
#[derive(Debug, Default)]
pub(crate) struct Inputs(Vec<PathBuf>);

impl Inputs {
    /// These files.
    pub(crate) fn new<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self(paths.into_iter().map(Into::into).collect())
    }

    /// The frames of these pairs, too.
    pub(crate) fn with_frames(mut self, pairs: &[Pair]) -> Self {
        self.0.extend(pairs.iter().flat_map(|pair| [pair.reference.clone(), pair.test.clone()]));
        self
    }

    /// The recipe, the files it names and those of the bundle, too, but not the thresholds: that
    /// file is what calibration makes.
    pub(crate) fn with_recipe(
        mut self,
        arguments: &RecipeArguments,
        recipe: &Recipe,
    ) -> anyhow::Result<Self> {
        self.0.push(data::recipe(arguments.recipe.as_deref())?);
        self.0.extend([recipe.sheet_path.clone(), recipe.cache_path.clone()]);
        if let Some(variant) = &recipe.variant {
            self.0.extend([variant.classes_path.clone(), variant.cache_path.clone()]);
        }
        self.0.extend(recipe.goldens.iter().map(|golden| golden.path.clone()));
        Ok(match arguments.model.as_ref().or(recipe.bundle.as_ref()) {
            Some(bundle) => self.with_folder(bundle),
            None => self,
        })
    }

    /// The files in a folder, too.
    pub(crate) fn with_folder(mut self, folder: &Path) -> Self {
        // What cannot be listed is refused when it is read.
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        self.0.extend(entries.map(|entry| entry.path()));
        self
    }

    /// One more file.
    pub(crate) fn with(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.push(path.into());
        self
    }

    /// Refuses to write to `output` if it is one of them.
    pub(crate) fn check(&self, output: &Path) -> anyhow::Result<()> {
        Ok(files::check_apart(output, &self.0)?)
    }
}
