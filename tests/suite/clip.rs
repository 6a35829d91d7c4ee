//! Import agrees with transformers, and whatever is wrong with a directory is said.
//!
//! The models and their embeddings in `tests/golden/clip` are made by `make_clip.py` beside it.

use std::fs;
use std::path::{Path, PathBuf};

use pairspec::clip::{
    Bundle, Embedding, Error, FileName, ImageEncoder, ImportOptions, TextEncoder, Tolerance,
    WeightType, import,
};
use tempfile::TempDir;

/// What transformers computes.
#[derive(serde::Deserialize)]
struct Expected {
    image_size: Option<usize>,
    #[serde(default)]
    images: Vec<u64>,
    #[serde(default)]
    image_embeds: Vec<Vec<f32>>,
    #[serde(default)]
    texts: Vec<Vec<u32>>,
    #[serde(default)]
    text_embeds: Vec<Vec<f32>>,
}

/// fp16 holds 11 bits: errors of weights of 2^-11 average out over a sum.
const HALF: Tolerance = Tolerance { cosine: 0.9999, error: 1e-2 };

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/clip").join(name)
}

fn expected(name: &str) -> Expected {
    serde_json::from_slice(&fs::read(golden(name).join("expected.json")).unwrap()).unwrap()
}

/// The formula of `pixels` in make_clip.py.
fn pixels(seed: u64, size: usize) -> Vec<f32> {
    let value = |index| ((index * 7919 + seed * 104_729) % 10_007) as f64 / 10_007.0 * 4.0 - 2.0;
    (0..3 * (size * size) as u64).map(|index| value(index) as f32).collect()
}

pub(super) fn imported(name: &str, options: &ImportOptions) -> (TempDir, Bundle) {
    let folder = tempfile::tempdir().unwrap();
    let bundle = import(&golden(name), &folder.path().join("bundle"), options).unwrap();
    (folder, bundle)
}

fn agrees(found: &[Embedding], expected: &[Vec<f32>], tolerance: Tolerance, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.values().len(), expected.len(), "{what}");
        tolerance.compare(found, expected, what, index).unwrap();
    }
}

fn check_images(bundle: &Bundle, expected: &Expected, tolerance: Tolerance) {
    let encoder = ImageEncoder::open(bundle, None).unwrap();
    let size = expected.image_size.unwrap();
    let batch: Vec<f32> = expected.images.iter().flat_map(|&seed| pixels(seed, size)).collect();
    let found = encoder.encode(&batch, expected.images.len()).unwrap();
    agrees(&found, &expected.image_embeds, tolerance, "batch of images");
    let alone: Vec<Embedding> =
        batch.chunks(3 * size * size).flat_map(|one| encoder.encode(one, 1).unwrap()).collect();
    agrees(&alone, &expected.image_embeds, tolerance, "single images");
}

fn check_texts(bundle: &Bundle, expected: &Expected, tolerance: Tolerance) {
    let encoder = TextEncoder::open(bundle, None).unwrap();
    let found = encoder.encode_ids(&expected.texts).unwrap();
    agrees(&found, &expected.text_embeds, tolerance, "texts");
}

/// Imports a golden directory whole and compares whatever it has an expectation for.
fn check(name: &str, options: &ImportOptions, tolerance: Tolerance) -> (TempDir, Bundle) {
    let (folder, bundle) = imported(name, options);
    let expected = expected(name);
    assert_eq!(bundle.manifest().vision.is_some(), !expected.image_embeds.is_empty());
    assert_eq!(bundle.manifest().text.is_some(), !expected.text_embeds.is_empty());
    if bundle.manifest().vision.is_some() {
        check_images(&bundle, &expected, tolerance);
    }
    if bundle.manifest().text.is_some() {
        check_texts(&bundle, &expected, tolerance);
    }
    for check in bundle.verify() {
        check.outcome.unwrap();
    }
    (folder, bundle)
}

pub(super) fn as_is() -> ImportOptions {
    ImportOptions::default()
}

#[test]
fn quick_gelu_with_another_eps_per_tower_agrees_with_transformers() {
    let (_folder, bundle) = check("quick_gelu", &as_is(), Tolerance::CLOSE);
    assert!((bundle.manifest().logit_scale - 3.25_f32.exp()).abs() < 1e-4);
    assert_eq!(bundle.manifest().no_change_logit, 0.0);
}

#[test]
fn legacy_pooling_fp16_storage_and_an_image_with_a_remainder_agree_with_transformers() {
    let (_folder, bundle) = check("legacy_fp16", &as_is(), Tolerance::CLOSE);
    let manifest = bundle.manifest();
    assert_eq!(manifest.no_change_logit, 0.75);
    assert_eq!(manifest.license, "CC0-1.0");
    assert_eq!(manifest.training_vocabulary.as_deref().unwrap(), ["short", "open"]);
}

#[test]
fn sharded_bf16_with_tanh_gelu_agrees_with_transformers() {
    check("sharded_bf16", &as_is(), Tolerance::CLOSE);
}

#[test]
fn an_image_tower_alone_agrees_with_transformers() {
    check("vision_only", &as_is(), Tolerance::CLOSE);
}

#[test]
fn a_text_tower_alone_agrees_with_transformers() {
    check("text_only", &as_is(), Tolerance::CLOSE);
}

#[test]
fn a_checkpoint_without_text_weights_gives_an_image_bundle() {
    let (_folder, bundle) = check("no_text_tower", &as_is(), Tolerance::CLOSE);
    assert_eq!(bundle.manifest().no_change_logit, 0.5, "from the extra tensor");
}

#[test]
fn optimum_exports_with_external_data_and_mask_agree_with_transformers() {
    check("ready_optimum_external", &as_is(), Tolerance::CLOSE);
}

#[test]
fn transformersjs_exports_of_opset_14_agree_with_transformers() {
    check("ready_transformersjs_14", &as_is(), Tolerance::CLOSE);
}

#[test]
fn fp16_weights_are_half_the_size_and_stay_near() {
    let options = ImportOptions { weight_type: WeightType::Float16, ..as_is() };
    let (_folder, half) = check("quick_gelu", &options, HALF);
    let (_other, full) = imported("quick_gelu", &as_is());
    let bytes = |bundle: &Bundle| bundle.manifest().files[&FileName::Text].bytes;
    assert!(bytes(&half) < bytes(&full));
}

#[test]
fn fp16_storage_is_exact_for_a_checkpoint_in_fp16() {
    let options = ImportOptions { weight_type: WeightType::Float16, ..as_is() };
    check("legacy_fp16", &options, Tolerance::CLOSE);
}

#[test]
fn one_tower_can_be_imported_alone() {
    let options = ImportOptions { text: false, name: Some("eyes".to_owned()), ..as_is() };
    let (_folder, bundle) = imported("quick_gelu", &options);
    assert_eq!(bundle.manifest().name, "eyes");
    assert!(!bundle.has(FileName::Text) && !bundle.has(FileName::Tokenizer));
    let error = TextEncoder::open(&bundle, None).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
}
