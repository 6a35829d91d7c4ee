#![allow(clippy::unwrap_used)]

mod line;
mod rules;

use super::*;
use crate::capture::Stamp;

const MS: i64 = 1_000_000;

/// Two cameras, the test's window 30 to 40 ms after the trigger, the reference's 50 to 60.
fn two_cameras() -> Timing {
    Timing {
        reference: Some(View { camera: 1, delay_ns: 50 * MS }),
        test: View { camera: 0, delay_ns: 30 * MS },
        window_ns: 10 * MS,
        in_window: InWindow::One,
        cameras: [CameraTiming::default(); 2],
        trigger_latency_ns: 5 * MS,
        frame_latency_ns: 20 * MS,
    }
}

fn golden() -> Timing {
    Timing { reference: None, ..two_cameras() }
}

fn twice() -> Timing {
    Timing { reference: Some(View { camera: 0, delay_ns: 50 * MS }), ..two_cameras() }
}

fn sighting(sequence: u32, exposure_ms: i64) -> Sighting<i64> {
    let stamp = Stamp::start_of_exposure(exposure_ms * MS);
    Sighting { sequence, stamp, content: Some(exposure_ms) }
}

/// Tells of a part; there is room for it.
fn tell<P>(pairing: &mut Pairing<P>, now_ms: i64, (number, at_ms): (u64, i64)) {
    assert!(pairing.trigger(now_ms * MS, Trigger { number, ns: at_ms * MS }).is_none());
}

/// All parts that leave at a time.
fn polled<P>(pairing: &mut Pairing<P>, now_ms: i64) -> Vec<Part<P>> {
    std::iter::from_fn(|| pairing.poll(now_ms * MS)).collect()
}

/// Every trigger and every frame has one place in the counts.
fn assert_conserved<P>(pairing: &Pairing<P>) {
    let (counts, (parts, frames)) = (pairing.counts(), pairing.waiting());
    assert_eq!(counts.triggers, counts.paired + counts.not_inspected + parts as u64, "{counts:?}");
    let left = counts.used + counts.unmatched + counts.late + counts.surplus + counts.overflowed;
    assert_eq!(counts.frames, left + frames as u64, "{counts:?}");
}
