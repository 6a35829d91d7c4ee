use std::path::{Path, PathBuf};

use pairspec::clip::{Bundle, Embedding, ImageEncoder, ImportOptions, TextEncoder, cosine, import};
use pairspec::frame::Frame;
use pairspec::manifest;

use super::super::Session;
use super::super::text::{CaptionTerm, TextTuning, tune_text};
use super::{QUIET, config, scratch, tensors, values, weights};
use crate::describe::{self, OwnMeanings};
use crate::synth::{self, Renderer};

/// A base, and striped images with a sentence about each.
struct Bench {
    folder: tempfile::TempDir,
    tuning: TextTuning,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = scratch(&config(), &folder.path().join("base"), QUIET).unwrap().model;
        let images = folder.path().join("images");
        std::fs::create_dir(&images).unwrap();
        let mut lines = String::new();
        for index in 0..12 {
            let shade = image::GrayImage::from_fn(40, 40, |x, y| {
                image::Luma([((x * (index + 2) + y * 7) % 251) as u8])
            });
            shade.save(images.join(format!("{index}.png"))).unwrap();
            let line = serde_json::json!({
                "pair_id": index.to_string(), "box": null, "key": null, "sense": null,
                "sentence": format!("the second picture is number {index} and has other stripes"),
                "reference": format!("{}.png", (index + 5) % 12), "test": format!("{index}.png"),
            });
            lines += &format!("{line}\n");
        }
        let differences = folder.path().join("differences.jsonl");
        std::fs::write(&differences, lines).unwrap();
        let tuning = TextTuning {
            base,
            differences,
            images,
            epochs: 2,
            batch: 4,
            rate: 1e-4,
            lanes: [2, 2],
            ..TextTuning::default()
        };
        Self { folder, tuning }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How hard it is for a tuned model to find the caption of each image, in nats.
    fn caption_loss(&self, folder: &Path) -> f64 {
        let place = folder.join("bundle");
        import(&folder.join("model"), &place, &ImportOptions::default()).unwrap();
        let bundle = Bundle::open(&place).unwrap();
        let frames: Vec<Frame> = (0..12)
            .map(|index| Frame::open(&self.tuning.images.join(format!("{index}.png"))).unwrap())
            .collect();
        let captions: Vec<String> =
            (0..12).map(|index| format!("a picture of {index} stripes")).collect();
        let texts: Vec<&str> = captions.iter().map(String::as_str).collect();
        let images = ImageEncoder::open(&bundle, None).unwrap();
        let images = images.encode_frames(&frames.iter().collect::<Vec<_>>()).unwrap();
        let texts = TextEncoder::open(&bundle, None).unwrap().encode(&texts).unwrap();
        let loss = |(index, image): (usize, &Embedding)| {
            let logit = |text: &Embedding| 10.0 * cosine(image.values(), text.values());
            let all: f64 = texts.iter().map(|text| logit(text).exp()).sum();
            all.ln() - logit(&texts[index])
        };
        images.iter().enumerate().map(loss).sum::<f64>() / 12.0
    }

    fn error(&self, tuning: &TextTuning, folder: &Path) -> String {
        format!("{:#}", tune_text(tuning, folder, QUIET).unwrap_err())
    }
}

#[test]
fn text_tuning_moves_the_text_blocks_alone_and_resumes() {
    let bench = Bench::new();
    let tuning = &bench.tuning;
    let (whole, cut) = (bench.place("whole"), bench.place("cut"));
    tune_text(tuning, &whole, QUIET).unwrap();
    tune_text(tuning, &cut, Session { until: Some(3), ..QUIET }).unwrap();
    tune_text(tuning, &cut, QUIET).unwrap();
    let trained = weights(&whole);
    assert_eq!(trained, weights(&cut));
    let base = std::fs::read(tuning.base.join("model.safetensors")).unwrap();
    let (before, after) = (tensors(&base), tensors(&trained));
    let changed: Vec<&String> =
        after.keys().filter(|name| before.get(*name) != after.get(*name)).collect();
    assert!(changed.len() > 8);
    assert!(
        changed.iter().all(|name| name.starts_with("text_model.encoder.layers.")),
        "{changed:?}"
    );
    let words = std::fs::read_to_string(whole.join("model/config.json")).unwrap();
    assert!(
        words.contains("\"trace\"") && words.contains("\"stripes\""),
        "the base's and new ones"
    );

    // How much of the training is written is decided after it: the same run goes on.
    let averaged = |average| {
        tune_text(&TextTuning { average, ..tuning.clone() }, &whole, QUIET).unwrap();
        weights(&whole)
    };
    assert_eq!(tensors(&averaged(0.0)), before, "nothing of the trained weights");
    let (quarter, base, trained) = (values(&averaged(0.25)), values(&base), values(&trained));
    assert_ne!(quarter, base);
    for ((mixed, base), trained) in quarter.iter().zip(&base).zip(&trained) {
        let expected = 0.75 * base + 0.25 * trained;
        assert!((mixed - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{mixed} {expected}");
    }
}

#[test]
fn a_checkpoint_belongs_to_sentences_and_images_and_not_to_their_paths() {
    let bench = Bench::new();
    let folder = bench.place("run");
    tune_text(&bench.tuning, &folder, Session { until: Some(2), ..QUIET }).unwrap();
    let images = bench.place("other images");
    std::fs::rename(&bench.tuning.images, &images).unwrap();
    let moved = TextTuning { images, ..bench.tuning.clone() };
    tune_text(&moved, &folder, Session { until: Some(3), ..QUIET }).unwrap();
    let path = moved.images.join("3.png");
    let content = std::fs::read(&path).unwrap();
    std::fs::copy(moved.images.join("4.png"), &path).unwrap();
    assert!(bench.error(&moved, &folder).contains("other settings"));
    std::fs::write(&path, content).unwrap();
    let text = std::fs::read_to_string(&moved.differences).unwrap();
    std::fs::write(&moved.differences, text.replace("number 3", "number three")).unwrap();
    assert!(bench.error(&moved, &folder).contains("other settings"));
}

#[test]
fn captions_keep_the_text_tower_at_what_images_are_called() {
    let bench = Bench::new();
    let file = bench.place("captions.csv");
    let rows = (0..12).map(|index| format!("{index}.png,a picture of {index} stripes\n"));
    std::fs::write(&file, format!("image,caption\n{}", rows.collect::<String>())).unwrap();
    let term = CaptionTerm { file: file.clone(), weight: 10.0, count: 8 };
    let plain = TextTuning { epochs: 30, rate: 3e-3, factor: 1.0, ..bench.tuning.clone() };
    let held = TextTuning { captions: Some(term.clone()), ..plain.clone() };
    let (forgets, keeps, cut) = (bench.place("forgets"), bench.place("keeps"), bench.place("cut"));
    tune_text(&plain, &forgets, QUIET).unwrap();
    tune_text(&held, &keeps, QUIET).unwrap();
    tune_text(&held, &cut, Session { until: Some(3), ..QUIET }).unwrap();
    tune_text(&held, &cut, QUIET).unwrap();
    assert_eq!(weights(&keeps), weights(&cut), "draws depend on the step alone");
    let (forgotten, kept) = (bench.caption_loss(&forgets), bench.caption_loss(&keeps));
    assert!(kept + 0.1 < forgotten, "{kept} with captions, {forgotten} without");
    // Without the captions it would be another run.
    assert!(bench.error(&plain, &keeps).contains("other settings"));

    std::fs::write(&file, "image,caption\nelsewhere.png,a picture\n0.png,stripes\n").unwrap();
    let error = bench.error(&held, &bench.place("one"));
    assert!(error.contains("captions of 1 images that the sentences name"), "{error}");
    let term = CaptionTerm { weight: f64::NAN, ..term };
    let error = bench.error(&TextTuning { captions: Some(term), ..plain }, &bench.place("nan"));
    assert!(error.contains("weight of captions: NaN"), "{error}");
}

#[test]
fn an_image_that_is_missing_is_named_before_any_is_embedded() {
    let bench = Bench::new();
    std::fs::remove_file(bench.tuning.images.join("7.png")).unwrap();
    let folder = bench.place("run");
    let error = bench.error(&bench.tuning, &folder);
    assert!(error.contains("7.png"), "{error}");
    assert!(!folder.join("images.safetensors").exists());
}

#[test]
fn sentences_from_labels_are_about_the_crops_where_their_boxes_are() {
    let bench = Bench::new();
    let synth = synth::Config { size: 256, ..synth::Config::default() };
    let pairs = bench.place("pairs");
    let path = synth::write(&Renderer::new(9, synth).unwrap(), 6, &pairs, &|| ()).unwrap();
    let listed = manifest::open(&path).unwrap();
    let own = OwnMeanings::default();
    let described = describe::from_labels((&listed, &pairs), &own, (1, 1)).unwrap().differences;
    let boxed = described.iter().filter(|one| one.bounds.is_some()).count();
    assert!(boxed > 4, "{boxed}");
    let tuning = TextTuning { images: pairs, ..bench.tuning.clone() };
    describe::write(&tuning.differences, &described).unwrap();
    let folder = bench.place("run");
    let report = tune_text(&tuning, &folder, QUIET).unwrap();
    assert!(report.validations[0].crops > 0);
    // Reference and test of each box inspection looks at, and whole frames of sound pairs.
    let content = std::fs::read(folder.join("images.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&content).unwrap();
    let rows = file.tensor("embeddings").unwrap().shape()[0];
    let frames: std::collections::BTreeSet<&String> = described
        .iter()
        .filter(|one| one.bounds.is_none())
        .flat_map(|one| [&one.reference, &one.test])
        .flatten()
        .collect();
    let boxes: std::collections::BTreeSet<_> =
        described.iter().filter_map(|one| Some((&one.pair_id, one.bounds?))).collect();
    assert!(rows <= frames.len() + 2 * boxes.len(), "{rows}");
    assert!(rows * 10 >= 8 * (frames.len() + 2 * boxes.len()), "{rows}");
}
