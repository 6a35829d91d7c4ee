//! Cut, altered and foreign model files are refused with the file and the fact, never with a panic.

use std::fs;
use std::path::{Path, PathBuf};

use pairspec::clip::{
    Architecture, Bundle, Error, FileName, ImageEncoder, ImportOptions, Manifest, TextEncoder,
    Tokenizer, WeightType, import, onnx, parse_safetensors_header, parse_shard_index,
    random_bundle,
};
use tempfile::TempDir;

/// A golden directory, copied so that it can be damaged.
struct Workplace {
    folder: TempDir,
}

impl Workplace {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/clip").join(name);
        copy(&golden, &folder.path().join("model"));
        Self { folder }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("model").join(file)
    }

    fn edit(&self, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path(file)).unwrap();
        change(&mut bytes);
        fs::write(self.path(file), bytes).unwrap();
    }

    /// Replaces a text by another of the same length, everywhere in a file.
    fn replace(&self, file: &str, from: &str, to: &str) {
        self.edit(file, |bytes| {
            let mut found = 0;
            for start in 0..bytes.len().saturating_sub(from.len()) {
                if bytes[start..].starts_with(from.as_bytes()) {
                    bytes.splice(start..start + from.len(), to.bytes());
                    found += 1;
                }
            }
            assert!(found > 0, "{from} is not in {file}");
        });
    }

    fn import(&self) -> Result<Bundle, Error> {
        let place = self.folder.path().join("bundle");
        import(&self.path(""), &place, &ImportOptions::default())
    }

    /// The message of a failed import, which must leave nothing behind.
    fn refusal(&self) -> String {
        let message = self.import().unwrap_err().to_string();
        let left: Vec<_> = fs::read_dir(self.folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "only the model stays, found {left:?}");
        message
    }

    fn bundle(&self) -> Bundle {
        self.import().unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (source, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap();
        }
    }
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

/// Lengths from nothing to all but one byte, close together at the start.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (0..24).chain((1..24).map(move |part| length * part / 24)).chain([length - 1])
}

/// A small generator of the suite's own: damage must be the same in every run.
struct Damage(u64);

impl Damage {
    fn next(&mut self) -> u64 {
        // Source: SplitMix64, Steele et al. 2014.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn apply(&mut self, bytes: &mut Vec<u8>) {
        let at = self.next() as usize % bytes.len();
        match self.next() % 4 {
            0 => bytes[at] = self.next() as u8,
            1 => bytes[at] ^= 1 << (self.next() % 8),
            2 => bytes.truncate(at),
            _ => {
                let end = (at + self.next() as usize % 64).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
}

#[test]
fn a_cut_checkpoint_is_refused_at_every_length() {
    let place = Workplace::of("vision_only");
    let whole = fs::read(place.path("model.safetensors")).unwrap();
    for length in cuts(whole.len()) {
        fs::write(place.path("model.safetensors"), &whole[..length]).unwrap();
        says(&place.refusal(), &["model.safetensors", "not a usable safetensors file"]);
    }
}

#[test]
fn a_foreign_checkpoint_is_refused() {
    let place = Workplace::of("vision_only");
    fs::write(place.path("model.safetensors"), b"\x89PNG\r\n\x1a\n0123456789").unwrap();
    says(&place.refusal(), &["a header of", "in a file of 18"]);
}

#[test]
fn shapes_that_do_not_fit_the_file_are_refused_before_anything_is_allocated() {
    let place = Workplace::of("vision_only");
    let header =
        br#"{"visual_projection.weight":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    fs::write(place.path("model.safetensors"), file).unwrap();
    says(&place.refusal(), &["0 bytes of tensors", "4398046511104"]);
}

#[test]
fn nan_weights_are_refused_by_name() {
    let place = Workplace::of("vision_only");
    place.edit("model.safetensors", |bytes| {
        let last = bytes.len() - 4;
        bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    says(&place.refusal(), &["tensor ", "is NaN, not finite"]);
}

#[test]
fn missing_superfluous_and_misshaped_tensors_are_refused_by_name() {
    let place = Workplace::of("vision_only");
    place.replace("model.safetensors", "layers.1.mlp.fc1.bias", "layers.1.mlp.fc9.bias");
    says(&place.refusal(), &["vision_model.encoder.layers.1.mlp.fc1.bias", "missing", "[24]"]);

    let place = Workplace::of("vision_only");
    place.replace("config.json", r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 1"#);
    says(&place.refusal(), &["vision_model.encoder.layers.1.", "describes a model without it"]);

    let place = Workplace::of("vision_only");
    place.replace("config.json", r#""intermediate_size": 24"#, r#""intermediate_size": 25"#);
    says(&place.refusal(), &["mlp.fc1", "[24", "config.json asks for [25"]);
}

#[test]
fn shards_outside_the_directory_are_refused() {
    for trick in ["../del-00003-of-00003.safetensors", "/odel-00003-of-00003.safetensors"] {
        let place = Workplace::of("sharded_bf16");
        let (from, index) = ("model-00003-of-00003.safetensors", "model.safetensors.index.json");
        place.replace(index, from, trick);
        says(&place.refusal(), &[trick, "must be relative and stay below"]);
    }
}

#[test]
fn an_index_that_disagrees_with_its_shards_is_refused() {
    let place = Workplace::of("sharded_bf16");
    place.replace("model.safetensors.index.json", "of-00003", "of-00009");
    says(&place.refusal(), &["of-00009.safetensors", "cannot open"]);

    let place = Workplace::of("sharded_bf16");
    place.replace("model.safetensors.index.json", r#""logit_scale""#, r#""logit_skale""#);
    says(&place.refusal(), &["logit_skale", "which does not hold it"]);
}

#[test]
fn configurations_of_other_models_are_refused_by_key() {
    for (from, to, parts) in [
        ("clip_vision_model", "clap_vision_model", ["model_type", "clap_vision_model"]),
        (r#""gelu""#, r#""silu""#, ["hidden_act", "silu"]),
        (r#""num_attention_heads": 2"#, r#""num_attention_heads": 3"#, ["heads", "divisor of"]),
        (r#""patch_size": 5"#, r#""patch_size": 0"#, ["patch_size", "0, expected"]),
        (r#""image_size": 20"#, r#""image_size": 21"#, ["preprocessor_config.json", "20x20"]),
    ] {
        let place = Workplace::of("vision_only");
        place.replace("config.json", from, to);
        says(&place.refusal(), &parts);
    }
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let place = Workplace::of("text_only");
    place.replace("config.json", r#""eos_token_id": 53"#, r#""eos_token_id": 51"#);
    says(&place.refusal(), &["eos_token_id", "51", "ends sentences with 53"]);

    let place = Workplace::of("text_only");
    fs::write(place.path("vocab.json"), r#"{"a": 0}"#).unwrap();
    says(&place.refusal(), &["vocab.json", "<|startoftext|>"]);

    let place = Workplace::of("text_only");
    fs::remove_file(place.path("merges.txt")).unwrap();
    says(&place.refusal(), &["tokenizer.json, nor vocab.json with merges.txt"]);
}

#[test]
fn a_directory_that_holds_no_model_is_refused() {
    let place = Workplace::of("vision_only");
    fs::remove_file(place.path("model.safetensors")).unwrap();
    says(&place.refusal(), &["model.safetensors, nor vision_model.onnx"]);
    fs::remove_file(place.path("config.json")).unwrap();
    says(&place.refusal(), &["config.json", "Hugging Face"]);
}

#[test]
fn external_data_outside_the_directory_is_refused() {
    let place = Workplace::of("ready_optimum_external");
    place.replace("vision_model.onnx", "vision_model.onnx_data", "../ion_model.onnx_data");
    says(&place.refusal(), &["../ion_model.onnx_data", "must be relative and stay below"]);
}

#[cfg(unix)]
#[test]
fn external_data_behind_a_link_that_leaves_the_directory_is_refused() {
    let place = Workplace::of("ready_optimum_external");
    let outside = tempfile::tempdir().unwrap();
    let moved = outside.path().join("data");
    fs::rename(place.path("vision_model.onnx_data"), &moved).unwrap();
    std::os::unix::fs::symlink(&moved, place.path("vision_model.onnx_data")).unwrap();
    says(&place.refusal(), &["vision_model.onnx_data", "stay below"]);
}

#[test]
fn cut_external_data_is_refused_by_tensor() {
    let place = Workplace::of("ready_optimum_external");
    place.edit("vision_model.onnx_data", |bytes| bytes.truncate(bytes.len() / 2));
    says(&place.refusal(), &["vision_model.onnx", "tensor ", "vision_model.onnx_data, which has"]);
}

#[test]
fn a_cut_export_is_refused_at_every_length() {
    let place = Workplace::of("ready_transformersjs_14");
    let file = "onnx/vision_model.onnx";
    let whole = fs::read(place.path(file)).unwrap();
    for length in cuts(whole.len()) {
        fs::write(place.path(file), &whole[..length]).unwrap();
        says(&place.refusal(), &["vision_model.onnx"]);
    }
}

#[test]
fn a_place_that_is_taken_is_left_alone() {
    let place = Workplace::of("vision_only");
    let taken = place.folder.path().join("bundle");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("precious"), "x").unwrap();
    says(&place.import().unwrap_err().to_string(), &["bundle", "exists already"]);
    assert_eq!(fs::read(taken.join("precious")).unwrap(), b"x");
}

#[test]
fn an_altered_file_of_a_bundle_is_refused_and_fails_verification() {
    let place = Workplace::of("quick_gelu");
    let bundle = place.bundle();
    for file in bundle.manifest().files.keys() {
        let path = bundle.path(*file);
        let whole = fs::read(&path).unwrap();
        let mut altered = whole.clone();
        altered[whole.len() / 2] ^= 1;
        fs::write(&path, altered).unwrap();
        says(&bundle.read(*file).unwrap_err().to_string(), &[file.as_str(), "was altered"]);
        let failed = bundle.verify().into_iter().filter(|check| check.outcome.is_err()).count();
        assert!(failed >= 1, "{file}");
        fs::write(&path, whole).unwrap();
    }
    assert!(bundle.verify().iter().all(|check| check.outcome.is_ok()));
}

#[test]
fn opening_reads_only_the_files_it_needs() {
    let place = Workplace::of("quick_gelu");
    let bundle = place.bundle();
    for file in [FileName::Text, FileName::Tokenizer] {
        fs::write(bundle.path(file), "damaged").unwrap();
    }
    ImageEncoder::open(&bundle, None).unwrap();
    assert!(matches!(TextEncoder::open(&bundle, None), Err(Error::Altered { .. })));
}

#[test]
fn a_machine_that_computes_something_else_is_noticed() {
    let place = Workplace::of("quick_gelu");
    let bundle = place.bundle();
    let mut manifest = bundle.manifest().clone();
    manifest.parity[0].embedding[3] += 0.05;
    let path = bundle.folder().join(Bundle::MANIFEST);
    fs::write(&path, manifest.to_toml().unwrap()).unwrap();
    let bundle = Bundle::open(bundle.folder()).unwrap();
    let error = bundle.check_parity(FileName::Vision).unwrap_err();
    says(&error.to_string(), &["vision.onnx", "parity vector 0", "expected at least 0.99999"]);
    bundle.check_parity(FileName::Text).unwrap();

    manifest.parity.clear();
    fs::write(&path, manifest.to_toml().unwrap()).unwrap();
    let bundle = Bundle::open(bundle.folder()).unwrap();
    says(&bundle.check_parity(FileName::Text).unwrap_err().to_string(), &["nothing shows"]);
}

#[test]
fn manifests_that_contradict_themselves_are_refused_by_key() {
    let place = Workplace::of("quick_gelu");
    let text = place.bundle().manifest().to_toml().unwrap();
    Manifest::from_toml(&text, "bundle.toml").unwrap();
    for (from, to, part) in [
        ("format = 1", "format = 2", "format: 2, this version reads 1"),
        ("license = ", "licence = ", "unknown field `licence`"),
        ("embedding_size = 8", "embedding_size = 9", "embedding_size is 9"),
        ("embedding_size = 8", "embedding_size = 99999999", "embedding_size: 99999999"),
        ("image = 16", "image = 0", "vision.image"),
        ("context = 12", "context = 99999", "text.context"),
        ("[files.\"vision.onnx\"]", "[files.\"../../vision.onnx\"]", "no file of a bundle"),
        (
            "[files.\"tokenizer.json\"]",
            "[files.\"text.int8.onnx\"]",
            "tokenizer.json is not listed",
        ),
        ("sha256 = \"", "sha256 = \"zz", "expected 64 digits"),
        ("seed = 1", "", "expected seed for an image tower"),
        ("no_change_logit = 0.0", "no_change_logit = nan", "no_change_logit: NaN"),
        ("logit_scale = ", "logit_scale = -", "logit_scale: -"),
    ] {
        assert!(text.contains(from), "{from}");
        let message = Manifest::from_toml(&text.replacen(from, to, 1), "bundle.toml");
        says(&message.unwrap_err().to_string(), &["bundle.toml", part]);
    }
    for length in cuts(text.len()) {
        assert!(Manifest::from_toml(&text[..length], "t").is_err() || length > text.len() - 100);
    }
}

#[test]
fn inputs_that_a_model_cannot_take_are_refused() {
    let place = Workplace::of("quick_gelu");
    let bundle = place.bundle();
    let images = ImageEncoder::open(&bundle, None).unwrap();
    let size = images.tensor_len();
    assert!(images.encode(&[], 0).unwrap().is_empty());
    let error = images.encode(&vec![0.0; size - 1], 1).unwrap_err();
    assert!(matches!(error, Error::Input { expected, .. } if expected == size), "{error}");
    let mut batch = vec![0.0; 3 * size];
    batch[2 * size + 5] = f32::NAN;
    let error = images.encode(&batch, 3).unwrap_err();
    assert!(matches!(error, Error::NotFinite { index: 2, .. }), "{error}");
    let two = std::num::NonZero::new(2).unwrap();
    let error = images.clone().with_threads(two).encode(&batch, 3).unwrap_err();
    assert!(matches!(error, Error::NotFinite { index: 2, .. }), "{error}");

    let texts = TextEncoder::open(&bundle, None).unwrap();
    let error = texts.encode_ids(&[vec![52, 53], vec![52, 54, 53]]).unwrap_err();
    assert!(matches!(error, Error::TokenId { id: 54, vocabulary: 54, .. }), "{error}");
    assert!(matches!(texts.encode_ids(&[vec![]]), Err(Error::Input { .. })));
    assert!(matches!(texts.encode_ids(&[vec![1; 13]]), Err(Error::Input { expected: 12, .. })));
    assert!(images.encode(&vec![0.0; size], 1).is_ok());
}

#[test]
fn int8_is_refused_where_there_is_none() {
    let place = Workplace::of("vision_only");
    let int8 = Some(pairspec::clip::Precision::Int8);
    let error = ImageEncoder::open(&place.bundle(), int8).unwrap_err();
    says(&error.to_string(), &["vision.int8.onnx", "pairspec quantize"]);
}

#[test]
fn random_bundles_are_the_same_for_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str, seed| {
        let place = folder.path().join(name);
        random_bundle(Architecture::TinyClipVit8M16, seed, WeightType::Float16, &place).unwrap()
    };
    let (first, again, other) = (made("a", 7), made("b", 7), made("c", 8));
    assert_eq!(first.manifest().files, again.manifest().files);
    assert_ne!(first.sha256(FileName::Vision), other.sha256(FileName::Vision));
    let encoder = TextEncoder::open(&first, None).unwrap();
    let found = encoder.encode(&["a missing hole", "a missing pad", "\u{57fa}\u{677f}"]).unwrap();
    assert!(found.iter().all(|embedding| embedding.values().len() == 512));
    assert_ne!(found[0], found[1]);
}

#[test]
fn damaged_bytes_never_make_a_reader_panic() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let read = |path: &str| fs::read(golden.join(path)).unwrap();
    let checkpoint = read("clip/text_only/model.safetensors");
    let length = u64::from_le_bytes(checkpoint[..8].try_into().unwrap()) as usize;
    let manifest = Workplace::of("quick_gelu").bundle().manifest().to_toml().unwrap();
    type Read<'a> = &'a dyn Fn(&[u8]);
    let readers: [(Vec<u8>, Read<'_>); 6] = [
        (read("clip/quick_gelu/config.json"), &|bytes| {
            let _ = pairspec::clip::Config::from_json(bytes, "x");
        }),
        (checkpoint[8..8 + length].to_vec(), &|bytes| {
            let _ = parse_safetensors_header(bytes, 1000, "x");
        }),
        (read("clip/sharded_bf16/model.safetensors.index.json"), &|bytes| {
            let _ = parse_shard_index(bytes, "x");
        }),
        (read("clip/ready_transformersjs_14/onnx/text_model.onnx"), &|bytes| {
            let _ = onnx::parse_model(bytes, "x").map(onnx::half_weights_widened);
        }),
        (manifest.into_bytes(), &|bytes| {
            let _ = Manifest::from_toml(&String::from_utf8_lossy(bytes), "x");
        }),
        (read("clip/legacy_fp16/tokenizer.json"), &|bytes| {
            let _ = Tokenizer::from_bundle_json(bytes, "x");
        }),
    ];
    for (index, (whole, reader)) in readers.iter().enumerate() {
        let mut damage = Damage(index as u64);
        for _ in 0..200 {
            let mut bytes = whole.clone();
            for _ in 0..=damage.next() % 3 {
                damage.apply(&mut bytes);
            }
            reader(&bytes);
        }
    }
}

#[test]
fn damaged_exports_are_imported_or_refused_but_nothing_panics() {
    let place = Workplace::of("ready_transformersjs_14");
    fs::remove_file(place.path("onnx/text_model.onnx")).unwrap();
    let whole = fs::read(place.path("onnx/vision_model.onnx")).unwrap();
    let mut damage = Damage(99);
    for _ in 0..60 {
        let mut bytes = whole.clone();
        damage.apply(&mut bytes);
        fs::write(place.path("onnx/vision_model.onnx"), bytes).unwrap();
        if let Ok(bundle) = place.import() {
            fs::remove_dir_all(bundle.folder()).unwrap();
        }
    }
}
