use super::*;

const SIZE: [usize; 2] = [480, 480];

fn found(scene: &Scene, shift: [f64; 2]) -> Result<Registration, Error> {
    let [reference, test] = pair(scene, &motion(SIZE, shift, 0.0, 0.0), POOR);
    let aligned = align(&reference, &test, &only(AlignMode::Similarity));
    aligned.map(|aligned| aligned.registration)
}

#[test]
fn of_two_periods_the_clearly_smaller_is_taken_and_the_other_named() {
    for pitch in [8.0, 15.0, 24.0, 36.0] {
        let shift = [0.2 * pitch, -0.1 * pitch];
        let found = found(&Scene::pads(SIZE, pitch), shift).unwrap();
        let truth = motion(SIZE, shift, 0.0, 0.0);
        let error = error_px(&found, |p| truth.apply(p), SIZE);
        assert!(error < RMS_PX, "{pitch}: {error} px, {found:?}");
        let Some([x, y]) = found.repeats_at_px.map(|at| at.map(f64::from)) else {
            // Only where no other shift lies within the limit may none be named.
            assert!(pitch > 24.0 * 1.4, "{pitch}: {found:?}");
            continue;
        };
        let periods = [(x - shift[0]) / pitch, (y - shift[1]) / pitch];
        let whole = periods.map(|period| (period - period.round()).abs());
        assert!(whole[0] < 0.05 && whole[1] < 0.05, "{pitch}: {periods:?}");
    }
}

#[test]
fn half_a_period_is_refused() {
    for pitch in [10.0, 20.0, 30.0] {
        let refused = found(&Scene::pads(SIZE, pitch), [0.48 * pitch, 0.0]);
        assert!(matches!(refused, Err(Error::Ambiguous { .. })), "{pitch}: {refused:?}");
    }
}

#[test]
fn one_mark_settles_the_period() {
    for pitch in [12.0, 20.0] {
        let scene = Scene::pads(SIZE, pitch).with_mark([200.0, 260.0], 0.7 * pitch);
        let shift = [0.9 * pitch, 0.0];
        let truth = motion(SIZE, shift, 0.0, 0.0);
        let found = found(&scene, shift).unwrap();
        let error = error_px(&found, |p| truth.apply(p), SIZE);
        assert!(error < RMS_PX, "{pitch}: {error} px, {found:?}");
        assert_eq!(found.repeats_at_px, None);
    }
}

#[test]
fn along_straight_edges_nothing_is_moved() {
    let scene = Scene::stripes(SIZE, 37.0);
    let found = found(&scene, [3.0, 0.0]).unwrap();
    let [x, y] = found.shift_px;
    assert!((x - 3.0).abs() < 0.1 && y.abs() < 0.5, "{found:?}");
}
