//! A trained CLIP as a Hugging Face directory.
//!
//! Owns the five files that `pairspec model import` and transformers read: configuration, weights,
//! tokenizer, preprocessor, and what transformers wants to know about the tokenizer.

use std::path::Path;

use pairspec::clip::{Activation, TowerConfig};
use pairspec::files;
use serde_json::{Map, Value, json};

use crate::model::{Clip, END, LOGIT_SCALE, NO_CHANGE_LOGIT, START};

/// What a directory says beside the weights.
#[derive(Debug, Clone)]
pub(crate) struct Card<'a> {
    pub(crate) name: &'a str,
    pub(crate) license: &'a str,
    pub(crate) provenance: &'a str,
    /// Every word seen in training; none where nobody knows them all.
    pub(crate) vocabulary: Option<&'a [String]>,
    /// Matrices in fp16: half the size.
    pub(crate) half: bool,
}

/// Writes the directory, each file whole or not at all, the configuration last.
///
/// # Errors
/// What kept a file from being written.
pub(crate) fn write(folder: &Path, model: &Clip, card: &Card<'_>) -> anyhow::Result<()> {
    let Clip { vision, text, tokenizer, preprocess, parameters, .. } = model;
    std::fs::create_dir_all(folder).map_err(files::Error::io(folder, "create"))?;
    let projection = parameters.get("text_projection.weight")?.dim(0)?;
    let mut extra = Map::new();
    extra.insert("name".to_owned(), json!(card.name));
    extra.insert("license".to_owned(), json!(card.license));
    extra.insert("provenance".to_owned(), json!(card.provenance));
    extra.insert("no_change_logit".to_owned(), json!(parameters.scalar(NO_CHANGE_LOGIT)?));
    if let Some(words) = card.vocabulary {
        extra.insert("training_vocabulary".to_owned(), json!(words));
    }
    let (start, end) = (tokenizer.start_id(), tokenizer.end_id());
    let mut of_vision = tower(&vision.tower);
    of_vision.insert("image_size".to_owned(), json!(vision.image));
    of_vision.insert("patch_size".to_owned(), json!(vision.patch));
    of_vision.insert("projection_dim".to_owned(), json!(projection));
    of_vision.insert("model_type".to_owned(), json!("clip_vision_model"));
    let mut of_text = tower(&text.tower);
    of_text.insert("vocab_size".to_owned(), json!(text.vocabulary));
    of_text.insert("max_position_embeddings".to_owned(), json!(text.context));
    of_text.insert("projection_dim".to_owned(), json!(projection));
    of_text.insert("bos_token_id".to_owned(), json!(start));
    of_text.insert("eos_token_id".to_owned(), json!(end));
    of_text.insert("pad_token_id".to_owned(), json!(end));
    of_text.insert("model_type".to_owned(), json!("clip_text_model"));
    let config = json!({
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": projection,
        "logit_scale_init_value": parameters.scalar(LOGIT_SCALE)?,
        "vision_config": of_vision,
        "text_config": of_text,
        "pairspec": extra,
    });
    let tokens = json!({
        "tokenizer_class": "CLIPTokenizer",
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
        "model_max_length": text.context,
    });
    parameters.write(&folder.join("model.safetensors"), card.half)?;
    let text_file =
        |name: &str, content: String| files::write(&folder.join(name), content.as_bytes());
    text_file("tokenizer.json", tokenizer.to_json()?)?;
    text_file("tokenizer_config.json", serde_json::to_string_pretty(&tokens)?)?;
    text_file("preprocessor_config.json", preprocess.to_json())?;
    text_file("config.json", serde_json::to_string_pretty(&config)?)?;
    Ok(())
}

fn tower(config: &TowerConfig) -> Map<String, Value> {
    let activation = match config.activation {
        Activation::QuickGelu => "quick_gelu",
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_pytorch_tanh",
    };
    let all = [
        ("hidden_size", json!(config.hidden)),
        ("intermediate_size", json!(config.intermediate)),
        ("num_hidden_layers", json!(config.layers)),
        ("num_attention_heads", json!(config.heads)),
        ("hidden_act", json!(activation)),
        ("layer_norm_eps", json!(config.layer_norm_eps)),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
