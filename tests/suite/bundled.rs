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
