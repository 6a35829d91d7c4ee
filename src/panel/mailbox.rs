use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A place for one thing: who puts a newer one there replaces it, and never waits for who takes it.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: Option<T>,
    replaced: u64,
    is_closed: bool,
}

/// What there was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    /// The newest.
    New(T),
    /// Nothing in the time that was given.
    Nothing,
    /// Nothing, and nothing will come.
    Closed,
}

impl<T> Mailbox<T> {
    pub(super) fn new() -> Self {
        let state = State { waiting: None, replaced: 0, is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Puts the newest there; the lock is held for the exchange of a pointer alone.
    pub(super) fn put(&self, newest: T) {
        let mut state = self.lock();
        let older = state.waiting.replace(newest);
        state.replaced += u64::from(older.is_some());
        drop(state);
        self.changed.notify_one();
        // What was replaced is freed by who put it, without the lock.
        drop(older);
    }

    /// Takes what there is, waiting for it at most `timeout`.
    pub(super) fn take(&self, timeout: Duration) -> Taken<T> {
        let state = self.lock();
        let is_idle = |state: &mut State<T>| state.waiting.is_none() && !state.is_closed;
        let waited = self.changed.wait_timeout_while(state, timeout, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match (state.is_closed, state.waiting.take()) {
            (true, _) => Taken::Closed,
            (false, Some(newest)) => Taken::New(newest),
            (false, None) => Taken::Nothing,
        }
    }

    /// Waits until it is closed, at most `timeout`; whether it is.
    pub(super) fn wait_closed(&self, timeout: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), timeout, |it| !it.is_closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_closed
    }

    /// Ends the waiting for good.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// How many were replaced before they were taken.
    pub(super) fn replaced(&self) -> u64 {
        self.lock().replaced
    }

    /// Nothing inside can be half done: a panic elsewhere is no reason to stop.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_wins_and_the_others_are_counted() {
        let mailbox = Mailbox::new();
        (1..=5).for_each(|number| mailbox.put(number));
        assert_eq!(mailbox.take(Duration::ZERO), Taken::New(5));
        assert_eq!(mailbox.take(Duration::ZERO), Taken::Nothing);
        assert_eq!(mailbox.replaced(), 4);
    }

    #[test]
    fn closing_ends_a_wait() {
        let mailbox: Mailbox<u8> = Mailbox::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| mailbox.take(Duration::from_secs(60)));
            mailbox.close();
            assert_eq!(waiting.join().ok(), Some(Taken::Closed));
        });
        assert!(mailbox.wait_closed(Duration::from_secs(60)));
    }
}
