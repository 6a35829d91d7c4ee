use std::path::Path;

use super::side::{Side, file_of};
use crate::clip::bundle::{measure_text, measure_vision};
use crate::clip::config::{TextConfig, VisionConfig};
use crate::clip::onnx::{WeightType, parse_model, text_graph, vision_graph, write_graph};
use crate::clip::{
    Architecture, Bundle, Checkpoint, Config, Draft, Error, FileName, ImageEncoder, Manifest,
    TextEncoder, TextSizes, VisionSizes, WeightSource,
};
use crate::files;

/// The tensor in which this project's training stores the logit of "nothing changed".
const NO_CHANGE_LOGIT: &str = "pairspec.no_change_logit";
const MAX_MODEL_BYTES: u64 = 1 << 31;

/// A bundle while its parts are put together.
pub(super) struct Build {
    pub(super) draft: Draft,
    pub(super) config: Config,
    pub(super) manifest: Manifest,
}

impl Build {
    pub(super) fn new(draft: Draft, config: Config, name: String) -> Self {
        let known = config.vision.as_ref().and_then(Architecture::of);
        let architecture = known.map_or("custom", Architecture::name).to_owned();
        let mut manifest = Manifest::new(name, architecture);
        manifest.embedding_size = config.projection;
        manifest.logit_scale = config.logit_scale_init.exp();
        let extra = &config.extra;
        manifest.license = extra.license.clone().unwrap_or_else(|| "unknown".to_owned());
        manifest.no_change_logit = extra.no_change_logit.unwrap_or_default();
        manifest.training_vocabulary.clone_from(&extra.training_vocabulary);
        Self { draft, config, manifest }
    }

    /// Forgets a tower of which the checkpoint has no tensor at all.
    pub(super) fn drop_absent_towers(&mut self, checkpoint: &Checkpoint) {
        let absent = |tower: &str| {
            let absent = !checkpoint.has_any(tower);
            if absent {
                log::warn!("{}: no {tower} weights; importing without", checkpoint.origin());
            }
            absent
        };
        if self.config.vision.is_some() && absent("vision_model.") {
            self.config.vision = None;
        }
        if self.config.text.is_some() && absent("text_model.") {
            self.config.text = None;
        }
    }

    /// Records which files the weights came from, with their sums.
    pub(super) fn describe_source<'a>(
        &mut self,
        directory: &Path,
        weights: impl Iterator<Item = &'a Path>,
    ) -> Result<(), Error> {
        let mut text = match &self.config.extra.provenance {
            Some(provenance) => format!("{provenance}; imported from {}", file_of(directory)),
            None => format!("imported from {}", file_of(directory)),
        };
        for path in weights {
            text += &format!(", {} sha256 {}", file_of(path), files::sha256_of(path)?);
        }
        self.manifest.provenance = text;
        Ok(())
    }

    /// Takes over the scalars that a checkpoint has beside its towers.
    pub(super) fn scales_of(&mut self, checkpoint: &mut Checkpoint) -> Result<(), Error> {
        if checkpoint.has("logit_scale") {
            self.manifest.logit_scale = scalar(checkpoint, "logit_scale")?.exp();
        }
        if checkpoint.has(NO_CHANGE_LOGIT) {
            self.manifest.no_change_logit = scalar(checkpoint, NO_CHANGE_LOGIT)?;
        }
        Ok(())
    }

    /// Writes the ONNX files.
    pub(super) fn write(
        &self,
        weights: &mut dyn WeightSource,
        weight_type: WeightType,
        side: &Side,
    ) -> Result<(), Error> {
        let projection = self.config.projection;
        if let (Some(vision), Some(_)) = (&self.config.vision, &side.preprocess) {
            let graph = vision_graph(vision, projection, weight_type, weights)?;
            write_graph(graph, &self.draft.path(FileName::Vision), weights)?;
        }
        if let (Some(text), Some(_)) = (&self.config.text, &side.tokenizer) {
            let graph = text_graph(text, projection, weight_type);
            write_graph(graph, &self.draft.path(FileName::Text), weights)?;
        }
        Ok(())
    }

    /// Refuses weights of a tower that is imported when nothing used them.
    pub(super) fn refuse_unread(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let mut ignored = vec!["pairspec."];
        if self.config.vision.is_none() {
            ignored.extend(["vision_model.", "visual_projection."]);
        }
        if self.config.text.is_none() {
            ignored.extend(["text_model.", "text_projection."]);
        }
        checkpoint.refuse_unread(&ignored)
    }

    /// Adds what stands beside the models, runs the parity vectors and moves the bundle to its
    /// place.
    pub(super) fn finish(mut self, side: Side) -> Result<Bundle, Error> {
        if let (Some(vision), Some(preprocess)) = (&self.config.vision, side.preprocess) {
            let json = preprocess.to_json();
            self.draft.write(FileName::Preprocessor, json.as_bytes())?;
            let (model, origin) = self.written(FileName::Vision)?;
            let size = self.manifest.embedding_size;
            let encoder = ImageEncoder::prepare(model, &origin, preprocess, size)?;
            self.manifest.parity.extend(measure_vision(&encoder, FileName::Vision)?);
            self.manifest.vision = Some(sizes_of_vision(vision));
        }
        if let (Some(text), Some(tokenizer)) = (&self.config.text, side.tokenizer) {
            self.draft.write(FileName::Tokenizer, tokenizer.to_json()?.as_bytes())?;
            let sizes = sizes_of_text(text);
            let (model, origin) = self.written(FileName::Text)?;
            let size = self.manifest.embedding_size;
            let encoder = TextEncoder::prepare(model, &origin, tokenizer, (&sizes, size))?;
            self.manifest.parity.extend(measure_text(&encoder, FileName::Text)?);
            self.manifest.text = Some(sizes);
        }
        self.draft.finish(self.manifest)
    }

    /// Reads back a file as it will be read from the bundle.
    fn written(&self, file: FileName) -> Result<(tract_onnx::pb::ModelProto, String), Error> {
        let bytes = files::read(&self.draft.path(file), MAX_MODEL_BYTES)?;
        let model = parse_model(&bytes, file.as_str())?;
        Ok((model, file.to_string()))
    }
}

fn scalar(checkpoint: &mut Checkpoint, tensor: &str) -> Result<f32, Error> {
    let values = checkpoint.read(tensor, &[])?;
    Ok(values.first().copied().unwrap_or_default())
}

fn sizes_of_vision(config: &VisionConfig) -> VisionSizes {
    VisionSizes {
        image: config.image,
        patch: config.patch,
        hidden: config.tower.hidden,
        layers: config.tower.layers,
    }
}

fn sizes_of_text(config: &TextConfig) -> TextSizes {
    TextSizes {
        context: config.context,
        vocabulary: config.vocabulary,
        hidden: config.tower.hidden,
        layers: config.tower.layers,
    }
}
