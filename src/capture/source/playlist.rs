use std::fs;
use std::path::{Path, PathBuf};

use crate::capture::Error;
use crate::{files, manifest};

/// Image files in the order they are played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    name: String,
    paths: Vec<PathBuf>,
    repeats: bool,
}

impl Playlist {
    /// The PNG and JPEG files of a folder by name, each once.
    ///
    /// # Errors
    /// [`Error::File`] when the folder cannot be read, [`Error::NoFiles`] when none is in it.
    pub fn folder(folder: &Path) -> Result<Self, Error> {
        let reading = || files::Error::io(folder, "read");
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| reading()(error))? {
            let path = entry.map_err(|error| reading()(error))?.path();
            if is_image(&path) {
                paths.push(path);
            }
        }
        paths.sort();
        Self::of(folder, paths)
    }

    /// The reference frames and the test frames of a manifest, in its order: one list for each
    /// camera.
    ///
    /// # Errors
    /// Those of the manifest.
    pub fn pairs(path: &Path) -> Result<[Self; 2], Error> {
        let pairs = manifest::open(path)?;
        let references = pairs.iter().map(|pair| pair.reference.clone()).collect();
        let tests = pairs.iter().map(|pair| pair.test.clone()).collect();
        Ok([Self::of(path, references)?, Self::of(path, tests)?])
    }

    /// One golden frame, again and again.
    pub fn golden(path: &Path) -> Self {
        let name = path.display().to_string();
        Self { name, paths: vec![path.to_owned()], repeats: true }
    }

    /// Starts again at its end.
    #[must_use]
    pub fn repeated(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// Files until the end, or in one round of a list that repeats; at least 1.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Never: a list without a file is refused.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Where it came from, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file at a place, counted on over every round; `None` after the end.
    pub fn path(&self, place: u64) -> Option<&Path> {
        let len = self.paths.len() as u64;
        let index = if self.repeats { place % len } else { place };
        self.paths.get(usize::try_from(index).ok()?).map(PathBuf::as_path)
    }

    fn of(origin: &Path, paths: Vec<PathBuf>) -> Result<Self, Error> {
        let name = origin.display().to_string();
        if paths.is_empty() {
            return Err(Error::NoFiles { path: name });
        }
        Ok(Self { name, paths, repeats: false })
    }
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_played_by_name_without_other_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.png", "a.JPG", "c.jpeg", "notes.txt", "d"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let list = Playlist::folder(folder.path()).unwrap();
        let names = (0..4).map(|place| list.path(place).map(|path| path.file_name().unwrap()));
        let expected = [Some("a.JPG"), Some("b.png"), Some("c.jpeg"), None];
        assert!(names.eq(expected.map(|name| name.map(std::ffi::OsStr::new))));
        assert_eq!(list.repeated().path(7).unwrap().file_name().unwrap(), "b.png");
    }

    #[test]
    fn nothing_to_play_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let message = Playlist::folder(folder.path()).unwrap_err().to_string();
        assert!(message.ends_with("no frames; PNG or JPEG files are expected"), "{message}");
        assert!(Playlist::folder(&folder.path().join("absent")).is_err());
        assert!(Playlist::pairs(&folder.path().join("absent.csv")).is_err());
    }

    #[test]
    fn pairs_make_one_list_for_each_camera() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.csv");
        fs::write(&path, "pair_id,ref_path,test_path\n1,r1.png,t1.png\n2,r2.png,t2.png\n").unwrap();
        let [references, tests] = Playlist::pairs(&path).unwrap();
        assert_eq!((references.len(), tests.len()), (2, 2));
        assert!(references.path(1).unwrap().ends_with("r2.png"));
        assert!(tests.path(1).unwrap().ends_with("t2.png"));
    }
}
