//! A thread per camera: frames to the line, its controls, and the camera opened again when it is lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::core::Component;
use super::message::Message;
use super::silence::Silence;
use super::threads::{Shared, Urgency, guarded, prefer};
use crate::capture::{
    Backoff, BackoffLimits, CameraConfig, Clock, Controls, Error, FrameSource, MonotonicClock,
};

/// Opens a camera by its number, the test's being 0, and its first exposure where that can be chosen.
pub type OpenSource =
    Arc<dyn Fn(usize, &CameraConfig, i64) -> Result<Box<dyn FrameSource>, Error> + Send + Sync>;

/// Controls on their way to a camera: those of a change, and those before it where it failed.
const ORDERS: usize = 4;

/// What a camera is to be set to.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// Told back with what came of it.
    pub(super) change: u32,
    pub(super) controls: Controls,
    /// Whether these were in force before a change that failed: a camera that does not take them is
    /// opened again until it does.
    pub(super) is_return: bool,
}

/// The line's ends of the cameras, and the cameras' own.
pub(super) type Orders = ([SyncSender<Order>; 2], [Receiver<Order>; 2]);

/// What one camera's thread works with.
pub(super) struct Camera {
    pub(super) number: usize,
    pub(super) config: CameraConfig,
    pub(super) timeout: Duration,
    pub(super) first_ns: i64,
    pub(super) open: OpenSource,
    pub(super) orders: Receiver<Order>,
    pub(super) silence: Silence,
    pub(super) shared: Shared,
}

/// A way to each of two cameras.
pub(super) fn orders() -> Orders {
    let [(test, test_end), (reference, reference_end)] =
        [sync_channel(ORDERS), sync_channel(ORDERS)];
    ([test, reference], [test_end, reference_end])
}

impl Camera {
    /// Delivers frames until the station stops.
    pub(super) fn run(mut self) {
        prefer(Urgency::Camera);
        let mut backoff = Backoff::new(BackoffLimits::default());
        let mut source = None;
        while !self.shared.is_stopping() {
            let lost = guarded(|| self.session(&mut source, &mut backoff));
            let reason = lost.unwrap_or_else(|panic| {
                // What panicked is not trusted with another call, and its drop may panic too.
                let gone = source.take();
                let dropped = guarded(move || drop(gone));
                dropped.err().unwrap_or(panic)
            });
            if self.shared.is_stopping() {
                return;
            }
            log::warn!("camera {}: {reason}", self.number);
            self.tell(Some(reason));
            self.shared.sleep_until(backoff.failed(MonotonicClock.now_ns()));
        }
    }

    /// From opening the source to losing it; why.
    fn session(
        &mut self,
        source: &mut Option<Box<dyn FrameSource>>,
        backoff: &mut Backoff,
    ) -> String {
        while let Ok(order) = self.orders.try_recv() {
            self.decline(order, source.as_deref_mut());
        }
        let opened = match source.as_mut() {
            Some(source) => source.reopen(),
            None => (self.open)(self.number, &self.config, self.first_ns)
                .map(|opened| *source = Some(opened)),
        };
        match (opened, source) {
            (Ok(()), Some(source)) => {
                backoff.opened(MonotonicClock.now_ns());
                self.deliver(&mut **source)
            }
            (Ok(()), None) => "it is not there".to_owned(),
            (Err(error), _) => error.to_string(),
        }
    }

    /// Frames until the source must be opened again; why.
    fn deliver(&mut self, source: &mut dyn FrameSource) -> String {
        let mut is_told = false;
        self.silence.broken(self.triggers());
        while !self.shared.is_stopping() {
            match source.next_frame(self.timeout) {
                Ok(captured) => {
                    // Only a frame shows that it is there again.
                    if !is_told {
                        self.tell(None);
                        is_told = true;
                    }
                    self.silence.broken(self.triggers());
                    self.shared.frame(self.number, captured);
                }
                Err(error) if error.is_timeout() => {
                    log::debug!("{error}");
                    let triggers = self.triggers();
                    let hangs = self.silence.waited(MonotonicClock.now_ns(), triggers);
                    if let Some(reason) = hangs {
                        return format!("{}: {reason}", source.name());
                    }
                }
                Err(error) => return error.to_string(),
            }
            while let Ok(order) = self.orders.try_recv() {
                if let Err(reason) = self.obey(order, source) {
                    return reason;
                }
            }
        }
        String::new()
    }

    /// Sets an open camera, and back again what it does not take; why it must be opened again.
    fn obey(&mut self, order: Order, source: &mut dyn FrameSource) -> Result<(), String> {
        let set = source.set_controls(&order.controls).map_err(|error| error.to_string());
        let returned = match (&set, order.is_return) {
            (Ok(()), _) => {
                self.config.controls = order.controls;
                Ok(())
            }
            (Err(reason), true) => {
                self.config.controls = order.controls;
                Err(reason.clone())
            }
            (Err(_), false) => {
                source.set_controls(&self.config.controls).map_err(|error| error.to_string())
            }
        };
        self.answer(order.change, set);
        returned
    }

    /// A camera that is not there confirms nothing, and is opened by what is in force.
    fn decline(&mut self, order: Order, source: Option<&mut (dyn FrameSource + 'static)>) {
        if order.is_return {
            self.config.controls = order.controls;
        }
        if let Some(source) = source {
            // It only remembers them until it is opened.
            let _ = source.set_controls(&self.config.controls);
        }
        self.answer(order.change, Err("it is not there".to_owned()));
    }

    fn answer(&self, change: u32, set: Result<(), String>) {
        self.shared.tell(Message::CameraSet { camera: self.number, change, set });
    }

    fn triggers(&self) -> u64 {
        self.shared.flags.triggers.load(Ordering::Relaxed)
    }

    fn tell(&self, reason: Option<String>) {
        let component = Component::camera(self.number);
        self.shared.tell(Message::Missing { component, reason });
    }
}
