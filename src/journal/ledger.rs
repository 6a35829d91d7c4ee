use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::chain::{Columns, hash};
use super::ranges::Ranges;
use super::record::{Checkpoint, Entry, Evidence, Record, Span};

/// The records that account for numbers from `?1` on; each half has an index of its own.
const ACCOUNTS: &str = "
FROM records WHERE seq IN (
    SELECT seq FROM records WHERE kind = 'part' AND number >= ?1
    UNION ALL
    SELECT seq FROM records
    WHERE kind <> 'part' AND number IS NOT NULL AND number >= ?1 AND kind = 'gap'
)";

/// Where the chain ends and which numbers are owed an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ledger {
    /// The last record's.
    pub(super) seq: u64,
    /// The last record's.
    pub(super) hash: String,
    /// All numbers below were reserved.
    pub(super) reserved_below: u64,
    /// All numbers below have an outcome.
    pub(super) accounted_below: u64,
    /// The numbers from there on that have one.
    recorded: Ranges,
}

impl Ledger {
    /// Reads the state and the outcomes it does not sum up.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut ledger = Self::load_state(connection)?;
        let mut statement = connection.prepare(&format!("SELECT text {ACCOUNTS}"))?;
        let mut rows = statement.query([ledger.accounted_below])?;
        while let Some(row) = rows.next()? {
            let entry: Result<Entry, _> = serde_json::from_str(row.get_ref(0)?.as_str()?);
            ledger.account(&entry.map_err(|error| {
                let text = rusqlite::types::Type::Text;
                rusqlite::Error::FromSqlConversionFailure(0, text, Box::new(error))
            })?);
        }
        Ok(ledger)
    }

    /// Reads the state alone.
    pub(super) fn load_state(connection: &Connection) -> rusqlite::Result<Self> {
        let query = "SELECT seq, hash, reserved_below, accounted_below FROM state";
        connection.query_row(query, [], |row| {
            Ok(Self {
                seq: row.get(0)?,
                hash: row.get(1)?,
                reserved_below: row.get(2)?,
                accounted_below: row.get(3)?,
                recorded: Ranges::default(),
            })
        })
    }

    /// The numbers that are reserved and have no outcome.
    pub(super) fn owed(&self) -> impl Iterator<Item = u64> {
        self.recorded.holes(self.accounted_below, self.reserved_below)
    }

    /// The lowest numbers without an outcome, when so many higher ones have theirs that more than
    /// `most` ranges would be kept in memory.
    pub(super) fn overdue(&self, most: usize) -> Vec<u64> {
        let excess = self.recorded.len().saturating_sub(most);
        let last = self.recorded.iter().nth(excess).map_or(0, |range| range.0);
        if excess == 0 { Vec::new() } else { self.owed().take_while(|it| *it < last).collect() }
    }

    /// Why a record cannot be part of this chain.
    pub(super) fn refusal(&self, entry: &Entry) -> Option<&'static str> {
        let Record::Part(part) = &entry.record else { return None };
        match part.number {
            number if number < self.accounted_below || self.recorded.contains(number) => {
                Some("has an outcome already")
            }
            number if number >= self.reserved_below => Some("was never given out"),
            _ => None,
        }
    }

    fn account(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Part(part) => self.recorded.insert(part.number, part.number),
            Record::Gap(gap) => {
                gap.numbers.iter().for_each(|span| self.recorded.insert(span.first, span.last));
            }
            Record::Reserved(span) => self.reserved_below = span.last + 1,
            Record::Released(span) => self.reserved_below = span.first,
            _ => {}
        }
    }
}

/// Records that are committed together, or not at all.
pub(super) struct Group<'a> {
    transaction: Transaction<'a>,
    /// What holds once the group is committed.
    pub(super) ledger: Ledger,
}

impl<'a> Group<'a> {
    pub(super) fn begin(connection: &'a mut Connection, ledger: &Ledger) -> rusqlite::Result<Self> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Self { transaction, ledger: ledger.clone() })
    }

    /// Adds a record to the chain.
    pub(super) fn push(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        let text = serde_json::to_string(entry)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let seq = self.ledger.seq + 1;
        let hash = hash(&self.ledger.hash, seq, &text);
        let Columns { kind, number, verdict, unix_ms } = Columns::of(entry);
        self.transaction.execute(
            "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![seq, text, hash, kind, number, verdict, unix_ms],
        )?;
        (self.ledger.seq, self.ledger.hash) = (seq, hash);
        self.ledger.account(entry);
        match &entry.record {
            Record::Evidence(evidence) => self.list_images(evidence, unix_ms),
            _ => Ok(()),
        }
    }

    /// Reserves numbers so that `ahead` are free from `next` on, if less than half of these are.
    pub(super) fn reserve(&mut self, next: u64, ahead: u64) -> rusqlite::Result<()> {
        let first = self.ledger.reserved_below;
        if next + ahead / 2 <= first {
            return Ok(());
        }
        self.push(&Entry::now(Record::Reserved(Span { first, last: next + ahead - 1 })))
    }

    /// Gives back the reserved numbers from `next` on.
    pub(super) fn release(&mut self, next: u64) -> rusqlite::Result<()> {
        match self.ledger.reserved_below {
            below if next < below => {
                let rest = Span { first: next, last: below - 1 };
                self.push(&Entry::now(Record::Released(rest)))
            }
            _ => Ok(()),
        }
    }

    /// Takes images that retention deleted off the list.
    pub(super) fn unlist_images(&mut self, names: &[String]) -> rusqlite::Result<()> {
        let mut statement = self.transaction.prepare("DELETE FROM images WHERE name = ?1")?;
        names.iter().try_for_each(|name| statement.execute([name]).map(drop))
    }

    /// Deletes the oldest records above `most`, not more than `at_once`, behind a checkpoint.
    ///
    /// What comes after a record that cannot go stays: one of a part whose images are kept, or with
    /// a number that is not summed up yet.
    pub(super) fn forget(&mut self, most: u64, at_once: u64) -> rusqlite::Result<()> {
        let with_image = self.bound("SELECT MIN(seq) FROM images")?;
        match self.excess(most, at_once)? {
            Some((first, end)) if first < end.min(with_image.unwrap_or(u64::MAX)) => {
                self.delete_below(end.min(with_image.unwrap_or(u64::MAX)))
            }
            _ => Ok(()),
        }
    }

    /// As [`Group::forget`], whatever images are kept: the names of those that nothing lists any more.
    pub(super) fn make_room(&mut self, most: u64, at_once: u64) -> rusqlite::Result<Vec<String>> {
        let Some((_, end)) = self.excess(most, at_once)? else { return Ok(Vec::new()) };
        let names = {
            let query = "SELECT name FROM images WHERE seq < ?1";
            let mut statement = self.transaction.prepare(query)?;
            let names = statement.query_map([end], |row| row.get(0))?;
            names.collect::<rusqlite::Result<Vec<String>>>()?
        };
        self.transaction.execute("DELETE FROM images WHERE seq < ?1", [end])?;
        self.delete_below(end)?;
        Ok(names)
    }

    /// The first record, and where those above `most` end, as far as numbers are summed up.
    fn excess(&self, most: u64, at_once: u64) -> rusqlite::Result<Option<(u64, u64)>> {
        let Some(first) = self.bound("SELECT MIN(seq) FROM records")? else { return Ok(None) };
        let open = format!("SELECT MIN(seq) FROM (SELECT seq {ACCOUNTS})");
        let owed: Option<u64> =
            self.transaction.query_row(&open, [self.ledger.accounted_below], |row| row.get(0))?;
        let excess = (self.ledger.seq + 1).saturating_sub(first + most);
        let end = (first + excess.min(at_once)).min(owed.unwrap_or(u64::MAX));
        Ok((end > first).then_some((first, end)))
    }

    fn bound(&self, query: &str) -> rusqlite::Result<Option<u64>> {
        self.transaction.query_row(query, [], |row| row.get(0))
    }

    fn delete_below(&mut self, end: u64) -> rusqlite::Result<()> {
        let deleted_to = end - 1;
        let query = "SELECT hash FROM records WHERE seq = ?1";
        let hash = self.transaction.query_row(query, [deleted_to], |row| row.get(0))?;
        let Ledger { accounted_below, reserved_below, .. } = self.ledger;
        // First of all: in a full database the checkpoint takes the room of what goes.
        self.transaction.execute("DELETE FROM records WHERE seq <= ?1", [deleted_to])?;
        self.push(&Entry::now(Record::Checkpoint(Checkpoint {
            deleted_to,
            hash,
            accounted_below,
            reserved_below,
        })))
    }

    /// Makes the group durable.
    pub(super) fn commit(mut self) -> rusqlite::Result<Ledger> {
        let ledger = &mut self.ledger;
        let below = ledger.recorded.first_hole(ledger.accounted_below).min(ledger.reserved_below);
        ledger.accounted_below = ledger.accounted_below.max(below);
        ledger.recorded.forget_below(ledger.accounted_below);
        self.transaction.execute(
            "UPDATE state SET seq = ?1, hash = ?2, reserved_below = ?3, accounted_below = ?4",
            params![ledger.seq, ledger.hash, ledger.reserved_below, ledger.accounted_below],
        )?;
        self.transaction.commit()?;
        Ok(self.ledger)
    }

    fn list_images(&mut self, evidence: &Evidence, unix_ms: u64) -> rusqlite::Result<()> {
        let query = "SELECT seq FROM records WHERE kind = 'part' AND number = ?1";
        let part: Option<u64> =
            self.transaction.query_row(query, [evidence.number], |row| row.get(0)).optional()?;
        let seq = part.unwrap_or(self.ledger.seq);
        for image in &evidence.images {
            self.transaction.execute(
                "INSERT OR REPLACE INTO images VALUES (?1, ?2, ?3, ?4, ?5)",
                params![image.name, seq, evidence.failure, image.bytes, unix_ms],
            )?;
        }
        Ok(())
    }
}
