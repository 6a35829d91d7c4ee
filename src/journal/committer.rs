use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::gap::Losses;
use super::ledger::{Group, Ledger};
use super::record::{Entry, Outcome, Part, Record};
use super::shared::{Message, Shared};
use super::store::{self, Lock};
use super::supervise::caught;
#[cfg(test)]
use super::test_panics::{Place, visit};
use super::{DATABASE, Error, IMAGES};
use crate::files;

/// The most records in one group.
const GROUP_MOST: usize = 512;
/// How long after a failed write the next is tried.
const RETRY: Duration = Duration::from_millis(250);
/// How often an idle thread looks whether anything was dropped, and the least time between gaps.
const IDLE: Duration = Duration::from_secs(1);
/// The most records deleted in one group.
const FORGET_AT_ONCE: u64 = 2_000;
/// The most records deleted at once for lack of room, with their images: outcomes wait meanwhile.
const FORGET_WHEN_FULL: u64 = 500;
/// The newest records, which a database that is full by its own limit keeps.
const KEPT_WHEN_FULL: u64 = 500;
/// How often room is made for one group.
const ROOMS: usize = 8;
/// Pages that a group may take: a database with fewer left is full by its limit, not by its disk.
const GROUP_PAGES: u64 = 2_048;
/// The most deleted images that wait to be taken off the list.
const MOST_REMOVED: usize = 10_000;
/// Panics in a row after which the records at hand are given up: one of them may be the reason.
const MOST_PANICS: u32 = 3;
/// The most stretches of outcomes with an owed number between them.
const MOST_STRETCHES: usize = 4_096;

/// The one thread that writes to the database.
pub(super) struct Committer {
    folder: PathBuf,
    _lock: Lock,
    /// None after an error that may have left it unusable.
    connection: Option<Connection>,
    ledger: Ledger,
    shared: Arc<Shared>,
    receiver: Receiver<Message>,
    pending: VecDeque<Entry>,
    removed: Vec<String>,
    is_tidy: bool,
    losses: Losses,
    last_gap: Option<Instant>,
    cause: Option<String>,
    retry_at: Option<Instant>,
    /// A group whose commit failed: the disk may have it all the same.
    attempted: Option<Attempt>,
    limits: Limits,
    /// The limit that the connection has.
    limited_to: Option<u64>,
    /// Panics since the last group that was written.
    panics: u32,
}

/// A database that was opened to write.
pub(super) struct Opened {
    pub(super) folder: PathBuf,
    pub(super) lock: Lock,
    pub(super) connection: Connection,
    pub(super) ledger: Ledger,
}

/// What a committer is given to keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How long records are gathered for one group.
    pub(super) group: Duration,
    /// The most records kept.
    pub(super) records: u64,
}

/// A group that was put together.
#[derive(Debug)]
struct Attempt {
    /// Of its last record.
    hash: String,
    /// How many of the records that wait it holds, from the first on.
    records: usize,
    /// How many of the deleted images it takes off the list.
    removed: usize,
    /// Records that it refuses.
    refused: u64,
    has_gap: bool,
}

/// What one group is to hold.
struct Work<'a> {
    pending: &'a VecDeque<Entry>,
    removed: &'a [String],
    gap: Option<Record>,
    /// Whether the numbers that are left are given back.
    is_last: bool,
}

impl Committer {
    pub(super) fn new(
        opened: Opened,
        shared: Arc<Shared>,
        receiver: Receiver<Message>,
        limits: Limits,
    ) -> Self {
        Self {
            folder: opened.folder,
            _lock: opened.lock,
            connection: Some(opened.connection),
            ledger: opened.ledger,
            shared,
            receiver,
            pending: VecDeque::new(),
            removed: Vec::new(),
            is_tidy: true,
            losses: Losses::default(),
            last_gap: None,
            cause: None,
            retry_at: None,
            attempted: None,
            limits,
            limited_to: None,
            panics: 0,
        }
    }

    /// Writes what a crash left to be said, or keeps it until writing works.
    pub(super) fn recover(&mut self, entries: Vec<Entry>) {
        self.shared.accepted.fetch_add(entries.len() as u64, Ordering::AcqRel);
        self.pending.extend(entries);
        self.write(false);
    }

    /// Gathers and commits until the journal is closed.
    ///
    /// A panic is not the end of it: the database is opened again and writing goes on from what it has.
    ///
    /// # Errors
    /// [`Error::Unwritten`] when something is left that cannot be written.
    pub(super) fn run(mut self) -> Result<(), Error> {
        while let Err(reason) = caught(|| self.work()) {
            self.begin_again(reason);
            if self.shared.is_closing() && self.panics > MOST_PANICS {
                break;
            }
        }
        self.rest()
    }

    fn work(&mut self) {
        loop {
            let was_closing = self.shared.is_closing();
            self.gather();
            let is_written = self.write(false);
            let is_done = self.pending.is_empty() && self.pull() == 0;
            if was_closing && (is_done || !is_written) {
                let is_clean = self.shared.is_clean.load(Ordering::Acquire);
                if is_clean || !self.pending.is_empty() {
                    self.write(is_clean);
                }
                return;
            }
        }
    }

    /// After a panic: nothing half done is trusted, and what panics again and again is given up.
    fn begin_again(&mut self, reason: String) {
        let gone = self.connection.take();
        // A connection that panics when it is closed is none any more.
        let _ = caught(move || drop(gone));
        self.panics += 1;
        self.shared.health().restarts += 1;
        if self.panics >= MOST_PANICS {
            let records = self.pending.len();
            log::error!("journal: {records} records are given up after {} panics", self.panics);
            self.give_up_pending();
        }
        self.fail(reason, false);
    }

    /// Counts what is at hand as lost; the next gap record tells of it.
    fn give_up_pending(&mut self) {
        let given_up = self.pending.len() as u64;
        for entry in self.pending.drain(..) {
            self.losses.add(&entry);
            let mut health = self.shared.health();
            match entry.record {
                Record::Part(_) => health.dropped_parts += 1,
                _ => health.dropped_others += 1,
            }
        }
        // After they are counted: who waits for them looks at the counts.
        self.shared.settled.fetch_add(given_up, Ordering::AcqRel);
        self.removed.clear();
        self.attempted = None;
    }

    fn rest(self) -> Result<(), Error> {
        let records = self.pending.len() as u64;
        match self.cause {
            Some(reason) if self.retry_at.is_some() => {
                Err(Error::Unwritten { path: self.folder.join(DATABASE), records, reason })
            }
            _ => Ok(()),
        }
    }

    /// Collects records for one group.
    fn gather(&mut self) {
        let mut until = self.retry_at.unwrap_or_else(|| Instant::now() + IDLE);
        let mut is_first = self.retry_at.is_none();
        while self.pending.len() < GROUP_MOST && !self.is_hurried() {
            match self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    self.shared.is_closing.store(true, Ordering::Release);
                }
            }
            if is_first {
                (is_first, until) = (false, Instant::now() + self.limits.group);
            }
        }
        if self.pull() > 0 {
            self.shared.is_urgent.store(true, Ordering::Release);
        }
        self.wait_to_retry();
    }

    fn is_hurried(&self) -> bool {
        self.shared.is_urgent.swap(false, Ordering::AcqRel) || self.shared.is_closing()
    }

    /// Takes what is queued already, up to the size of a group; 1 if it may not be all.
    fn pull(&mut self) -> usize {
        while self.pending.len() < GROUP_MOST {
            match self.receiver.try_recv() {
                Ok(message) => self.take(message),
                Err(_) => return 0,
            }
        }
        1
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Entry(entry) => self.pending.push_back(*entry),
            // Those left out are found missing, and named again.
            Message::Removed(names) if self.removed.len() < MOST_REMOVED => {
                self.removed.extend(names);
            }
            Message::Removed(_) => {}
            Message::Tidy => self.is_tidy = false,
            Message::Wake => self.shared.is_woken.store(false, Ordering::Release),
        }
    }

    fn wait_to_retry(&self) {
        while let Some(at) = self.retry_at.filter(|at| *at > Instant::now()) {
            if self.shared.is_closing() {
                return;
            }
            thread::sleep((at - Instant::now()).min(RETRY / 10));
        }
    }

    /// Commits what was gathered; whether that worked.
    fn write(&mut self, is_last: bool) -> bool {
        let start = Instant::now();
        if self.connection.is_none() {
            match self.reopen() {
                // More may have come since.
                Ok(Some(attempt)) => self.settle(&attempt, start.elapsed()),
                Ok(None) => {}
                Err(error) => return self.failed(&error),
            }
        }
        self.losses.join(std::mem::take(&mut *self.shared.losses()));
        let is_due = is_last || self.last_gap.is_none_or(|last| last.elapsed() >= IDLE);
        let gap = (is_due && !self.losses.is_empty()).then(|| {
            let usual = "records came faster than the disk takes them";
            self.losses.record(self.cause.as_deref().unwrap_or(usual))
        });
        for _ in 0..ROOMS {
            match self.commit(gap.clone(), is_last) {
                Ok(Some(attempt)) => self.settle(&attempt, start.elapsed()),
                Ok(None) => {}
                Err(error) if is_full(&error) => match self.make_room() {
                    Ok(true) => continue,
                    Ok(false) => return self.failed(&error),
                    Err(error) => return self.failed(&error),
                },
                Err(error) => return self.failed(&error),
            }
            return true;
        }
        self.fail("the database is full, and what may be deleted is not enough".to_owned(), true);
        false
    }

    /// Deletes old records in a group of their own, since one that adds any does not fit; whether there
    /// were any.
    ///
    /// A database that is full by its own limit is one that must forget; on a full disk only what is too
    /// much by number goes.
    fn make_room(&mut self) -> rusqlite::Result<bool> {
        let images = self.folder.join(IMAGES);
        let Some(connection) = &mut self.connection else { return Ok(false) };
        self.attempted = None;
        let records = self.limits.records;
        let most = if is_at_limit(connection)? { records.min(KEPT_WHEN_FULL) } else { records };
        let mut group = Group::begin(connection, &self.ledger)?;
        let names = group.make_room(most, FORGET_WHEN_FULL)?;
        if group.ledger == self.ledger {
            return Ok(false);
        }
        // Before the list forgets them: what a crash leaves between is found missing, not forgotten.
        for name in names {
            if let Ok(path) = files::join_below(&images, &name) {
                let _ = std::fs::remove_file(path);
            }
        }
        self.ledger = group.commit()?;
        Ok(true)
    }

    fn commit(&mut self, gap: Option<Record>, is_last: bool) -> rusqlite::Result<Option<Attempt>> {
        let Some(connection) = &mut self.connection else { return Ok(None) };
        self.attempted = None;
        // Not each time: after a group that did not fit SQLite would grant it a page more.
        let bytes = self.shared.database_bytes.load(Ordering::Relaxed);
        if self.limited_to != Some(bytes) {
            limit(connection, bytes)?;
            self.limited_to = Some(bytes);
        }
        let (numbers, has_gap) = (&self.shared.numbers, gap.is_some());
        let work = Work { pending: &self.pending, removed: &self.removed, gap, is_last };
        let mut group = Group::begin(connection, &self.ledger)?;
        let refused = work.put(&mut group, (numbers.next(), numbers.ahead()))?;
        if !std::mem::replace(&mut self.is_tidy, true) {
            group.forget(self.limits.records, FORGET_AT_ONCE)?;
        }
        let (hash, records) = (group.ledger.hash.clone(), self.pending.len());
        let removed = self.removed.len();
        self.attempted = Some(Attempt { hash, records, removed, refused, has_gap });
        #[cfg(test)]
        visit(&self.folder, Place::BeforeCommit);
        if group.ledger != self.ledger || removed > 0 {
            self.ledger = group.commit()?;
        }
        #[cfg(test)]
        visit(&self.folder, Place::AfterCommit);
        Ok(self.attempted.take())
    }

    /// Opens the database again; the group whose commit failed, if it has that.
    fn reopen(&mut self) -> rusqlite::Result<Option<Attempt>> {
        let other = |error: Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        let connection = store::open_to_write(&self.folder).map_err(other)?;
        self.ledger = Ledger::load(&connection)?;
        self.connection = Some(connection);
        self.limited_to = None;
        Ok(self.attempted.take().filter(|attempt| attempt.hash == self.ledger.hash))
    }

    fn settle(&mut self, written: &Attempt, took: Duration) {
        self.shared.settled.fetch_add(written.records as u64, Ordering::AcqRel);
        self.shared.numbers.set_reserved(self.ledger.reserved_below);
        self.pending.drain(..written.records.min(self.pending.len()));
        self.removed.drain(..written.removed.min(self.removed.len()));
        self.panics = 0;
        if written.has_gap {
            self.losses = Losses::default();
            self.last_gap = Some(Instant::now());
        }
        if self.retry_at.take().is_some() {
            log::warn!("journal: writing works again");
        }
        if self.losses.is_empty() {
            self.cause = None;
        }
        let mut health = self.shared.health();
        health.fault = None;
        health.last_seq = self.ledger.seq;
        health.refused += written.refused;
        health.slowest_commit = health.slowest_commit.max(took);
    }

    fn failed(&mut self, error: &rusqlite::Error) -> bool {
        self.fail(error.to_string(), is_full(error));
        false
    }

    fn fail(&mut self, reason: String, is_full: bool) {
        if self.retry_at.is_none() {
            log::error!("journal: {reason}; records wait, and are counted when too many do");
        }
        if !is_full {
            self.connection = None;
        }
        self.retry_at = Some(Instant::now() + RETRY);
        self.shared.health().fault = Some(reason.clone());
        self.cause = Some(reason);
    }
}

impl Work<'_> {
    /// Puts everything into the group; how many records it refuses.
    fn put(&self, group: &mut Group<'_>, (next, ahead): (u64, u64)) -> rusqlite::Result<u64> {
        let mut refused = 0;
        // All that was given out in any case: a part whose number is not reserved is refused.
        group.reserve(next, if self.is_last { 0 } else { ahead })?;
        for entry in self.pending {
            if let Some(reason) = group.ledger.refusal(entry) {
                log::error!("journal: part {:?} {reason}: {entry:?}", entry.record.number());
                refused += 1;
                continue;
            }
            group.push(entry)?;
        }
        if let Some(gap) = &self.gap {
            group.push(&Entry::now(gap.clone()))?;
        }
        for number in group.ledger.overdue(MOST_STRETCHES) {
            group.push(&no_outcome(number, "unaccounted", "later parts have theirs"))?;
        }
        group.unlist_images(self.removed)?;
        if self.is_last {
            let owed: Vec<u64> = group.ledger.owed().take_while(|it| *it < next).collect();
            for number in owed {
                group.push(&no_outcome(number, "closed", "the journal was closed before"))?;
            }
            group.release(next)?;
        }
        Ok(refused)
    }
}

/// The outcome of a part that has no other.
pub(super) fn no_outcome(number: u64, stage: &str, detail: &str) -> Entry {
    Entry::now(Record::Part(Part {
        number,
        outcome: Outcome::not_inspected(stage, format!("no outcome was recorded: {detail}")),
        scores: Vec::new(),
        timing_ms: Default::default(),
        recipe_sha256: String::new(),
        model_sha256: String::new(),
        thresholds_sha256: String::new(),
    }))
}

fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Whether the database is as large as it may be, but for less than a group.
fn is_at_limit(connection: &Connection) -> rusqlite::Result<bool> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let (pages, most) = (pragma("page_count")?, pragma("max_page_count")?);
    Ok(pages + GROUP_PAGES.min(most / 4) >= most)
}

fn limit(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    // The pragma answers with the limit that holds, so that it is a query.
    let pages = (bytes / page).clamp(1, u64::from(u32::MAX - 1));
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
}
