//! Files read whole within a bound, and written whole or not at all.
//!
//! Owns the three habits every other room relies on: a read that refuses what is too large before
//! it allocates, a write that a crash cannot leave half done, and SHA-256 sums that tie derived
//! files to what they came from.
//!
//! It also tells on which line of a TOML text a key is written.
//!
//! It does not know what any file means.

mod keys;
mod summed;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

pub use keys::line_of;
pub use summed::Summed;

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
    /// A directory, pipe, socket or device: opening one may wait for ever, replacing one may break
    /// the system.
    #[error("{}: is a {kind}, expected a regular file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What is there.
        kind: &'static str,
    },
    /// Not text.
    #[error("{}: not UTF-8 text (byte {offset})", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where the first bad byte is.
        offset: usize,
    },
    /// What is to be written is what is read.
    #[error(
        "{}: this command reads {}, which is the same file; name another place to write to",
        path.display(),
        input.display()
    )]
    Overwrites {
        /// What should be written.
        path: PathBuf,
        /// The input by its own name.
        input: PathBuf,
    },
    /// A path in a data file that leaves the folder of that file.
    #[error("{relative:?}: a path in this file must be relative and stay below {}", shown(base))]
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

/// Opens a regular file to read from it.
///
/// # Errors
/// [`Error::Io`], or [`Error::NotRegular`] before anything is opened: a pipe would be waited for.
pub fn open(path: &Path) -> Result<File, Error> {
    let metadata = fs::metadata(path).map_err(Error::io(path, "open"))?;
    check_regular(path, &metadata)?;
    File::open(path).map_err(Error::io(path, "open"))
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// Those of [`open`] or, before anything is allocated, [`Error::TooLarge`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let file = open(path)?;
    let bytes = file.metadata().map_err(Error::io(path, "read"))?.len();
    if bytes > limit {
        return Err(Error::TooLarge { path: path.to_owned(), bytes, limit });
    }
    let mut content = Vec::new();
    // A growing file reports a size it does not keep.
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
/// A link stays a link: the file that it names is replaced.
///
/// # Errors
/// [`Error::Io`] and [`Error::NotRegular`]; the old content, if any, is then still there.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    write_with(path, |out| out.write_all(content))
}

/// As [`write()`], for content that is produced piece by piece.
///
/// # Errors
/// [`Error::Io`] and [`Error::NotRegular`]; the old content, if any, is then still there.
pub fn write_with(
    path: &Path,
    produce: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let place = destination(path)?;
    let folder = match place.parent() {
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
    temporary.persist(&place).map_err(|error| Error::io(path, "rename")(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder, "sync"))
}

/// Refuses a place where [`write()`] could not put a file; to be asked before the work.
///
/// # Errors
/// [`Error::NotRegular`], and [`Error::Io`] for the folder, or the nearest above it that is there.
pub fn check_writable(path: &Path) -> Result<(), Error> {
    let place = destination(path)?;
    let above = |path: &Path| match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut folder = above(&place);
    // Something else than a folder may stand in its place, a link to nowhere too.
    while folder.symlink_metadata().is_err() && folder != Path::new(".") {
        folder = above(&folder);
    }
    let tried = tempfile::tempfile_in(&folder);
    tried.map(drop).map_err(Error::io(&folder, "create a file in"))
}

/// Refuses to write to `path` if it is one of `inputs` by whatever name, a link included.
///
/// To be asked before any work: a file that is not there is nobody's input.
///
/// # Errors
/// [`Error::Overwrites`], and [`Error::NotRegular`] for what [`write()`] would not replace.
pub fn check_apart<P: AsRef<Path>>(
    path: &Path,
    inputs: impl IntoIterator<Item = P>,
) -> Result<(), Error> {
    let Some(identity) = identity(path) else { return Ok(()) };
    destination(path)?;
    let mut inputs = inputs.into_iter();
    match inputs.find(|input| self::identity(input.as_ref()).as_ref() == Some(&identity)) {
        None => Ok(()),
        Some(input) => {
            let input = input.as_ref().to_owned();
            Err(Error::Overwrites { path: path.to_owned(), input })
        }
    }
}

/// The SHA-256 sum of `content`, 64 lower-case hexadecimal digits.
pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// The SHA-256 sum of a file, read in pieces.
///
/// # Errors
/// Those of [`open`], and [`Error::Io`].
pub fn sha256_of(path: &Path) -> Result<String, Error> {
    Summed::open(path, u64::MAX)?.finish().map(|(sum, _)| sum)
}

/// Joins a path written in a data file to the folder of that file, refusing what leaves it.
///
/// Only what is written is judged. A symbolic link in the folder is followed wherever it leads: no
/// data file can make one, and linking a large data set into a project is usual.
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

/// Where a file of this path is to be put: replacing a device or a pipe by a file is never meant.
fn destination(path: &Path) -> Result<PathBuf, Error> {
    let Ok(metadata) = fs::metadata(path) else { return Ok(path.to_owned()) };
    check_regular(path, &metadata)?;
    match path.is_symlink() {
        true => path.canonicalize().map_err(Error::io(path, "follow")),
        false => Ok(path.to_owned()),
    }
}

/// The folder of a file, for people: that of a bare name is the current one.
fn shown(folder: &Path) -> String {
    match folder.as_os_str().is_empty() {
        true => "the current folder".to_owned(),
        false => folder.display().to_string(),
    }
}

/// Device and inode: the same for every name of a file. Source: stat(2).
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

fn check_regular(path: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(Error::NotRegular { path: path.to_owned(), kind: kind_of(metadata.file_type()) })
}

#[cfg(unix)]
fn kind_of(file: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match () {
        () if file.is_dir() => "directory",
        () if file.is_fifo() => "pipe",
        () if file.is_socket() => "socket",
        () => "device",
    }
}

#[cfg(not(unix))]
fn kind_of(file: fs::FileType) -> &'static str {
    if file.is_dir() { "directory" } else { "device" }
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

    #[cfg(unix)]
    #[test]
    fn directories_and_devices_are_neither_read_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let of = |path: &Path| [read(path, 10).unwrap_err(), write(path, b"new").unwrap_err()];
        for (path, kind) in [(folder.path(), "is a directory"), (Path::new("/dev/null"), "device")]
        {
            assert!(of(path).iter().all(|error| error.to_string().contains(kind)), "{kind}");
        }
        use std::os::unix::fs::FileTypeExt;
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_when_its_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        write(&file, b"old").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        write(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(read(&file, 10).unwrap(), b"new");
    }

    #[test]
    fn an_output_is_none_of_the_inputs_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let [input, other, new] = ["input", "other", "new"].map(|name| folder.path().join(name));
        write(&input, b"precious").unwrap();
        write(&other, b"old").unwrap();
        let inputs = [folder.path().join("gone"), input.clone()];
        let roundabout = folder.path().join("./input");
        for same in [&input, &roundabout] {
            let error = check_apart(same, &inputs).unwrap_err();
            assert!(matches!(&error, Error::Overwrites { input, .. } if *input == inputs[1]));
            assert!(error.to_string().starts_with(&same.display().to_string()), "{error}");
        }
        for apart in [&other, &new, &inputs[0]] {
            check_apart(apart, &inputs).unwrap();
        }
        assert!(matches!(check_apart(folder.path(), &inputs), Err(Error::NotRegular { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_an_input_is_that_input() {
        let folder = tempfile::tempdir().unwrap();
        let [input, link] = ["input", "link"].map(|name| folder.path().join(name));
        write(&input, b"precious").unwrap();
        std::os::unix::fs::symlink("input", &link).unwrap();
        assert!(check_apart(&link, [&input]).is_err() && check_apart(&input, [&link]).is_err());
    }

    #[test]
    fn the_folder_of_a_bare_name_is_called_the_current_one() {
        let message = join_below(Path::new(""), "../x").unwrap_err().to_string();
        assert!(message.ends_with("stay below the current folder"), "{message}");
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
