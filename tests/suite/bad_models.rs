//! Bundles and Hugging Face directories that are cut, altered, foreign or another model's.

use std::collections::HashMap;
use std::fs;

use pairspec::clip::{Bundle, FileName, Manifest};
use pairspec::files;
use safetensors::{SafeTensors, tensor::TensorView};

use crate::harness::{Folder, Run};
use crate::product::copy;
use crate::shared::tiny;

fn inspect(folder: &Folder) -> Run {
    folder.run(&["inspect", "reference.png", "good.png", "--recipe", "recipe.toml"])
}

fn product() -> Folder {
    let folder = Folder::with_product();
    folder.armed_from(1.0);
    folder
}

/// Gives `bundle.toml` the sums that its files have now, as somebody who hides a change would.
fn sum_again(folder: &Folder) {
    let text = folder.text("bundle/bundle.toml");
    let mut manifest = Manifest::from_toml(&text, "bundle.toml").unwrap();
    for (name, record) in &mut manifest.files {
        let content = folder.read(&format!("bundle/{name}"));
        (record.sha256, record.bytes) = (files::sha256(&content), content.len() as u64);
    }
    folder.write("bundle/bundle.toml", manifest.to_toml().unwrap());
}

/// `bytes` with NaN in place of one weight that stands in them as `value`.
fn poisoned(mut bytes: Vec<u8>, value: f32) -> Vec<u8> {
    let pattern = value.to_le_bytes();
    let at = bytes.windows(4).position(|window| window == pattern).unwrap();
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    bytes
}

/// The first weight of a tensor.
fn first_weight(checkpoint: &[u8], tensor: &str) -> f32 {
    let tensors = SafeTensors::deserialize(checkpoint).unwrap();
    f32::from_le_bytes(*tensors.tensor(tensor).unwrap().data().first_chunk().unwrap())
}

#[test]
fn an_altered_or_cut_file_of_a_bundle_is_refused_by_name() {
    for name in ["vision.onnx", "preprocessor_config.json"] {
        let path = format!("bundle/{name}");
        let folder = product();
        let mut content = folder.read(&path);
        let middle = content.len() / 2;
        content[middle] ^= 1;
        folder.write(&path, &content);
        inspect(&folder).fails(&[name, "was altered"]);
        folder.write(&path, &content[..middle]);
        inspect(&folder).fails(&[name]);
        folder.write(&path, "");
        inspect(&folder).fails(&[name]);
        fs::remove_file(folder.path(&path)).unwrap();
        inspect(&folder).fails(&[name]);
    }
}

#[test]
fn verify_names_every_file_that_is_not_what_it_was() {
    let folder = product();
    let mut content = folder.read("bundle/text.onnx");
    content.push(0);
    folder.write("bundle/text.onnx", content);
    let run = folder.run(&["model", "verify", "bundle"]);
    run.exits(1).prints(&["FAILED  text.onnx sum", "ok      vision.onnx parity"]);
}

#[test]
fn a_bundle_toml_that_contradicts_itself_is_refused() {
    for (from, to, fact) in [
        ("format = 1", "format = 2", "format: 2"),
        ("embedding_size = 16", "embedding_size = 17", "embedding_size is 17"),
        ("embedding_size = 16", "embedding_size = 99999999", "embedding_size"),
        ("logit_scale = ", "logit_scale = nan #", "logit_scale: NaN"),
        ("no_change_logit = ", "no_change_logit = inf #", "no_change_logit: inf"),
        ("image = 32", "image = 0", "vision.image"),
        ("\"vision.onnx\"", "\"../vision.onnx\"", "no file of a bundle"),
        ("[files.\"preprocessor_config.json\"]", "[unknown]", "bundle.toml"),
    ] {
        let folder = product();
        folder.edit("bundle/bundle.toml", from, to);
        inspect(&folder).fails(&["bundle.toml", fact]);
    }
    let folder = product();
    folder.write("bundle/bundle.toml", "");
    inspect(&folder).fails(&["bundle.toml"]);
    fs::remove_file(folder.path("bundle/bundle.toml")).unwrap();
    inspect(&folder).fails(&["bundle", "is this a bundle?"]);
}

#[test]
fn a_model_that_is_no_model_is_refused_even_with_a_fitting_sum() {
    for content in [&b""[..], b"not onnx", &[0xff; 5000], b"\x08\x08"] {
        let folder = product();
        folder.write("bundle/vision.onnx", content);
        sum_again(&folder);
        inspect(&folder).fails(&["vision.onnx"]);
    }
    let folder = product();
    folder.write("bundle/vision.onnx", folder.read("bundle/text.onnx"));
    sum_again(&folder);
    inspect(&folder).fails(&["vision.onnx", "expected an image tower"]);
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let folder = product();
    let weight = first_weight(&tiny::weights(1), "visual_projection.weight");
    folder.write("bundle/vision.onnx", poisoned(folder.read("bundle/vision.onnx"), weight));
    sum_again(&folder);
    inspect(&folder).fails(&["vision.onnx", "visual_projection.weight", "not finite"]);
}

#[test]
fn a_checkpoint_with_weights_that_are_no_numbers_is_not_imported() {
    let folder = Folder::new();
    tiny::checkpoint(&folder.path("hf"), 1);
    let weights = folder.read("hf/model.safetensors");
    let weight = first_weight(&weights, "text_projection.weight");
    folder.write("hf/model.safetensors", poisoned(weights, weight));
    let run = folder.run(&["model", "import", "hf", "-o", "made"]);
    run.fails(&["model.safetensors", "text_projection.weight", "not finite"]);
    assert_eq!(folder.names("."), ["hf"], "nothing half made is left");
}

#[test]
fn a_cut_or_foreign_checkpoint_is_not_imported() {
    let folder = Folder::new();
    tiny::checkpoint(&folder.path("hf"), 1);
    let whole = folder.read("hf/model.safetensors");
    let longer = [&whole[..], &[0; 64]].concat();
    let endless = [&u64::MAX.to_le_bytes()[..], &whole[8..]].concat();
    for content in [&whole[..whole.len() - 1], &whole[..100], &whole[..4], &[], &longer, &endless] {
        folder.write("hf/model.safetensors", content);
        folder.run(&["model", "import", "hf", "-o", "made"]).fails(&["model.safetensors"]);
    }
    assert_eq!(folder.names("."), ["hf"]);
}

#[test]
fn a_tensor_missing_superfluous_or_misshapen_is_named() {
    let whole = tiny::weights(1);
    let tensors = SafeTensors::deserialize(&whole).unwrap();
    let name = "vision_model.encoder.layers.1.mlp.fc1.bias";
    let kept = || tensors.iter().filter(|(tensor, _)| *tensor != name);
    let found = tensors.tensor(name).unwrap();
    let half = TensorView::new(found.dtype(), vec![32], &found.data()[..128]).unwrap();
    let extra = TensorView::new(found.dtype(), vec![64], found.data()).unwrap();
    for tensors in [
        kept().collect::<Vec<_>>(),
        kept().chain([(name, half)]).collect(),
        tensors.iter().chain([("vision_model.extra", extra)]).collect(),
    ] {
        let folder = Folder::new();
        tiny::checkpoint(&folder.path("hf"), 1);
        let bytes = safetensors::serialize(tensors, None::<HashMap<String, String>>).unwrap();
        folder.write("hf/model.safetensors", bytes);
        folder
            .run(&["model", "import", "hf", "-o", "made"])
            .fails(&["model.safetensors", "vision_model."]);
        assert_eq!(folder.names("."), ["hf"]);
    }
}

#[test]
fn what_stands_beside_the_weights_must_fit_them() {
    for (file, from, to, fact) in [
        ("config.json", "\"hidden_size\":32", "\"hidden_size\":48", "shape"),
        ("config.json", "\"projection_dim\":16", "\"projection_dim\":0", "projection_dim"),
        (
            "config.json",
            "\"num_attention_heads\":2",
            "\"num_attention_heads\":5",
            "num_attention_heads",
        ),
        ("config.json", "\"clip\"", "\"bert\"", "model_type"),
        ("config.json", "{", "{{", "config.json"),
        ("vocab.json", "<|endoftext|>", "<|end|>", "vocab.json"),
        ("merges.txt", "t h", "q q", "vocab.json"),
        ("preprocessor_config.json", "\"height\":32", "\"height\":64", "preprocessor_config.json"),
        ("preprocessor_config.json", "\"resample\":3", "\"resample\":0", "resample"),
    ] {
        let folder = Folder::new();
        tiny::checkpoint(&folder.path("hf"), 1);
        folder.edit(&format!("hf/{file}"), from, to);
        folder.run(&["model", "import", "hf", "-o", "made"]).fails(&[fact]);
        assert_eq!(folder.names("."), ["hf"], "{file}: {to}");
    }
}

#[test]
fn a_shard_index_names_only_files_of_its_folder() {
    let folder = Folder::new();
    tiny::checkpoint(&folder.path("hf"), 1);
    fs::rename(folder.path("hf/model.safetensors"), folder.path("outside.safetensors")).unwrap();
    for name in ["../outside.safetensors", "/etc/hostname"] {
        let index = format!("{{\"weight_map\": {{\"logit_scale\": \"{name}\"}}}}");
        folder.write("hf/model.safetensors.index.json", index);
        let run = folder.run(&["model", "import", "hf", "-o", "made"]);
        run.fails(&["must be relative and stay below"]);
    }
}

#[test]
fn the_cache_of_another_model_is_refused() {
    let folder = product();
    fs::remove_dir_all(folder.path("bundle")).unwrap();
    tiny::bundle(&folder.path("bundle"), 2);
    inspect(&folder).fails(&["specs.cache", "made with another model: text tower"]);
}

#[test]
fn thresholds_of_another_image_tower_let_nothing_pass() {
    let folder = product();
    let other = tempfile::tempdir().unwrap();
    let other = tiny::bundle(&other.path().join("bundle"), 2);
    let mut manifest = Bundle::open(&folder.path("bundle")).unwrap().manifest().clone();
    manifest.parity.clone_from(&other.manifest().parity);
    folder.write("bundle/vision.onnx", other.read(FileName::Vision).unwrap());
    folder.write("bundle/bundle.toml", manifest.to_toml().unwrap());
    sum_again(&folder);
    inspect(&folder).exits(2).prints(&["NOT INSPECTED: ", "made with another vision file"]);
}

#[test]
fn inspection_needs_no_text_tower_on_the_box() {
    let folder = product();
    fs::remove_file(folder.path("bundle/text.onnx")).unwrap();
    inspect(&folder).exits(0);
    copy(&folder.path("bundle"), &folder.path("copied"));
    let run = folder.run(&["specs", "embed", "specs.toml", "--model", "copied"]);
    run.fails(&["text.onnx"]);
}
