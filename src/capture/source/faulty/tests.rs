#![allow(clippy::unwrap_used)]

use super::super::{NumberedCamera, number_of};
use super::*;
use crate::capture::VirtualClock;

const MS: i64 = 1_000_000;
const FRAMES: i64 = 2_000;
const WAIT: Duration = Duration::from_millis(50);

/// A camera with a frame every 10 ms, each showing its own place.
fn faulty(plan: FaultPlan) -> (Faulty<NumberedCamera, VirtualClock>, VirtualClock) {
    let clock = VirtualClock::default();
    let exposures = (0..FRAMES).map(|place| (10 * MS * place, place as u64));
    let camera = NumberedCamera::new(clock.clone(), exposures);
    (Faulty::new(camera, clock.clone(), plan), clock)
}

/// All that comes, with the time it came at.
fn all(plan: FaultPlan) -> Vec<(i64, Captured)> {
    let (mut source, clock) = faulty(plan);
    let mut found = Vec::new();
    loop {
        match source.next_frame(WAIT) {
            Ok(captured) => found.push((clock.now_ns(), captured)),
            Err(Error::Ended { .. }) => return found,
            Err(error) => assert!(error.is_timeout(), "{error}"),
        }
    }
}

fn share(count: usize) -> f64 {
    count as f64 / FRAMES as f64
}

#[test]
fn without_faults_nothing_changes() {
    for (place, (at_ns, captured)) in all(FaultPlan::default()).into_iter().enumerate() {
        assert_eq!(at_ns, 10 * MS * place as i64);
        assert_eq!((captured.sequence as usize, captured.stamp.ns), (place, at_ns));
        assert_eq!(number_of(&captured.content.unwrap()), place as u64);
    }
}

#[test]
fn the_same_seed_drops_the_same_frames() {
    let dropped = |seed| {
        let found = all(FaultPlan { seed, drop: 0.3, ..FaultPlan::default() });
        found.iter().map(|(_, captured)| captured.sequence).collect::<Vec<u32>>()
    };
    assert_eq!(dropped(1), dropped(1));
    assert_ne!(dropped(1), dropped(2));
    assert!((share(dropped(1).len()) - 0.7).abs() < 0.04);
}

#[test]
fn dropped_frames_leave_gaps_and_the_others_alone() {
    for (_, captured) in all(FaultPlan { drop: 0.5, ..FaultPlan::default() }) {
        assert_eq!(number_of(&captured.content.unwrap()), u64::from(captured.sequence));
    }
}

#[test]
fn late_frames_come_late_in_order_and_none_is_lost() {
    let plan = FaultPlan { late: 0.02, late_ns: 125 * MS, ..FaultPlan::default() };
    let found = all(plan);
    assert_eq!(found.len(), FRAMES as usize);
    assert!(found.windows(2).all(|two| two[0].1.sequence < two[1].1.sequence));
    // A late frame holds up the twelve behind it.
    let late = found.iter().filter(|(at_ns, captured)| at_ns - captured.stamp.ns == 125 * MS);
    let expected = 0.02;
    assert!((share(late.count()) - expected).abs() < 0.01);
    assert!(found.iter().all(|(at_ns, captured)| at_ns - captured.stamp.ns <= 125 * MS));
}

#[test]
fn jitter_moves_stamps_within_its_limit() {
    let found = all(FaultPlan { jitter_ns: 2 * MS, ..FaultPlan::default() });
    let gaps = found.iter().map(|(_, it)| it.stamp.ns - 10 * MS * i64::from(it.sequence));
    let (least, most) = (gaps.clone().min().unwrap(), gaps.max().unwrap());
    assert!((-2 * MS..-MS).contains(&least) && (MS..=2 * MS).contains(&most), "{least} {most}");
}

#[test]
fn flagged_and_cut_frames_keep_their_places() {
    let found = all(FaultPlan { flag: 0.2, cut: 0.2, ..FaultPlan::default() });
    assert_eq!(found.len(), FRAMES as usize);
    let count = |is: fn(&Error) -> bool| {
        found.iter().filter(|(_, it)| it.content.as_ref().is_err_and(is)).count()
    };
    assert!((share(count(|error| matches!(error, Error::Flagged { .. }))) - 0.2).abs() < 0.03);
    let cut = count(|error| matches!(error, Error::ShortBuffer { .. }));
    assert!((share(cut) - 0.16).abs() < 0.03);
}

#[test]
fn stamps_are_repeated_as_often_as_planned() {
    let found = all(FaultPlan { repeat_stamp: 0.25, ..FaultPlan::default() });
    let repeated = found.windows(2).filter(|two| two[0].1.stamp == two[1].1.stamp).count();
    assert!((share(repeated) - 0.25).abs() < 0.03);
}

#[test]
fn a_device_that_went_away_comes_back_after_its_time() {
    let plan = FaultPlan { disconnect: 0.01, away_ns: 500 * MS, ..FaultPlan::default() };
    let (mut source, clock) = faulty(plan);
    let mut returns = 0;
    loop {
        match source.next_frame(WAIT) {
            Ok(captured) => assert_eq!(
                number_of(captured.content.as_ref().unwrap()) as i64 * 10 * MS,
                captured.stamp.ns
            ),
            Err(Error::Ended { .. }) => break,
            Err(error) => {
                assert!(error.needs_reopen(), "{error}");
                assert!(source.next_frame(WAIT).unwrap_err().needs_reopen());
                let gone_ns = clock.now_ns();
                while source.reopen().is_err() {
                    clock.sleep_until(clock.now_ns() + MS);
                }
                assert_eq!(clock.now_ns() - gone_ns, 500 * MS);
                returns += 1;
            }
        }
    }
    assert!(returns >= 5, "{returns}");
}
