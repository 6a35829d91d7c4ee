use std::path::Path;

use prost::Message;
use tract_onnx::pb::ModelProto;

use super::{Bundle, Draft, FileName, Gate, Manifest, measure_text, measure_vision};
use crate::clip::onnx::parse_model;
use crate::clip::{Error, ImageEncoder, TextEncoder};
use crate::files;

impl Bundle {
    /// Writes a copy of the bundle with another model file in it, at a place that is free. The
    /// file's parity vectors are measured, its gates are forgotten.
    ///
    /// # Errors
    /// Those of [`Draft`] and of the encoders.
    pub fn with_model(
        &self,
        file: FileName,
        model: &ModelProto,
        place: &Path,
    ) -> Result<Self, Error> {
        let draft = Draft::new(place)?;
        for &other in self.manifest().files.keys().filter(|other| **other != file) {
            draft.copy(self, other)?;
        }
        let content = model.encode_to_vec();
        draft.write(file, &content)?;
        let model = parse_model(&content, file.as_str())?;
        let mut manifest = self.manifest().clone();
        manifest.gates.retain(|gate| gate.file != file);
        manifest.parity.retain(|vector| vector.file != file);
        let size = manifest.embedding_size;
        let vectors = match &manifest.text {
            Some(sizes) if file.is_text() => {
                let sizes = (sizes, size);
                let tokenizer = self.tokenizer()?;
                let encoder = TextEncoder::prepare(model, file.as_str(), tokenizer, sizes)?;
                measure_text(&encoder, file)?
            }
            _ => {
                let preprocess = self.preprocess()?;
                let encoder = ImageEncoder::prepare(model, file.as_str(), preprocess, size)?;
                measure_vision(&encoder, file)?
            }
        };
        manifest.parity.extend(vectors);
        draft.finish(manifest)
    }

    /// Writes measured limits of a model file into `bundle.toml`, in the place of its former ones.
    ///
    /// # Errors
    /// [`Error::File`], and [`Error::Manifest`] when a value cannot be written.
    pub fn with_gates(&self, file: FileName, gates: Vec<Gate>) -> Result<Self, Error> {
        let mut manifest = self.manifest().clone();
        manifest.gates.retain(|gate| gate.file != file);
        manifest.gates.extend(gates);
        let path = self.folder().join(Self::MANIFEST);
        let text = manifest.to_toml()?;
        Manifest::from_toml(&text, &path.display().to_string())?;
        files::write(&path, text.as_bytes())?;
        Self::open(self.folder())
    }

    /// The first gate of a model file that failed.
    pub fn failed_gate(&self, file: FileName) -> Option<&Gate> {
        self.manifest().gates.iter().find(|gate| gate.file == file && !gate.passed)
    }
}
