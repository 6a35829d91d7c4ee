use std::time::Duration;

use super::{Captured, FrameSource, Playlist, Stamp, nanoseconds};
use crate::capture::pixels::luma_frame;
use crate::capture::{Clock, Error};
use crate::frame::Frame;

/// Frames that wait to be fetched, as buffers of a driver would; of more, the oldest are lost.
const BUFFERS: i64 = 4;

/// Files played at a fixed rate, as a free-running camera would deliver them.
///
/// Frame `k` is stamped at `first_ns + k * period_ns`, the start of its exposure, and there from
/// then on. Who fetches too slowly loses the oldest and sees a gap in the sequence.
#[derive(Debug)]
pub struct Replay<C> {
    list: Playlist,
    clock: C,
    first_ns: i64,
    period_ns: i64,
    /// The next frame, counted from the first.
    next: u64,
    /// The frame with sequence number 0.
    opened_at: u64,
    /// A list of one is decoded once.
    single: Option<Frame>,
}

impl<C: Clock> Replay<C> {
    /// Plays a list from `first_ns` on, a frame every `period_ns` (at least 1).
    pub fn new(list: Playlist, clock: C, (first_ns, period_ns): (i64, i64)) -> Self {
        let period_ns = period_ns.max(1);
        Self { list, clock, first_ns, period_ns, next: 0, opened_at: 0, single: None }
    }

    fn due_ns(&self, place: u64) -> i64 {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        self.first_ns.saturating_add(self.period_ns.saturating_mul(place))
    }

    /// Leaves out what no buffer holds any more.
    fn lose_oldest(&mut self) {
        let behind = self.clock.now_ns().saturating_sub(self.due_ns(self.next)) / self.period_ns;
        let lost = u64::try_from(behind.saturating_sub(BUFFERS - 1)).unwrap_or(0);
        self.next = self.next.saturating_add(lost);
    }

    fn decode(&mut self, place: u64) -> Result<Frame, Error> {
        if let Some(frame) = &self.single {
            return Ok(frame.clone());
        }
        let path = self.list.path(place).ok_or_else(|| self.ended())?;
        let frame = luma_frame(Frame::open(path)?)?;
        if self.list.len() == 1 {
            self.single = Some(frame.clone());
        }
        Ok(frame)
    }

    fn ended(&self) -> Error {
        Error::Ended { origin: self.list.name().to_owned(), frames: self.list.len() as u64 }
    }
}

impl<C: Clock> FrameSource for Replay<C> {
    fn name(&self) -> &str {
        self.list.name()
    }

    fn next_frame(&mut self, timeout: Duration) -> Result<Captured, Error> {
        self.lose_oldest();
        if self.list.path(self.next).is_none() {
            return Err(self.ended());
        }
        let due_ns = self.due_ns(self.next);
        let latest_ns = self.clock.now_ns().saturating_add(nanoseconds(timeout));
        self.clock.sleep_until(due_ns.min(latest_ns));
        if due_ns > latest_ns {
            let waited_ms = timeout.as_millis().try_into().unwrap_or(u64::MAX);
            return Err(Error::Timeout { origin: self.name().to_owned(), waited_ms });
        }
        let place = self.next;
        self.next += 1;
        // Sequence numbers wrap, as those of drivers do.
        let sequence = (place - self.opened_at) as u32;
        let stamp = Stamp::start_of_exposure(due_ns);
        Ok(Captured { sequence, stamp, content: self.decode(place) })
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.lose_oldest();
        self.opened_at = self.next;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;
    use crate::capture::VirtualClock;
    use crate::frame::Pixels;

    const MS: i64 = 1_000_000;
    const WAIT: Duration = Duration::from_millis(50);

    /// Five frames, 10 ms apart, the first at 100 ms.
    fn replay(folder: &tempfile::TempDir, clock: &VirtualClock) -> Replay<VirtualClock> {
        for level in 0..5_u8 {
            let path = folder.path().join(format!("{level}.png"));
            image::RgbImage::from_pixel(3, 2, image::Rgb([level; 3])).save(path).unwrap();
        }
        let list = Playlist::folder(folder.path()).unwrap();
        Replay::new(list, clock.clone(), (100 * MS, 10 * MS))
    }

    fn level(captured: &Captured) -> u8 {
        let Pixels::Gray(image) = captured.content.as_ref().unwrap().pixels() else {
            panic!("frames of a source are grey")
        };
        image.get_pixel(0, 0).0[0]
    }

    #[test]
    fn frames_come_at_their_rate_in_order_and_end() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), VirtualClock::starting_at(95 * MS));
        let mut replay = replay(&folder, &clock);
        for place in 0..5_u8 {
            let captured = replay.next_frame(WAIT).unwrap();
            let due = (100 + 10 * i64::from(place)) * MS;
            assert_eq!((level(&captured), captured.sequence), (place, u32::from(place)));
            assert_eq!((captured.stamp, clock.now_ns()), (Stamp::start_of_exposure(due), due));
        }
        let error = replay.next_frame(WAIT).unwrap_err();
        assert!(error.to_string().ends_with("all 5 frames were played"), "{error}");
    }

    #[test]
    fn a_frame_not_due_yet_is_a_timeout_and_is_not_lost() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), VirtualClock::default());
        let mut replay = replay(&folder, &clock);
        let error = replay.next_frame(WAIT).unwrap_err();
        assert!(error.is_timeout() && !error.needs_reopen());
        assert_eq!(clock.now_ns(), 50 * MS);
        assert_eq!(level(&replay.next_frame(WAIT).unwrap()), 0);
        assert!(replay.next_frame(Duration::ZERO).unwrap_err().is_timeout());
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_sees_the_gap() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), VirtualClock::starting_at(100 * MS));
        let mut replay = replay(&folder, &clock);
        assert_eq!(level(&replay.next_frame(WAIT).unwrap()), 0);
        // Frames 1 to 4 and the place of 5 have passed; four buffers hold 2 to 5.
        clock.set(155 * MS);
        let captured = replay.next_frame(WAIT).unwrap();
        assert_eq!((level(&captured), captured.sequence), (2, 2));
    }

    #[test]
    fn sequence_numbers_start_anew_after_reopening() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), VirtualClock::starting_at(100 * MS));
        let mut replay = replay(&folder, &clock);
        replay.next_frame(WAIT).unwrap();
        replay.reopen().unwrap();
        let captured = replay.next_frame(WAIT).unwrap();
        assert_eq!((level(&captured), captured.sequence), (1, 0));
    }

    #[test]
    fn a_damaged_file_takes_its_place_among_the_frames() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), VirtualClock::starting_at(100 * MS));
        let mut replay = replay(&folder, &clock);
        fs::write(folder.path().join("0.png"), b"no picture").unwrap();
        assert!(replay.next_frame(WAIT).unwrap().content.is_err());
        assert_eq!(level(&replay.next_frame(WAIT).unwrap()), 1);
    }

    #[test]
    fn a_golden_frame_never_ends_and_is_read_once() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), VirtualClock::starting_at(100 * MS));
        drop(replay(&folder, &clock));
        let list = Playlist::golden(&folder.path().join("3.png"));
        let mut golden = Replay::new(list, clock, (0, 10 * MS));
        assert_eq!(level(&golden.next_frame(WAIT).unwrap()), 3);
        fs::remove_file(folder.path().join("3.png")).unwrap();
        for _ in 0..100 {
            assert_eq!(level(&golden.next_frame(WAIT).unwrap()), 3);
        }
    }
}
