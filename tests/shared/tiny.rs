//! A CLIP so small that every test run makes its own: a Hugging Face directory with seeded random
//! weights, and the bundle that importing it gives.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use pairspec::clip::{self, Bundle, ImportOptions, RandomWeights, WeightSource};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::json;

const HIDDEN: usize = 32;
const INTERMEDIATE: usize = 64;
const LAYERS: usize = 2;
const IMAGE: usize = 32;
const PATCH: usize = 8;
const CONTEXT: usize = 24;
/// Single bytes, single bytes that end a word, what two merges make, start and end.
const VOCABULARY: usize = 2 * 94 + 4;
/// The content of `merges.txt`.
pub const MERGES: &str = "#version: 0.2\nt h\nth e</w>\n";
/// Values of an embedding.
pub const PROJECTION: usize = 16;
/// The words that the model says it was trained on.
pub const WORDS: [&str; 8] =
    ["the", "surface", "is", "scratched", "mark", "there", "picture", "brighter"];

/// Writes a Hugging Face directory: `config.json`, `model.safetensors`, `vocab.json`, `merges.txt`
/// and `preprocessor_config.json`; the seed decides the weights.
pub fn checkpoint(folder: &Path, seed: u64) {
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in [
        ("config.json", config().into_bytes()),
        ("vocab.json", vocabulary().into_bytes()),
        ("merges.txt", MERGES.into()),
        ("preprocessor_config.json", preprocessor().into_bytes()),
        ("model.safetensors", weights(seed)),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The bundle of that directory.
pub fn bundle(place: &Path, seed: u64) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    checkpoint(folder.path(), seed);
    let options = ImportOptions { name: Some("tiny".to_owned()), ..ImportOptions::default() };
    clip::import(folder.path(), place, &options).unwrap()
}

/// The content of `config.json`.
pub fn config() -> String {
    let tower = |more: serde_json::Value| {
        let mut tower = json!({
            "hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE, "num_hidden_layers": LAYERS,
            "num_attention_heads": 2, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
        });
        tower.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tower
    };
    json!({
        "model_type": "clip",
        "projection_dim": PROJECTION,
        "logit_scale_init_value": 3.0,
        "vision_config": tower(json!({ "image_size": IMAGE, "patch_size": PATCH })),
        "text_config": tower(json!({
            "vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT,
            "eos_token_id": VOCABULARY - 1,
        })),
        "pairspec": { "license": "CC0-1.0", "training_vocabulary": WORDS },
    })
    .to_string()
}

/// The content of `preprocessor_config.json`.
pub fn preprocessor() -> String {
    json!({
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": true, "size": { "shortest_edge": IMAGE }, "resample": 3,
        "do_center_crop": true, "crop_size": { "height": IMAGE, "width": IMAGE },
        "do_rescale": true, "rescale_factor": 0.003_921_568_627,
        "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25],
    })
    .to_string()
}

/// The content of `vocab.json`: printable ASCII, which byte-level BPE writes as itself.
pub fn vocabulary() -> String {
    let bytes = || ('!'..='~').map(String::from);
    let tokens = bytes()
        .chain(bytes().map(|byte| byte + "</w>"))
        .chain(["th", "the</w>", "<|startoftext|>", "<|endoftext|>"].map(str::to_owned));
    let ids: BTreeMap<String, usize> = tokens.enumerate().map(|(id, token)| (token, id)).collect();
    serde_json::to_string(&ids).unwrap()
}

/// The content of `model.safetensors`.
pub fn weights(seed: u64) -> Vec<u8> {
    let mut random = RandomWeights::new(seed);
    let values: Vec<(String, Vec<usize>, Vec<u8>)> = shapes()
        .into_iter()
        .map(|(name, shape)| {
            let values = random.read(&name, &shape).unwrap();
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, shape, bytes)
        })
        .collect();
    let views: Vec<(&str, TensorView)> = values
        .iter()
        .map(|(name, shape, bytes)| {
            (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
        })
        .collect();
    safetensors::serialize(views, None::<HashMap<String, String>>).unwrap()
}

/// Every tensor of transformers' `CLIPModel` with these sizes.
fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
    let tokens = (IMAGE / PATCH) * (IMAGE / PATCH) + 1;
    let embeddings = "vision_model.embeddings";
    add(format!("{embeddings}.class_embedding"), &[HIDDEN]);
    add(format!("{embeddings}.patch_embedding.weight"), &[HIDDEN, 3, PATCH, PATCH]);
    add(format!("{embeddings}.position_embedding.weight"), &[tokens, HIDDEN]);
    let embeddings = "text_model.embeddings";
    add(format!("{embeddings}.token_embedding.weight"), &[VOCABULARY, HIDDEN]);
    add(format!("{embeddings}.position_embedding.weight"), &[CONTEXT, HIDDEN]);
    add("visual_projection.weight".to_owned(), &[PROJECTION, HIDDEN]);
    add("text_projection.weight".to_owned(), &[PROJECTION, HIDDEN]);
    let mut linear = |name: String, outputs: usize, inputs: &[usize]| {
        add(format!("{name}.weight"), &[&[outputs], inputs].concat());
        add(format!("{name}.bias"), &[outputs]);
    };
    for norm in
        ["vision_model.pre_layrnorm", "vision_model.post_layernorm", "text_model.final_layer_norm"]
    {
        linear(norm.to_owned(), HIDDEN, &[]);
    }
    for tower in ["vision_model", "text_model"] {
        for layer in 0..LAYERS {
            let name = format!("{tower}.encoder.layers.{layer}");
            linear(format!("{name}.layer_norm1"), HIDDEN, &[]);
            linear(format!("{name}.layer_norm2"), HIDDEN, &[]);
            for projection in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                linear(format!("{name}.self_attn.{projection}"), HIDDEN, &[HIDDEN]);
            }
            linear(format!("{name}.mlp.fc1"), INTERMEDIATE, &[HIDDEN]);
            linear(format!("{name}.mlp.fc2"), HIDDEN, &[INTERMEDIATE]);
        }
    }
    shapes
}
