//! Threads that serve until they are told to stop, whatever happens in them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Error;
use super::pause::Pause;
use super::tally::{Count, Tally};

/// How often a thread that waits looks whether it should stop.
pub(super) const LOOK: Duration = Duration::from_millis(50);
/// The first pause before a server that failed is started again.
const LEAST_PAUSE: Duration = Duration::from_millis(200);
/// The longest such pause.
const MOST_PAUSE: Duration = Duration::from_secs(30);

/// Told to all threads at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    is_stopping: Arc<AtomicBool>,
}

impl Stop {
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Sleeps for so long, or until it is time to stop.
    pub(super) fn sleep(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while !self.is_stopping() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(LOOK));
        }
    }
}

/// Runs `work` again and again, with growing pauses after errors and panics, until it is told to
/// stop.
pub(super) fn supervise(
    stop: &Stop,
    tally: &Arc<Tally>,
    mut work: impl FnMut() -> Result<(), String> + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    let (stop, tally) = (stop.clone(), tally.clone());
    let service = tally.name();
    let run = move || {
        let mut pause = Pause::new(LEAST_PAUSE, MOST_PAUSE);
        while !stop.is_stopping() {
            let began = Instant::now();
            let ended = guarded(&tally, &mut work);
            tally.connected(false);
            if began.elapsed() > MOST_PAUSE {
                pause.reset();
            }
            if let Err(cause) = ended {
                tally.add(Count::Failures);
                tally.trouble(&cause);
            }
            stop.sleep(pause.after_failure());
        }
    };
    let started = thread::Builder::new().name(format!("plant-{service}")).spawn(run);
    started.map_err(|error| Error::Thread { service, reason: error.to_string() })
}

/// Runs `work`; what it panics with becomes an error and is counted.
pub(super) fn guarded<T>(
    tally: &Tally,
    work: impl FnOnce() -> Result<T, String>,
) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        tally.add(Count::Panics);
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        // What a panic carries may panic when it is dropped.
        std::mem::forget(panic);
        Err(format!("it panicked: {}", text.unwrap_or_else(|| "no reason given".to_owned())))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_service_that_panics_is_started_again() {
        let (stop, tally) = (Stop::default(), Arc::new(Tally::new("test")));
        let (sender, starts) = channel();
        let mut number = 0;
        let own = stop.clone();
        let thread = supervise(&stop, &tally, move || {
            number += 1;
            sender.send(number).unwrap();
            match number {
                1 => panic!("at first"),
                2 => Err("then this".to_owned()),
                _ => {
                    own.stop();
                    Ok(())
                }
            }
        });
        thread.unwrap().join().unwrap();
        assert_eq!(starts.iter().collect::<Vec<i32>>(), [1, 2, 3]);
        let status = tally.status();
        assert_eq!((status.failures, status.panics), (2, 1));
        assert_eq!(status.last_error.as_deref(), Some("then this"));
    }

    #[test]
    fn a_sleep_ends_when_it_is_time_to_stop() {
        let stop = Stop::default();
        let own = stop.clone();
        let began = Instant::now();
        let sleeper = thread::spawn(move || own.sleep(Duration::from_secs(600)));
        stop.stop();
        sleeper.join().unwrap();
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
