use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::chain::START;
use super::{DATABASE, Error, FORMAT};
use crate::files;

/// "PSPJ" in the header of the file tells a journal from other databases.
const APPLICATION_ID: u32 = 0x5053_504a;
/// How long a statement waits for a reader that holds a lock, which WAL makes rare.
const PATIENCE: Duration = Duration::from_secs(5);
/// The log shrinks back to this after a long reader kept it from being copied.
const LOG_BYTES: u32 = 16 << 20;

const TABLES: &str = "
CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER,
    verdict TEXT,
    unix_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_outcome ON records (number) WHERE kind = 'part';
CREATE INDEX other_of_number ON records (number) WHERE kind <> 'part' AND number IS NOT NULL;
CREATE INDEX by_time ON records (unix_ms);
CREATE TABLE images (
    name TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    failure INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX images_by_age ON images (failure, seq);
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    reserved_below INTEGER NOT NULL,
    accounted_below INTEGER NOT NULL
) STRICT;
";

/// Opens the database to write, making it where there is none.
///
/// The caller holds the journal's lock.
pub(super) fn open_to_write(folder: &Path) -> Result<Connection, Error> {
    let path = folder.join(DATABASE);
    if !path.exists() {
        create(folder, &path)?;
    }
    check_size(&path)?;
    let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(Error::sqlite(&path, "open"))?;
    check_format(&connection, &path)?;
    set_up(&connection).map_err(Error::sqlite(&path, "prepare"))?;
    Ok(connection)
}

/// Opens the database to read, beside a writer or without one.
pub(super) fn open_to_read(folder: &Path) -> Result<Connection, Error> {
    let path = folder.join(DATABASE);
    if !path.exists() {
        return Err(Error::Missing { path });
    }
    check_size(&path)?;
    let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(Error::sqlite(&path, "open"))?;
    connection.busy_timeout(PATIENCE).map_err(Error::sqlite(&path, "open"))?;
    check_format(&connection, &path)?;
    Ok(connection)
}

/// Makes the database under another name first: a half-made one is never taken for a journal.
fn create(folder: &Path, path: &Path) -> Result<(), Error> {
    let new = folder.join(format!("{DATABASE}.new"));
    if new.exists() {
        fs::remove_file(&new).map_err(files::Error::io(&new, "replace"))?;
    }
    fill(&new).map_err(Error::sqlite(&new, "create"))?;
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    sync(&new).map_err(files::Error::io(&new, "sync"))?;
    fs::rename(&new, path).map_err(files::Error::io(path, "create"))?;
    sync(folder).map_err(files::Error::io(folder, "sync"))?;
    Ok(())
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    connection.execute_batch(TABLES)?;
    connection.execute("INSERT INTO state VALUES (1, 0, ?1, 1, 1)", [START])?;
    connection.close().map_err(|(_, error)| error)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        log::warn!("the journal's file system has no shared memory: records are written slower");
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)
}

/// A database is whole pages; SQLite would take a lost tail of the last one for zeros.
fn check_size(path: &Path) -> Result<(), Error> {
    let bytes = fs::metadata(path).map_err(files::Error::io(path, "open"))?.len();
    let header = files::open(path).and_then(|file| {
        let mut header = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, 100), &mut header)
            .map_err(files::Error::io(path, "read"))?;
        Ok(header)
    })?;
    let damaged = |reason: String| Err(Error::Damaged { path: path.to_owned(), reason });
    // SQLite file format, section 1.3: the magic string, then the page size at offset 16.
    if header.len() < 100 {
        return damaged(format!("{bytes} bytes, a database has at least 512"));
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    let page = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        page => page,
    };
    if page == 0 || bytes % page != 0 {
        return damaged(format!("{bytes} bytes are not whole pages of {page}; the file was cut"));
    }
    Ok(())
}

fn check_format(connection: &Connection, path: &Path) -> Result<(), Error> {
    let pragma = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, u32>(0))
            .map_err(Error::sqlite(path, "read"))
    };
    if pragma("application_id")? != APPLICATION_ID {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    match pragma("user_version")? {
        FORMAT => Ok(()),
        found => Err(Error::Newer { path: path.to_owned(), found }),
    }
}

/// Held by the one process that writes; gone with it, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the folder where there is none.
    pub(super) fn take(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(files::Error::io(folder, "create"))?;
        let path: PathBuf = folder.join("journal.lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(files::Error::io(&path, "open"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(Error::InUse { path }),
            Err(fs::TryLockError::Error(error)) => Err(files::Error::io(&path, "lock")(error))?,
        }
    }
}
