use super::*;

const SIZE: [usize; 2] = [640, 640];

#[test]
fn similarities_are_found_to_a_tenth_of_a_pixel_in_any_light() {
    for (seed, shift, degrees, percent) in [
        (1, [0.0, 0.0], 0.0, 0.0),
        (2, [0.37, -0.81], 0.0, 0.0),
        (3, [12.4, -7.7], 0.0, 0.0),
        (4, [-16.0, 16.5], 0.0, 0.0),
        (5, [3.3, 2.2], 0.6, 0.4),
        (6, [-5.2, 9.1], -1.7, 1.1),
        (7, [8.0, -14.0], 2.9, -2.8),
        (8, [-3.0, -2.0], -2.9, 2.9),
    ] {
        let scene = Scene::board(SIZE, seed);
        let truth = motion(SIZE, shift, degrees, percent);
        for photo in [PLAIN, POOR] {
            let [reference, test] = pair(&scene, &truth, photo);
            for mode in [AlignMode::Similarity, AlignMode::Local] {
                let found = align(&reference, &test, &only(mode)).unwrap().registration;
                let error = error_px(&found, |p| truth.apply(p), SIZE);
                println!(
                    "{seed} {mode:?} noise {}: {error:.3} px, {:?}",
                    photo.noise, found.residual
                );
                assert!(error < RMS_PX, "{seed} {mode:?}: {error} px, {found:?}");
            }
        }
    }
}

#[test]
fn a_translation_is_found_in_frames_of_any_shape() {
    for (seed, size) in [(1, [64, 64]), (2, [65, 131]), (3, [333, 201]), (4, [1001, 97])] {
        let scene = Scene::board(size, seed);
        let truth = motion(size, [2.3, -1.6], 0.0, 0.0);
        let [reference, test] = pair(&scene, &truth, PLAIN);
        let config = AlignConfig { max_shift_px: 6.0, ..only(AlignMode::Translation) };
        let found = align(&reference, &test, &config).unwrap().registration;
        let error = error_px(&found, |p| truth.apply(p), size);
        assert!(error < RMS_PX, "{size:?}: {error} px, {found:?}");
    }
}

#[test]
fn warped_boards_and_perspective_are_followed() {
    let scene = Scene::board(SIZE, 21);
    let reference = grey(scene.photo(&Similarity::identity(SIZE), PLAIN));
    let bow = |[x, y]: [f64; 2]| {
        [2.5 * (x / 110.0).sin() * (y / 140.0).cos(), 1.5 * (y / 90.0).sin() - 0.004 * y]
    };
    // Line scans: one direction stretched against the other; cameras: a tilted plane.
    let tilt = |[x, y]: [f64; 2]| {
        let w = 1.0 + 1.5e-5 * x - 1e-5 * y;
        [(x + 1.5) / w - x, (y * 1.004 - 1.0) / w - y]
    };
    for (name, field) in [("bow", &bow as &dyn Fn([f64; 2]) -> [f64; 2]), ("tilt", &tilt)] {
        let forward = |p: [f64; 2]| {
            let d = field(p);
            [p[0] + d[0], p[1] + d[1]]
        };
        let back = |q: [f64; 2]| {
            (0..8).fold(q, |p, _| {
                let d = field(p);
                [q[0] - d[0], q[1] - d[1]]
            })
        };
        let test = grey(scene.photo_by(POOR, back));
        let found = align(&reference, &test, &AlignConfig::default()).unwrap().registration;
        let error = error_px(&found, forward, SIZE);
        println!("{name}: {error:.3} px, {:?}", found.residual);
        assert!(error < ROUGH_RMS_PX, "{name}: {error} px");
    }
}

#[test]
fn faults_on_a_tenth_of_the_frame_do_not_drag_it() {
    let truth = motion(SIZE, [4.6, -3.2], 0.8, 0.5);
    let mut worst: f64 = 0.0;
    for seed in 30..34 {
        let reference = Scene::board(SIZE, seed);
        let still = grey(reference.photo(&Similarity::identity(SIZE), PLAIN));
        let faulty = grey(Scene::board(SIZE, seed).with_faults(0.1, seed).photo(&truth, POOR));
        for (mode, limit) in [(AlignMode::Similarity, RMS_PX), (AlignMode::Local, ROUGH_RMS_PX)] {
            let found = align(&still, &faulty, &only(mode)).unwrap().registration;
            let error = error_px(&found, |p| truth.apply(p), SIZE);
            println!("{seed} {mode:?}: {error:.3} px, {:?}", found.residual);
            assert!(error < limit, "{seed} {mode:?}: {error} px, {found:?}");
            worst = worst.max(error);
        }
    }
    println!("worst {worst:.3} px");
}

#[test]
fn structure_along_one_edge_is_enough() {
    // All but a strip is bare: what little there is must do, and must not invent an angle.
    let bare = Scene::bare(SIZE, 5).with_mark([300.0, 600.0], 12.0).with_mark([380.0, 590.0], 20.0);
    let truth = motion(SIZE, [3.4, -2.7], 0.0, 0.0);
    let [reference, test] = pair(&bare, &truth, PLAIN);
    let config = only(AlignMode::Similarity);
    let found = align(&reference, &test, &config).unwrap().registration;
    let error = error_px(&found, |p| truth.apply(p), SIZE);
    assert!(error < ROUGH_RMS_PX, "{error} px, {found:?}");
}

#[test]
fn the_largest_frames_are_aligned() {
    let size = [4096, 4096];
    let scene = Scene::board(size, 40);
    let truth = motion(size, [14.3, -9.8], 0.31, 0.12);
    let [reference, test] = pair(&scene, &truth, PLAIN);
    let aligned = align(&reference, &test, &AlignConfig::default()).unwrap();
    let error = error_px(&aligned.registration, |p| truth.apply(p), size);
    assert!(error < RMS_PX, "{error} px, {:?}", aligned.registration);
    let inside = aligned.overlap;
    assert!(inside.area() as f64 > 0.97 * 4096.0 * 4096.0, "{inside:?}");
    assert!(difference(&reference, &aligned.test, inside) < 1.0);
}
