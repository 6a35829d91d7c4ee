use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::safetensors::load_buffer;
use candle_core::{Device, Tensor, Var};
use pairspec::files;
use safetensors::{SafeTensors, serialize};

use super::optimizer::Adam;
use crate::model::Parameters;

/// Prefixes of the three tensors that a parameter has in the file.
const KINDS: [&str; 3] = ["value", "mean", "square"];

/// Why a checkpoint cannot be resumed from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] files::Error),
    /// Cut, altered or foreign.
    #[error("{}: {found}; remove it to begin anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        found: String,
    },
    /// It belongs to a run with other settings.
    #[error(
        "{}: of a run with other settings; go on with those, or name another output folder", path.display()
    )]
    OtherRun {
        /// The file.
        path: PathBuf,
    },
}

/// Writes everything that the next step depends on, whole or not at all.
///
/// # Errors
/// [`Error::File`]; the checkpoint before is kept.
pub(super) fn write(
    path: &Path,
    (parameters, adam): (&Parameters, &Adam),
    run: &str,
) -> Result<(), Error> {
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    for (name, variable) in parameters.trained() {
        tensors.push((format!("value.{name}"), variable.as_tensor().clone()));
        if let Some([mean, square]) = adam.moments.get(name) {
            tensors.push((format!("mean.{name}"), mean.clone()));
            tensors.push((format!("square.{name}"), square.clone()));
        }
    }
    let header = HashMap::from([
        ("step".to_owned(), adam.step.to_string()),
        ("run".to_owned(), run.to_owned()),
    ]);
    let damaged = |found: String| Error::Damaged { path: path.to_owned(), found };
    let content = serialize(tensors, Some(header)).map_err(|error| damaged(error.to_string()))?;
    Ok(files::write(path, &content)?)
}

/// Restores what [`write`] wrote; `run` must be what it was written with.
///
/// # Errors
/// Every variant of [`enum@Error`].
pub(super) fn read(
    path: &Path,
    (parameters, adam): (&mut Parameters, &mut Adam),
    run: &str,
) -> Result<(), Error> {
    let damaged = |found: String| Error::Damaged { path: path.to_owned(), found };
    let content = std::fs::read(path).map_err(|error| damaged(error.to_string()))?;
    let header =
        SafeTensors::read_metadata(&content).map_err(|error| damaged(error.to_string()))?;
    let metadata = header.1.metadata().clone().unwrap_or_default();
    if metadata.get("run").map(String::as_str) != Some(run) {
        return Err(Error::OtherRun { path: path.to_owned() });
    }
    let step = metadata.get("step").and_then(|step| step.parse().ok());
    let step: u64 = step.ok_or_else(|| damaged("no step in the header".to_owned()))?;
    let mut tensors =
        load_buffer(&content, &Device::Cpu).map_err(|error| damaged(error.to_string()))?;
    let mut tensor = |kind: &str, name: &str| tensors.remove(&format!("{kind}.{name}"));
    let names: Vec<String> = parameters.trained().map(|(name, _)| name.clone()).collect();
    for name in names {
        let [value, mean, square] = KINDS.map(|kind| tensor(kind, &name));
        let missing = || damaged(format!("{name} is missing"));
        let value = Var::from_tensor(&value.ok_or_else(missing)?);
        parameters.restore(&name, value.map_err(|error| damaged(error.to_string()))?);
        if let (Some(mean), Some(square)) = (mean, square) {
            adam.moments.insert(name, [mean, square]);
        }
    }
    adam.step = step;
    Ok(())
}
