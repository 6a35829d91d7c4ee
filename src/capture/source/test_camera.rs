//! A camera whose frames say which part they show, for the tests of this room.

use std::collections::VecDeque;
use std::time::Duration;

use image::{GrayImage, Luma};

use super::{Captured, FrameSource, Stamp, nanoseconds};
use crate::capture::{Clock, Error, VirtualClock};
use crate::frame::{Frame, Pixels};

const BITS: u32 = 24;

/// A frame that shows a number: bit `n` is white or black in columns `2n` and `2n + 1`, and its
/// opposite below.
pub(in crate::capture) fn numbered(number: u64) -> Frame {
    let image = GrayImage::from_fn(2 * BITS, 2, |x, y| {
        let is_set = number >> (x / 2) & 1 == 1;
        Luma([if is_set == (y == 0) { 230 } else { 20 }])
    });
    Frame::new(Pixels::Gray(image), 8, "numbered").expect("it has pixels")
}

/// The number that a frame shows; panics where it shows none.
pub(in crate::capture) fn number_of(frame: &Frame) -> u64 {
    let luma = frame.luma();
    let bit = |bit| {
        let [above, below] = [0, 1].map(|y| luma.get_pixel(2 * bit, y).0[0] > 127);
        assert_ne!(above, below, "bit {bit} is not legible");
        u64::from(above) << bit
    };
    (0..BITS).map(bit).sum()
}

/// Takes frames at given times, each of a given part.
pub(in crate::capture) struct NumberedCamera {
    clock: VirtualClock,
    exposures: VecDeque<(i64, u64)>,
    sequence: u32,
}

impl NumberedCamera {
    /// Exposures as time and number, in order of time.
    pub(in crate::capture) fn new(
        clock: VirtualClock,
        exposures: impl IntoIterator<Item = (i64, u64)>,
    ) -> Self {
        Self { clock, exposures: exposures.into_iter().collect(), sequence: 0 }
    }
}

impl FrameSource for NumberedCamera {
    fn name(&self) -> &str {
        "numbered"
    }

    fn next_frame(&mut self, timeout: Duration) -> Result<Captured, Error> {
        let origin = self.name().to_owned();
        let Some((at_ns, number)) = self.exposures.front().copied() else {
            return Err(Error::Ended { origin, frames: self.sequence.into() });
        };
        let latest_ns = self.clock.now_ns().saturating_add(nanoseconds(timeout));
        self.clock.sleep_until(at_ns.min(latest_ns));
        if at_ns > latest_ns {
            let waited_ms = timeout.as_millis().try_into().unwrap_or(u64::MAX);
            return Err(Error::Timeout { origin, waited_ms });
        }
        self.exposures.pop_front();
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        let stamp = Stamp::start_of_exposure(at_ns);
        Ok(Captured { sequence, stamp, content: Ok(numbered(number)) })
    }

    fn reopen(&mut self) -> Result<(), Error> {
        // What was exposed while nobody listened is gone.
        while self.exposures.front().is_some_and(|(at_ns, _)| *at_ns < self.clock.now_ns()) {
            self.exposures.pop_front();
        }
        self.sequence = 0;
        Ok(())
    }
}

#[test]
fn numbers_survive_the_pixels() {
    for number in [0, 1, 2, 0x00aa_aaaa, 0x0055_5555, (1 << BITS) - 1] {
        assert_eq!(number_of(&numbered(number)), number);
    }
}
