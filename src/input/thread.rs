use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::device::{Open, candidates};
use super::{Error, InputsConfig, Press, TouchMap};

/// How long the thread sleeps when nobody presses anything.
const TURN: Duration = Duration::from_millis(200);
/// After the first failure of a device; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait: so long a device that was plugged in again is not heard.
const MOST_WAIT: Duration = Duration::from_secs(4);

/// The thread that reads keyboards and touch screens.
///
/// Devices that are missing or lost are opened again with growing waits. Dropping it ends the
/// thread.
#[derive(Debug)]
pub struct InputThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What happened to devices and presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InputCounts {
    /// Devices that are read now.
    pub open: usize,
    /// Presses that were heard.
    pub presses: u64,
    /// Times that a device could not be opened or was lost.
    pub failures: u64,
}

#[derive(Debug, Default)]
struct Shared {
    is_closed: AtomicBool,
    open: AtomicUsize,
    presses: AtomicU64,
    failures: AtomicU64,
}

impl InputThread {
    /// Starts the thread; `heard` is called for every press, and must not wait.
    ///
    /// # Errors
    /// [`Error::Thread`]. A device that is not there is none: it is tried again and counted.
    pub fn start<F>(config: InputsConfig, touch: TouchMap, heard: F) -> Result<Self, Error>
    where
        F: FnMut(Press) + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let inside = shared.clone();
        let spawned = std::thread::Builder::new().name("input".to_owned()).spawn(move || {
            let devices = Devices { config, touch, open: Vec::new(), waits: HashMap::new() };
            run(devices, &inside, heard);
        });
        Ok(Self { shared, thread: Some(spawned.map_err(Error::Thread)?) })
    }

    /// What happened until now.
    pub fn counts(&self) -> InputCounts {
        InputCounts {
            open: self.shared.open.load(Ordering::Relaxed),
            presses: self.shared.presses.load(Ordering::Relaxed),
            failures: self.shared.failures.load(Ordering::Relaxed),
        }
    }
}

impl Drop for InputThread {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended too.
            let _ = thread.join();
        }
    }
}

/// The devices that are open, and when the others are tried again.
struct Devices {
    config: InputsConfig,
    touch: TouchMap,
    open: Vec<Open>,
    waits: HashMap<PathBuf, Wait>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    until: Instant,
    length: Duration,
}

fn run<F: FnMut(Press)>(mut devices: Devices, shared: &Shared, mut heard: F) {
    while !shared.is_closed.load(Ordering::Relaxed) {
        let failures = devices.open_missing(Instant::now());
        shared.failures.fetch_add(failures, Ordering::Relaxed);
        shared.open.store(devices.open.len(), Ordering::Relaxed);
        if !devices.is_anything_there() {
            continue;
        }
        let (presses, lost) = devices.take(Instant::now());
        shared.failures.fetch_add(lost, Ordering::Relaxed);
        shared.presses.fetch_add(presses.len() as u64, Ordering::Relaxed);
        presses.into_iter().for_each(&mut heard);
    }
}

impl Devices {
    /// Opens what is not open and due; gives how many could not be.
    fn open_missing(&mut self, now: Instant) -> u64 {
        let mut failures = 0;
        for path in candidates(&self.config) {
            let is_open = self.open.iter().any(|open| open.path == path);
            let is_due = self.waits.get(&path).is_none_or(|wait| now >= wait.until);
            if is_open || !is_due {
                continue;
            }
            match Open::at(&path, &self.config, &self.touch) {
                Ok(open) if open.is_useful(&self.config) => {
                    log::info!("input: {} is open", path.display());
                    self.waits.remove(&path);
                    self.open.push(open);
                }
                // Nothing for the operator: looked at again, for another may take its name.
                Ok(_) => self.wait(path, now, MOST_WAIT),
                Err(error) => {
                    failures += 1;
                    self.failed(path, now, &error);
                }
            }
        }
        failures
    }

    /// Waits for the devices, at most one turn; whether any has something to say or is gone.
    fn is_anything_there(&self) -> bool {
        if self.open.is_empty() {
            std::thread::sleep(TURN);
            return false;
        }
        let mut polled: Vec<PollFd<'_>> =
            self.open.iter().map(|open| PollFd::new(open, PollFlags::IN)).collect();
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(TURN.subsec_nanos()) };
        match poll(&mut polled, Some(&timeout)) {
            Ok(ready) => ready > 0,
            Err(_) => {
                // Interrupted, or out of memory: neither may become a busy loop.
                std::thread::sleep(TURN);
                true
            }
        }
    }

    /// Takes what there is; gives how many devices were lost.
    fn take(&mut self, now: Instant) -> (Vec<Press>, u64) {
        let (mut presses, mut lost) = (Vec::new(), Vec::new());
        for open in &mut self.open {
            match open.take() {
                Ok(more) => presses.extend(more),
                Err(error) => lost.push((open.path.clone(), error)),
            }
        }
        let count = lost.len() as u64;
        for (path, error) in lost {
            self.open.retain(|open| open.path != path);
            self.failed(path, now, &error);
        }
        (presses, count)
    }

    /// The first failure of a device is told; the others would fill the log.
    fn failed(&mut self, path: PathBuf, now: Instant, error: &Error) {
        let length = match self.waits.get(&path) {
            Some(wait) => (wait.length * 2).min(MOST_WAIT),
            None => {
                log::warn!("input: {error}; it is tried again");
                FIRST_WAIT
            }
        };
        self.wait(path, now, length);
    }

    fn wait(&mut self, path: PathBuf, now: Instant, length: Duration) {
        self.waits.insert(path, Wait { until: now + length, length });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::input::RawInputs;

    fn devices(paths: &[&str]) -> Devices {
        let devices = paths.iter().map(PathBuf::from).collect();
        let config =
            InputsConfig::validate(&RawInputs { devices, ..RawInputs::default() }).unwrap();
        Devices { config, touch: TouchMap::new(), open: Vec::new(), waits: HashMap::new() }
    }

    #[test]
    fn an_absent_device_is_tried_again_with_growing_waits() {
        let mut devices = devices(&["/nonexistent/event0", "/dev/null"]);
        let start = Instant::now();
        let tried: Vec<u64> = (0..20_000)
            .step_by(100)
            .map(|ms| devices.open_missing(start + Duration::from_millis(ms)))
            .collect();
        // At 0, 0.5, 1.5, 3.5, 7.5 s and every 4 s from there.
        assert_eq!(tried.iter().sum::<u64>(), 2 * 8);
        assert_eq!(tried[..6], [2, 0, 0, 0, 0, 2]);
    }

    #[test]
    fn a_thread_without_devices_ends_when_it_is_dropped() {
        let config = devices(&["/nonexistent/event0"]).config;
        let thread = InputThread::start(config, TouchMap::new(), |_| ()).unwrap();
        let since = Instant::now();
        while thread.counts().failures == 0 {
            assert!(since.elapsed() < Duration::from_secs(20), "it was never tried");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!((thread.counts().open, thread.counts().presses), (0, 0));
        drop(thread);
        assert!(since.elapsed() < Duration::from_secs(25));
    }
}
