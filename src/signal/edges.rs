use std::time::Duration;

use gpiocdev::line::EdgeDetection;
use gpiocdev::request::Request;
use gpiocdev::{AbiVersion, chip::Chip};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::chip::Place;
use super::gpio::CONSUMER;
use super::stamp::{Moment, StampClock};
use super::{Error, InputConfig, RawEdge};

/// Edges that the kernel keeps for us: two seconds of an encoder at 1 kHz.
const KERNEL_BUFFER: u32 = 2_048;

/// One edge of an input line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// When it happened, CLOCK_MONOTONIC by the kernel.
    pub ns: i64,
    /// Edges before it that the kernel saw and could not keep; never known with version 1 of its
    /// interface.
    pub missed: u32,
}

/// The edges of an input line, each with the kernel's timestamp.
#[derive(Debug)]
pub struct EdgeInput {
    place: Place,
    request: Request,
    clock: StampClock,
    /// Version 1 of the interface does not debounce.
    lockout_ns: i64,
    /// Version 2 stamps an edge when it has been stable for so long.
    delay_ns: i64,
    sequence: Sequence,
    last_ns: i64,
}

impl EdgeInput {
    /// Takes the line.
    ///
    /// # Errors
    /// When chip or line is not there, taken or not permitted.
    pub fn open(config: &InputConfig) -> Result<Self, Error> {
        let place = Place::find(&config.chip, &config.line)?;
        let chip = Chip::from_path(&place.path).map_err(|error| place.refusal(&error))?;
        let version = chip.detect_abi_version().map_err(|error| place.refusal(&error))?;
        let is_version_1 = matches!(version, AbiVersion::V1);
        let mut builder = Request::builder();
        builder.on_chip(&place.path).with_consumer(CONSUMER).with_line(place.offset).as_input();
        if config.active_low {
            builder.as_active_low();
        }
        builder.with_edge_detection(match config.edge {
            RawEdge::Rising => EdgeDetection::RisingEdge,
            RawEdge::Falling => EdgeDetection::FallingEdge,
        });
        if !is_version_1 {
            builder.with_kernel_event_buffer_size(KERNEL_BUFFER);
            if !config.debounce.is_zero() {
                builder.with_debounce_period(config.debounce);
            }
        }
        builder.using_abi_version(version);
        let request = builder.request().map_err(|error| place.refusal(&error))?;
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let debounce_ns = i64::try_from(config.debounce.as_nanos()).unwrap_or(i64::MAX);
        let (lockout_ns, delay_ns) = debounced(is_version_1, debounce_ns);
        Ok(Self {
            place,
            request,
            clock: StampClock::of(is_version_1, &release),
            lockout_ns,
            delay_ns,
            sequence: Sequence { is_counted: !is_version_1, last: None },
            last_ns: i64::MIN,
        })
    }

    /// Waits for the next edge, at most `timeout`; `None` when there was none.
    ///
    /// # Errors
    /// When the line cannot be read any more.
    pub fn next_edge(&mut self, timeout: Duration) -> Result<Option<Edge>, Error> {
        let failed = |error| Error::io(&self.place.name, "read")(error);
        if !self.request.wait_edge_event(timeout).map_err(failed)? {
            return Ok(None);
        }
        let event = self.request.read_edge_event().map_err(failed)?;
        let stamp_ns = self.clock.to_monotonic(event.timestamp_ns, moment());
        let ns = stamp_ns.saturating_sub(self.delay_ns);
        let missed = self.sequence.missed_before(event.line_seqno);
        if ns.saturating_sub(self.last_ns) < self.lockout_ns && self.last_ns != i64::MIN {
            return Ok(None);
        }
        self.last_ns = ns;
        Ok(Some(Edge { ns, missed }))
    }

    /// Whether edges that the kernel could not keep are told: version 1 of its interface does not.
    pub fn tells_losses(&self) -> bool {
        self.sequence.is_counted
    }

    /// Chip and line, for messages.
    pub fn name(&self) -> &str {
        &self.place.name
    }
}

/// How long edges after one are ignored here, and how late the kernel stamps one.
///
/// Source: Linux `drivers/gpio/gpiolib-cdev.c`, where `debounce_work_func` takes the time.
fn debounced(is_version_1: bool, debounce_ns: i64) -> (i64, i64) {
    if is_version_1 { (debounce_ns, 0) } else { (0, debounce_ns) }
}

/// Tells from the kernel's numbers how many edges it dropped.
#[derive(Debug)]
struct Sequence {
    /// Version 2 of the interface numbers edges, from 1.
    is_counted: bool,
    last: Option<u32>,
}

impl Sequence {
    fn missed_before(&mut self, number: u32) -> u32 {
        if !self.is_counted {
            return 0;
        }
        let last = self.last.replace(number).unwrap_or(0);
        // Numbers wrap; one that does not go on is a line that was opened anew.
        match number.wrapping_sub(last) {
            step @ 1..=0x7fff_ffff => step - 1,
            _ => 0,
        }
    }
}

fn moment() -> Moment {
    let ns =
        |time: Timespec| time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec);
    Moment {
        monotonic_ns: ns(clock_gettime(ClockId::Monotonic)),
        realtime_ns: ns(clock_gettime(ClockId::Realtime)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_in_the_numbers_are_edges_that_were_missed() {
        let mut sequence = Sequence { is_counted: true, last: None };
        let missed = [1, 2, 5, 6, 6].map(|number| sequence.missed_before(number));
        assert_eq!(missed, [0, 0, 2, 0, 0]);
        let mut sequence = Sequence { is_counted: true, last: Some(u32::MAX - 1) };
        assert_eq!([u32::MAX, 1].map(|number| sequence.missed_before(number)), [0, 1]);
    }

    #[test]
    fn edges_before_the_first_that_was_read_are_missed_too() {
        assert_eq!(Sequence { is_counted: true, last: None }.missed_before(4), 3);
    }

    #[test]
    fn who_debounces_decides_which_stamps_are_late() {
        assert_eq!(debounced(true, 500), (500, 0));
        assert_eq!(debounced(false, 500), (0, 500));
    }

    #[test]
    fn version_1_has_no_numbers() {
        let mut sequence = Sequence { is_counted: false, last: None };
        assert_eq!([0, 0, 9].map(|number| sequence.missed_before(number)), [0; 3]);
    }
}
