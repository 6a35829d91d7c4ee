use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where the bundled board recipe lies below a data folder.
const DEFAULT_RECIPE: &str = "models/default/demo/recipe.toml";

/// The file `relative` of the bundled data: below `PAIRSPEC_DATA`, `../share/pairspec` beside the
/// executable, `/usr/share/pairspec` or the source tree of the build, in this order.
pub(crate) fn bundled(relative: &str) -> anyhow::Result<PathBuf> {
    let folders = folders();
    let found = folders.iter().map(|folder| folder.join(relative)).find(|path| path.exists());
    if let (Some(named), Some(found)) = (named(), &found)
        && !found.starts_with(&named)
    {
        let (named, found) = (named.display(), found.display());
        log::warn!("PAIRSPEC_DATA: {named} has no {relative}; {found} is used");
    }
    found.with_context(|| {
        let places: Vec<String> =
            folders.iter().map(|folder| folder.display().to_string()).collect();
        format!(
            "{relative} is in none of {}; install the model package, set PAIRSPEC_DATA, or name \
             your own with --recipe and --model",
            places.join(", ")
        )
    })
}

/// The recipe named by the flag, or the bundled one.
pub(crate) fn recipe(flag: Option<&Path>) -> anyhow::Result<PathBuf> {
    match flag {
        Some(path) => Ok(path.to_owned()),
        None => bundled(DEFAULT_RECIPE),
    }
}

/// The folder that the environment names.
fn named() -> Option<PathBuf> {
    env::var_os("PAIRSPEC_DATA").filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn folders() -> Vec<PathBuf> {
    let beside = env::current_exe()
        .ok()
        .and_then(|executable| Some(executable.parent()?.parent()?.join("share/pairspec")));
    let system = PathBuf::from("/usr/share/pairspec");
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    named().into_iter().chain(beside).chain([system, source]).collect()
}
