//! A thread per camera: frames to the line, and the camera opened again when it is lost.

use std::sync::Arc;
use std::time::Duration;

use super::core::Component;
use super::message::Message;
use super::threads::{Shared, Urgency, guarded, prefer};
use crate::capture::{
    Backoff, BackoffLimits, CameraConfig, Clock, Error, FrameSource, MonotonicClock,
};

/// Opens a camera by its number, the test's being 0, and its first exposure where that can be chosen.
pub type OpenSource =
    Arc<dyn Fn(usize, &CameraConfig, i64) -> Result<Box<dyn FrameSource>, Error> + Send + Sync>;

/// What one camera's thread works with.
pub(super) struct Camera {
    pub(super) number: usize,
    pub(super) config: CameraConfig,
    pub(super) timeout: Duration,
    pub(super) first_ns: i64,
    pub(super) open: OpenSource,
    pub(super) shared: Shared,
}

impl Camera {
    /// Delivers frames until the station stops.
    pub(super) fn run(self) {
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
    fn session(&self, source: &mut Option<Box<dyn FrameSource>>, backoff: &mut Backoff) -> String {
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
    fn deliver(&self, source: &mut dyn FrameSource) -> String {
        let mut is_told = false;
        while !self.shared.is_stopping() {
            match source.next_frame(self.timeout) {
                Ok(captured) => {
                    // Only a frame shows that it is there again.
                    if !is_told {
                        self.tell(None);
                        is_told = true;
                    }
                    self.shared.frame(self.number, captured);
                }
                // A triggered camera has nothing to give while the line stands.
                Err(error) if error.is_timeout() => log::debug!("{error}"),
                Err(error) => return error.to_string(),
            }
        }
        String::new()
    }

    fn tell(&self, reason: Option<String>) {
        let component = Component::camera(self.number);
        self.shared.tell(Message::Missing { component, reason });
    }
}
