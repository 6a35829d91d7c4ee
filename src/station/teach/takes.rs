//! Parts as the station's cameras and triggers show them, with nobody who judges.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::super::camera::{OpenSource, orders};
use super::super::config::{StationConfig, TriggerConfig};
use super::super::core::Component;
use super::super::message::Message;
use super::super::rim::start_threads;
use super::super::threads::{Flags, Shared};
use crate::capture::{
    Captured, Clock, MonotonicClock, Pairing, Part, Sighting, Timing, Trigger, Unpaired,
};
use crate::frame::Frame;
use crate::station::Error;

/// Events on their way.
const INBOX: usize = 256;
/// From the start of the threads to the first trigger by time, and to the first frame of a folder.
const LEAD_NS: i64 = 200_000_000;
/// How often waiting parts are asked for.
const LOOK: Duration = Duration::from_millis(10);
/// How long an end waits for threads that listen to something.
const PATIENCE: Duration = Duration::from_secs(3);

/// The frames of one part, or why they are not known.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) number: u64,
    pub(super) frames: Result<TakenFrames, Unpaired>,
}

/// The frames of one part; without a reference where a golden frame is it.
#[derive(Debug, Clone)]
pub(super) struct TakenFrames {
    pub(super) reference: Option<Arc<Frame>>,
    pub(super) test: Arc<Frame>,
}

/// Cameras and triggers of a station at work; they end when it is dropped.
pub(super) struct Takes {
    shared: Shared,
    inbox: Receiver<Message>,
    threads: Vec<JoinHandle<()>>,
    pairing: Pairing<Arc<Frame>>,
    timing: Timing,
    is_free_running: bool,
    numbers: u64,
    ready: VecDeque<Taken>,
    /// Cameras that have not delivered a frame yet.
    silent: usize,
    seen: [bool; 2],
}

impl Takes {
    /// Starts the cameras and triggers that a station names, and nothing else of it.
    pub(super) fn start(config: &StationConfig, open: &OpenSource) -> Result<Self, Error> {
        let (sender, inbox) = sync_channel(INBOX);
        let shared = Shared { line: sender, flags: Arc::new(Flags::default()) };
        let timing = config.core.timing;
        let mut takes = Self {
            shared: shared.clone(),
            inbox,
            threads: Vec::new(),
            pairing: Pairing::new(timing),
            timing,
            is_free_running: config.trigger == TriggerConfig::FreeRunning,
            numbers: 0,
            ready: VecDeque::new(),
            silent: config.capture.cameras.len(),
            seen: [false; 2],
        };
        let first_ns = now_ns().saturating_add(LEAD_NS);
        // Nobody changes a recipe here.
        let (_, cameras) = orders();
        takes.threads = start_threads(config, (open, first_ns, cameras), &shared)?;
        Ok(takes)
    }

    /// Waits until every camera has delivered a frame, or for so long: one that is triggered by hardware
    /// has nothing to deliver before its first part.
    ///
    /// # Errors
    /// As [`Takes::next`].
    pub(super) fn warm_up(&mut self, patience: Duration) -> Result<(), Error> {
        let end = Instant::now() + patience;
        while self.silent > 0 && Instant::now() < end {
            if let Some(taken) = self.next(LOOK)? {
                self.ready.push_front(taken);
                return Ok(());
            }
        }
        Ok(())
    }

    /// A part is there now.
    pub(super) fn trigger(&mut self) {
        self.take_trigger(now_ns());
    }

    /// The next part, or none in so long.
    ///
    /// # Errors
    /// [`Error::Lost`] when a camera or the trigger is gone.
    pub(super) fn next(&mut self, patience: Duration) -> Result<Option<Taken>, Error> {
        let end = Instant::now() + patience;
        loop {
            while let Some(part) = self.pairing.poll(now_ns()) {
                self.put(part);
            }
            if !self.pairing.is_clock_sound() {
                self.pairing.restart(now_ns());
            }
            if let Some(taken) = self.ready.pop_front() {
                return Ok(Some(taken));
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.inbox.recv_timeout(left.min(LOOK)) {
                Ok(message) => self.take(message)?,
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let (name, reason) = ("capture", "every thread of it did".to_owned());
                    return Err(Error::Thread { name, reason });
                }
            }
        }
    }

    fn take(&mut self, message: Message) -> Result<(), Error> {
        match message {
            Message::Trigger { ns, .. } => self.take_trigger(ns),
            Message::Frame { camera, captured } => {
                self.shared.flags.frames[camera.min(1)].fetch_sub(1, Ordering::AcqRel);
                self.take_frame(camera, captured);
            }
            Message::Missing { component, reason: Some(reason) } => {
                return Err(Error::Lost { what: name(component), reason });
            }
            // Nobody else is there to tell anything.
            _ => {}
        }
        Ok(())
    }

    fn take_trigger(&mut self, ns: i64) {
        self.numbers += 1;
        self.shared.flags.triggers.fetch_add(1, Ordering::Relaxed);
        let trigger = Trigger { number: self.numbers, ns };
        if let Some(displaced) = self.pairing.trigger(now_ns(), trigger) {
            self.put(displaced);
        }
    }

    fn take_frame(&mut self, camera: usize, captured: Captured) {
        let Captured { sequence, stamp, content } = captured;
        if !std::mem::replace(&mut self.seen[camera.min(1)], true) {
            self.silent = self.silent.saturating_sub(1);
        }
        if self.is_free_running && camera == self.timing.test.camera {
            // The middle of its window, as at the line.
            let exposure_ns = self.timing.exposure_ns(camera, stamp);
            self.take_trigger(exposure_ns.saturating_sub(self.timing.window_ns / 2));
        }
        if let Err(error) = &content {
            log::warn!("{error}");
        }
        let sighting = Sighting { sequence, stamp, content: content.ok().map(Arc::new) };
        self.pairing.frame(now_ns(), camera, sighting);
    }

    fn put(&mut self, part: Part<Arc<Frame>>) {
        let frames = part.outcome.map(|frames| TakenFrames {
            reference: frames.reference.map(|exposed| exposed.content),
            test: frames.test.content,
        });
        self.ready.push_back(Taken { number: part.trigger.number, frames });
    }
}

impl Drop for Takes {
    fn drop(&mut self) {
        self.shared.flags.stop();
        let end = Instant::now() + PATIENCE;
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && Instant::now() < end {
                // A thread may wait for room to tell something.
                while self.inbox.try_recv().is_ok() {}
                std::thread::sleep(Duration::from_millis(2));
            }
            if thread.is_finished() {
                // What it panicked with was told.
                let _ = thread.join();
            }
        }
    }
}

fn now_ns() -> i64 {
    MonotonicClock.now_ns()
}

fn name(component: Component) -> &'static str {
    match component {
        Component::TestCamera => "the test camera",
        Component::ReferenceCamera => "the reference camera",
        Component::Trigger => "the trigger",
        _ => "an input",
    }
}
