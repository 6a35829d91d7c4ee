use super::scene::{Scene, Stroke};
use super::*;
use crate::frame::Pixels;

const GREEN: [f32; 3] = [0.4, 1.0, 0.5];

fn found(reference: &Frame, test: &Frame) -> Vec<Region> {
    let found = regions(reference, test, test.bounds(), &RegionConfig::default()).unwrap();
    assert_eq!(found.omitted, 0);
    found.regions
}

/// The board as another camera run would show it: other light, focus, place and noise.
fn conditions() -> Vec<(&'static str, Scene)> {
    let board = || Scene::board(321, 243);
    let mut cases = vec![("equal", board())];
    let mut case = |name, change: &dyn Fn(&mut Scene)| {
        let mut scene = board();
        change(&mut scene);
        cases.push((name, scene));
    };
    case("brighter", &|scene| scene.light = (1.2, 0.0));
    case("darker", &|scene| scene.light = (0.7, 0.0));
    case("gradient", &|scene| scene.light = (1.1, 0.2));
    case("softer", &|scene| scene.blur = 3.0);
    case("half a pixel", &|scene| scene.offset = (0.5, -0.5));
    case("two pixels", &|scene| scene.offset = (-1.7, 1.9));
    case("noise", &|scene| scene.noise = (4.0, 7));
    case("all", &|scene| {
        scene.light = (1.0, 0.2);
        scene.blur = 2.0;
        scene.offset = (1.3, -0.4);
        scene.noise = (3.0, 9);
    });
    cases
}

fn reference(noise: f32) -> Scene {
    Scene { noise: (noise, 1), ..Scene::board(321, 243) }
}

#[test]
fn light_focus_noise_and_moved_edges_are_no_change() {
    for (name, test) in conditions() {
        let reference = reference(test.noise.0);
        assert_eq!(found(&reference.gray(), &test.gray()), [], "grey, {name}");
        assert_eq!(found(&reference.rgb(GREEN), &test.rgb(GREEN)), [], "colour, {name}");
    }
}

#[test]
fn a_spot_of_six_pixels_is_found_in_every_condition() {
    for (name, test) in conditions() {
        let reference = reference(test.noise.0);
        // One on the ground, one on a trace.
        let test = test.with(Stroke::disc((100.0, 80.0), 6.0, 150.0)).with(Stroke::disc(
            (260.0, 115.0),
            6.0,
            90.0,
        ));
        let (dx, dy) = test.offset;
        let regions = found(&reference.gray(), &test.gray());
        assert_eq!(regions.len(), 2, "{name}: {regions:?}");
        for centre in [(100.0 + dx, 80.0 + dy), (260.0 + dx, 115.0 + dy)] {
            let region = regions.iter().find(|region| region.tight.contains(centre)).unwrap();
            let (x, y) = region.tight.centre();
            assert!((x - centre.0).hypot(y - centre.1) < 4.0, "{name}: {region:?}");
            assert!(region.tight.width <= 34 && region.tight.height <= 34, "{name}: {region:?}");
        }
    }
}

#[test]
fn missing_print_is_one_region_around_it() {
    let print = [
        Stroke::new((150.0, 200.0), (150.0, 216.0), 2.5, 230.0),
        Stroke::new((150.0, 200.0), (160.0, 200.0), 2.5, 230.0),
        Stroke::new((150.0, 208.0), (158.0, 208.0), 2.5, 230.0),
    ];
    let printed = print.into_iter().fold(reference(2.0), Scene::with);
    let bare = Scene { noise: (2.0, 5), ..reference(2.0) };
    let regions = found(&printed.gray(), &bare.gray());
    assert_eq!(regions.len(), 1, "{regions:?}");
    assert!(regions[0].tight.iou(&Rect::new(139, 189, 32, 38)) > 0.8, "{regions:?}");
    // The same print too much is the same change.
    let reverse = found(&bare.gray(), &printed.gray());
    assert_eq!(reverse[0].tight, regions[0].tight);
}

#[test]
fn a_faint_scratch_is_found_in_noise() {
    let scratch = Stroke::new((230.0, 40.0), (280.0, 48.0), 2.5, 94.0);
    let test = Scene { noise: (1.5, 5), ..reference(0.0).with(scratch) };
    let regions = found(&reference(1.5).gray(), &test.gray());
    assert!(!regions.is_empty());
    assert!(regions.iter().all(|region| region.tight.contains((255.0, 44.0))
        || Rect::new(215, 25, 80, 38).union(&region.tight) == Rect::new(215, 25, 80, 38)));
}

#[test]
fn a_colour_that_changes_without_its_brightness_is_found() {
    let board = Scene::board(200, 160);
    let reference = board.rgb(GREEN);
    let Pixels::Rgb(mut pixels) = reference.pixels().clone() else { panic!("a colour frame") };
    for (x, y) in (100..112).flat_map(|x| (30..40).map(move |y| (x, y))) {
        // 0.299 * 52 = 0.114 * 136 = 15.5: the luma stays.
        let image::Rgb([red, _, blue]) = pixels.get_pixel_mut(x, y);
        (*red, *blue) = (red.saturating_add(26), blue.saturating_sub(68));
    }
    let test = Frame::new(Pixels::Rgb(pixels), 8, "recoloured").unwrap();
    let lumas = (reference.luma(), test.luma());
    assert!(lumas.0.iter().zip(lumas.1.iter()).all(|(a, b)| a.abs_diff(*b) <= 12));
    let regions = found(&reference, &test);
    assert_eq!(regions.len(), 1);
    assert!(regions[0].tight.contains((106.0, 35.0)));
}

#[test]
fn a_grey_frame_is_compared_with_the_brightness_of_a_colour_frame() {
    let board = Scene::board(200, 160);
    let colour = board.rgb([1.0, 0.2, 0.1]);
    let gray = |scene: &Scene| {
        let luma = scene.rgb([1.0, 0.2, 0.1]).luma().into_owned();
        Frame::new(Pixels::Gray(luma), 8, "grey").unwrap()
    };
    assert_eq!(found(&colour, &gray(&board)), []);
    let spot = board.with(Stroke::disc((150.0, 95.0), 8.0, 255.0));
    assert_eq!(found(&colour, &gray(&spot)).len(), 1);
}

#[test]
fn a_patch_displaced_beyond_its_tolerance_is_a_change() {
    let board = || Scene::board(320, 240);
    let with_mark = |x: f32| board().with(Stroke::disc((x, 216.0), 14.0, 200.0)).gray();
    assert_eq!(found(&with_mark(260.0), &with_mark(263.0)), []);
    assert!(!found(&with_mark(260.0), &with_mark(272.0)).is_empty());
}

#[test]
fn fragments_of_one_fault_are_merged_and_faults_apart_are_not() {
    let reference = Scene::board(320, 240);
    let spots = |gap: f32| {
        let first = reference.clone().with(Stroke::disc((200.0, 80.0), 7.0, 200.0));
        found(&reference.gray(), &first.with(Stroke::disc((207.0 + gap, 80.0), 7.0, 200.0)).gray())
    };
    assert_eq!(spots(2.0).len(), 1);
    assert_eq!(spots(12.0).len(), 2);
}

#[test]
fn a_fault_larger_than_the_crop_gets_a_square_of_its_own_size() {
    let reference = Scene::board(320, 240);
    let bar = Stroke::new((100.0, 78.0), (200.0, 78.0), 6.0, 250.0);
    let regions = found(&reference.gray(), &reference.clone().with(bar).gray());
    let Region { crop, tight, .. } = regions[0];
    assert!(tight.width > 110 && tight.height < 50, "{tight:?}");
    assert_eq!((crop.width, crop.height), (tight.width, tight.width));
    assert_eq!(crop.union(&tight), crop);
}

#[test]
fn a_fault_in_the_corner_has_its_crop_inside() {
    let reference = Scene { strokes: Vec::new(), ..Scene::board(200, 150) };
    for corner in [(4.0, 4.0), (196.0, 4.0), (4.0, 146.0), (196.0, 146.0)] {
        let test = reference.clone().with(Stroke::disc(corner, 7.0, 220.0)).gray();
        let regions = found(&reference.gray(), &test);
        assert_eq!(regions.len(), 1, "{corner:?}");
        let crop = regions[0].crop;
        assert_eq!((crop.width, crop.height), (64, 64));
        assert_eq!(test.bounds().union(&crop), test.bounds());
        assert!(crop.contains(corner));
    }
}

#[test]
fn the_strongest_come_first_and_what_is_left_out_is_counted() {
    let reference = Scene::board(320, 240);
    let spot = |x: f32, level: f32| Stroke::disc((x, 80.0), 6.0, level);
    let test = reference.clone().with(spot(150.0, 120.0)).with(spot(200.0, 250.0));
    let test = test.with(spot(250.0, 180.0)).gray();
    let config = RegionConfig { max_regions: 2, ..RegionConfig::default() };
    let found = regions(&reference.gray(), &test, test.bounds(), &config).unwrap();
    assert_eq!(found.omitted, 1);
    assert!(found.regions[0].tight.contains((200.0, 80.0)));
    assert!(found.regions[1].tight.contains((250.0, 80.0)));
    assert!(found.regions[0].change > found.regions[1].change);
}

#[test]
fn only_the_overlap_is_compared_and_places_are_those_of_the_frame() {
    let reference = Scene::board(320, 240);
    let test = reference.clone().with(Stroke::disc((50.0, 80.0), 8.0, 250.0));
    let test = test.with(Stroke::disc((200.0, 160.0), 8.0, 250.0)).gray();
    let overlap = Rect::new(101, 33, 200, 190);
    let config = RegionConfig::default();
    let found = regions(&reference.gray(), &test, overlap, &config).unwrap().regions;
    assert_eq!(found.len(), 1);
    let (x, y) = found[0].tight.centre();
    assert!((x - 200.0).abs() < 2.0 && (y - 160.0).abs() < 2.0);
    assert_eq!(overlap.union(&found[0].crop), overlap);
    let outside = regions(&reference.gray(), &test, Rect::new(320, 0, 9, 9), &config);
    assert!(matches!(outside, Err(Error::NoOverlap { .. })));
}

#[test]
fn small_and_uniform_frames_are_judged_or_refused_but_never_panic() {
    let flat = |width, height, level| Scene {
        strokes: Vec::new(),
        ground: level,
        ..Scene::board(width, height)
    };
    for (width, height) in [(1, 1), (4, 300), (5, 5), (7, 33), (64, 64), (65, 31)] {
        let (dark, bright) = (flat(width, height, 20.0).gray(), flat(width, height, 230.0).gray());
        let config = RegionConfig::default();
        let changes = regions(&dark, &dark, dark.bounds(), &config);
        let map = difference_map(&dark, &bright, &config);
        if width.min(height) < 5 {
            assert!(matches!(changes, Err(Error::TooSmall { least: 5, .. })));
            assert!(matches!(map, Err(Error::TooSmall { .. })));
        } else {
            assert_eq!(changes.unwrap(), Regions::default());
            assert_eq!(map.unwrap().dimensions(), (width, height));
        }
        let config = RegionConfig { mode: RegionMode::Frame, ..config };
        let frame = regions(&dark, &bright, dark.bounds(), &config).unwrap();
        assert_eq!(frame.regions[0].crop, dark.bounds());
    }
}

#[test]
fn frames_of_different_size_are_refused_by_name() {
    let (small, large) = (Scene::board(320, 240).gray(), Scene::board(320, 241).gray());
    let config = RegionConfig::default();
    let error = regions(&small, &large, small.bounds(), &config).unwrap_err().to_string();
    assert!(error.contains("(320, 240)") && error.contains("(320, 241)"), "{error}");
    assert!(difference_map(&small, &large, &config).is_err());
}

#[test]
fn the_map_is_black_where_the_pair_agrees_and_bright_at_the_fault() {
    let reference = reference(2.0);
    let mut test = reference.clone().with(Stroke::disc((200.0, 95.0), 8.0, 250.0));
    test.noise.1 = 5;
    test.light = (0.9, 0.1);
    let map = difference_map(&reference.gray(), &test.gray(), &RegionConfig::default()).unwrap();
    assert!(map.get_pixel(200, 95).0[0] > 100);
    let spot = Rect::new(192, 87, 16, 16);
    for (x, y, pixel) in map.enumerate_pixels() {
        assert!(pixel.0[0] == 0 || spot.contains((x as f32, y as f32)), "{x} {y}");
    }
}

#[test]
fn a_wholly_different_part_is_full_of_changes() {
    let mut other = Scene::board(320, 240);
    for stroke in &mut other.strokes {
        (stroke.from, stroke.to) = ((stroke.from.1, stroke.from.0), (stroke.to.1, stroke.to.0));
    }
    let regions = found(&Scene::board(320, 240).gray(), &other.gray());
    let changed: f32 = regions.iter().map(|region| region.change).sum();
    assert!(changed > 1_000.0, "{changed}");
}

#[test]
fn no_pair_and_no_configuration_panics_and_crops_stay_inside() {
    let mut state = 1_u32;
    let mut draw = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    for _ in 0..300 {
        let (width, height) = (1 + draw(90), 1 + draw(90));
        let (low, range) = (draw(256), 1 + draw(256));
        let mut frame = |rgb: bool| {
            let mut value = || (low + draw(range)).min(255) as u8;
            let pixels = if rgb {
                let pixel = |_, _| image::Rgb([value(), value(), value()]);
                Pixels::Rgb(image::RgbImage::from_fn(width, height, pixel))
            } else {
                let pixel = |_, _| image::Luma([value()]);
                Pixels::Gray(image::GrayImage::from_fn(width, height, pixel))
            };
            Frame::new(pixels, 8, "random").unwrap()
        };
        let (reference, test) = (frame(width % 2 == 0), frame(height % 2 == 0));
        let overlap = Rect::new(draw(width), draw(height), 1 + draw(100), 1 + draw(100));
        let config = RegionConfig {
            crop_px: 48 + draw(40),
            edge_tolerance_px: draw(17),
            patch_tolerance_px: draw(17),
            min_contrast: Some(1 + draw(255) as u8).filter(|contrast| contrast % 2 == 0),
            merge_distance_px: draw(20),
            box_margin_px: draw(30),
            min_box_px: draw(60),
            ..RegionConfig::default()
        };
        let inside = overlap.intersection(&test.bounds());
        match regions(&reference, &test, overlap, &config) {
            Ok(found) => assert!(found.regions.iter().all(|region| {
                region.crop.union(&inside) == inside
                    && region.crop.union(&region.tight) == region.crop
            })),
            Err(error) => assert!(matches!(error, Error::TooSmall { .. }), "{error}"),
        }
    }
}
