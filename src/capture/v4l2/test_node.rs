//! A device that is scripted, and strict: what a kernel answers with `EINVAL` is noted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use std::{io, iter};

use v4l::v4l_sys::*;

use super::identity::Opener;
use super::node::{Control, Filled, Format, Identity, Node};
use crate::capture::{Clock, Error, FourCc, VirtualClock};

pub(super) const MS: i64 = 1_000_000;
pub(super) const MONOTONIC: u32 = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
/// Columns and rows; frames are `GREY`.
pub(super) const SIZE: (u32, u32) = (4, 2);
const BYTES: usize = 8;

/// A frame that the sensor takes.
#[derive(Debug, Clone)]
pub(super) struct Shot {
    pub(super) at_ns: i64,
    pub(super) flags: u32,
    pub(super) level: u8,
    pub(super) bytes_used: u32,
}

impl Shot {
    pub(super) fn new(at_ns: i64, level: u8) -> Self {
        Self { at_ns, flags: MONOTONIC, level, bytes_used: BYTES as u32 }
    }
}

/// A device and its driver, whoever has it open.
pub(super) struct Device {
    pub(super) clock: VirtualClock,
    pub(super) shots: VecDeque<Shot>,
    pub(super) identity: Identity,
    pub(super) formats: Vec<FourCc>,
    pub(super) size: (u32, u32),
    pub(super) stride: u32,
    pub(super) controls: Vec<(Control, i64)>,
    /// A control that keeps its value, whatever is set.
    pub(super) stuck: Option<u32>,
    /// From then until then it is not there.
    pub(super) away_ns: (i64, i64),
    /// The call of this number fails with this code.
    pub(super) fails: Option<(usize, i32)>,
    pub(super) calls: usize,
    pub(super) waits: usize,
    pub(super) buffers_made: u32,
    /// What no program may do.
    pub(super) violations: Vec<&'static str>,
    pub(super) is_open: bool,
    /// Says that something is there when nothing is.
    pub(super) cries_wolf: bool,
    sequence: u32,
    streams: bool,
    buffers: Vec<Buffer>,
    filled: VecDeque<Filled>,
}

#[derive(Debug, Clone)]
struct Buffer {
    bytes: [u8; BYTES],
    is_queued: bool,
}

impl Device {
    pub(super) fn new(clock: &VirtualClock, shots: impl IntoIterator<Item = Shot>) -> Self {
        Self {
            clock: clock.clone(),
            shots: shots.into_iter().collect(),
            identity: Identity {
                bus_info: "platform:scripted-000".to_owned(),
                capabilities: V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
                ..Identity::default()
            },
            formats: vec![FourCc::new(*b"YUYV"), FourCc::new(*b"GREY")],
            size: SIZE,
            stride: SIZE.0,
            controls: Vec::new(),
            stuck: None,
            away_ns: (i64::MAX, i64::MAX),
            fails: None,
            calls: 0,
            waits: 0,
            buffers_made: 4,
            violations: Vec::new(),
            is_open: false,
            cries_wolf: false,
            sequence: 0,
            streams: false,
            buffers: Vec::new(),
            filled: VecDeque::new(),
        }
    }

    fn is_away(&self) -> bool {
        (self.away_ns.0..self.away_ns.1).contains(&self.clock.now_ns())
    }

    /// What happened up to now: each frame goes into the first free buffer, or is lost.
    fn advance(&mut self) {
        while self.shots.front().is_some_and(|shot| shot.at_ns <= self.clock.now_ns()) {
            let Some(shot) = self.shots.pop_front() else { return };
            if !self.streams || self.is_away() {
                continue;
            }
            let sequence = self.sequence;
            self.sequence = self.sequence.wrapping_add(1);
            let Some(index) = self.free_buffer() else { continue };
            self.buffers[index].bytes = [shot.level; BYTES];
            let timeval = (shot.at_ns / 1_000_000_000, shot.at_ns % 1_000_000_000 / 1_000);
            let Shot { flags, bytes_used, .. } = shot;
            self.filled.push_back(Filled {
                index: index as u32,
                bytes_used,
                flags,
                sequence,
                timeval,
            });
        }
    }

    fn free_buffer(&self) -> Option<usize> {
        let is_filled = |index: usize| self.filled.iter().any(|it| it.index == index as u32);
        self.buffers
            .iter()
            .enumerate()
            .position(|(index, buffer)| buffer.is_queued && !is_filled(index))
    }

    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.is_away() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        match self.fails {
            Some((number, code)) if number == self.calls => Err(io::Error::from_raw_os_error(code)),
            _ => Ok(()),
        }
    }

    fn violation(&mut self, what: &'static str) -> io::Error {
        self.violations.push(what);
        io::Error::from_raw_os_error(libc::EINVAL)
    }
}

/// The device, held by test and node.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Device>>);

impl Shared {
    pub(super) fn new(device: Device) -> Self {
        Self(Arc::new(Mutex::new(device)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Device> {
        self.0.lock().expect("no test panics while it holds the device")
    }

    pub(super) fn opener(&self) -> Opener<TestNode> {
        let device = self.clone();
        Box::new(move |_| {
            let mut shared = device.lock();
            shared.advance();
            let origin = "scripted".to_owned();
            if shared.is_away() {
                return Err(Error::Disconnected { origin, reason: "away".to_owned() });
            }
            if shared.is_open {
                return Err(Error::Busy { origin });
            }
            shared.is_open = true;
            drop(shared);
            Ok(TestNode { device: device.clone(), bytes: Vec::new() })
        })
    }
}

/// An open scripted device.
pub(super) struct TestNode {
    device: Shared,
    /// What the mapped memory shows, by buffer; empty while the device has it.
    bytes: Vec<Vec<u8>>,
}

impl TestNode {
    fn call(&self) -> io::Result<MutexGuard<'_, Device>> {
        let mut device = self.device.lock();
        device.advance();
        device.call().map(|()| device)
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        let mut device = self.device.lock();
        device.is_open = false;
        device.streams = false;
        device.buffers.clear();
        device.filled.clear();
    }
}

impl Node for TestNode {
    fn identity(&mut self) -> io::Result<Identity> {
        self.call().map(|device| device.identity.clone())
    }

    fn formats(&mut self) -> io::Result<Vec<FourCc>> {
        self.call().map(|device| device.formats.clone())
    }

    fn sizes(&mut self, _: FourCc) -> Vec<String> {
        self.call()
            .map(|device| format!("{}x{}", device.size.0, device.size.1))
            .into_iter()
            .collect()
    }

    fn set_format(&mut self, fourcc: FourCc, _: (u32, u32)) -> io::Result<Format> {
        let device = self.call()?;
        let ((width, height), stride) = (device.size, device.stride);
        let field = v4l2_field_V4L2_FIELD_NONE;
        Ok(Format { fourcc, width, height, stride, field, colorspace: 0, quantization: 0 })
    }

    fn set_period(&mut self, _: i64) -> io::Result<Option<i64>> {
        self.call().map(|_| None)
    }

    fn controls(&mut self) -> io::Result<Vec<Control>> {
        self.call().map(|device| device.controls.iter().map(|(it, _)| it.clone()).collect())
    }

    fn control(&mut self, control: &Control) -> io::Result<i64> {
        let device = self.call()?;
        let found = device.controls.iter().find(|(it, _)| it.id == control.id);
        found.map(|(_, value)| *value).ok_or(io::ErrorKind::InvalidInput.into())
    }

    fn set_control(&mut self, control: &Control, value: i64) -> io::Result<()> {
        let mut device = self.call()?;
        let is_stuck = device.stuck == Some(control.id);
        let found = device.controls.iter_mut().find(|(it, _)| it.id == control.id);
        let (_, own) = found.ok_or(io::ErrorKind::InvalidInput)?;
        *own = if is_stuck { *own } else { value };
        Ok(())
    }

    fn make_buffers(&mut self, _: u32) -> io::Result<u32> {
        let mut device = self.call()?;
        let count = device.buffers_made;
        let buffer = Buffer { bytes: [0; BYTES], is_queued: false };
        device.buffers = iter::repeat_n(buffer, count as usize).collect();
        drop(device);
        self.bytes = vec![Vec::new(); count as usize];
        Ok(count)
    }

    fn queue(&mut self, index: u32) -> io::Result<()> {
        let mut device = self.call()?;
        match device.buffers.get_mut(index as usize) {
            Some(buffer) if !buffer.is_queued => buffer.is_queued = true,
            _ => return Err(device.violation("queued a buffer that is not the program's")),
        }
        drop(device);
        self.bytes[index as usize].clear();
        Ok(())
    }

    fn dequeue(&mut self) -> io::Result<Filled> {
        let mut device = self.call()?;
        if !device.streams {
            return Err(device.violation("dequeued without a stream"));
        }
        let filled = device.filled.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        // A driver that gives out an index it does not have is another's business.
        let bytes = match device.buffers.get_mut(filled.index as usize) {
            Some(buffer) => {
                buffer.is_queued = false;
                buffer.bytes.to_vec()
            }
            None => Vec::new(),
        };
        drop(device);
        if let Some(own) = self.bytes.get_mut(filled.index as usize) {
            *own = bytes;
        }
        Ok(filled)
    }

    fn stream(&mut self, is_on: bool) -> io::Result<()> {
        let mut device = self.call()?;
        device.streams = is_on;
        device.sequence = 0;
        Ok(())
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let mut device = self.call()?;
        device.waits += 1;
        if device.cries_wolf || !device.filled.is_empty() {
            return Ok(());
        }
        let now_ns = device.clock.now_ns();
        let latest_ns = now_ns + timeout.as_nanos() as i64;
        let next_ns = device.shots.front().map_or(latest_ns, |shot| shot.at_ns);
        // What goes away wakes those who wait.
        let away_ns = if device.away_ns.0 > now_ns { device.away_ns.0 } else { i64::MAX };
        device.clock.sleep_until(latest_ns.min(next_ns).min(away_ns));
        device.advance();
        Ok(())
    }

    fn bytes(&self, index: u32) -> &[u8] {
        self.bytes.get(index as usize).map_or(&[], Vec::as_slice)
    }
}
