use serde_json::{Map, Value};

use super::Error;

/// The largest hidden size, patch, sequence or vocabulary accepted: far above any CLIP, and small
/// enough that products of a few of them cannot overflow.
const MAX_SIZE: u64 = 1 << 20;

/// What a Hugging Face `config.json` says about a CLIP model.
///
/// Missing keys take the defaults of transformers' `CLIPConfig`, `CLIPVisionConfig` and
/// `CLIPTextConfig`; the legacy `vision_config_dict` and `text_config_dict` win over
/// `vision_config` and `text_config`, as they do there.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The image tower, when the directory describes one.
    pub vision: Option<VisionConfig>,
    /// The text tower, when the directory describes one.
    pub text: Option<TextConfig>,
    /// Length of an embedding.
    pub projection: usize,
    /// Initial logarithm of the logit scale, used when the weights hold none.
    pub logit_scale_init: f32,
    /// What this project's own training adds, from the key `pairspec`.
    pub extra: Extra,
}

/// The transformer that both towers share.
#[derive(Debug, Clone, PartialEq)]
pub struct TowerConfig {
    /// Width of a token.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub intermediate: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads; divides `hidden`.
    pub heads: usize,
    /// The feed-forward part's activation.
    pub activation: Activation,
    /// Added to the variance in every LayerNorm of the tower.
    pub layer_norm_eps: f32,
}

/// The image tower.
#[derive(Debug, Clone, PartialEq)]
pub struct VisionConfig {
    /// Its transformer.
    pub tower: TowerConfig,
    /// Edge of the square input, pixels.
    pub image: usize,
    /// Edge of a patch, pixels; at most `image`.
    pub patch: usize,
}

/// The text tower.
#[derive(Debug, Clone, PartialEq)]
pub struct TextConfig {
    /// Its transformer.
    pub tower: TowerConfig,
    /// Token ids are below this.
    pub vocabulary: usize,
    /// The longest sequence, start and end tokens included.
    pub context: usize,
    /// Where the sentence's embedding is taken.
    pub pooling: Pooling,
}

/// The activations CLIP checkpoints use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x * sigmoid(1.702 x)`, OpenAI's checkpoints.
    QuickGelu,
    /// `x / 2 * (1 + erf(x / sqrt(2)))`.
    Gelu,
    /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`.
    GeluTanh,
}

/// Which token's state becomes the sentence's embedding.
///
/// Source: transformers, `CLIPTextTransformer.forward`: configurations with the historical
/// `eos_token_id = 2` pool at the largest id, others at the first end token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The first of the largest ids.
    LargestId,
    /// The first occurrence of this id.
    FirstOf(i64),
}

/// What this project's training writes beside the usual keys, under `"pairspec": {...}`.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extra {
    /// A name for the bundle.
    pub name: Option<String>,
    /// The licence of the weights, an SPDX expression.
    pub license: Option<String>,
    /// How the weights came to be.
    pub provenance: Option<String>,
    /// The learned logit of "nothing changed".
    pub no_change_logit: Option<f32>,
    /// Every word seen in training, lower case.
    pub training_vocabulary: Option<Vec<String>>,
}

impl VisionConfig {
    /// Patches along one edge; a remainder at the right and bottom is not looked at.
    pub fn grid(&self) -> usize {
        self.image / self.patch
    }

    /// Tokens of an image: the class token and its patches.
    pub fn tokens(&self) -> usize {
        self.grid() * self.grid() + 1
    }
}

impl Config {
    /// Parses the content of a `config.json`; `origin` names the file in messages.
    ///
    /// # Errors
    /// [`Error::Syntax`] and [`Error::Config`], the latter naming the key.
    pub fn from_json(bytes: &[u8], origin: &str) -> Result<Self, Error> {
        let root: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| {
            Error::Syntax { origin: origin.to_owned(), reason: error.to_string() }
        })?;
        let root = Section { origin, name: "", values: root };
        match root.model_type()?.as_str() {
            "clip" => Self::both(&root),
            "clip_vision_model" => Self::vision_only(root),
            "clip_text_model" => Self::text_only(root),
            found => Err(root.error(
                "model_type",
                format!("{found:?}, expected clip, clip_vision_model or clip_text_model"),
            )),
        }
    }

    fn both(root: &Section) -> Result<Self, Error> {
        let vision = root.subsection("vision_config")?;
        let text = root.subsection("text_config")?;
        Ok(Self {
            vision: Some(VisionConfig::new(&vision)?),
            text: Some(TextConfig::new(&text)?),
            projection: root.size("projection_dim", 512)?,
            logit_scale_init: root.number("logit_scale_init_value", 2.6592)?,
            extra: root.extra()?,
        })
    }

    fn vision_only(root: Section) -> Result<Self, Error> {
        // A vision-only directory keeps its keys at the top, or a full CLIP configuration's below.
        let section = if root.values.contains_key("vision_config") {
            root.subsection("vision_config")?
        } else {
            root.clone()
        };
        Ok(Self {
            vision: Some(VisionConfig::new(&section)?),
            text: None,
            projection: section.size("projection_dim", 512)?,
            logit_scale_init: 2.6592,
            extra: root.extra()?,
        })
    }

    fn text_only(root: Section) -> Result<Self, Error> {
        let section = if root.values.contains_key("text_config") {
            root.subsection("text_config")?
        } else {
            root.clone()
        };
        Ok(Self {
            vision: None,
            text: Some(TextConfig::new(&section)?),
            projection: section.size("projection_dim", 512)?,
            logit_scale_init: 2.6592,
            extra: root.extra()?,
        })
    }
}

impl VisionConfig {
    fn new(section: &Section) -> Result<Self, Error> {
        let tower = TowerConfig::new(section, [768, 3072, 12, 12])?;
        let channels = section.size("num_channels", 3)?;
        if channels != 3 {
            return Err(section.error("num_channels", format!("{channels}, only 3 is supported")));
        }
        let image = section.size("image_size", 224)?;
        let patch = section.size("patch_size", 32)?;
        if patch > image || image > 4096 {
            let reason =
                format!("{patch} for an image of {image}, expected patch <= image <= 4096");
            return Err(section.error("patch_size", reason));
        }
        Ok(Self { tower, image, patch })
    }
}

impl TextConfig {
    fn new(section: &Section) -> Result<Self, Error> {
        let tower = TowerConfig::new(section, [512, 2048, 12, 8])?;
        let context = section.size("max_position_embeddings", 77)?;
        if !(2..=4096).contains(&context) {
            let reason = format!("{context}, expected 2 to 4096");
            return Err(section.error("max_position_embeddings", reason));
        }
        let vocabulary = section.size("vocab_size", 49_408)?;
        let pooling = match section.values.get("eos_token_id") {
            None => Pooling::FirstOf(49_407),
            Some(value) => match value.as_i64() {
                Some(2) => Pooling::LargestId,
                Some(id) if id >= 0 && (id as u64) < vocabulary as u64 => Pooling::FirstOf(id),
                _ => {
                    let reason = format!("{value}, expected an id below vocab_size {vocabulary}");
                    return Err(section.error("eos_token_id", reason));
                }
            },
        };
        Ok(Self { tower, vocabulary, context, pooling })
    }
}

impl TowerConfig {
    /// `defaults` are hidden, intermediate, layers and heads.
    fn new(section: &Section, defaults: [u64; 4]) -> Result<Self, Error> {
        let hidden = section.size("hidden_size", defaults[0])?;
        let heads = section.size("num_attention_heads", defaults[3])?;
        if hidden % heads != 0 {
            let reason = format!("{heads}, expected a divisor of hidden_size {hidden}");
            return Err(section.error("num_attention_heads", reason));
        }
        let layers = section.size("num_hidden_layers", defaults[2])?;
        if layers > 1000 {
            return Err(section.error("num_hidden_layers", format!("{layers}, at most 1000")));
        }
        let layer_norm_eps = section.number("layer_norm_eps", 1e-5)?;
        if !(0.0..1.0).contains(&layer_norm_eps) {
            return Err(
                section.error("layer_norm_eps", format!("{layer_norm_eps}, expected 0 to 1"))
            );
        }
        Ok(Self {
            hidden,
            intermediate: section.size("intermediate_size", defaults[1])?,
            layers,
            heads,
            activation: section.activation()?,
            layer_norm_eps,
        })
    }
}

/// One JSON object of the file and what to call it in messages.
#[derive(Clone)]
struct Section<'a> {
    origin: &'a str,
    name: &'static str,
    values: Map<String, Value>,
}

impl Section<'_> {
    /// `vision_config`, or `vision_config_dict` where that is given: transformers completes the
    /// latter with defaults and lets every one of its values win.
    fn subsection(&self, name: &'static str) -> Result<Self, Error> {
        let mut values = Map::new();
        for key in [name.to_owned(), format!("{name}_dict")] {
            match self.values.get(&key) {
                None | Some(Value::Null) => {}
                Some(Value::Object(found)) => values = found.clone(),
                Some(found) => return Err(self.error(&key, format!("{found}, expected an object"))),
            }
        }
        Ok(Self { origin: self.origin, name, values })
    }

    fn model_type(&self) -> Result<String, Error> {
        match self.values.get("model_type") {
            Some(Value::String(found)) => Ok(found.clone()),
            Some(found) => Err(self.error("model_type", format!("{found}, expected a text"))),
            None => {
                Err(self.error("model_type", "missing; is this the config.json of a CLIP model?"))
            }
        }
    }

    fn size(&self, key: &str, default: u64) -> Result<usize, Error> {
        let value = match self.values.get(key) {
            None | Some(Value::Null) => default,
            // transformers writes square sizes as [size, size] too.
            Some(Value::Array(pair)) if pair.len() == 2 && pair[0] == pair[1] => {
                pair[0].as_u64().unwrap_or(0)
            }
            Some(value) => value.as_u64().unwrap_or(0),
        };
        if (1..=MAX_SIZE).contains(&value) {
            return Ok(value as usize);
        }
        let found = self.values.get(key).unwrap_or(&Value::Null);
        Err(self.error(key, format!("{found}, expected a whole number from 1 to {MAX_SIZE}")))
    }

    fn number(&self, key: &str, default: f64) -> Result<f32, Error> {
        let found = match self.values.get(key) {
            None | Some(Value::Null) => return Ok(default as f32),
            Some(found) => found,
        };
        match found.as_f64() {
            Some(value) if (value as f32).is_finite() => Ok(value as f32),
            _ => Err(self.error(key, format!("{found}, expected a finite number"))),
        }
    }

    fn activation(&self) -> Result<Activation, Error> {
        match self.values.get("hidden_act") {
            None | Some(Value::Null) => Ok(Activation::QuickGelu),
            Some(Value::String(name)) if name == "quick_gelu" => Ok(Activation::QuickGelu),
            Some(Value::String(name)) if name == "gelu" => Ok(Activation::Gelu),
            Some(Value::String(name)) if name == "gelu_pytorch_tanh" || name == "gelu_new" => {
                Ok(Activation::GeluTanh)
            }
            Some(found) => {
                let known = "quick_gelu, gelu, gelu_pytorch_tanh or gelu_new";
                Err(self.error("hidden_act", format!("{found}, expected {known}")))
            }
        }
    }

    fn extra(&self) -> Result<Extra, Error> {
        let Some(found) = self.values.get("pairspec") else { return Ok(Extra::default()) };
        let extra: Extra = serde_json::from_value(found.clone())
            .map_err(|error| self.error("pairspec", error.to_string()))?;
        if extra.no_change_logit.is_some_and(|logit| !logit.is_finite()) {
            return Err(self.error("pairspec.no_change_logit", "not a finite number"));
        }
        Ok(extra)
    }

    fn error(&self, key: &str, reason: impl Into<String>) -> Error {
        let key =
            if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        Error::Config { origin: self.origin.to_owned(), key, reason: reason.into() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Error> {
        Config::from_json(text.as_bytes(), "config.json")
    }

    #[test]
    fn missing_keys_take_the_defaults_of_transformers() {
        let config = parse(r#"{"model_type": "clip"}"#).unwrap();
        let (vision, text) = (config.vision.unwrap(), config.text.unwrap());
        assert_eq!((vision.image, vision.patch, vision.tokens()), (224, 32, 50));
        assert_eq!((vision.tower.hidden, vision.tower.heads, vision.tower.layers), (768, 12, 12));
        assert_eq!((text.tower.hidden, text.tower.heads, text.tower.layers), (512, 8, 12));
        assert_eq!((text.vocabulary, text.context), (49_408, 77));
        assert_eq!(text.pooling, Pooling::FirstOf(49_407));
        assert_eq!(text.tower.activation, Activation::QuickGelu);
        assert_eq!((config.projection, config.logit_scale_init), (512, 2.6592));
    }

    #[test]
    fn legacy_sections_win_with_their_defaults_unless_they_are_null() {
        let text = r#"{"model_type": "clip", "text_config": {"hidden_size": 64, "eos_token_id": 2},
            "text_config_dict": {"num_attention_heads": 4}, "vision_config": {"patch_size": 16},
            "vision_config_dict": null}"#;
        let config = parse(text).unwrap();
        assert_eq!(config.vision.unwrap().patch, 16);
        let text = config.text.unwrap();
        assert_eq!((text.tower.hidden, text.tower.heads), (512, 4));
        assert_eq!(text.pooling, Pooling::FirstOf(49_407));
    }

    #[test]
    fn sizes_beyond_any_clip_are_refused() {
        for (key, value) in [
            ("hidden_size", "1099511627776"),
            ("hidden_size", "-1"),
            ("hidden_size", "1.5"),
            ("image_size", "[224, 225]"),
            ("image_size", "100000"),
            ("num_hidden_layers", "100000"),
            ("layer_norm_eps", "1e39"),
            ("layer_norm_eps", "\"x\""),
        ] {
            let text =
                format!(r#"{{"model_type": "clip", "vision_config": {{"{key}": {value}}}}}"#);
            let message = parse(&text).unwrap_err().to_string();
            assert!(message.starts_with("config.json: vision_config."), "{message}");
        }
    }
}
