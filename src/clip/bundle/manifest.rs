use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clip::Error;

/// The version of `bundle.toml` written and read here.
const FORMAT: u32 = 1;
const MAX_EMBEDDING_SIZE: usize = 1 << 16;

/// The content of `bundle.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this file's form.
    pub format: u32,
    /// What people call the model.
    pub name: String,
    /// A known architecture (`vit-b-32`), or `custom`.
    pub architecture: String,
    /// Where the weights come from.
    pub provenance: String,
    /// The licence of the weights, an SPDX expression or `unknown`.
    pub license: String,
    /// Values in an embedding.
    pub embedding_size: usize,
    /// What a cosine is multiplied by before a softmax; above 0. The exponential of the
    /// checkpoint's parameter of that name.
    pub logit_scale: f32,
    /// The logit of "nothing changed" beside scaled similarities; 0 where none was learned.
    pub no_change_logit: f32,
    /// Every word seen in training, lower case, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_vocabulary: Option<Vec<String>>,
    /// Sizes of the image tower, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision: Option<VisionSizes>,
    /// Sizes of the text tower, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextSizes>,
    /// Every other file of the bundle.
    pub files: BTreeMap<FileName, FileRecord>,
    /// Measured limits the bundle passed or failed, such as int8 against fp32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Inputs and the embeddings they gave where the bundle was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parity: Vec<ParityVector>,
}

/// Sizes of an image tower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisionSizes {
    /// Edge of the square input, pixels.
    pub image: usize,
    /// Edge of a patch, pixels.
    pub patch: usize,
    /// Width of a token.
    pub hidden: usize,
    /// Blocks.
    pub layers: usize,
}

/// Sizes of a text tower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSizes {
    /// The longest sequence, start and end tokens included.
    pub context: usize,
    /// Token ids are below this.
    pub vocabulary: usize,
    /// Width of a token.
    pub hidden: usize,
    /// Blocks.
    pub layers: usize,
}

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// One measured limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The model file it is about.
    pub file: FileName,
    /// What was measured, with its unit.
    pub name: String,
    /// The value found.
    pub value: f64,
    /// The limit it was held against.
    pub limit: f64,
    /// Whether the value kept the limit.
    pub passed: bool,
}

/// An input and the embedding it gave; either `seed` (pixels) or `ids` (tokens) is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParityVector {
    /// The model that was run.
    pub file: FileName,
    /// Seed of the pixels, see [`super::parity_pixels`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// Token ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u32>>,
    /// The raw embedding.
    pub embedding: Vec<f32>,
}

/// The files a bundle may have beside `bundle.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum FileName {
    /// The image tower, fp32 or fp16 weights.
    Vision,
    /// The image tower with int8 linear layers.
    VisionInt8,
    /// The text tower, fp32 or fp16 weights.
    Text,
    /// The text tower with int8 linear layers.
    TextInt8,
    /// The tokenizer.
    Tokenizer,
    /// How frames become pixels of the image tower.
    Preprocessor,
}

impl FileName {
    /// Every name.
    pub const ALL: [Self; 6] = [
        Self::Vision,
        Self::VisionInt8,
        Self::Text,
        Self::TextInt8,
        Self::Tokenizer,
        Self::Preprocessor,
    ];

    /// The name on disk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vision => "vision.onnx",
            Self::VisionInt8 => "vision.int8.onnx",
            Self::Text => "text.onnx",
            Self::TextInt8 => "text.int8.onnx",
            Self::Tokenizer => "tokenizer.json",
            Self::Preprocessor => "preprocessor_config.json",
        }
    }

    /// Whether it is an image tower.
    pub const fn is_vision(self) -> bool {
        matches!(self, Self::Vision | Self::VisionInt8)
    }

    /// Whether it is a text tower.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::TextInt8)
    }

    /// Whether its linear layers are int8.
    pub const fn is_int8(self) -> bool {
        matches!(self, Self::VisionInt8 | Self::TextInt8)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.as_str().to_owned()
    }
}

impl TryFrom<String> for FileName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|name| name.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is no file of a bundle"))
    }
}

impl Manifest {
    /// A manifest of the present format with nothing in it yet.
    pub(crate) fn new(name: String, architecture: String) -> Self {
        Self {
            format: FORMAT,
            name,
            architecture,
            provenance: String::new(),
            license: "unknown".to_owned(),
            embedding_size: 0,
            logit_scale: 1.0,
            no_change_logit: 0.0,
            training_vocabulary: None,
            vision: None,
            text: None,
            files: BTreeMap::new(),
            gates: Vec::new(),
            parity: Vec::new(),
        }
    }

    /// Parses and checks the content of a `bundle.toml`; `origin` names the file in messages.
    ///
    /// # Errors
    /// [`Error::Syntax`] with the line, and [`Error::Manifest`] naming the key.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, Error> {
        let manifest: Self = toml::from_str(text).map_err(|error| Error::Syntax {
            origin: origin.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        manifest.check().map_err(|(key, reason)| Error::Manifest {
            origin: origin.to_owned(),
            key: key.to_owned(),
            reason,
        })?;
        Ok(manifest)
    }

    /// The content of a `bundle.toml`.
    ///
    /// # Errors
    /// [`Error::Syntax`] when a value cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String, Error> {
        toml::to_string(self).map_err(|error| Error::Syntax {
            origin: "bundle.toml".to_owned(),
            reason: error.to_string(),
        })
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        self.check_format()?;
        self.check_numbers()?;
        self.check_files()?;
        self.check_towers()?;
        self.parity.iter().try_for_each(|vector| self.check_parity(vector))
    }

    fn check_format(&self) -> Result<(), (&'static str, String)> {
        if self.format == FORMAT {
            return Ok(());
        }
        let advice = "import the model again with this version";
        Err(("format", format!("{}, this version reads {FORMAT}; {advice}", self.format)))
    }

    fn check_numbers(&self) -> Result<(), (&'static str, String)> {
        if !(1..=MAX_EMBEDDING_SIZE).contains(&self.embedding_size) {
            let found = self.embedding_size;
            return Err(("embedding_size", format!("{found}, expected 1 to {MAX_EMBEDDING_SIZE}")));
        }
        if !self.logit_scale.is_finite() || self.logit_scale <= 0.0 {
            return Err(("logit_scale", format!("{}, expected above 0", self.logit_scale)));
        }
        if !self.no_change_logit.is_finite() {
            return Err(("no_change_logit", format!("{}, expected finite", self.no_change_logit)));
        }
        Ok(())
    }

    fn check_files(&self) -> Result<(), (&'static str, String)> {
        if !self.files.keys().any(|name| name.is_vision() || name.is_text()) {
            return Err(("files", "no model is listed".to_owned()));
        }
        for (name, record) in &self.files {
            let digits = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if record.sha256.len() != 64 || !digits(&record.sha256) {
                let reason = format!("{name}: sha256 is {:?}, expected 64 digits", record.sha256);
                return Err(("files", reason));
            }
        }
        Ok(())
    }

    fn check_towers(&self) -> Result<(), (&'static str, String)> {
        let needs = |name: FileName| match self.files.contains_key(&name) {
            true => Ok(()),
            false => Err(("files", format!("{name} is not listed, the model needs it"))),
        };
        if self.files.keys().any(|name| name.is_vision()) {
            needs(FileName::Preprocessor)?;
            let vision = self.vision.as_ref();
            if !vision.is_some_and(|sizes| (1..=4096).contains(&sizes.image)) {
                return Err(("vision.image", "expected an edge of 1 to 4096 pixels".to_owned()));
            }
        }
        if self.files.keys().any(|name| name.is_text()) {
            needs(FileName::Tokenizer)?;
            let text = self.text.as_ref();
            if !text.is_some_and(|sizes| (2..=4096).contains(&sizes.context)) {
                return Err(("text.context", "expected 2 to 4096 tokens".to_owned()));
            }
        }
        Ok(())
    }

    fn check_parity(&self, vector: &ParityVector) -> Result<(), (&'static str, String)> {
        let error = |reason: String| Err(("parity", format!("{}: {reason}", vector.file)));
        if !self.files.contains_key(&vector.file) {
            return error("is not listed in files".to_owned());
        }
        let given = (vector.seed.is_some(), vector.ids.is_some());
        if given != (vector.file.is_vision(), vector.file.is_text()) {
            return error("expected seed for an image tower, ids for a text tower".to_owned());
        }
        let found = vector.embedding.len();
        if found != self.embedding_size {
            return error(format!("{found} values, embedding_size is {}", self.embedding_size));
        }
        if vector.embedding.iter().any(|value| !value.is_finite()) {
            return error("a value is not finite".to_owned());
        }
        if vector.ids.as_ref().is_some_and(|ids| {
            ids.is_empty() || self.text.as_ref().is_some_and(|text| ids.len() > text.context)
        }) {
            return error("ids are none, or more than the context length".to_owned());
        }
        Ok(())
    }
}
