//! The model, recipe and pairs that come with the repository.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::Folder;

/// What the repository may hold of models, and of demo pairs.
const MOST_BYTES: u64 = 16_000_000;
const MOST_DEMO_BYTES: u64 = 1_000_000;

fn default_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default")
}

fn bytes_below(folder: &Path) -> u64 {
    let of_entry = |entry: fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => bytes_below(&entry.path()),
        false => entry.metadata().unwrap().len(),
    };
    fs::read_dir(folder).unwrap().map(|entry| of_entry(entry.unwrap())).sum()
}

#[test]
fn every_bundled_pair_is_judged_as_expected_from_any_directory() {
    let folder = Folder::new();
    let pairs = fs::read_to_string(default_model().join("demo/manifest.csv")).unwrap();
    let count = pairs.lines().count() - 1;
    let said = format!("{count} of {count} verdicts as expected");
    folder.run(&["demo", "--out", "reports"]).exits(0).prints(&[&said, "next: "]);
    let reports = fs::read_dir(folder.path("reports")).unwrap();
    assert_eq!(reports.count(), count);
}

#[test]
fn the_bundle_is_whole_and_its_int8_tower_passed_its_gates() {
    let folder = Folder::new();
    let bundle = default_model();
    folder.run(&["model", "verify", bundle.to_str().unwrap()]).exits(0);
    folder.run(&["recipe", "check", bundle.join("demo/recipe.toml").to_str().unwrap()]).exits(0);
}

#[test]
fn every_word_of_the_bundled_sheet_was_seen_in_training() {
    let folder = Folder::new();
    let bundle = default_model();
    let sheet = bundle.join("demo/specs.toml");
    let arguments =
        ["specs", "embed", sheet.to_str().unwrap(), "--model", bundle.to_str().unwrap()];
    let output = folder.run(&[&arguments[..], &["-o", "specs.cache"]].concat());
    output.exits(0);
    assert!(!output.stderr.contains("training"), "{}", output.stderr);
}

#[test]
fn models_and_demo_pairs_are_small() {
    let demo = bytes_below(&default_model().join("demo"));
    assert!(demo <= MOST_DEMO_BYTES, "{demo}");
    let models = bytes_below(&default_model());
    assert!(models <= MOST_BYTES, "{models}");
}

/// Pairs whose fault plain photos show, spoilt in a way that hides it from the model.
#[test]
fn a_part_that_was_not_judged_whole_never_passes() {
    let frames = default_model().join("demo/frames");
    let folder = Folder::new();
    for id in ["000000", "000001", "000002", "000005", "000021"] {
        let reference = frames.join(format!("{id}_ref.png"));
        let test = image::open(frames.join(format!("{id}_test.png"))).unwrap().to_luma8();
        let (width, height) = test.dimensions();
        let each = |level: fn(u8) -> u8| {
            image::GrayImage::from_fn(width, height, |x, y| image::Luma([level(test[(x, y)].0[0])]))
        };
        let half = |right: bool| {
            image::GrayImage::from_fn(width, height, |x, y| {
                let is_gone = if right { x > width / 2 } else { y > height * 7 / 10 };
                if is_gone { image::Luma([0]) } else { test[(x, y)] }
            })
        };
        let spoilt = [
            ("blurred", image::imageops::blur(&test, 3.0)),
            ("blurred less", image::imageops::blur(&test, 1.5)),
            ("dark", each(|level| level / 4)),
            ("fogged", each(|level| 60 + level / 4)),
            ("half gone", half(true)),
            ("bottom gone", half(false)),
            ("cut", image::imageops::crop_imm(&test, 22, 0, width - 22, height).to_image()),
        ];
        for (how, image) in spoilt {
            image.save(folder.path("spoilt.png")).unwrap();
            let output = folder.run(&["inspect", reference.to_str().unwrap(), "spoilt.png"]);
            assert_ne!(output.status.code(), Some(0), "{id}, {how}: {}", output.stdout);
        }
    }
}
