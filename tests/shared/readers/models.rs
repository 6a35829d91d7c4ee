//! Readers of models: what a Hugging Face directory holds, and what a bundle holds.

use std::fs;
use std::path::{Path, PathBuf};

use pairspec::clip::{
    Bundle, Checkpoint, Config, FileName, ImageEncoder, Manifest, Tokenizer, WeightSource, onnx,
    parity_pixels, parse_safetensors_header, parse_shard_index,
};
use pairspec::files;
use pairspec::frame::{Frame, Pixels, Preprocess};

use super::Reader;
use crate::shared::tiny;

const INDEX: &str = r#"{"metadata": {"total_size": 12}, "weight_map": {
    "logit_scale": "model-00001-of-00002.safetensors",
    "visual_projection.weight": "model-00002-of-00002.safetensors"}}"#;

pub(super) fn readers(folder: &Path) -> Vec<Reader> {
    let bundle = folder.join("bundle");
    let seed = tiny::bundle(&bundle, 1);
    let read = |file: FileName| seed.read(file).unwrap();
    let manifest = fs::read(bundle.join(Bundle::MANIFEST)).unwrap();
    vec![
        Reader::new("bundle.toml", vec![manifest], |bytes| {
            let text = std::str::from_utf8(bytes).ok();
            text.is_some_and(|text| Manifest::from_toml(text, "bundle.toml").is_ok())
        }),
        bundle_file(&bundle, FileName::Vision),
        bundle_file(&bundle, FileName::Tokenizer),
        Reader::new("ONNX", vec![read(FileName::Vision), read(FileName::Text)], |bytes| {
            onnx::parse_model(bytes, "onnx").is_ok()
        }),
        engine(&folder.join("engine")),
        Reader::new("tokenizer.json", vec![read(FileName::Tokenizer)], |bytes| {
            Tokenizer::from_bundle_json(bytes, "tokenizer").is_ok_and(|it| encodes(&it))
        }),
        Reader::new("vocab.json", vec![tiny::vocabulary().into()], |bytes| {
            let found = Tokenizer::from_vocab_and_merges(bytes, tiny::MERGES.as_bytes(), "vocab");
            found.is_ok_and(|it| encodes(&it))
        }),
        Reader::new("merges.txt", vec![tiny::MERGES.into()], |bytes| {
            let vocabulary = tiny::vocabulary();
            let found = Tokenizer::from_vocab_and_merges(vocabulary.as_bytes(), bytes, "merges");
            found.is_ok_and(|it| encodes(&it))
        }),
        Reader::new("config.json", vec![tiny::config().into()], |bytes| {
            Config::from_json(bytes, "config").is_ok()
        }),
        Reader::new("preprocessor_config.json", vec![tiny::preprocessor().into()], |bytes| {
            Preprocess::from_json(bytes, "preprocessor").is_ok_and(|it| prepares(&it))
        }),
        Reader::new("shard index", vec![INDEX.into()], |bytes| {
            parse_shard_index(bytes, "index").is_ok()
        }),
        safetensors_header(),
        checkpoint(&folder.join("checkpoint")),
    ]
}

/// A file of a bundle, whose sum is in `bundle.toml`.
fn bundle_file(folder: &Path, file: FileName) -> Reader {
    let copy = folder.with_extension(file.as_str());
    fs::create_dir_all(&copy).unwrap();
    fs::copy(folder.join(Bundle::MANIFEST), copy.join(Bundle::MANIFEST)).unwrap();
    let seed = fs::read(folder.join(file.as_str())).unwrap();
    let name = if file.is_vision() { "bundled vision.onnx" } else { "bundled tokenizer.json" };
    let mut reader = Reader::new(name, vec![seed], move |bytes| {
        fs::write(copy.join(file.as_str()), bytes).unwrap();
        Bundle::open(&copy).unwrap().read(file).is_ok()
    });
    reader.is_summed = true;
    reader
}

/// A model whose sum fits, as after an import: what the engine makes of it must not be a panic.
fn engine(folder: &Path) -> Reader {
    let bundle = tiny::bundle(folder, 1);
    let (folder, seed) = (folder.to_owned(), bundle.read(FileName::Vision).unwrap());
    let manifest = bundle.manifest().clone();
    let mut reader = Reader::new("ONNX in the engine", vec![seed], move |bytes| {
        let mut manifest = manifest.clone();
        let record = manifest.files.get_mut(&FileName::Vision).unwrap();
        (record.sha256, record.bytes) = (files::sha256(bytes), bytes.len() as u64);
        fs::write(folder.join(FileName::Vision.as_str()), bytes).unwrap();
        fs::write(folder.join(Bundle::MANIFEST), manifest.to_toml().unwrap()).unwrap();
        let encoder = ImageEncoder::open(&Bundle::open(&folder).unwrap(), None);
        let Ok(encoder) = encoder else { return false };
        let Ok(found) = encoder.encode(&parity_pixels(1, encoder.tensor_len()), 1) else {
            return false;
        };
        assert!(found[0].values().iter().all(|value| value.is_finite()));
        assert_eq!(found[0].values().len(), tiny::PROJECTION);
        true
    });
    reader.every = 20;
    reader
}

fn safetensors_header() -> Reader {
    let bytes = tiny::weights(1);
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let data = (bytes.len() - 8 - length) as u64;
    Reader::new("safetensors header", vec![bytes[8..8 + length].to_vec()], move |header| {
        parse_safetensors_header(header, data, "header").is_ok()
    })
}

/// A whole file of weights, of which tensors are read.
fn checkpoint(folder: &Path) -> Reader {
    tiny::checkpoint(folder, 1);
    let path: PathBuf = folder.join("model.safetensors");
    let folder = folder.to_owned();
    Reader::new("model.safetensors", vec![fs::read(&path).unwrap()], move |bytes| {
        fs::write(&path, bytes).unwrap();
        let Ok(mut checkpoint) = Checkpoint::open(&folder) else { return false };
        let read = checkpoint.read("visual_projection.weight", &[tiny::PROJECTION, 32]);
        read.is_ok_and(|values| values.iter().all(|value| value.is_finite()))
    })
}

fn encodes(tokenizer: &Tokenizer) -> bool {
    let Ok(ids) = tokenizer.encode("the surface is scratched, isn't it?", 16) else { return false };
    assert!((2..=16).contains(&ids.len()), "{ids:?}");
    assert!(ids.iter().all(|id| (*id as usize) < tokenizer.id_bound()), "{ids:?}");
    true
}

fn prepares(preprocess: &Preprocess) -> bool {
    // Larger tensors are legal and only slow.
    if preprocess.tensor_len() > 3 * 256 * 256 {
        return true;
    }
    let frame = Frame::new(Pixels::Gray(image::GrayImage::new(40, 36)), 8, "frame").unwrap();
    let mut tensor = vec![0.0; preprocess.tensor_len()];
    preprocess.write(&frame, &mut tensor).is_ok_and(|()| tensor.iter().all(|it| it.is_finite()))
}
