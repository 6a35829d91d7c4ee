use std::fs;

use embedded_graphics::geometry::Size;

use super::{frames, root};
use crate::panel::{Language, Memory, Panel, demo};

const SIZES: [(u32, u32); 2] = [(800, 480), (480, 320)];
const LANGUAGES: [(Language, &str); 2] = [(Language::En, "en"), (Language::Ja, "ja")];

/// What is drawn must be what is in `tests/golden/panel`, pixel for pixel. On a difference the actual
/// picture is written beside the golden one. `PAIRSPEC_UPDATE_GOLDEN=1` writes all goldens anew: look
/// at every one of them.
#[test]
fn every_screen_is_its_golden_pixel_for_pixel() {
    let folder = root().join("tests/golden/panel");
    let is_update = std::env::var_os("PAIRSPEC_UPDATE_GOLDEN").is_some();
    let frames = frames();
    let (mut different, mut cut) = (Vec::new(), Vec::new());
    for (width, height) in SIZES {
        for (language, code) in LANGUAGES {
            for (name, scene) in demo::scenes(language, Some(&frames)) {
                let mut display = Memory::new(Size::new(width, height)).unwrap();
                let drawn = Panel::new().draw(&scene, &mut display).unwrap();
                let file = format!("{name}-{width}x{height}-{code}.png");
                if drawn.cut_texts + drawn.unknown_glyphs > 0 {
                    cut.push(file.clone());
                }
                if is_update {
                    fs::write(folder.join(&file), display.png().unwrap()).unwrap();
                    continue;
                }
                let golden = image::open(folder.join(&file)).map(image::DynamicImage::into_rgb8);
                if golden.is_ok_and(|golden| golden == *display.image()) {
                    continue;
                }
                let actual = folder.join(format!("{file}.actual.png"));
                fs::write(&actual, display.png().unwrap()).unwrap();
                different.push(actual);
            }
        }
    }
    assert!(cut.is_empty(), "a text is cut or has unknown characters: {cut:#?}");
    assert!(different.is_empty(), "these differ from their goldens: {different:#?}");
}

#[test]
fn the_goldens_are_small_and_none_is_left_over() {
    let folder = root().join("tests/golden/panel");
    let (mut bytes, mut files) = (0, 0);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".actual.png") {
            continue;
        }
        bytes += fs::metadata(&path).unwrap().len();
        files += 1;
    }
    let screens = demo::scenes(Language::En, None).len();
    assert_eq!(files, screens * SIZES.len() * LANGUAGES.len());
    assert!(bytes <= 1_500_000, "{bytes} bytes");
}
