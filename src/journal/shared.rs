use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::gap::Losses;
use super::numbers::Numbers;
use super::record::{Entry, Record};

/// What the committing thread is sent.
pub(super) enum Message {
    /// A record.
    Entry(Box<Entry>),
    /// Images that retention deleted.
    Removed(Vec<String>),
    /// Records may be deleted now.
    Tidy,
    /// Look at the flags.
    Wake,
}

/// What the line's threads and the journal's threads see of each other.
pub(super) struct Shared {
    pub(super) numbers: Numbers,
    /// Records that were taken into the queue.
    pub(super) accepted: AtomicU64,
    /// Of these, those that are durable or were refused.
    pub(super) settled: AtomicU64,
    /// Somebody waits for what is in the queue.
    pub(super) is_urgent: AtomicBool,
    /// A wake is in the queue: another would only take the place of a record.
    pub(super) is_woken: AtomicBool,
    /// What is in the queue is all.
    pub(super) is_closing: AtomicBool,
    /// After that, numbers that were not given out are given back.
    pub(super) is_clean: AtomicBool,
    /// Jobs of evidence that are not done, and their pixels in bytes.
    pub(super) jobs: AtomicU64,
    pub(super) job_bytes: AtomicU64,
    /// The most bytes the database may have.
    pub(super) database_bytes: AtomicU64,
    losses: Mutex<Losses>,
    health: Mutex<Health>,
}

/// How the journal is, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why records cannot be written now; they wait, and are dropped when too many do.
    pub fault: Option<String>,
    /// Why the last image could not be written.
    pub image_fault: Option<String>,
    /// Records that wait to be written.
    pub queued: u64,
    /// The last durable record.
    pub last_seq: u64,
    /// Parts whose records were dropped since the journal was opened; gap records count them.
    pub dropped_parts: u64,
    /// Other records that were dropped.
    pub dropped_others: u64,
    /// Records that cannot be: a second outcome, or a number that was never given out.
    pub refused: u64,
    /// Parts whose images were dropped or could not be written.
    pub parts_without_images: u64,
    /// Numbers given out before the disk had their reservation; a power loss may give them again.
    pub undurable_numbers: u64,
    /// Times that a thread of the journal panicked and went on.
    pub restarts: u64,
    /// The longest that one group took to be durable.
    pub slowest_commit: Duration,
}

impl Shared {
    pub(super) fn new(numbers: Numbers, database_bytes: u64) -> Self {
        Self {
            numbers,
            accepted: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            is_urgent: AtomicBool::new(false),
            is_woken: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            is_clean: AtomicBool::new(false),
            jobs: AtomicU64::new(0),
            job_bytes: AtomicU64::new(0),
            database_bytes: AtomicU64::new(database_bytes),
            losses: Mutex::default(),
            health: Mutex::default(),
        }
    }

    /// Held for a few instructions at a time, never over a system call.
    pub(super) fn losses(&self) -> MutexGuard<'_, Losses> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held for a few instructions at a time, never over a system call.
    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Shared::health`], unless somebody holds it.
    pub(super) fn try_health(&self) -> Option<MutexGuard<'_, Health>> {
        match self.health.try_lock() {
            Ok(health) => Some(health),
            Err(TryLockError::Poisoned(health)) => Some(health.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }
}

/// The way to the committing thread; sending never waits.
#[derive(Clone)]
pub(super) struct Queue {
    pub(super) sender: SyncSender<Message>,
    pub(super) shared: Arc<Shared>,
}

impl Queue {
    /// Takes a record, or counts it as dropped and says `false`.
    pub(super) fn append(&self, entry: Entry) -> bool {
        if entry.record.number().is_some_and(|number| number >= self.shared.numbers.next()) {
            log::error!("journal: part {:?} was never given out", entry.record.number());
            self.shared.health().refused += 1;
            return false;
        }
        match self.sender.try_send(Message::Entry(Box::new(entry.bounded()))) {
            Ok(()) => {
                self.shared.accepted.fetch_add(1, Ordering::AcqRel);
                true
            }
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                self.drop_message(message);
                false
            }
        }
    }

    /// Has the thread look at its flags, unless it is busy and will anyway.
    pub(super) fn wake(&self) {
        if !self.shared.is_woken.swap(true, Ordering::AcqRel)
            && self.sender.try_send(Message::Wake).is_err()
        {
            self.shared.is_woken.store(false, Ordering::Release);
        }
    }

    fn drop_message(&self, message: Message) {
        let Message::Entry(entry) = message else { return };
        self.shared.losses().add(&entry);
        let mut health = self.shared.health();
        match entry.record {
            Record::Part(_) => health.dropped_parts += 1,
            _ => health.dropped_others += 1,
        }
    }
}
