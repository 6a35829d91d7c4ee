use std::collections::BTreeMap;
use std::path::Path;

use super::Session;
use super::scratch::{Config, scratch};

mod text;
mod tuning;

const QUIET: Session = Session { shows: false, half: false, until: None };

/// A model of a few thousand numbers on a few small boards.
const TINY: &str = r#"
name = "tiny"
license = "MIT OR Apache-2.0"
seed = 3

[[product]]
kind = "board"
styles = ["binary"]
pairs = [12, 4]
share = 1.0
symmetry = "all"

[model]
image = 32
patch = 8
hidden = 24
intermediate = 48
layers = 2
heads = 2
projection = 16

[text]
vocabulary = 700
context = 40
hidden = 16
intermediate = 32
layers = 1
heads = 2

[settings]
sentences_first = 2
validate_every = 6
checkpoint_every = 2

[settings.batch]
pairs = 8
faults = 0.5
allowed = 0.2
captioned = 2
lanes = 2
micro = 16

[settings.terms]
requirements = 0.5
captions = 0.1
sizes = 0.2

[settings.schedule]
peak = 1e-3
warm_up = 2
steps = 6
floor = 0.1

[settings.adam]
beta1 = 0.9
beta2 = 0.98
epsilon = 1e-8
weight_decay = 0.05
clip = 1.0
"#;

fn config() -> Config {
    toml::from_str(TINY).unwrap()
}

fn weights(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("model/model.safetensors")).unwrap()
}

/// The bytes of every tensor by its name.
fn tensors(content: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let file = safetensors::SafeTensors::deserialize(content).unwrap();
    let named = file.tensors().into_iter();
    named.map(|(name, tensor)| (name, tensor.data().to_vec())).collect()
}

/// The values of all tensors, which are f32, in the order of their names.
fn values(content: &[u8]) -> Vec<f32> {
    let all = tensors(content).into_values().flatten().collect::<Vec<u8>>();
    all.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    scratch(&config(), &whole, QUIET).unwrap();
    scratch(&config(), &cut, Session { until: Some(3), ..QUIET }).unwrap();
    assert_ne!(weights(&whole), weights(&cut));
    scratch(&config(), &cut, QUIET).unwrap();
    assert_eq!(weights(&whole), weights(&cut));
    assert!(whole.join("training-board.png").exists());
}

#[test]
fn a_batch_in_small_parts_gives_the_same_gradients() {
    let folder = tempfile::tempdir().unwrap();
    let loss = |name: &str, change: &dyn Fn(&mut Config)| {
        let mut config = config();
        config.settings.schedule.steps = 1;
        change(&mut config);
        let folder = folder.path().join(name);
        scratch(&config, &folder, QUIET).unwrap();
        let log = std::fs::read_to_string(folder.join("losses.csv")).unwrap();
        let fields: Vec<f64> =
            log.lines().nth(1).unwrap().split(',').map(|field| field.parse().unwrap()).collect();
        [fields[1], fields[2]]
    };
    let whole = loss("whole", &|_| ());
    for (name, lanes, micro) in [("one", 1, 16), ("parts", 2, 3), ("many", 3, 2)] {
        let other = loss(name, &|config| {
            config.settings.batch.lanes = lanes;
            config.settings.batch.micro = micro;
        });
        for (a, b) in whole.iter().zip(other) {
            assert!((a - b).abs() < 1e-4 * a.abs(), "{name}: {whole:?} {other:?}");
        }
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    scratch(&config(), folder.path(), Session { until: Some(2), ..QUIET }).unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let before = std::fs::read(&path).unwrap();
    let mut other = config();
    other.settings.schedule.peak = 2e-3;
    let error = scratch(&other, folder.path(), QUIET).unwrap_err().to_string();
    assert!(error.contains("other settings"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(&path, &before[..before.len() / 2]).unwrap();
    let error = scratch(&config(), folder.path(), QUIET).unwrap_err().to_string();
    assert!(error.contains("checkpoint.safetensors") && error.contains("remove it"), "{error}");
}

#[test]
fn a_loss_that_is_not_a_number_ends_the_run_and_keeps_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut wild = config();
    wild.settings.schedule.peak = 1e30;
    wild.settings.checkpoint_every = 1;
    let error = scratch(&wild, folder.path(), QUIET).unwrap_err().to_string();
    assert!(error.contains("the last checkpoint is kept"), "{error}");
    assert!(folder.path().join("checkpoint.safetensors").exists());
}

#[test]
fn the_directory_imports_with_equal_embeddings_and_its_extras() {
    let folder = tempfile::tempdir().unwrap();
    let report = scratch(&config(), folder.path(), QUIET).unwrap();
    let bundle = folder.path().join("bundle");
    pairspec::clip::import(&report.model, &bundle, &pairspec::clip::ImportOptions::default())
        .unwrap();
    let bundle = pairspec::clip::Bundle::open(&bundle).unwrap();
    let model = crate::model::Clip::open(&report.model).unwrap();
    let no_change = model.parameters.scalar(crate::model::NO_CHANGE_LOGIT).unwrap();
    assert_eq!(bundle.manifest().no_change_logit, no_change);
    let words = bundle.manifest().training_vocabulary.as_ref().unwrap();
    assert!(words.iter().any(|word| word == "trace"));

    let pixels: Vec<f32> = (0..3 * 32 * 32).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect();
    let patches = crate::model::patches(&pixels, &model.vision, &[[-1.0, 1.0]; 3]).unwrap();
    let tower = crate::model::VisionTower::new(&model.vision);
    let ours = tower.forward(&model.parameters, &patches).unwrap().to_vec2::<f32>().unwrap();
    let encoder = pairspec::clip::ImageEncoder::open(&bundle, None).unwrap();
    let theirs = encoder.encode(&pixels, 1).unwrap();
    assert!(pairspec::clip::cosine(&ours[0], theirs[0].values()) > 0.99999);

    let ids = model.tokenizer.encode("a trace is broken", model.text.context).unwrap();
    let sentences = crate::model::Sentences::new(vec![ids], model.text.pooling);
    let tower = crate::model::TextTower::new(&model.text);
    let ours = tower.forward(&model.parameters, &sentences).unwrap().to_vec2::<f32>().unwrap();
    let encoder = pairspec::clip::TextEncoder::open(&bundle, None).unwrap();
    let theirs = encoder.encode(&["a trace is broken"]).unwrap();
    assert!(pairspec::clip::cosine(&ours[0], theirs[0].values()) > 0.99999);
}

#[test]
fn a_base_keeps_its_preprocessing_and_sees_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let base = scratch(&config(), &folder.path().join("base"), QUIET).unwrap().model;
    let openai = pairspec::frame::Preprocess::for_size(32);
    let path = base.join("preprocessor_config.json");
    std::fs::write(&path, openai.to_json()).unwrap();
    let model = crate::model::Clip::open(&base).unwrap();
    let written = folder.path().join("written");
    let card = crate::export::Card {
        name: "x",
        license: "x",
        provenance: "x",
        vocabulary: None,
        half: true,
    };
    crate::export::write(&written, &model, &card).unwrap();
    let bytes = |folder: &std::path::Path| {
        std::fs::metadata(folder.join("model.safetensors")).unwrap().len()
    };
    assert!(bytes(&written) < bytes(&base) * 6 / 10, "matrices in fp16");
    let narrow = crate::model::Clip::open(&written).unwrap();
    let weights = |model: &crate::model::Clip| {
        model.parameters.get("visual_projection.weight").unwrap().flatten_all().unwrap()
    };
    let moved = (weights(&narrow) - weights(&model)).unwrap().abs().unwrap().max(0).unwrap();
    let moved = moved.to_scalar::<f32>().unwrap();
    assert!(moved > 0.0 && moved < 1e-3, "{moved}");
    let kept = std::fs::read(written.join("preprocessor_config.json")).unwrap();
    assert_eq!(kept, openai.to_json().as_bytes());

    let image = image::GrayImage::from_fn(32, 32, |x, y| image::Luma([(x * 7 + y) as u8]));
    let pixels = image.pixels().map(|pixel| f32::from(pixel.0[0]) / 127.5 - 1.0);
    let plane: Vec<f32> = pixels.collect();
    let ends = model.preprocess.ends();
    let ours = crate::model::patches(&plane.repeat(3), &model.vision, &ends).unwrap();
    let gray = pairspec::frame::Pixels::Gray(image);
    let frame = pairspec::frame::Frame::new(gray, 8, "test").unwrap();
    let expected = openai.tensor(&frame);
    let expected = crate::model::patches(&expected, &model.vision, &[[-1.0, 1.0]; 3]).unwrap();
    let largest = (ours - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
    assert!(largest.to_scalar::<f32>().unwrap() < 1e-5);
}
