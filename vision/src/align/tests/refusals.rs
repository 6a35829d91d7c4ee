use super::*;

const SIZE: [usize; 2] = [400, 300];

fn board(seed: u64) -> Frame {
    grey(Scene::board(SIZE, seed).photo(&Similarity::identity(SIZE), PLAIN))
}

fn refused(reference: &Frame, test: &Frame, mode: AlignMode) -> Error {
    match align(reference, test, &only(mode)) {
        Err(error) => error,
        Ok(aligned) => panic!("aligned: {:?}", aligned.registration),
    }
}

fn flat(level: u8, [width, height]: [usize; 2]) -> Frame {
    let image = image::GrayImage::from_pixel(width as u32, height as u32, image::Luma([level]));
    grey(image)
}

#[test]
fn unrelated_frames_are_refused() {
    for seed in 0..6 {
        for mode in [AlignMode::Translation, AlignMode::Similarity, AlignMode::Local] {
            let error = refused(&board(seed), &board(seed + 100), mode);
            assert!(matches!(error, Error::NotAligned { .. }), "{seed} {mode:?}: {error}");
        }
    }
}

#[test]
fn a_quarter_turn_and_a_mirror_image_are_refused() {
    let size = [360, 360];
    let scene = Scene::board(size, 11);
    let upright = scene.photo(&Similarity::identity(size), PLAIN);
    let turned = grey(image::imageops::rotate90(&upright));
    let mirrored = grey(image::imageops::flip_horizontal(&upright));
    let upright = grey(upright);
    for wrong in [turned, mirrored] {
        let error = refused(&upright, &wrong, AlignMode::Local);
        assert!(matches!(error, Error::NotAligned { .. }), "{error}");
    }
}

#[test]
fn blank_frames_are_refused_by_name() {
    for (reference, test) in
        [(flat(0, SIZE), flat(0, SIZE)), (flat(255, SIZE), board(1)), (board(1), flat(128, SIZE))]
    {
        let error = refused(&reference, &test, AlignMode::Local);
        assert!(matches!(error, Error::NoTexture { .. }), "{error}");
    }
    // Nothing but noise is not structure that two frames share.
    let dark = Photo { gain: 0.0, offset: 20.0, noise: 6.0, ..PLAIN };
    let scene = Scene::board(SIZE, 2);
    let still = Similarity::identity(SIZE);
    let noise = [1, 2].map(|seed| grey(scene.photo(&still, Photo { seed, ..dark })));
    let error = refused(&noise[0], &noise[1], AlignMode::Local);
    assert!(matches!(error, Error::NotAligned { .. } | Error::NoTexture { .. }), "{error}");
}

#[test]
fn extreme_noise_is_refused() {
    let scene = Scene::board(SIZE, 3);
    let still = Similarity::identity(SIZE);
    let test = grey(scene.photo(&still, Photo { gain: 0.1, offset: 90.0, noise: 90.0, ..PLAIN }));
    let error = refused(&board(3), &test, AlignMode::Local);
    assert!(matches!(error, Error::NotAligned { .. }), "{error}");
}

#[test]
fn motion_beyond_a_limit_is_refused_with_the_value() {
    let scene = Scene::board(SIZE, 4);
    for (shift, degrees, percent, expected) in [
        ([27.0, 0.0], 0.0, 0.0, "shift 27.0"),
        ([0.0, 0.0], 3.3, 0.0, "rotation 3.3"),
        ([0.0, 0.0], 0.0, -3.4, "change of size 3.4"),
    ] {
        let [reference, test] = pair(&scene, &motion(SIZE, shift, degrees, percent), PLAIN);
        let error = refused(&reference, &test, AlignMode::Similarity);
        assert!(matches!(error, Error::Beyond { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    // Further off, it is not found at all.
    let [reference, test] = pair(&scene, &motion(SIZE, [90.0, 40.0], 0.0, 0.0), PLAIN);
    let error = refused(&reference, &test, AlignMode::Local);
    assert!(matches!(error, Error::NotAligned { .. }), "{error}");
}

#[test]
fn sizes_no_limit_explains_are_refused() {
    let error = refused(&board(5), &flat(9, [300, 300]), AlignMode::Local);
    assert!(matches!(error, Error::Sizes { .. }), "{error}");
    let error = refused(&board(5), &flat(9, [400, 301]), AlignMode::None);
    assert!(error.to_string().contains("400x301 pixels, the reference 400x300"), "{error}");
}

#[test]
fn tiny_frames_are_refused_unless_nothing_is_asked() {
    for size in [[1, 1], [63, 200], [2, 64]] {
        let error = refused(&flat(7, size), &flat(7, size), AlignMode::Local);
        assert!(matches!(error, Error::TooSmall { limit: 64, .. }), "{error}");
        assert!(align(&flat(7, size), &flat(7, size), &only(AlignMode::None)).is_ok());
    }
}

#[test]
fn too_little_overlap_is_refused() {
    let size = [96, 96];
    let scene = Scene::board(size, 6);
    let [reference, test] = pair(&scene, &motion(size, [17.0, 14.0], 0.0, 0.0), PLAIN);
    let config = AlignConfig { min_overlap_percent: 75.0, ..only(AlignMode::Translation) };
    let error = align(&reference, &test, &config).map(|aligned| aligned.registration);
    assert!(matches!(error, Err(Error::Overlap { .. })), "{error:?}");
}

#[test]
fn a_wrong_recipe_is_refused_before_any_pixel() {
    let config = AlignConfig { max_residual: f32::NAN, ..AlignConfig::default() };
    let error = align(&board(7), &board(7), &config).map(|aligned| aligned.registration);
    assert!(matches!(error, Err(Error::Config { key: "max_residual", .. })), "{error:?}");
}

#[test]
fn no_content_and_no_size_panics() {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
    let mut random = ChaCha8Rng::seed_from_u64(77);
    let mut frame = |kind: u32, side: [u32; 2]| {
        let (a, b) = (random.random_range(1..40), random.random_range(1..40));
        grey(image::GrayImage::from_fn(side[0], side[1], |x, y| {
            let value = match kind {
                0 => random.random_range(0..256),
                1 => x / a % 2 * 255,
                2 => (x / a + y / b) % 2 * 200,
                3 => u32::from(x == a && y == b) * 255,
                4 => x * a + y * b,
                _ => 17,
            };
            image::Luma([value as u8])
        }))
    };
    let mut sides = ChaCha8Rng::seed_from_u64(78);
    for round in 0..72 {
        let side = [sides.random_range(64..200), sides.random_range(64..200)];
        let other = side.map(|side| side + sides.random_range(0..5));
        let (reference, test) = (frame(round % 6, side), frame(round / 6 % 6, other));
        let mode = [AlignMode::Translation, AlignMode::Similarity, AlignMode::Local];
        let config = AlignConfig {
            max_shift_px: [0.0, 10.0, 1024.0][round as usize % 3],
            max_residual: 0.99,
            min_overlap_percent: 1.0,
            ..only(mode[round as usize / 24])
        };
        if let Ok(aligned) = align(&reference, &test, &config) {
            assert_eq!(aligned.test.bounds(), reference.bounds());
            assert!(!aligned.overlap.is_empty());
            assert_eq!(aligned.overlap.intersection(&reference.bounds()), aligned.overlap);
            assert!(aligned.registration.residual.is_some_and(|r| (0.0..=0.99).contains(&r)));
        }
    }
}
