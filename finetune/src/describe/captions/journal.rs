use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use pairspec::files;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::describe::Error;

/// Lines of JSON that a kill or a full disk cannot spoil: each is on the disk before the next is
/// begun, and a line that was cut is removed when the file is opened again.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
    lines: u64,
    /// Set by the first failed write; nothing is written after it.
    failure: Option<String>,
}

impl Journal {
    /// Opens or creates the file, for this process alone; gives what is in it. Every line begins with
    /// `opening`.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::File`], or [`Error::Entry`] for a whole line that is no `T` and for an
    /// end that is no cut line: nothing of somebody else's file is removed.
    pub(super) fn open<T: DeserializeOwned>(
        path: &Path,
        opening: &str,
    ) -> Result<(Self, Vec<T>), Error> {
        if path.exists() {
            files::open(path)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(files::Error::io(path, "open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: path.to_owned() }),
            // Some network file systems have no locks; one process at a time is then up to the user.
            Err(TryLockError::Error(error)) => log::debug!("{}: no lock: {error}", path.display()),
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(files::Error::io(path, "read"))?;
        let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut entries = Vec::new();
        for (index, line) in content[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
            let entry = serde_json::from_slice(line)
                .map_err(|error| Error::line(path, index + 1, error))?;
            entries.push(entry);
        }
        if !is_cut_line(&content[whole..], opening.as_bytes()) {
            let reason = "its end is no line of this tool, whole or cut; is this the right file?";
            return Err(Error::entry(path, reason));
        }
        let (length, lines) = (whole as u64, entries.len() as u64);
        let mut journal = Self { length, lines, ..Self::at(path, file) };
        if whole < content.len() {
            let cut = content.len() - whole;
            log::warn!("{}: the last line was cut, {cut} bytes removed", journal.path.display());
        }
        journal.truncate().map_err(files::Error::io(&journal.path, "repair"))?;
        Ok((journal, entries))
    }

    /// An empty journal in a file that is open.
    pub(super) fn at(path: &Path, file: File) -> Self {
        Self { path: path.to_owned(), file, length: 0, lines: 0, failure: None }
    }

    /// Whole lines in the file.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Adds a line and waits until it is on the disk.
    ///
    /// # Errors
    /// [`Error::Stopped`], then and ever after; the lines before are kept.
    pub(super) fn append<T: Serialize>(&mut self, entry: &T) -> Result<(), Error> {
        if self.failure.is_none() {
            match self.write(entry) {
                Ok(bytes) => {
                    self.length += bytes;
                    self.lines += 1;
                    return Ok(());
                }
                Err(error) => self.failure = Some(error.to_string()),
            }
            // A line that was half written; if this fails too, the next opening repairs it.
            self.truncate().ok();
        }
        let reason = self.failure.clone().unwrap_or_default();
        Err(Error::Stopped { path: self.path.clone(), reason, written: self.lines })
    }

    fn write<T: Serialize>(&mut self, entry: &T) -> std::io::Result<u64> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        Ok(line.len() as u64)
    }

    fn truncate(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        Ok(())
    }
}

/// Whether these bytes can be the beginning of a line, or what a power cut leaves in its place.
fn is_cut_line(end: &[u8], opening: &[u8]) -> bool {
    let begun = end.starts_with(opening) || opening.starts_with(end);
    begun || end.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
#[allow(clippy::print_stdout, clippy::unwrap_used)]
mod unit {
    use super::*;

    fn reopened(path: &Path) -> Vec<String> {
        Journal::open(path, "\"").unwrap().1
    }

    #[test]
    fn a_file_cut_anywhere_keeps_its_whole_lines_and_takes_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let lines = ["one".to_owned(), "two \u{e9}\n".to_owned(), "three".to_owned()];
        let (mut journal, _) = Journal::open::<String>(&path, "\"").unwrap();
        lines.iter().for_each(|line| journal.append(line).unwrap());
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let (mut journal, kept) = Journal::open::<String>(&path, "\"").unwrap();
            let ends = whole[..length].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(kept, lines[..ends], "{length}");
            journal.append(&"more".to_owned()).unwrap();
            assert_eq!(journal.lines(), ends as u64 + 1);
            drop(journal);
            assert_eq!(reopened(&path).last().unwrap(), "more");
        }
    }

    #[test]
    fn garbage_in_a_whole_line_is_an_error_and_nothing_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        for text in ["\"a\"\nnonsense\n\"b\"\n", "\"a\"\n\n", "\"a\"\n\u{0}\u{0}\n\"c"] {
            std::fs::write(&path, text).unwrap();
            let message = Journal::open::<String>(&path, "\"").unwrap_err().to_string();
            assert!(message.contains("j, line 2"), "{message}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn the_end_of_a_foreign_file_is_not_removed_but_zeros_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        std::fs::write(&path, "\"a\"\nmy notes").unwrap();
        let message = Journal::open::<String>(&path, "\"").unwrap_err().to_string();
        assert!(message.contains("is this the right file"), "{message}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "\"a\"\nmy notes");
        std::fs::write(&path, "\"a\"\n\0\0\0\0").unwrap();
        assert_eq!(reopened(&path), ["a"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "\"a\"\n");
    }

    #[test]
    fn one_process_at_a_time_and_only_regular_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let held = Journal::open::<String>(&path, "\"").unwrap();
        assert!(matches!(Journal::open::<String>(&path, "\""), Err(Error::InUse { .. })));
        drop(held);
        assert!(Journal::open::<String>(&path, "\"").is_ok());
        assert!(matches!(Journal::open::<String>(folder.path(), "\""), Err(Error::File(_))));
    }

    #[test]
    fn a_full_disk_is_reported_and_latched() {
        let path = Path::new("/dev/full");
        let Ok(file) = OpenOptions::new().write(true).open(path) else {
            println!("SKIP a_full_disk_is_reported_and_latched: no /dev/full");
            return;
        };
        let mut journal = Journal { lines: 7, ..Journal::at(path, file) };
        for _ in 0..2 {
            let message = journal.append(&"x".to_owned()).unwrap_err().to_string();
            assert!(message.starts_with("/dev/full: cannot write: No space left"), "{message}");
            assert!(message.contains("7 lines are whole and kept"), "{message}");
        }
    }
}
