use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::{Error, hex, open};

/// A file whose SHA-256 is computed while it is read: nothing has to hold it whole.
#[derive(Debug)]
pub struct Summed {
    path: PathBuf,
    file: File,
    bytes: u64,
    hasher: Sha256,
    summing: Duration,
}

impl Summed {
    /// Opens a file of at most `limit` bytes.
    ///
    /// # Errors
    /// Those of [`open`], and [`Error::TooLarge`].
    pub fn open(path: &Path, limit: u64) -> Result<Self, Error> {
        let file = open(path)?;
        let bytes = file.metadata().map_err(Error::io(path, "read"))?.len();
        if bytes > limit {
            return Err(Error::TooLarge { path: path.to_owned(), bytes, limit });
        }
        let (path, hasher) = (path.to_owned(), Sha256::new());
        Ok(Self { path, file, bytes, hasher, summing: Duration::ZERO })
    }

    /// How many bytes it had when it was opened.
    pub fn size(&self) -> u64 {
        self.bytes
    }

    /// Reads what is left, for the sum, and gives the sum and the time that summing took.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<(String, Duration), Error> {
        let mut piece = vec![0; 1 << 16];
        while self.read(&mut piece).map_err(Error::io(&self.path, "read"))? > 0 {}
        Ok((hex(&self.hasher.finalize()), self.summing))
    }
}

impl Read for Summed {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(piece)?;
        let started = Instant::now();
        self.hasher.update(&piece[..read]);
        self.summing += started.elapsed();
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_of_the_whole_file_however_much_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..200_000_u32).map(|value| value as u8).collect();
        std::fs::write(&path, &content).unwrap();
        for taken in [0, 1, 65_536, 200_000] {
            let mut file = Summed::open(&path, 1 << 20).unwrap();
            assert_eq!(file.size(), 200_000);
            let mut read = vec![0; taken];
            file.read_exact(&mut read).unwrap();
            assert_eq!(read, content[..taken]);
            assert_eq!(file.finish().unwrap().0, super::super::sha256(&content));
        }
    }

    #[test]
    fn more_than_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [0; 11]).unwrap();
        assert!(matches!(Summed::open(&path, 10), Err(Error::TooLarge { bytes: 11, .. })));
        assert!(Summed::open(&path, 11).is_ok());
    }
}
