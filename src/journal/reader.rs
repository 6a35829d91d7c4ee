use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::chain::START;
use super::record::{Entry, Record, verdict_name};
use super::{DATABASE, Error, IMAGES, store};
use crate::verdict::Verdict;

/// Reads a journal, beside its writer or without one.
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) images: PathBuf,
}

/// Which records are wanted; those that fit everything that is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Parts with this verdict.
    pub verdict: Option<Verdict>,
    /// Records about parts from this number on.
    pub from: Option<u64>,
    /// Records about parts up to this number.
    pub to: Option<u64>,
    /// From this time on, in milliseconds since 1970-01-01 UTC.
    pub since_ms: Option<u64>,
    /// Before this time.
    pub until_ms: Option<u64>,
    /// Only the outcomes of parts.
    pub parts_only: bool,
    /// Only so many, the newest.
    pub newest: Option<u64>,
}

/// One record as it stands in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
    /// The exact text that was hashed.
    pub text: String,
    /// What the text says.
    pub entry: Entry,
}

impl Reader {
    /// Opens the journal in `folder`.
    ///
    /// # Errors
    /// [`Error::Missing`], and what is not a journal, damaged or newer than this program.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let connection = store::open_to_read(folder)?;
        Ok(Self { connection, path: folder.join(DATABASE), images: folder.join(IMAGES) })
    }

    /// Visits records in the order of the chain until `visit` breaks.
    ///
    /// # Errors
    /// When the database cannot be read, or a text is not a record.
    pub fn each(
        &self,
        filter: &Filter,
        mut visit: impl FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let read = |error| Error::sqlite(&self.path, "read")(error);
        let mut statement = self.connection.prepare(&filter.query()).map_err(read)?;
        let mut rows = statement.query([]).map_err(read)?;
        while let Some(row) = rows.next().map_err(read)? {
            if visit(self.row(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The records that follow `seq` in the chain, at most `limit`.
    ///
    /// # Errors
    /// As [`Reader::each`].
    pub fn after(&self, seq: u64, limit: usize) -> Result<Vec<Row>, Error> {
        let read = |error| Error::sqlite(&self.path, "read")(error);
        let query = "SELECT seq, hash, text FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let mut statement = self.connection.prepare(query).map_err(read)?;
        // SQLite's integers have a sign.
        let seq = seq.min(i64::MAX as u64);
        let mut rows = statement.query((seq, limit as u64)).map_err(read)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(read)? {
            found.push(self.row(row)?);
        }
        Ok(found)
    }

    /// The number of the last record in the chain, 0 where there is none.
    ///
    /// # Errors
    /// As [`Reader::each`].
    pub fn last_seq(&self) -> Result<u64, Error> {
        let query = "SELECT COALESCE(MAX(seq), 0) FROM records";
        let found = self.connection.query_row(query, [], |row| row.get(0));
        found.map_err(|error| Error::sqlite(&self.path, "read")(error))
    }

    /// All records about one part: its outcome, its images, and the gap it was lost in.
    ///
    /// # Errors
    /// As [`Reader::each`].
    pub fn part(&self, number: u64) -> Result<Vec<Row>, Error> {
        let mut found = Vec::new();
        let collect = |found: &mut Vec<Row>, row| {
            found.push(row);
            ControlFlow::Continue(())
        };
        let only = Filter { from: Some(number), to: Some(number), ..Filter::default() };
        self.each(&only, |row| collect(&mut found, row))?;
        let is_lost_in = |entry: &Entry| match &entry.record {
            Record::Gap(gap) => gap.numbers.iter().any(|it| (it.first..=it.last).contains(&number)),
            _ => false,
        };
        let has_outcome =
            found.iter().any(|row| row.entry.record.kind() == "part" || is_lost_in(&row.entry));
        if !has_outcome {
            self.each(&Filter { from: Some(number), ..Filter::default() }, |row| {
                if is_lost_in(&row.entry) {
                    collect(&mut found, row)
                } else {
                    ControlFlow::Continue(())
                }
            })?;
        }
        found.retain(|row| row.entry.record.kind() != "gap" || is_lost_in(&row.entry));
        Ok(found)
    }

    /// Writes every record as a line `{"seq", "previous", "hash", "record"}`, the record being its
    /// exact text: the hash of each line can be checked with that line alone.
    ///
    /// # Errors
    /// As [`Reader::each`]; what `out` says is the inner result.
    pub fn export(&self, out: &mut dyn Write) -> Result<io::Result<()>, Error> {
        let mut previous: Option<String> = None;
        let mut result = Ok(());
        self.each(&Filter::default(), |Row { seq, hash, text, .. }| {
            // Behind a checkpoint the first has a predecessor that is no longer there.
            let before = previous.take().or((seq == 1).then(|| START.to_owned()));
            let before = before.map_or("null".to_owned(), |hash| format!("\"{hash}\""));
            result = writeln!(
                out,
                "{{\"seq\":{seq},\"previous\":{before},\"hash\":\"{hash}\",\"record\":{text}}}"
            );
            previous = Some(hash);
            if result.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(result)
    }

    fn row(&self, row: &rusqlite::Row<'_>) -> Result<Row, Error> {
        let read = |error| Error::sqlite(&self.path, "read")(error);
        let (seq, hash): (u64, String) = (row.get(0).map_err(read)?, row.get(1).map_err(read)?);
        let text: String = row.get(2).map_err(read)?;
        let entry = serde_json::from_str(&text).map_err(|error| Error::Damaged {
            path: self.path.clone(),
            reason: format!("record {seq} is not a record: {error}"),
        })?;
        Ok(Row { seq, hash, text, entry })
    }
}

impl Filter {
    fn query(&self) -> String {
        let compare = |column: &str, value: Option<u64>| {
            // SQLite's integers have a sign; no number or time is above the highest.
            value.map(|value| format!("{column} {}", value.min(i64::MAX as u64)))
        };
        let verdict = self.verdict.map(|it| format!("verdict = '{}'", verdict_name(it)));
        let conditions: Vec<String> = [
            verdict,
            compare("number >=", self.from),
            compare("number <=", self.to),
            compare("unix_ms >=", self.since_ms),
            compare("unix_ms <", self.until_ms),
            self.parts_only.then(|| "kind = 'part'".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let mut query = "SELECT seq, hash, text FROM records".to_owned();
        if !conditions.is_empty() {
            query = format!("{query} WHERE {}", conditions.join(" AND "));
        }
        match self.newest {
            Some(newest) => {
                let newest = newest.min(i64::MAX as u64);
                format!("SELECT * FROM ({query} ORDER BY seq DESC LIMIT {newest}) ORDER BY seq")
            }
            None => format!("{query} ORDER BY seq"),
        }
    }
}
