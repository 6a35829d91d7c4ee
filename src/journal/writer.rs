use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::committer::{Committer, Limits, Opened, no_outcome};
use super::evidence::{Job, Keeper, Role, orphans};
use super::ledger::Ledger;
use super::numbers::Numbers;
use super::record::{Entry, Event, EventSource, Evidence, Part, Record};
use super::retention::{Retention, Tidier};
use super::shared::{Health, Queue, Shared};
use super::store::{self, Lock};
use super::{DATABASE, Error, IMAGES};
use crate::files;
use crate::frame::Frame;

/// Parts whose images may wait to be written.
const JOBS: usize = 64;

/// How a journal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Records that may wait for the disk, 16 KiB each at most; further ones are dropped and counted.
    pub queue: usize,
    /// Bytes of pixels that may wait to be written; images of further parts are dropped and counted.
    pub image_queue_bytes: u64,
    /// How long records are gathered before they are made durable together.
    pub group: Duration,
    /// Part numbers reserved ahead: what the line uses in the longest the disk may pause.
    pub numbers_ahead: u64,
    /// The most bytes of the database; at the limit the journal says that the disk is full.
    pub database_bytes: u64,
    /// What may be forgotten.
    pub retention: Retention,
    /// How often that is looked for.
    pub tidy_every: Duration,
}

/// Takes records of what happens at the line; dropping it without [`Writer::close`] is a crash.
///
/// Only closing and [`Writer::flush`] wait for the disk.
pub struct Writer {
    queue: Queue,
    jobs: Option<SyncSender<Job>>,
    image_queue_bytes: u64,
    keeper: Option<JoinHandle<()>>,
    committer: Option<JoinHandle<Result<(), Error>>>,
    path: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue: 1_024,
            image_queue_bytes: 64 << 20,
            group: Duration::from_millis(25),
            numbers_ahead: 128,
            database_bytes: 32 << 30,
            retention: Retention::default(),
            tidy_every: Duration::from_secs(10),
        }
    }
}

impl Writer {
    /// Opens the journal in `folder`, making it where there is none.
    ///
    /// Numbers that were reserved and have no outcome, because the process before this one did not
    /// close the journal, get `NotInspected` with the stage `crash`. A full disk is no error: it is
    /// in [`Health`], and the records wait.
    ///
    /// # Errors
    /// What is not a journal, damaged, newer than this program, or written to by another process.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, Error> {
        let lock = Lock::take(folder)?;
        let path = folder.join(DATABASE);
        let images = folder.join(IMAGES);
        std::fs::create_dir_all(&images).map_err(files::Error::io(&images, "create"))?;
        let connection = store::open_to_write(folder)?;
        let ledger = Ledger::load(&connection).map_err(Error::sqlite(&path, "read"))?;
        let left = left_by_a_crash(&images, &connection, &ledger);

        let (sender, receiver) = sync_channel(settings.queue.max(1));
        let numbers = Numbers::new(ledger.reserved_below, settings.numbers_ahead);
        let shared = Arc::new(Shared::new(numbers, settings.database_bytes));
        let queue = Queue { sender, shared: shared.clone() };
        let limits = Limits { group: settings.group, records: settings.retention.records };
        let opened = Opened { folder: folder.to_owned(), lock, connection, ledger };
        let mut committer = Committer::new(opened, shared, receiver, limits);
        committer.recover(left);

        let (jobs, waiting) = sync_channel(JOBS);
        let tidier =
            Tidier { connection: store::open_to_read(folder)?, retention: settings.retention };
        let keeper = Keeper {
            folder: images,
            jobs: waiting,
            queue: queue.clone(),
            tidier,
            every: settings.tidy_every,
        };
        Ok(Self {
            queue,
            jobs: Some(jobs),
            image_queue_bytes: settings.image_queue_bytes,
            committer: Some(spawn("journal", folder, move || committer.run())?),
            keeper: Some(spawn("evidence", folder, move || keeper.run())?),
            path,
        })
    }

    /// A number for the next part; each must be given an outcome.
    ///
    /// Never waits: numbers are reserved on disk in advance, and where that could not be done in
    /// time the number is counted in [`Health::undurable_numbers`].
    pub fn next_number(&self) -> u64 {
        let (number, is_low) = self.queue.shared.numbers.hand_out();
        if is_low {
            self.queue.wake();
        }
        number
    }

    /// Takes the outcome of a part, which came about at `unix_ms`; `false` if it had to be dropped.
    ///
    /// Never waits. What is dropped is counted in [`Health`] and in a gap record later; what is
    /// kept is durable within milliseconds. Texts longer than 1,000 bytes are cut.
    pub fn append_part(&self, unix_ms: u64, part: Part) -> bool {
        self.queue.append(Entry { unix_ms, record: Record::Part(part) })
    }

    /// Takes an event that happens now; otherwise as [`Writer::append_part`].
    pub fn append_event(&self, event: Event) -> bool {
        self.queue.append(Entry::now(Record::Event(event)))
    }

    /// Takes the frames of a part to be written as images; `false` if they had to be dropped.
    ///
    /// Never waits. `failure` is whether the part did not conform. Which files were written, or
    /// why they were not, is in a record of its own.
    pub fn keep(&self, number: u64, failure: bool, frames: Vec<(Role, Arc<Frame>)>) -> bool {
        let shared = &self.queue.shared;
        let bytes = Job::bytes_of(&frames);
        let queued = shared.job_bytes.fetch_add(bytes, Ordering::AcqRel);
        shared.jobs.fetch_add(1, Ordering::AcqRel);
        let job = Job { number, failure, frames, bytes };
        let is_room = queued == 0 || queued + bytes <= self.image_queue_bytes;
        let sent = is_room && self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok());
        if !sent {
            shared.job_bytes.fetch_sub(bytes, Ordering::AcqRel);
            shared.jobs.fetch_sub(1, Ordering::AcqRel);
            shared.health().parts_without_images += 1;
            let lost = Some("images came faster than the disk takes them".to_owned());
            let images = Vec::new();
            let evidence = Evidence { number, failure, images, lost, recovered: false };
            self.queue.append(Entry::now(Record::Evidence(evidence)));
        }
        sent
    }

    /// How the journal is now.
    pub fn health(&self) -> Health {
        let health = self.queue.shared.health().clone();
        self.completed(health)
    }

    /// As [`Writer::health`] where that can be told without waiting for a thread that is amid a change: one
    /// of ordinary priority may be kept from going on.
    pub fn try_health(&self) -> Option<Health> {
        let health = self.queue.shared.try_health()?.clone();
        Some(self.completed(health))
    }

    fn completed(&self, mut health: Health) -> Health {
        let shared = &self.queue.shared;
        let settled = shared.settled.load(Ordering::Acquire);
        health.queued = shared.accepted.load(Ordering::Acquire).saturating_sub(settled);
        health.undurable_numbers = shared.numbers.undurable();
        let has_ended = self.committer.as_ref().is_none_or(JoinHandle::is_finished);
        if has_ended && health.fault.is_none() {
            health.fault = Some("the journal's thread ended".to_owned());
        }
        health
    }

    /// Waits until all that was taken so far, images too, is durable; `false` if it takes longer.
    pub fn flush(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let shared = &self.queue.shared;
        let settled = |target: u64| shared.settled.load(Ordering::Acquire) >= target;
        let wait = |is_done: &dyn Fn() -> bool| {
            while !is_done() {
                if Instant::now() >= end {
                    return false;
                }
                shared.is_urgent.store(true, Ordering::Release);
                self.queue.wake();
                thread::sleep(Duration::from_millis(1));
            }
            true
        };
        let has_images = wait(&|| shared.jobs.load(Ordering::Acquire) == 0);
        let target = shared.accepted.load(Ordering::Acquire);
        has_images && wait(&|| settled(target))
    }

    /// Changes the most bytes that the database may have, from the next group on.
    pub fn set_database_bytes(&self, bytes: u64) {
        self.queue.shared.database_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Writes everything, gives back the numbers that were not used and ends.
    ///
    /// A number that was handed out and never given an outcome becomes `NotInspected` with the
    /// stage `closed`.
    ///
    /// # Errors
    /// [`Error::Unwritten`] when the disk does not take what is left.
    pub fn close(mut self) -> Result<(), Error> {
        self.stop(true)
    }

    fn stop(&mut self, is_clean: bool) -> Result<(), Error> {
        self.jobs = None;
        if let Some(keeper) = self.keeper.take() {
            // A thread that panicked has said so.
            let _ = keeper.join();
        }
        self.queue.shared.is_clean.store(is_clean, Ordering::Release);
        self.queue.shared.is_closing.store(true, Ordering::Release);
        self.queue.wake();
        match self.committer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Error::Unwritten {
                path: self.path.clone(),
                records: self.health().queued,
                reason: "the journal's thread ended".to_owned(),
            }),
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.stop(false) {
            log::error!("{error}");
        }
    }
}

/// What is to be said of the parts and images that a process left when it did not close.
fn left_by_a_crash(
    images: &Path,
    connection: &rusqlite::Connection,
    ledger: &Ledger,
) -> Vec<Entry> {
    let mut entries: Vec<Entry> =
        ledger.owed().map(|number| no_outcome(number, "crash", "the process ended")).collect();
    if !entries.is_empty() {
        log::warn!("journal: {} part numbers have no outcome after a crash", entries.len());
    }
    entries.extend(orphans(images, connection, ledger.accounted_below));
    let program = concat!("pairspec ", env!("CARGO_PKG_VERSION"));
    entries.push(Entry::now(Event::new(EventSource::System, "journal_opened", program).into()));
    entries
}

fn spawn<T: Send + 'static>(
    name: &str,
    folder: &Path,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    let thread = thread::Builder::new().name(name.to_owned());
    Ok(thread.spawn(work).map_err(files::Error::io(folder, "start a thread for"))?)
}
