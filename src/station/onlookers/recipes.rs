use std::path::{Path, PathBuf};

use crate::recipe::Recipe;
use crate::station::judge::Identity;

/// The recipes that may be selected while the station runs, that of the station file first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::station) struct Recipes(Vec<Offered>);

/// One recipe on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::station) struct Offered {
    pub(in crate::station) path: PathBuf,
    /// As the file says it; the file's own name where it cannot be read now.
    pub(in crate::station) name: String,
    pub(in crate::station) sha256: Option<String>,
}

impl Recipes {
    /// Reads what the files are called; one that cannot be read stays on offer and is refused when
    /// it is selected.
    pub(in crate::station) fn read(paths: &[PathBuf]) -> Self {
        Self(paths.iter().map(|path| Offered::read(path)).collect())
    }

    pub(in crate::station) fn all(&self) -> &[Offered] {
        &self.0
    }

    /// By its place in the list, from 1.
    pub(in crate::station) fn at(&self, index: u16) -> Option<&Offered> {
        self.0.get(usize::from(index).checked_sub(1)?)
    }

    pub(in crate::station) fn named(&self, name: &str) -> Option<&Offered> {
        self.0.iter().find(|offered| offered.name == name)
    }

    /// The place of the recipe in force, from 1, if it is on offer.
    pub(in crate::station) fn place_of(&self, identity: &Identity) -> Option<u16> {
        let is_same =
            |offered: &&Offered| offered.sha256.as_deref() == Some(identity.recipe_sha256.as_str());
        let found = self.0.iter().find(is_same).or_else(|| self.named(&identity.name))?;
        let place = self.0.iter().position(|offered| offered.path == found.path)?;
        u16::try_from(place + 1).ok()
    }
}

impl Offered {
    fn read(path: &Path) -> Self {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match Recipe::open(path) {
            Ok(recipe) => Self {
                path: path.to_owned(),
                name: recipe.name.clone(),
                sha256: Some(recipe.content_sha256().to_owned()),
            },
            Err(error) => {
                log::warn!("{error}; it stays on offer and cannot be selected as it is");
                Self { path: path.to_owned(), name: stem, sha256: None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipes() -> Recipes {
        let offered = |name: &str, sha256: Option<&str>| Offered {
            path: format!("{name}.toml").into(),
            name: name.to_owned(),
            sha256: sha256.map(str::to_owned),
        };
        Recipes(vec![offered("a", Some("1")), offered("b", None)])
    }

    #[test]
    fn the_first_recipe_has_place_1() {
        let recipes = recipes();
        assert_eq!(recipes.at(0), None);
        assert_eq!(recipes.at(1).map(|offered| offered.name.as_str()), Some("a"));
        assert_eq!(recipes.at(3), None);
    }

    #[test]
    fn the_recipe_in_force_is_found_by_content_and_else_by_name() {
        let identity = |name: &str, sha: &str| Identity {
            name: name.to_owned(),
            recipe_sha256: sha.to_owned(),
            ..Identity::default()
        };
        let recipes = recipes();
        assert_eq!(recipes.place_of(&identity("renamed", "1")), Some(1));
        assert_eq!(recipes.place_of(&identity("b", "2")), Some(2));
        assert_eq!(recipes.place_of(&identity("c", "3")), None);
    }

    #[test]
    fn a_recipe_that_is_not_there_is_called_by_its_file() {
        let recipes = Recipes::read(&["nowhere/bracket.toml".into()]);
        assert_eq!(recipes.all()[0].name, "bracket");
        assert_eq!(recipes.all()[0].sha256, None);
    }
}
