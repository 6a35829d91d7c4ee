use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// A cause that is told again and again is logged once in so long.
const SAME_CAUSE: Duration = Duration::from_secs(600);
/// Causes that are remembered.
const CAUSES: usize = 8;

/// How one service is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ServiceStatus {
    /// `mqtt`, `modbus` or `http`.
    pub name: &'static str,
    /// A server listens; a publisher has its broker.
    pub is_connected: bool,
    /// The last thing that went wrong, until it goes right again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Clients that are connected now; messages that are sent and not acknowledged.
    pub open: u64,
    /// Sequence numbers in the journal that are not delivered yet; records of other kinds count too.
    pub queued: u64,
    /// Requests that were answered; messages that were acknowledged.
    pub delivered: u64,
    /// Messages that were sent with the mark that they may have been sent before.
    pub redelivered: u64,
    /// Input that is not of the protocol.
    pub malformed: u64,
    /// Requests of who may not, and connections that were too many.
    pub refused: u64,
    /// Connections that were given up since nothing came or went in time.
    pub timed_out: u64,
    /// Commands that came while one of another connection was carried out.
    pub overlapped: u64,
    /// What failed and was tried again: connections of a publisher, starts of a server.
    pub failures: u64,
    /// Panics that were caught.
    pub panics: u64,
}

/// What a service counts; all threads of it share one.
#[derive(Debug)]
pub(super) struct Tally {
    name: &'static str,
    is_connected: AtomicBool,
    last_error: Mutex<Option<String>>,
    logged: Mutex<Vec<(String, Instant)>>,
    counts: [AtomicU64; 10],
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Open,
    Queued,
    Delivered,
    Redelivered,
    Malformed,
    Refused,
    TimedOut,
    Overlapped,
    Failures,
    Panics,
}

impl Tally {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            is_connected: AtomicBool::new(false),
            last_error: Mutex::default(),
            logged: Mutex::default(),
            counts: Default::default(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn add(&self, count: Count) {
        self.counts[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set(&self, count: Count, value: u64) {
        self.counts[count as usize].store(value, Ordering::Relaxed);
    }

    pub(super) fn read(&self, count: Count) -> u64 {
        self.counts[count as usize].load(Ordering::Relaxed)
    }

    /// It works now.
    pub(super) fn connected(&self, is_connected: bool) {
        self.is_connected.store(is_connected, Ordering::Relaxed);
        if is_connected {
            *lock(&self.last_error) = None;
        }
    }

    /// The service cannot do its work; a success ends that.
    pub(super) fn trouble(&self, cause: &str) {
        *lock(&self.last_error) = Some(cause.to_owned());
        self.tell(cause);
    }

    /// Something went wrong and does not stay; each cause is logged once in ten minutes, so that
    /// nobody on the network fills the log.
    pub(super) fn tell(&self, cause: &str) {
        if self.is_news(cause) {
            log::warn!("{}: {cause}", self.name);
        } else {
            log::debug!("{}: {cause}", self.name);
        }
    }

    fn is_news(&self, cause: &str) -> bool {
        let mut logged = lock(&self.logged);
        logged.retain(|(_, at)| at.elapsed() < SAME_CAUSE);
        if logged.iter().any(|(known, _)| known == cause) {
            return false;
        }
        if logged.len() == CAUSES {
            logged.remove(0);
        }
        logged.push((cause.to_owned(), Instant::now()));
        true
    }

    /// The counts and the state.
    pub(super) fn status(&self) -> ServiceStatus {
        ServiceStatus {
            name: self.name,
            is_connected: self.is_connected.load(Ordering::Relaxed),
            last_error: lock(&self.last_error).clone(),
            open: self.read(Count::Open),
            queued: self.read(Count::Queued),
            delivered: self.read(Count::Delivered),
            redelivered: self.read(Count::Redelivered),
            malformed: self.read(Count::Malformed),
            refused: self.read(Count::Refused),
            timed_out: self.read(Count::TimedOut),
            overlapped: self.read(Count::Overlapped),
            failures: self.read(Count::Failures),
            panics: self.read(Count::Panics),
        }
    }
}

/// What a panic leaves behind is still a number or a text.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_news_once_and_a_success_clears_it() {
        let tally = Tally::new("mqtt");
        assert!(tally.is_news("certificate expired"));
        assert!(!tally.is_news("certificate expired"));
        assert!(tally.is_news("connection refused"));
        tally.trouble("connection refused");
        assert_eq!(tally.status().last_error.as_deref(), Some("connection refused"));
        tally.connected(true);
        assert_eq!(tally.status().last_error, None);
    }

    #[test]
    fn causes_that_never_repeat_do_not_fill_the_memory() {
        let tally = Tally::new("mqtt");
        (0..1_000).for_each(|number| tally.trouble(&format!("error {number}")));
        assert_eq!(lock(&tally.logged).len(), CAUSES);
    }
}
