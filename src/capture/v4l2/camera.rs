use std::time::Duration;

use serde::Serialize;
use v4l::v4l_sys::V4L2_BUF_FLAG_ERROR;

use super::controls;
use super::identity::{Opener, check_capabilities, request_error};
use super::negotiate::{layout_text, negotiate};
use super::node::{Filled, Identity, Node};
use super::stream::Stream;
use crate::capture::source::nanoseconds;
use crate::capture::{
    CameraConfig, Captured, Clock, Controls, Converter, Error, FrameSource, ImageLayout, Stamp,
    Timestamps,
};

/// How long to wait before asking a device again that says a frame is there and gives none.
const PAUSE_NS: i64 = 1_000_000;

/// What happened at a device since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DeviceCounts {
    /// Frames given out, those without usable pixels included.
    pub frames: u64,
    /// Of these, marked by the driver as damaged.
    pub flagged: u64,
    /// Of these, cut or not to be decoded.
    pub unreadable: u64,
    /// Frames that the device took and did not deliver: gaps in the sequence numbers.
    pub lost: u64,
    /// Frames let go unread, because newer ones were there and the driver had no buffer left.
    pub stale: u64,
    /// Frames refused because their timestamps are of another clock.
    pub foreign_clock: u64,
    /// Waits that ended without a frame.
    pub timeouts: u64,
    /// Times the stream ended by itself.
    pub disconnects: u64,
    /// Times it was opened, the first included.
    pub opened: u64,
}

/// A camera over any kind of node.
pub(super) struct Camera<N: Node, C> {
    name: String,
    config: CameraConfig,
    opener: Opener<N>,
    clock: C,
    open: Option<Open<N>>,
    /// Why it is not open.
    lost: String,
    /// Who it was and what it agreed to when it was opened first.
    first: Option<(Identity, ImageLayout)>,
    last_sequence: Option<u32>,
    counts: DeviceCounts,
}

struct Open<N: Node> {
    stream: Stream<N>,
    converter: Converter,
}

impl<N: Node, C: Clock> Camera<N, C> {
    pub(super) fn new(config: CameraConfig, opener: Opener<N>, clock: C) -> Self {
        Self {
            name: config.source.to_string(),
            config,
            opener,
            clock,
            open: None,
            lost: "not opened yet".to_owned(),
            first: None,
            last_sequence: None,
            counts: DeviceCounts::default(),
        }
    }

    pub(super) fn counts(&self) -> DeviceCounts {
        self.counts
    }

    pub(super) fn agreed(&self) -> Option<String> {
        self.first.as_ref().map(|(_, layout)| layout_text(layout))
    }

    fn try_open(&mut self) -> Result<Open<N>, Error> {
        let mut node = (self.opener)(self.first.as_ref().map(|(identity, _)| identity))?;
        let name = &self.name;
        let identity = node.identity();
        let identity = identity.map_err(|error| request_error(name, "VIDIOC_QUERYCAP", &error))?;
        check_capabilities(name, identity.capabilities)?;
        let layout = negotiate(&mut node, &self.config, name)?;
        self.check_same(&layout)?;
        controls::fix(&mut node, &self.config.controls, name)?;
        let converter = Converter::new(layout)?;
        let stream = Stream::start(node, name)?;
        self.first.get_or_insert((identity, layout));
        Ok(Open { stream, converter })
    }

    fn check_same(&self, layout: &ImageLayout) -> Result<(), Error> {
        match &self.first {
            Some((_, first)) if first != layout => Err(Error::Changed {
                origin: self.name.clone(),
                expected: layout_text(first),
                found: layout_text(layout),
            }),
            _ => Ok(()),
        }
    }

    /// Waits until a filled buffer is held, or until `latest_ns`.
    fn fill(&mut self, latest_ns: i64) -> Result<(), Error> {
        let mut has_waited = false;
        loop {
            let Some(open) = &mut self.open else { return Err(self.gone()) };
            // When a frame arrived that waited behind a newer one, nobody knows.
            let taken = match (open.stream.take_filled(), self.config.timestamps) {
                (Ok(stale), Timestamps::Arrival) => {
                    open.stream.keep_newest().map(|older| stale + older)
                }
                (taken, _) => taken,
            };
            match taken {
                Ok(stale) => self.counts.stale += u64::from(stale),
                Err(error) => return Err(self.lose(&error)),
            }
            let now_ns = self.clock.now_ns();
            if open.stream.has_filled() || now_ns >= latest_ns {
                return Ok(());
            }
            if has_waited {
                self.clock.sleep_until(latest_ns.min(now_ns.saturating_add(PAUSE_NS)));
            } else if let Err(error) =
                open.stream.wait(Duration::from_nanos((latest_ns - now_ns).unsigned_abs()))
            {
                return Err(self.lose(&error));
            }
            has_waited = !has_waited;
        }
    }

    fn read(&mut self) -> Option<Result<Captured, Error>> {
        let (name, open) = (&self.name, self.open.as_mut()?);
        let converter = &open.converter;
        let arrived_ns = match self.config.timestamps {
            Timestamps::Driver => None,
            Timestamps::Arrival => Some(self.clock.now_ns()),
        };
        let with = (converter, name.as_str(), arrived_ns);
        let read = open.stream.read(|filled, bytes| capture(filled, bytes, with));
        let (result, queued) = read?;
        if let Err(error) = queued {
            // What was read is sound; the next call says that the stream is gone.
            self.lose(&error);
        }
        Some(result)
    }

    fn count(&mut self, captured: &Captured) {
        self.counts.frames += 1;
        match &captured.content {
            Ok(_) => {}
            Err(Error::Flagged { .. }) => self.counts.flagged += 1,
            Err(_) => self.counts.unreadable += 1,
        }
        if let Some(last) = self.last_sequence.replace(captured.sequence) {
            // Numbers wrap; one that is not among the next half of all started anew.
            if let step @ 2..=0x7fff_ffff = captured.sequence.wrapping_sub(last) {
                self.counts.lost += u64::from(step - 1);
            }
        }
    }

    /// Lets go of the device at once: while it is held, it cannot come back under its name.
    fn lose(&mut self, error: &std::io::Error) -> Error {
        self.open = None;
        self.lost = error.to_string();
        self.counts.disconnects += 1;
        self.gone()
    }

    fn gone(&self) -> Error {
        Error::Disconnected { origin: self.name.clone(), reason: self.lost.clone() }
    }
}

impl<N: Node, C: Clock> FrameSource for Camera<N, C> {
    fn name(&self) -> &str {
        &self.name
    }

    fn next_frame(&mut self, timeout: Duration) -> Result<Captured, Error> {
        self.fill(self.clock.now_ns().saturating_add(nanoseconds(timeout)))?;
        match self.read() {
            Some(Ok(captured)) => {
                self.count(&captured);
                Ok(captured)
            }
            Some(Err(error)) => {
                self.counts.foreign_clock += 1;
                Err(error)
            }
            None => {
                self.counts.timeouts += 1;
                let waited_ms = timeout.as_millis().try_into().unwrap_or(u64::MAX);
                Err(Error::Timeout { origin: self.name.clone(), waited_ms })
            }
        }
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.open = None;
        self.last_sequence = None;
        match self.try_open() {
            Ok(open) => {
                self.open = Some(open);
                self.counts.opened += 1;
                Ok(())
            }
            Err(error) => {
                self.lost = match &error {
                    Error::Disconnected { reason, .. } => reason.clone(),
                    other => other.to_string(),
                };
                Err(error)
            }
        }
    }

    fn set_controls(&mut self, controls: &Controls) -> Result<(), Error> {
        self.config.controls = controls.clone();
        match &mut self.open {
            Some(open) => controls::fix(open.stream.node(), controls, &self.name),
            None => Err(self.gone()),
        }
    }
}

/// A frame of a buffer's bytes, which are cut to what is used; with its arrival where that is its time.
fn capture(
    filled: &Filled,
    bytes: &[u8],
    (converter, origin, arrived_ns): (&Converter, &str, Option<i64>),
) -> Result<Captured, Error> {
    let sequence = filled.sequence;
    let stamp = match arrived_ns {
        Some(ns) => Stamp::of_arrival(ns),
        None => Stamp::of_buffer(filled.flags, filled.timeval, origin)?,
    };
    let content = match filled.flags & V4L2_BUF_FLAG_ERROR {
        0 => converter.convert(bytes, origin),
        _ => Err(Error::Flagged { origin: origin.to_owned(), sequence }),
    };
    Ok(Captured { sequence, stamp, content })
}
