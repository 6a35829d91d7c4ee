use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use half::f16;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

use crate::clip::Error;
use crate::files;

/// Replaces fp16 weights behind a `Cast` to f32 by f32 weights.
///
/// An engine that does the cast at every inference would pay for it each time: tract folds such a
/// constant only below 4 MiB. Each value is exact in f32.
pub fn half_weights_widened(mut model: ModelProto) -> ModelProto {
    let Some(graph) = &mut model.graph else { return model };
    let uses = uses_of_values(graph);
    let halves: HashMap<String, usize> = graph
        .initializer
        .iter()
        .enumerate()
        .filter(|(_, tensor)| tensor.data_type == DataType::Float16 as i32)
        .filter(|(_, tensor)| uses.get(&tensor.name) == Some(&1))
        .map(|(index, tensor)| (tensor.name.clone(), index))
        .collect();
    let initializers = &mut graph.initializer;
    graph.node.retain(|node| {
        let constant = node.input.first().and_then(|input| halves.get(input));
        match constant {
            Some(&index) if is_cast_to_float(node) => {
                widen(&mut initializers[index], &node.output[0]);
                false
            }
            _ => true,
        }
    });
    model
}

fn uses_of_values(graph: &GraphProto) -> HashMap<String, usize> {
    let mut uses = HashMap::new();
    let outputs = graph.output.iter().map(|output| &output.name);
    for name in graph.node.iter().flat_map(|node| &node.input).chain(outputs) {
        *uses.entry(name.clone()).or_insert(0) += 1;
    }
    uses
}

fn is_cast_to_float(node: &NodeProto) -> bool {
    let is_float = |value: i64| value == DataType::Float as i64;
    node.op_type == "Cast"
        && node.output.len() == 1
        && node.attribute.iter().any(|attribute| attribute.name == "to" && is_float(attribute.i))
}

fn widen(tensor: &mut TensorProto, name: &str) {
    let bits: Vec<u16> = match tensor.raw_data.is_empty() {
        true => tensor.int32_data.iter().map(|&bits| bits as u16).collect(),
        false => tensor.raw_data.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect(),
    };
    tensor.raw_data =
        bits.iter().flat_map(|&bits| f16::from_bits(bits).to_f32().to_le_bytes()).collect();
    tensor.int32_data = Vec::new();
    tensor.data_type = DataType::Float as i32;
    tensor.name = name.to_owned();
}

/// Reads the values that a model keeps in other files (`*.onnx_data`) into the model.
///
/// Locations are relative to `folder` and must stay below it, links included.
///
/// # Errors
/// [`Error::Tensor`] when a range is not in its file, and [`Error::File`].
pub fn external_data_inlined(
    mut model: ModelProto,
    folder: &Path,
    origin: &str,
) -> Result<ModelProto, Error> {
    let Some(graph) = &mut model.graph else { return Ok(model) };
    let nodes = graph.node.iter_mut();
    let inline = nodes.flat_map(|node| &mut node.attribute).filter_map(|part| part.t.as_mut());
    for tensor in graph.initializer.iter_mut().chain(inline) {
        if tensor.data_location == Some(DataLocation::External as i32) {
            tensor.raw_data = External { tensor, folder, origin }.read()?;
            tensor.data_location = None;
            tensor.external_data = Vec::new();
        }
    }
    Ok(model)
}

/// The names of the files a model refers to, as written.
pub(crate) fn external_files(model: &ModelProto) -> HashSet<String> {
    let Some(graph) = &model.graph else { return HashSet::new() };
    let inline = graph.node.iter().flat_map(|node| &node.attribute).filter_map(|a| a.t.as_ref());
    let entries = graph.initializer.iter().chain(inline).flat_map(|tensor| &tensor.external_data);
    entries.filter(|entry| entry.key == "location").map(|entry| entry.value.clone()).collect()
}

/// A tensor's range in another file.
struct External<'a> {
    tensor: &'a TensorProto,
    folder: &'a Path,
    origin: &'a str,
}

impl External<'_> {
    fn read(&self) -> Result<Vec<u8>, Error> {
        let location = self.entry("location").ok_or_else(|| self.error("no location"))?;
        let path = files::join_below(self.folder, location)?;
        let resolve = |path: &Path| path.canonicalize().map_err(files::Error::io(path, "open"));
        if !resolve(&path)?.starts_with(resolve(self.folder)?) {
            let (base, relative) = (self.folder.to_owned(), location.to_owned());
            return Err(files::Error::Escapes { base, relative }.into());
        }
        let mut file = files::open(&path)?;
        let bytes = file.metadata().map_err(files::Error::io(&path, "read"))?.len();
        let offset = self.number("offset")?.unwrap_or(0);
        let length = self.number("length")?.unwrap_or(bytes.saturating_sub(offset));
        if offset.checked_add(length).is_none_or(|end| end > bytes) {
            let reason = format!("{length} bytes from {offset} of {location}, which has {bytes}");
            return Err(self.error(reason));
        }
        let mut content = vec![0; length as usize];
        file.seek(SeekFrom::Start(offset)).map_err(files::Error::io(&path, "seek"))?;
        file.read_exact(&mut content).map_err(files::Error::io(&path, "read"))?;
        Ok(content)
    }

    fn number(&self, key: &str) -> Result<Option<u64>, Error> {
        let Some(text) = self.entry(key) else { return Ok(None) };
        let number = text.parse().map_err(|_| self.error(format!("{key} is {text:?}")))?;
        Ok(Some(number))
    }

    fn entry(&self, key: &str) -> Option<&str> {
        let entry = self.tensor.external_data.iter().find(|entry| entry.key == key)?;
        Some(&entry.value)
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        Error::Tensor {
            origin: self.origin.to_owned(),
            tensor: self.tensor.name.clone(),
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clip::onnx::{WeightType, parse_model, text_graph, write_graph};
    use crate::clip::{Architecture, RandomWeights};

    /// An engine that found a Cast would widen 50 MB at every inference.
    #[test]
    fn widening_leaves_no_half_weight_and_no_cast_behind_one() {
        let mut config = Architecture::TinyClipVit8M16.config().unwrap().text.unwrap();
        config.vocabulary = 100;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.onnx");
        let graph = text_graph(&config, 8, WeightType::Float16);
        write_graph(graph, &path, &mut RandomWeights::new(1)).unwrap();
        let model = parse_model(&std::fs::read(path).unwrap(), "t").unwrap();
        let halves = |model: &ModelProto| {
            let graph = model.graph.as_ref().unwrap();
            let is_half = |t: &&TensorProto| t.data_type == DataType::Float16 as i32;
            graph.initializer.iter().filter(is_half).count()
        };
        assert_eq!(halves(&model), 3 * 6 + 2);
        let casts = |model: &ModelProto| {
            model.graph.as_ref().unwrap().node.iter().filter(|n| n.op_type == "Cast").count()
        };
        let before = casts(&model);
        let widened = half_weights_widened(model);
        assert_eq!((halves(&widened), before - casts(&widened)), (0, 3 * 6 + 2));
        crate::clip::onnx::check_model(&widened, "t").unwrap();
    }
}
