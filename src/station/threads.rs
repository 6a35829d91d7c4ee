//! What all threads of a station share: the stop flag, the way to the line, counters of what was lost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue,
    ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

use super::belt::Belt;
use super::message::Message;
use crate::capture::Clock;
use crate::capture::MonotonicClock;

/// Frames of one camera that the line has not taken yet; what comes on top is lost and counted.
const FRAME_CREDITS: usize = 8;
/// How often a thread that waits looks whether it should stop.
const LOOK: Duration = Duration::from_millis(20);

/// SCHED_FIFO, of 1 to 99: below what a kernel's own threads have.
const LINE: u8 = 20;
const CAMERA: u8 = 10;
/// What `thread_priority` makes a niceness of 0: of 0 to 99, 19 to -20.
const ORDINARY: u8 = 47;
/// Where that is not allowed.
const NICE: i32 = -15;

/// Threads that wait most of the time and must not be late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// The line and what triggers it.
    Line,
    /// Cameras, which convert pixels.
    Camera,
}

/// The threads' view of the station.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) line: SyncSender<Message>,
    pub(super) flags: Arc<Flags>,
}

/// Atomics that threads and line share.
#[derive(Debug, Default)]
pub(super) struct Flags {
    is_stopping: AtomicBool,
    /// Triggers that found the line's queue full.
    pub(super) lost_triggers: AtomicU64,
    /// Frames that found the line's queue full.
    pub(super) lost_frames: AtomicU64,
    /// Frames on their way to the line, by camera.
    pub(super) frames: [AtomicUsize; 2],
    /// Parts that were triggered.
    pub(super) triggers: AtomicU64,
    pub(super) belt: Belt,
}

impl Flags {
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }
}

impl Shared {
    pub(super) fn is_stopping(&self) -> bool {
        self.flags.is_stopping()
    }

    /// Tells of a trigger, without waiting.
    pub(super) fn trigger(&self, ns: i64, missed: u64) {
        if self.line.try_send(Message::Trigger { ns, missed }).is_err() {
            self.flags.lost_triggers.fetch_add(1 + missed, Ordering::Relaxed);
        }
    }

    /// Tells of a frame, without waiting.
    pub(super) fn frame(&self, camera: usize, captured: crate::capture::Captured) {
        let credits = &self.flags.frames[camera.min(1)];
        let is_room = credits.fetch_add(1, Ordering::AcqRel) < FRAME_CREDITS;
        if is_room && self.line.try_send(Message::Frame { camera, captured }).is_ok() {
            return;
        }
        credits.fetch_sub(1, Ordering::AcqRel);
        self.flags.lost_frames.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells of anything else; waits for room, since nothing else tells it again.
    pub(super) fn tell(&self, message: Message) {
        let mut message = message;
        while !self.is_stopping() {
            match self.line.try_send(message) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(back)) => message = back,
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Sleeps until a time, or until the station stops.
    pub(super) fn sleep_until(&self, at_ns: i64) {
        loop {
            let left_ns = at_ns.saturating_sub(MonotonicClock.now_ns());
            if left_ns <= 0 || self.is_stopping() {
                return;
            }
            thread::sleep(LOOK.min(Duration::from_nanos(left_ns.unsigned_abs())));
        }
    }
}

/// Has this thread run before those that compute, where the system allows it (`LimitRTPRIO=` of a unit).
pub(super) fn prefer(urgency: Urgency) {
    let fifo = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let set = match urgency {
        Urgency::Line => schedule(LINE, fifo),
        Urgency::Camera => schedule(CAMERA, fifo),
    };
    // On Linux the niceness of a process is one of its threads each.
    if !set && let Err(error) = rustix::process::setpriority_process(None, NICE) {
        log::debug!("no niceness of {NICE}: {error}");
    }
}

/// Undoes what a thread has from the one that started it: a model must not run before the line.
fn be_ordinary() {
    schedule(ORDINARY, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other));
}

/// Whether the system allowed it.
fn schedule(priority: u8, policy: ThreadSchedulePolicy) -> bool {
    let Ok(priority) = ThreadPriorityValue::try_from(priority) else { return false };
    let priority = ThreadPriority::Crossplatform(priority);
    let set = set_thread_priority_and_policy(thread_native_id(), priority, policy);
    if let Err(error) = &set {
        log::debug!("{policy:?} {priority:?}: {error}");
    }
    set.is_ok()
}

/// Starts a named thread of ordinary priority.
pub(super) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        be_ordinary();
        work();
    })
}

/// Runs `work`; what it panics with becomes a reason.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        // What a panic carries may panic when it is dropped.
        std::mem::forget(panic);
        format!("it panicked: {}", text.unwrap_or_else(|| "no reason given".to_owned()))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use thread_priority::thread_schedule_policy;

    use super::*;

    #[test]
    fn what_an_urgent_thread_starts_is_not_urgent() {
        let urgent = thread::spawn(|| {
            prefer(Urgency::Line);
            let (sender, seen) = std::sync::mpsc::channel();
            let started = spawn("ordinary", move || {
                let nice = rustix::process::getpriority_process(None).unwrap();
                sender.send((thread_schedule_policy().unwrap(), nice)).unwrap();
            });
            started.unwrap().join().unwrap();
            seen.recv().unwrap()
        });
        let other = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        let (policy, nice) = urgent.join().unwrap();
        assert_eq!(policy, other);
        assert!(nice >= 0, "{nice}");
    }

    #[test]
    fn a_panic_becomes_a_reason() {
        assert_eq!(guarded(|| 7), Ok(7));
        let reason = guarded(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(reason, "it panicked: number 7");
    }
}
