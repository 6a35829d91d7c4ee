//! A thread per camera: frames to the line, and the camera opened again when it is lost.

use std::sync::Arc;
use std::time::Duration;

use super::core::Component;
use super::message::Message;
use super::threads::{Shared, guarded, prefer};
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
        prefer();
        let mut backoff = Backoff::new(BackoffLimits::default());
        let mut source: Option<Box<dyn FrameSource>> = None;
        while !self.shared.is_stopping() {
            let attempt = guarded(|| match &mut source {
                Some(source) => source.reopen(),
                None => (self.open)(self.number, &self.config, self.first_ns)
                    .map(|opened| source = Some(opened)),
            });
            let lost = match (flatten(attempt), &mut source) {
                (Ok(()), Some(source)) => {
                    backoff.opened(MonotonicClock.now_ns());
                    // A source that panicked is not trusted with another call.
                    guarded(|| self.deliver(&mut **source)).unwrap_or_else(|reason| reason)
                }
                (Ok(()), None) => "it is not there".to_owned(),
                (Err(reason), _) => reason,
            };
            if lost.starts_with("it panicked") {
                source = None;
            }
            if self.shared.is_stopping() {
                return;
            }
            log::warn!("camera {}: {lost}", self.number);
            self.tell(Some(lost));
            self.shared.sleep_until(backoff.failed(MonotonicClock.now_ns()));
        }
    }

    /// Frames until the source must be opened again; why.
    fn deliver(&self, source: &mut dyn FrameSource) -> String {
        let mut is_told = false;
        while !self.shared.is_stopping() {
            match source.next_frame(self.timeout) {
                Ok(captured) => {
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

fn flatten(attempt: Result<Result<(), Error>, String>) -> Result<(), String> {
    attempt.and_then(|opened| opened.map_err(|error| error.to_string()))
}
