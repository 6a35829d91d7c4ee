use std::path::{Path, PathBuf};

use pairspec::files;
use pairspec::manifest::Pair;

/// Ends of the names of files that a model is read from.
const READ: [&str; 3] = ["json", "safetensors", "txt"];

/// A sum of what a Hugging Face directory holds, wherever it lies.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn of_model(folder: &Path) -> Result<String, files::Error> {
    let entries = folder.read_dir().map_err(files::Error::io(folder, "list"))?;
    let is_read = |path: &PathBuf| {
        path.extension().is_some_and(|end| READ.iter().any(|read| end == *read)) && path.is_file()
    };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(is_read).collect();
    paths.sort_unstable();
    let mut all = String::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        all += &format!("{name} {}\n", files::sha256_of(&path)?);
    }
    Ok(files::sha256(all.as_bytes()))
}

/// A sum of labelled pairs: groups, boxes and the content of frames, not their names.
///
/// A frame that is missing is left to who cuts it.
pub(super) fn of_pairs(pairs: &[Pair]) -> String {
    let frame = |path: &Path| files::sha256_of(path).unwrap_or_default();
    let mut all = String::new();
    for pair in pairs {
        let frames = [&pair.reference, &pair.test].map(|path| frame(path));
        all += &format!("{:?} {:?} {frames:?}\n", pair.group, pair.boxes);
    }
    files::sha256(all.as_bytes())
}
