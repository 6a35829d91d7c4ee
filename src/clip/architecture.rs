use std::fmt;
use std::str::FromStr;

use super::{Config, Error, VisionConfig};

/// The architectures that can be made with random weights, and recognised when imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// OpenAI's ViT-B/32.
    VitB32,
    /// OpenAI's ViT-B/16.
    VitB16,
    /// OpenAI's ViT-L/14.
    VitL14,
    /// Microsoft's TinyCLIP-ViT-8M-16-Text-3M.
    TinyClipVit8M16,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::VitB32, Self::VitB16, Self::VitL14, Self::TinyClipVit8M16];

    /// The name on the command line and in bundles.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VitB32 => "vit-b-32",
            Self::VitB16 => "vit-b-16",
            Self::VitL14 => "vit-l-14",
            Self::TinyClipVit8M16 => "tinyclip-vit-8m-16",
        }
    }

    /// Its sizes.
    ///
    /// Source: the `config.json` of openai/clip-vit-base-patch32, -base-patch16, -large-patch14
    /// and wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M.
    ///
    /// # Errors
    /// None in practice: the built-in text is parsed like any file.
    pub fn config(self) -> Result<Config, Error> {
        let text = match self {
            Self::VitB32 => r#"{"model_type": "clip"}"#,
            Self::VitB16 => r#"{"model_type": "clip", "vision_config": {"patch_size": 16}}"#,
            Self::VitL14 => {
                r#"{"model_type": "clip", "projection_dim": 768,
                "vision_config": {"hidden_size": 1024, "intermediate_size": 4096,
                    "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14},
                "text_config": {"hidden_size": 768, "intermediate_size": 3072,
                    "num_attention_heads": 12, "num_hidden_layers": 12}}"#
            }
            Self::TinyClipVit8M16 => {
                r#"{"model_type": "clip", "projection_dim": 512,
                "vision_config": {"hidden_size": 256, "intermediate_size": 1024,
                    "num_attention_heads": 4, "num_hidden_layers": 10, "patch_size": 16},
                "text_config": {"hidden_size": 256, "intermediate_size": 1024,
                    "num_attention_heads": 4, "num_hidden_layers": 3}}"#
            }
        };
        Config::from_json(text.as_bytes(), self.name())
    }

    /// The architecture whose image tower has these sizes.
    pub fn of(vision: &VisionConfig) -> Option<Self> {
        let same = |other: &VisionConfig| {
            let sizes = |config: &VisionConfig| {
                let tower = &config.tower;
                let layers = (tower.hidden, tower.layers, tower.heads, tower.intermediate);
                (layers, config.image, config.patch)
            };
            sizes(vision) == sizes(other)
        };
        Self::ALL.into_iter().find(|known| {
            known.config().is_ok_and(|config| config.vision.as_ref().is_some_and(same))
        })
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|known| known.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|known| known.name()).collect();
            format!("expected one of {}", names.join(", "))
        })
    }
}
