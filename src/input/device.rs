use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use evdev::{AbsoluteAxisCode, Device, KeyCode};
use rustix::time::{ClockId, clock_gettime};

use super::config::InputsConfig;
use super::events::Reader;
use super::touch::Axis;
use super::{Error, Press, TouchMap};

/// A device that is open, with what its events mean.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) path: PathBuf,
    device: Device,
    reader: Reader,
}

impl Open {
    /// Opens the device at a path.
    pub(super) fn at(path: &Path, config: &InputsConfig, map: &TouchMap) -> Result<Self, Error> {
        let failed = |action| move |source| Error::Device { path: path.to_owned(), action, source };
        let device = Device::open(path).map_err(failed("open"))?;
        device.set_nonblocking(true).map_err(failed("set up"))?;
        let axes = axes(&device);
        let reader = Reader::new(path.to_owned(), config, (axes, map.clone()));
        Ok(Self { path: path.to_owned(), device, reader })
    }

    /// Whether the operator can do anything with it.
    pub(super) fn is_useful(&self, config: &InputsConfig) -> bool {
        let has = |key: &KeyCode| self.device.supported_keys().is_some_and(|it| it.contains(*key));
        axes(&self.device).is_some() || config.keys.iter().any(|(key, _)| has(key))
    }

    /// Takes what it has to say; never waits.
    ///
    /// # Errors
    /// When it is gone.
    pub(super) fn take(&mut self) -> Result<Vec<Press>, Error> {
        match self.device.fetch_events() {
            Ok(events) => {
                let ns = monotonic_ns();
                Ok(events.filter_map(|event| self.reader.event(event, ns)).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(source) => Err(Error::Device { path: self.path.clone(), action: "read", source }),
        }
    }
}

impl AsFd for Open {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

/// The devices to read: those named, or all there are.
pub(super) fn candidates(config: &InputsConfig) -> Vec<PathBuf> {
    if !config.devices.is_empty() {
        return config.devices.clone();
    }
    let entries = std::fs::read_dir("/dev/input").into_iter().flatten().flatten();
    let is_event = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("event"))
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_event).collect();
    paths.sort();
    paths
}

/// The ranges of a touch screen's axes; of the multi-touch ones where there are no others.
fn axes(device: &Device) -> Option<(Axis, Axis)> {
    let touches = device.supported_keys().is_some_and(|it| it.contains(KeyCode::BTN_TOUCH));
    let known: Vec<_> = device.get_absinfo().ok()?.collect();
    let axis = |names: [AbsoluteAxisCode; 2]| {
        let found = names.iter().find_map(|name| known.iter().find(|(code, _)| code == name));
        found.map(|(_, info)| Axis { minimum: info.minimum(), maximum: info.maximum() })
    };
    let x = axis([AbsoluteAxisCode::ABS_X, AbsoluteAxisCode::ABS_MT_POSITION_X])?;
    let y = axis([AbsoluteAxisCode::ABS_Y, AbsoluteAxisCode::ABS_MT_POSITION_Y])?;
    let is_contact = known.iter().any(|(code, _)| *code == AbsoluteAxisCode::ABS_MT_TRACKING_ID);
    (touches || is_contact).then_some((x, y))
}

fn monotonic_ns() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}
