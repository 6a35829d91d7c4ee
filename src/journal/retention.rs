use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::Connection;

use super::now_ms;
use super::record::{Event, EventSource, Record};
use crate::files;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// The most images deleted at once.
pub(super) const AT_ONCE: usize = 500;
/// The newest images of failures, which age alone never deletes: a clock may be wrong.
const KEPT_AT_ANY_AGE: u64 = 200;

/// What may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The most bytes of images; above, the oldest passes go first, then the oldest failures.
    pub image_bytes: u64,
    /// Days that images of conforming parts are kept.
    pub passes_days: u32,
    /// Days that images of all other parts are kept.
    pub failures_days: u32,
    /// The most records; above, the oldest go behind a checkpoint, images of theirs gone before,
    /// whatever they show.
    ///
    /// Not an age: a box without a battery for its clock has none to trust.
    pub records: u64,
}

/// Deletes images as retention says.
pub(super) struct Tidier {
    pub(super) connection: Connection,
    pub(super) retention: Retention,
}

/// What was deleted.
#[derive(Debug, Default)]
pub(super) struct Removal {
    pub(super) names: Vec<String>,
    bytes: u64,
}

impl Default for Retention {
    /// 8 GiB of images, passes for 30 days, failures for a year, 50 million records.
    fn default() -> Self {
        Self { image_bytes: 8 << 30, passes_days: 30, failures_days: 365, records: 50_000_000 }
    }
}

impl Tidier {
    /// Deletes what is too old or too much.
    pub(super) fn remove(&self, folder: &Path) -> Removal {
        let chosen = self.choose(now_ms()).unwrap_or_else(|error| {
            log::error!("journal: cannot tell which images are old: {error}");
            Vec::new()
        });
        let mut removal = Removal::default();
        for (name, bytes) in chosen {
            let Ok(path) = files::join_below(folder, &name) else { continue };
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    log::error!("{}: cannot delete: {error}", path.display());
                }
                _ => {
                    removal.names.push(name);
                    removal.bytes += bytes;
                    // Only when it is empty.
                    let _ = path.parent().map(fs::remove_dir);
                }
            }
        }
        removal
    }

    /// Names and bytes, those to delete first at the start.
    fn choose(&self, now: u64) -> rusqlite::Result<Vec<(String, u64)>> {
        let age = |days: u32| now.saturating_sub(u64::from(days) * DAY_MS);
        let Retention { image_bytes, passes_days, failures_days, .. } = self.retention;
        let spared = format!(
            "AND seq < (SELECT IFNULL(MIN(seq), 0) FROM (SELECT seq FROM images WHERE failure = 1 \
             ORDER BY seq DESC LIMIT {KEPT_AT_ANY_AGE}))"
        );
        let mut chosen = self.old(age(passes_days), "failure = 0")?;
        chosen.extend(self.old(age(failures_days), &format!("failure = 1 {spared}"))?);
        let known = |chosen: &[(String, u64)], name: &str| chosen.iter().any(|(it, _)| it == name);
        for (name, bytes) in self.behind()? {
            if !known(&chosen, &name) {
                chosen.push((name, bytes));
            }
        }
        let query = "SELECT IFNULL(SUM(bytes), 0) FROM images";
        let total: u64 = self.connection.query_row(query, [], |row| row.get(0))?;
        let gone: u64 = chosen.iter().map(|(_, bytes)| bytes).sum();
        // The committing thread takes images off the list meanwhile.
        let rest = total.saturating_sub(gone);
        if rest > image_bytes {
            // A little below, so that this is not the case again with the next image.
            chosen.extend(self.excess(rest - image_bytes / 20 * 19, &chosen)?);
        }
        chosen.truncate(AT_ONCE);
        Ok(chosen)
    }

    /// Images of records that are too many by number: those cannot go before these.
    fn behind(&self) -> rusqlite::Result<Vec<(String, u64)>> {
        let query = "SELECT IFNULL(MAX(seq), 0) FROM records";
        let last: u64 = self.connection.query_row(query, [], |row| row.get(0))?;
        let query =
            format!("SELECT name, bytes FROM images WHERE seq <= ?1 ORDER BY seq LIMIT {AT_ONCE}");
        let mut statement = self.connection.prepare(&query)?;
        let before = last.saturating_sub(self.retention.records);
        let rows = statement.query_map([before], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    fn old(&self, before_ms: u64, which: &str) -> rusqlite::Result<Vec<(String, u64)>> {
        let query = format!(
            "SELECT name, bytes FROM images WHERE unix_ms < ?1 AND {which} ORDER BY seq \
             LIMIT {AT_ONCE}"
        );
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_map([before_ms], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    fn excess(&self, bytes: u64, chosen: &[(String, u64)]) -> rusqlite::Result<Vec<(String, u64)>> {
        let query = "SELECT name, bytes FROM images ORDER BY failure, seq";
        let mut statement = self.connection.prepare(query)?;
        let mut rows = statement.query([])?;
        let (mut more, mut freed) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            if freed >= bytes || chosen.len() + more.len() >= AT_ONCE {
                break;
            }
            let (name, bytes): (String, u64) = (row.get(0)?, row.get(1)?);
            if !chosen.iter().any(|(other, _)| *other == name) {
                freed += bytes;
                more.push((name, bytes));
            }
        }
        Ok(more)
    }
}

impl Removal {
    /// The record of it, if anything was deleted.
    pub(super) fn event(&self) -> Option<Record> {
        let Self { names, bytes } = self;
        let detail = format!("{} images, {bytes} bytes", names.len());
        (!names.is_empty())
            .then(|| Event::new(EventSource::System, "images_deleted", detail).into())
    }
}
