use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Bundle, FileName, FileRecord, Manifest};
use crate::clip::Error;
use crate::files;

/// A bundle under construction, in a temporary directory beside its place.
///
/// Dropped without [`Draft::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    place: PathBuf,
    folder: TempDir,
}

impl Draft {
    /// Begins a bundle that will appear at `place`, which must be free or an empty directory.
    ///
    /// # Errors
    /// [`Error::Exists`] and [`Error::File`].
    pub fn new(place: &Path) -> Result<Self, Error> {
        let free = match fs::read_dir(place) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => fs::symlink_metadata(place).is_err(),
        };
        if !free {
            return Err(Error::Exists { path: place.to_owned() });
        }
        let parent = parent(place);
        fs::create_dir_all(parent).map_err(files::Error::io(parent, "create"))?;
        let folder = tempfile::Builder::new()
            .prefix(".pairspec-")
            .tempdir_in(parent)
            .map_err(files::Error::io(parent, "create a directory in"))?;
        Ok(Self { place: place.to_owned(), folder })
    }

    /// Where a file of it is to be written.
    pub fn path(&self, file: FileName) -> PathBuf {
        self.folder.path().join(file.as_str())
    }

    /// Writes a file of it.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, file: FileName, content: &[u8]) -> Result<(), Error> {
        Ok(files::write(&self.path(file), content)?)
    }

    /// Copies a file of another bundle, verified.
    ///
    /// # Errors
    /// Those of [`Bundle::read`], and [`Error::File`].
    pub fn copy(&self, from: &Bundle, file: FileName) -> Result<(), Error> {
        self.write(file, &from.read(file)?)
    }

    /// Sums the files, writes `bundle.toml` and moves the whole to its place; `manifest.files` is
    /// filled in here.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the files do not fit the manifest, and [`Error::File`].
    pub fn finish(self, mut manifest: Manifest) -> Result<Bundle, Error> {
        manifest.files.clear();
        for file in FileName::ALL {
            let path = self.path(file);
            if let Ok(metadata) = fs::metadata(&path) {
                let sha256 = files::sha256_of(&path)?;
                manifest.files.insert(file, FileRecord { sha256, bytes: metadata.len() });
            }
        }
        let text = manifest.to_toml()?;
        // What is written must be readable, and by the same rules.
        Manifest::from_toml(&text, &self.place.join(Bundle::MANIFEST).display().to_string())?;
        files::write(&self.folder.path().join(Bundle::MANIFEST), text.as_bytes())?;
        let place = self.move_to_place()?;
        Bundle::open(&place)
    }

    fn move_to_place(self) -> Result<PathBuf, Error> {
        let io = |action| files::Error::io(&self.place, action);
        widen_permissions(self.folder.path()).map_err(io("write"))?;
        // Renaming onto an empty directory replaces it; onto anything else it fails.
        fs::rename(self.folder.path(), &self.place).map_err(io("rename to"))?;
        // The temporary name is gone; nothing may be removed under it later.
        let _ = self.folder.keep();
        let parent = parent(&self.place);
        File::open(parent)
            .and_then(|folder| folder.sync_all())
            .map_err(files::Error::io(parent, "sync"))?;
        Ok(self.place)
    }
}

fn parent(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Temporary directories are private (0700); a bundle should be as readable as any directory.
#[cfg(unix)]
fn widen_permissions(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn widen_permissions(_: &Path) -> std::io::Result<()> {
    Ok(())
}
