use super::*;

/// A pairing that was told of parts 1, 2, ... at the given times.
fn with_parts(timing: Timing, at_ms: &[i64]) -> Pairing<i64> {
    let mut pairing = Pairing::new(timing);
    for (number, ms) in (1..).zip(at_ms) {
        tell(&mut pairing, *ms, (number, *ms));
    }
    pairing
}

/// Tells of frames of camera 0, each 5 ms after its exposure.
fn see(pairing: &mut Pairing<i64>, exposures_ms: &[i64]) {
    for (sequence, ms) in (0..).zip(exposures_ms) {
        pairing.frame((ms + 5) * MS, 0, sighting(sequence, *ms));
    }
}

/// The number of each part that left, with the exposure of its test frame or the reason.
fn outcomes(parts: &[Part<i64>]) -> Vec<(u64, Result<i64, Unpaired>)> {
    let outcome = |part: &Part<i64>| part.outcome.map(|frames| frames.test.content);
    parts.iter().map(|part| (part.trigger.number, outcome(part))).collect()
}

const NO_FRAME: Result<i64, Unpaired> = Err(Unpaired::NoFrame { camera: 0 });
const AMBIGUOUS: Result<i64, Unpaired> = Err(Unpaired::Ambiguous { camera: 0 });

#[test]
fn a_part_owns_the_frames_of_its_windows() {
    let mut pairing = with_parts(two_cameras(), &[100]);
    pairing.frame(140 * MS, 0, sighting(0, 133));
    pairing.frame(160 * MS, 1, sighting(0, 158));
    // Both windows and their frames' way are over at 160 + 20.
    assert_eq!(polled(&mut pairing, 179), []);
    assert_eq!(pairing.next_ns(), Some(180 * MS));
    let parts = polled(&mut pairing, 180);
    let frames = parts[0].outcome.as_ref().unwrap();
    assert_eq!((frames.test.content, frames.reference.unwrap().content), (133, 158));
    assert_eq!((parts.len(), pairing.counts().used, pairing.next_ns()), (1, 2, None));
    assert_conserved(&pairing);
}

#[test]
fn both_edges_of_the_window_count_and_nothing_beyond() {
    for (ms, is_inside) in [(129, false), (130, true), (140, true), (141, false)] {
        let mut pairing = with_parts(golden(), &[100]);
        see(&mut pairing, &[ms]);
        let parts = polled(&mut pairing, 200);
        assert_eq!(outcomes(&parts), [(1, if is_inside { Ok(ms) } else { NO_FRAME })]);
        assert_eq!(pairing.counts().unmatched, u64::from(!is_inside));
        assert_conserved(&pairing);
    }
}

#[test]
fn a_camera_that_stops_leaves_every_part_without_frame_in_time() {
    let mut pairing = with_parts(golden(), &[100, 110, 150]);
    assert_eq!(outcomes(&polled(&mut pairing, 160)), [(1, NO_FRAME)]);
    assert_eq!(outcomes(&polled(&mut pairing, 169)), []);
    assert_eq!(outcomes(&polled(&mut pairing, 10_000)), [(2, NO_FRAME), (3, NO_FRAME)]);
}

#[test]
fn one_camera_of_two_is_not_enough() {
    let mut pairing = with_parts(two_cameras(), &[100]);
    pairing.frame(140 * MS, 0, sighting(0, 133));
    let parts = polled(&mut pairing, 180);
    assert_eq!(outcomes(&parts), [(1, Err(Unpaired::NoFrame { camera: 1 }))]);
    assert_eq!(pairing.counts().surplus, 1);
    assert_conserved(&pairing);
}

#[test]
fn two_frames_in_the_window_are_not_inspected() {
    let mut pairing = with_parts(golden(), &[100]);
    see(&mut pairing, &[132, 138]);
    assert_eq!(outcomes(&polled(&mut pairing, 143)), [(1, Err(Unpaired::TwoFrames { camera: 0 }))]);
    polled(&mut pairing, 200);
    assert_eq!(pairing.counts().surplus, 2);
    assert_conserved(&pairing);
}

#[test]
fn of_a_free_running_camera_the_first_frame_is_taken_at_once() {
    let mut pairing = with_parts(Timing { in_window: InWindow::First, ..golden() }, &[100]);
    see(&mut pairing, &[132]);
    assert_eq!(outcomes(&polled(&mut pairing, 137)), [(1, Ok(132))]);
    pairing.frame(143 * MS, 0, sighting(1, 138));
    polled(&mut pairing, 200);
    let counts = pairing.counts();
    assert_eq!((counts.surplus, counts.late, counts.unmatched), (1, 0, 0));
}

#[test]
fn a_later_frame_shows_that_a_window_is_over() {
    let mut pairing = with_parts(golden(), &[100, 120]);
    see(&mut pairing, &[133]);
    assert_eq!(outcomes(&polled(&mut pairing, 147)), []);
    pairing.frame(148 * MS, 0, sighting(1, 143));
    assert_eq!(outcomes(&polled(&mut pairing, 148)), [(1, Ok(133))]);
}

#[test]
fn a_frame_in_two_windows_belongs_to_neither_part() {
    let mut pairing = with_parts(golden(), &[100, 106]);
    // 130 to 140 and 136 to 146.
    see(&mut pairing, &[137, 142]);
    let expected = [(1, AMBIGUOUS), (2, Err(Unpaired::TwoFrames { camera: 0 }))];
    assert_eq!(outcomes(&polled(&mut pairing, 200)), expected);
    assert_conserved(&pairing);
}

#[test]
fn parts_closer_than_the_window_keep_frames_that_only_they_can_own() {
    let mut pairing = with_parts(golden(), &[100, 106]);
    see(&mut pairing, &[133, 143]);
    assert_eq!(outcomes(&polled(&mut pairing, 200)), [(1, Ok(133)), (2, Ok(143))]);
    // The first part's frame was lost: the second's lies where both could own it.
    let mut pairing = with_parts(golden(), &[100, 106]);
    see(&mut pairing, &[139]);
    assert_eq!(outcomes(&polled(&mut pairing, 200)), [(1, AMBIGUOUS), (2, AMBIGUOUS)]);
}

#[test]
fn triggers_at_one_time_are_both_not_inspected() {
    let mut pairing = with_parts(golden(), &[100, 100]);
    see(&mut pairing, &[135]);
    assert_eq!(outcomes(&polled(&mut pairing, 200)), [(1, AMBIGUOUS), (2, AMBIGUOUS)]);
}

#[test]
fn a_frame_is_not_given_away_before_all_triggers_that_could_claim_it_are_told() {
    let timing =
        Timing { test: View { camera: 0, delay_ns: 0 }, in_window: InWindow::First, ..golden() };
    let mut pairing = Pairing::new(timing);
    tell(&mut pairing, 100, (1, 100));
    pairing.frame(105 * MS, 0, sighting(0, 104));
    assert_eq!(outcomes(&polled(&mut pairing, 105)), []);
    tell(&mut pairing, 107, (2, 103));
    assert_eq!(outcomes(&polled(&mut pairing, 109)), [(1, AMBIGUOUS), (2, AMBIGUOUS)]);
}

#[test]
fn frames_may_come_before_their_trigger_is_told() {
    let timing = Timing { test: View { camera: 0, delay_ns: 0 }, ..golden() };
    let mut pairing = Pairing::new(timing);
    pairing.frame(102 * MS, 0, sighting(0, 101));
    assert_eq!(outcomes(&polled(&mut pairing, 103)), []);
    tell(&mut pairing, 104, (1, 100));
    assert_eq!(outcomes(&polled(&mut pairing, 130)), [(1, Ok(101))]);
}

#[test]
fn a_trigger_told_too_late_is_refused() {
    let mut pairing = Pairing::new(golden());
    tell(&mut pairing, 106, (1, 100));
    see(&mut pairing, &[133]);
    let late = Err(Unpaired::LateTrigger { late_ms: 6 });
    assert_eq!(outcomes(&polled(&mut pairing, 200)), [(1, late)]);
}

#[test]
fn a_late_frame_is_counted_and_never_given_to_the_next_part() {
    let mut pairing = with_parts(golden(), &[100, 106]);
    // The windows of both: 130 to 140 and 136 to 146; the frames' way takes 20.
    assert_eq!(outcomes(&polled(&mut pairing, 161)), [(1, NO_FRAME)]);
    pairing.frame(162 * MS, 0, sighting(0, 138));
    assert_eq!(outcomes(&polled(&mut pairing, 170)), [(2, AMBIGUOUS)]);
    assert_eq!(pairing.counts().late, 1);
    assert_conserved(&pairing);
}

#[test]
fn a_damaged_frame_keeps_its_place() {
    let mut pairing = with_parts(golden(), &[100]);
    pairing.frame(140 * MS, 0, Sighting { content: None, ..sighting(0, 133) });
    let damaged = Err(Unpaired::Damaged { camera: 0 });
    assert_eq!(outcomes(&polled(&mut pairing, 200)), [(1, damaged)]);
    // Were it not there, the other would be the part's.
    let mut pairing = with_parts(golden(), &[100]);
    pairing.frame(140 * MS, 0, Sighting { content: None, ..sighting(0, 133) });
    pairing.frame(143 * MS, 0, sighting(1, 138));
    let two = Err(Unpaired::TwoFrames { camera: 0 });
    assert_eq!(outcomes(&polled(&mut pairing, 200)), [(1, two)]);
}

#[test]
fn duplicate_timestamps_are_not_inspected_in_either_policy() {
    for in_window in [InWindow::One, InWindow::First] {
        let mut pairing = with_parts(Timing { in_window, ..golden() }, &[100]);
        see(&mut pairing, &[133, 133]);
        let two = Err(Unpaired::TwoFrames { camera: 0 });
        assert_eq!(outcomes(&polled(&mut pairing, 200)), [(1, two)]);
        assert!(pairing.is_clock_sound());
    }
}

#[test]
fn one_camera_twice_gives_each_exposure_its_role() {
    let mut pairing = with_parts(twice(), &[100, 130]);
    see(&mut pairing, &[133, 154, 165]);
    let parts = polled(&mut pairing, 400);
    let frames = parts[0].outcome.as_ref().unwrap();
    assert_eq!((frames.test.content, frames.reference.unwrap().content), (133, 154));
    assert_eq!(parts[1].outcome, Err(Unpaired::NoFrame { camera: 0 }));
    assert_conserved(&pairing);
}

#[test]
fn one_camera_twice_is_ambiguous_where_one_parts_test_is_the_others_reference() {
    // The reference of the first is due at 150 to 160, the test of the second at 152 to 162.
    let mut pairing = with_parts(twice(), &[100, 122]);
    see(&mut pairing, &[133, 155, 177]);
    assert_eq!(outcomes(&polled(&mut pairing, 400)), [(1, AMBIGUOUS), (2, AMBIGUOUS)]);
}

#[test]
fn more_parts_than_are_held_leave_in_order_with_a_reason() {
    let at_ms: Vec<i64> = (0..PARTS as i64).collect();
    let mut pairing = with_parts(golden(), &at_ms);
    for extra in 0..3 {
        let ns = (PARTS as i64 + extra) * MS;
        let displaced = pairing.trigger(ns, Trigger { number: 100, ns }).unwrap();
        let reason = Unpaired::TooManyParts { limit: PARTS };
        assert_eq!(displaced.trigger.number, 1 + extra as u64);
        assert_eq!(displaced.outcome, Err(reason));
    }
    assert_eq!(polled(&mut pairing, 1_000).len(), PARTS);
    assert_conserved(&pairing);
}

#[test]
fn frames_pushed_out_refuse_the_parts_that_could_own_them() {
    let timing = Timing { in_window: InWindow::First, ..two_cameras() };
    let mut pairing = with_parts(timing, &[100]);
    // The reference's window comes later, so the test's frames wait.
    let exposures: Vec<i64> = vec![131; FRAMES + 1];
    see(&mut pairing, &exposures);
    assert_eq!(pairing.counts().overflowed, 1);
    let lost = Err(Unpaired::FramesLost { camera: 0 });
    assert_eq!(outcomes(&polled(&mut pairing, 200)), [(1, lost)]);
    assert_conserved(&pairing);
}

#[test]
fn frames_pushed_out_refuse_parts_that_trigger_afterwards_too() {
    let timing = Timing { test: View { camera: 0, delay_ns: 0 }, ..golden() };
    let timing = Timing { trigger_latency_ns: 100 * MS, ..timing };
    let mut pairing = Pairing::new(timing);
    let exposures: Vec<i64> = (101..102 + FRAMES as i64).collect();
    see(&mut pairing, &exposures);
    tell(&mut pairing, 130, (1, 100));
    tell(&mut pairing, 130, (2, 112));
    let parts = polled(&mut pairing, 400);
    assert_eq!(parts[0].outcome, Err(Unpaired::FramesLost { camera: 0 }));
    assert_ne!(parts[1].outcome, Err(Unpaired::FramesLost { camera: 0 }));
}

#[test]
fn windows_that_are_forgotten_cannot_be_given_to_others() {
    // More parts at once than are remembered, then one whose window overlaps theirs.
    let at_ms: Vec<i64> = vec![100; PARTS];
    let mut pairing = with_parts(golden(), &at_ms);
    for number in 0..=64 {
        assert!(pairing.trigger(101 * MS, Trigger { number, ns: 101 * MS }).is_some());
    }
    assert!(pairing.trigger(102 * MS, Trigger { number: 999, ns: 102 * MS }).is_some());
    let parts = polled(&mut pairing, 400);
    let last = parts.last().unwrap();
    assert_eq!(last.trigger.number, 999);
    assert_eq!(last.outcome, Err(Unpaired::FramesLost { camera: 0 }));
}

#[test]
fn gaps_in_the_sequence_are_counted_over_the_wrap_and_restarts_are_not_gaps() {
    let mut pairing: Pairing<i64> = Pairing::new(golden());
    for (at, sequence) in [u32::MAX - 1, u32::MAX, 2, 3, 0, 1, 5].into_iter().enumerate() {
        pairing.frame(1_000 * MS, 0, sighting(sequence, at as i64));
    }
    let counts = pairing.counts();
    assert_eq!((counts.dropped, counts.sequence_resets), (2 + 3, 1));
}

#[test]
fn frames_of_an_unknown_camera_are_unmatched() {
    let mut pairing = with_parts(golden(), &[100]);
    pairing.frame(140 * MS, 2, sighting(0, 133));
    pairing.frame(140 * MS, 1, sighting(0, 133));
    assert_eq!(outcomes(&polled(&mut pairing, 400)), [(1, NO_FRAME)]);
    assert_eq!(pairing.counts().unmatched, 2);
    assert_conserved(&pairing);
}

#[test]
fn a_view_of_an_unknown_camera_never_has_a_frame() {
    let view = View { camera: 2, delay_ns: 30 * MS };
    for timing in [
        Timing { test: view, ..golden() },
        Timing { test: view, ..two_cameras() },
        Timing { reference: Some(view), ..two_cameras() },
    ] {
        let mut pairing = with_parts(timing, &[100]);
        see(&mut pairing, &[133]);
        let parts = polled(&mut pairing, 400);
        assert!(matches!(parts[0].outcome, Err(Unpaired::NoFrame { .. })), "{parts:?}");
        assert_conserved(&pairing);
    }
}

#[test]
fn a_clock_that_jumps_refuses_every_part_until_the_restart() {
    type Jump = fn(&mut Pairing<i64>);
    let jumps: [Jump; 5] = [
        |pairing| pairing.frame(150 * MS, 0, sighting(1, 20)),
        |pairing| pairing.frame(150 * MS, 0, sighting(1, 152)),
        |pairing| tell(pairing, 150, (2, 90)),
        |pairing| tell(pairing, 150, (2, 152)),
        |pairing| assert!(pairing.poll(10 * MS).is_some()),
    ];
    for (place, jump) in jumps.into_iter().enumerate() {
        let mut pairing = with_parts(golden(), &[100]);
        pairing.frame(138 * MS, 0, sighting(0, 133));
        jump(&mut pairing);
        assert!(!pairing.is_clock_sound(), "jump {place}");
        tell(&mut pairing, 151, (3, 151));
        pairing.frame(190 * MS, 0, sighting(2, 185));
        let parts = polled(&mut pairing, 300);
        let refused = |part: &Part<i64>| part.outcome == Err(Unpaired::ClockJump);
        // The poll that jumps lets the first part leave itself.
        assert!(parts.len() >= if place == 4 { 1 } else { 2 } && parts.iter().all(refused));
        assert_conserved(&pairing);

        pairing.restart(300 * MS);
        tell(&mut pairing, 305, (4, 305));
        tell(&mut pairing, 400, (5, 400));
        pairing.frame(438 * MS, 0, sighting(3, 433));
        let lost = Err(Unpaired::FramesLost { camera: 0 });
        assert_eq!(outcomes(&polled(&mut pairing, 600)), [(4, lost), (5, Ok(433))]);
        assert_conserved(&pairing);
    }
}

#[test]
fn no_time_overflows() {
    let extremes = [i64::MIN, -1, 0, 1, i64::MAX];
    for timing in [golden(), two_cameras(), twice()] {
        for at_ns in extremes {
            for now_ns in extremes {
                let mut pairing: Pairing<()> = Pairing::new(timing);
                let _ = pairing.trigger(now_ns, Trigger { number: 1, ns: at_ns });
                let stamp = Stamp::start_of_exposure(at_ns);
                pairing.frame(now_ns, 0, Sighting { sequence: 0, stamp, content: Some(()) });
                let _ = pairing.poll(now_ns);
                pairing.next_ns();
                pairing.restart(now_ns);
                assert_conserved(&pairing);
            }
        }
    }
}
