use super::*;

const SIZE: [usize; 2] = [320, 240];

#[test]
fn an_aligned_pair_is_passed_through() {
    let scene = Scene::board(SIZE, 1);
    let [reference, test] = pair(&scene, &motion(SIZE, [0.02, -0.01], 0.0, 0.0), POOR);
    let aligned = align(&reference, &test, &AlignConfig::default()).unwrap();
    assert!(!aligned.registration.resampled, "{:?}", aligned.registration);
    assert_eq!(aligned.overlap, reference.bounds());
    assert_eq!(aligned.test.luma(), test.luma());
}

#[test]
fn a_whole_number_of_pixels_is_not_interpolated() {
    let scene = Scene::board(SIZE, 2);
    let [reference, test] = pair(&scene, &motion(SIZE, [7.0, -4.0], 0.0, 0.0), PLAIN);
    let aligned = align(&reference, &test, &only(AlignMode::Translation)).unwrap();
    assert!(!aligned.registration.resampled, "{:?}", aligned.registration);
    assert_eq!(aligned.overlap, Rect::from_corners(0, 4, 313, 240));
    assert_eq!(difference(&reference, &aligned.test, aligned.overlap), 0.0);
    // Outside, the nearest pixels repeat.
    let (moved, row) = (aligned.test.luma(), 100);
    assert!((313..320).all(|x| moved.get_pixel(x, row) == moved.get_pixel(312, row)));
}

#[test]
fn interpolated_pixels_are_those_of_the_reference() {
    let scene = Scene::board(SIZE, 3);
    for (shift, degrees, percent) in [([0.5, 0.5], 0.0, 0.0), ([-6.3, 4.4], 2.5, -1.5)] {
        let truth = motion(SIZE, shift, degrees, percent);
        let soft = Photo { blur: 3.0, ..PLAIN };
        let still = Similarity::identity(SIZE);
        let reference = grey(scene.photo(&still, soft));
        let test = colour(&scene.photo(&truth, soft));
        let tinted = colour(&reference.luma());
        for mode in [AlignMode::Similarity, AlignMode::Local] {
            let aligned = align(&tinted, &test, &only(mode)).unwrap();
            assert!(
                aligned.registration.resampled && matches!(aligned.test.pixels(), Pixels::Rgb(_))
            );
            let found = difference(&tinted, &aligned.test, aligned.overlap);
            assert!(found < 0.8, "{mode:?} {shift:?}: {found} levels");
        }
    }
}

#[test]
fn two_levels_stay_two_levels() {
    let scene = Scene::board(SIZE, 4);
    let truth = motion(SIZE, [3.4, 2.6], 1.2, 0.6);
    let [reference, test] = pair(&scene, &truth, PLAIN).map(|frame| {
        let mut image = frame.luma().into_owned();
        image.pixels_mut().for_each(|pixel| pixel.0[0] = if pixel.0[0] > 100 { 255 } else { 0 });
        Frame::new(Pixels::Gray(image), 1, "binary").unwrap()
    });
    let aligned = align(&reference, &test, &only(AlignMode::Local)).unwrap();
    let error = error_px(&aligned.registration, |p| truth.apply(p), SIZE);
    assert!(error < ROUGH_RMS_PX, "{error}");
    assert!(aligned.test.luma().iter().all(|value| matches!(value, 0 | 255)));
    assert_eq!(aligned.test.bit_depth(), 1);
    // Edges may move by half a pixel, nothing more: a few percent of the pixels lie beside one.
    let found = difference(&reference, &aligned.test, aligned.overlap);
    assert!(found < 255.0 * 0.02, "{found}");
}

#[test]
fn a_larger_test_frame_is_placed_in_the_reference() {
    let scene = Scene::board(SIZE, 5);
    let still = grey(scene.photo(&Similarity::identity(SIZE), PLAIN));
    let reference = still.crop(Rect::new(8, 6, 300, 225)).unwrap();
    let aligned = align(&reference, &still, &AlignConfig::default()).unwrap();
    assert_eq!((aligned.test.width(), aligned.test.height()), (300, 225));
    assert!(!aligned.registration.resampled);
    assert_eq!(difference(&reference, &aligned.test, reference.bounds()), 0.0);
    // And the other way round, where a margin has no pixels.
    let aligned = align(&still, &reference, &only(AlignMode::Local)).unwrap();
    assert_eq!(aligned.overlap, Rect::new(8, 6, 300, 225));
    assert_eq!(difference(&still, &aligned.test, aligned.overlap), 0.0);
}

#[test]
fn sixteen_bits_align_like_eight() {
    let scene = Scene::board(SIZE, 6);
    let [reference, test] = pair(&scene, &motion(SIZE, [1.5, 0.7], 0.2, 0.0), PLAIN);
    let deep = image::ImageBuffer::from_fn(test.width(), test.height(), |x, y| {
        image::Luma([u16::from(test.luma().get_pixel(x, y).0[0]) * 257])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    deep.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let deep = Frame::decode(bytes.get_ref(), "deep").unwrap();
    assert_eq!(deep.bit_depth(), 16);
    let config = AlignConfig::default();
    let [one, other] = [&test, &deep].map(|test| align(&reference, test, &config).unwrap());
    assert_eq!(one.registration, other.registration);
    assert_eq!(one.test.luma(), other.test.luma());
}

#[test]
fn mode_none_changes_and_measures_nothing() {
    let [one, other] =
        [7, 8].map(|seed| grey(Scene::board(SIZE, seed).photo(&Similarity::identity(SIZE), PLAIN)));
    let aligned = align(&one, &other, &only(AlignMode::None)).unwrap();
    assert_eq!(aligned.test.luma(), other.luma());
    assert_eq!(aligned.overlap, one.bounds());
    assert_eq!((aligned.registration.residual, aligned.registration.resampled), (None, false));
}
