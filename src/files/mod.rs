//! Files read whole within a bound, and written whole or not at all.
//!
//! Owns the three habits every other room relies on: a read that refuses what is too large before
//! it allocates, a write that a crash cannot leave half done, and SHA-256 sums that tie derived
//! files to what they came from.
//!
//! It does not know what any file means.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

/// What can go wrong between a path and its bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried, an infinitive: "read", "write".
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// More bytes than the reader accepts.
    #[error("{}: {bytes} bytes, at most {limit} are read; is this the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The reader's bound.
        limit: u64,
    },
    /// Not text.
    #[error("{}: not UTF-8 text (byte {offset})", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where the first bad byte is.
        offset: usize,
    },
    /// A path in a data file that leaves the folder of that file.
    #[error("{relative:?}: a path in this file must be relative and stay below {}", base.display())]
    Escapes {
        /// The folder.
        base: PathBuf,
        /// The path as written.
        relative: String,
    },
}

impl Error {
    /// An [`Error::Io`] for `path`, to be used with `map_err`.
    pub fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// [`Error::Io`] or, before anything is allocated, [`Error::TooLarge`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    let bytes = file.metadata().map_err(Error::io(path, "read"))?.len();
    if bytes > limit {
        return Err(Error::TooLarge { path: path.to_owned(), bytes, limit });
    }
    let mut content = Vec::new();
    // A pipe or a growing file reports a size it does not keep.
    let read = file.take(limit + 1).read_to_end(&mut content).map_err(Error::io(path, "read"))?;
    if read as u64 > limit {
        return Err(Error::TooLarge { path: path.to_owned(), bytes: read as u64, limit });
    }
    Ok(content)
}

/// Reads a UTF-8 text file of at most `limit` bytes.
///
/// # Errors
/// Those of [`read`], and [`Error::NotText`].
pub fn read_text(path: &Path, limit: u64) -> Result<String, Error> {
    String::from_utf8(read(path, limit)?).map_err(|error| Error::NotText {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}

/// Writes a file whole or not at all: temporary file beside it, fsync, rename, fsync of the folder.
///
/// # Errors
/// [`Error::Io`]; the old content, if any, is then still there.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    write_with(path, |out| out.write_all(content))
}

/// As [`write()`], for content that is produced piece by piece.
///
/// # Errors
/// [`Error::Io`]; the old content, if any, is then still there.
pub fn write_with(
    path: &Path,
    produce: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    let mut temporary = tempfile::Builder::new()
        .prefix(".pairspec-")
        .tempfile_in(folder)
        .map_err(Error::io(folder, "create a file in"))?;
    {
        let mut buffered = io::BufWriter::new(temporary.as_file_mut());
        produce(&mut buffered).map_err(Error::io(path, "write"))?;
        buffered.flush().map_err(Error::io(path, "write"))?;
    }
    temporary.as_file().sync_all().map_err(Error::io(path, "sync"))?;
    keep_usual_permissions(temporary.as_file()).map_err(Error::io(path, "write"))?;
    temporary.persist(path).map_err(|error| Error::io(path, "rename")(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder, "sync"))
}

/// The SHA-256 sum of `content`, 64 lower-case hexadecimal digits.
pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// The SHA-256 sum of a file, read in pieces.
///
/// # Errors
/// [`Error::Io`].
pub fn sha256_of(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(Error::io(path, "open"))?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece).map_err(Error::io(path, "read"))? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&piece[..read]),
        }
    }
}

/// Joins a path written in a data file to the folder of that file, refusing what leaves it.
///
/// # Errors
/// [`Error::Escapes`] for absolute paths, `..` components and empty paths.
pub fn join_below(base: &Path, relative: &str) -> Result<PathBuf, Error> {
    let path = Path::new(relative);
    let stays =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if relative.is_empty() || relative.contains('\0') || !stays {
        return Err(Error::Escapes { base: base.to_owned(), relative: relative.to_owned() });
    }
    Ok(base.join(path))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Temporary files are private (0600); what they become should be as readable as any new file.
#[cfg(unix)]
fn keep_usual_permissions(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn keep_usual_permissions(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_keeps_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.unwrap_err().to_string().contains("disk full"));
        assert_eq!(read(&path, 10).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_file_above_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, &[0; 11]).unwrap();
        assert!(matches!(read(&path, 10), Err(Error::TooLarge { bytes: 11, limit: 10, .. })));
        assert_eq!(read(&path, 11).unwrap().len(), 11);
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        let base = Path::new("data");
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "a\0b"] {
            assert!(join_below(base, bad).is_err(), "{bad:?}");
        }
        assert_eq!(join_below(base, "./a/b.png").unwrap(), base.join("./a/b.png"));
    }

    #[test]
    fn sums_are_those_of_the_standard() {
        // FIPS 180-4, the example "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), expected);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        write(&path, b"abc").unwrap();
        assert_eq!(sha256_of(&path).unwrap(), expected);
    }
}
