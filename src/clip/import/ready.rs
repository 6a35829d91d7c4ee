use std::path::{Path, PathBuf};

use prost::Message;
use tract_onnx::pb::ModelProto;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dimension;
use tract_onnx::pb::type_proto::Value;

use super::build::Build;
use super::side::Side;
use crate::clip::onnx::{
    Interface, check_model, decode_model, external_data_inlined, external_files, opset,
};
use crate::clip::{Bundle, Error, FileName};
use crate::files;

const MAX_MODEL_BYTES: u64 = 1 << 31;
/// Below, operators take axes and scales in other places; above, the engine has not been tried.
const OPSETS: std::ops::RangeInclusive<i64> = 11..=21;

/// Takes over ready ONNX exports, as Optimum and transformers.js lay them out.
///
/// Nodes and opset stay as they are. One output is kept, external data moves into the file, and a
/// text tower is declared for one text of the full context length: tract derives wrong shapes from
/// the masks of such exports when the length is free, and padding is exact under the causal mask.
pub(super) fn import(directory: &Path, mut build: Build) -> Result<Bundle, Error> {
    let vision = build.config.vision.as_ref().and_then(|_| find(directory, "vision_model.onnx"));
    let text = build.config.text.as_ref().and_then(|_| find(directory, "text_model.onnx"));
    if vision.is_none() && text.is_none() {
        return Err(Error::Missing {
            path: directory.to_owned(),
            file: "model.safetensors, nor vision_model.onnx or text_model.onnx".to_owned(),
            advice: "is this a Hugging Face CLIP directory?",
        });
    }
    build.config.vision = build.config.vision.take().filter(|_| vision.is_some());
    build.config.text = build.config.text.take().filter(|_| text.is_some());
    let side = Side::read(directory, &build.config)?;
    let sources: Vec<&Path> = vision.iter().chain(&text).map(PathBuf::as_path).collect();
    build.describe_source(directory, sources.into_iter())?;

    let mut sizes = Vec::new();
    for (source, file) in [(&vision, FileName::Vision), (&text, FileName::Text)] {
        let Some(source) = source else { continue };
        let mut tower = Ready::read(source, file)?;
        if let (true, Some(text)) = (file.is_text(), &build.config.text) {
            fix_inputs(&mut tower.model, &[1, text.context]);
        }
        sizes.push(tower.embedding_size.unwrap_or(build.config.projection));
        build.draft.write(file, &tower.model.encode_to_vec())?;
    }
    if let [vision, text] = sizes[..]
        && vision != text
    {
        let reason = format!("image embeddings have {vision} values, text embeddings {text}");
        return Err(Error::Onnx { origin: directory.display().to_string(), reason });
    }
    build.manifest.embedding_size = sizes[0];
    build.finish(side)
}

fn find(directory: &Path, name: &str) -> Option<PathBuf> {
    let places = [directory.join("onnx").join(name), directory.join(name)];
    places.into_iter().find(|place| place.is_file())
}

/// One exported tower.
struct Ready {
    model: ModelProto,
    /// The length of an embedding, where the file declares it.
    embedding_size: Option<usize>,
}

impl Ready {
    fn read(path: &Path, file: FileName) -> Result<Self, Error> {
        let origin = path.display().to_string();
        let model = decode_model(&files::read(path, MAX_MODEL_BYTES)?, &origin)?;
        let refuse = |reason: String| Error::Onnx { origin: origin.clone(), reason };
        match opset(&model) {
            Some(found) if OPSETS.contains(&found) => {}
            found => {
                let found = found.map_or("none".to_owned(), |version| version.to_string());
                let reason = format!(
                    "opset {found}, expected {} to {}; export it again (opset 17 is best)",
                    OPSETS.start(),
                    OPSETS.end()
                );
                return Err(refuse(reason));
            }
        }
        for name in external_files(&model) {
            log::info!("{origin}: values from {name}");
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut model = external_data_inlined(model, folder, &origin)?;
        forget_shapes(&mut model);
        let embedding_size = keep_one_output(&mut model, file).map_err(refuse)?;
        check_model(&model, &origin)?;
        let interface = Interface::of(&model, &origin)?;
        if interface.is_vision() != file.is_vision() {
            return Err(refuse(format!("inputs {:?} are the other tower's", interface.inputs)));
        }
        Ok(Self { model, embedding_size })
    }
}

/// Drops inferred shapes: they are in terms of symbols that are given other values here.
fn forget_shapes(model: &mut ModelProto) {
    if let Some(graph) = &mut model.graph {
        graph.value_info.clear();
    }
}

/// Declares all dimensions of all inputs that the file leaves free.
fn fix_inputs(model: &mut ModelProto, sizes: &[usize]) {
    let inputs = model.graph.iter_mut().flat_map(|graph| &mut graph.input);
    let kinds = inputs.filter_map(|input| input.r#type.as_mut()?.value.as_mut());
    for Value::TensorType(tensor) in kinds {
        let dims = tensor.shape.iter_mut().flat_map(|shape| &mut shape.dim);
        for (dim, &size) in dims.zip(sizes) {
            if !matches!(dim.value, Some(Dimension::DimValue(_))) {
                dim.value = Some(Dimension::DimValue(size as i64));
            }
        }
    }
}

/// Keeps the projected embedding, else the pooled state; gives its length if it is declared.
fn keep_one_output(model: &mut ModelProto, file: FileName) -> Result<Option<usize>, String> {
    let graph = model.graph.as_mut().ok_or("it holds no graph")?;
    let projected = if file.is_vision() { "image_embeds" } else { "text_embeds" };
    let pooled = ["pooler_output", "pooled_output"];
    let names: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    let name = std::iter::once(projected)
        .chain(pooled)
        .find(|name| names.contains(name))
        .ok_or_else(|| format!("outputs {names:?}, expected {projected} or pooler_output"))?;
    if name != projected {
        log::warn!("{file}: has no {projected}, using {name}; image and text must share a space");
    }
    graph.output.retain(|output| output.name == name);
    let kind = graph.output[0].r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let Some(Value::TensorType(tensor)) = kind else { return Ok(None) };
    let last = tensor.shape.as_ref().and_then(|shape| shape.dim.last());
    Ok(match last.and_then(|dim| dim.value.as_ref()) {
        Some(Dimension::DimValue(size)) => usize::try_from(*size).ok().filter(|&size| size > 0),
        _ => None,
    })
}
