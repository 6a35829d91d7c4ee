use std::collections::{BTreeSet, HashMap};

use half::f16;
use prost::Message;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

use crate::clip::Error;

/// Far above any CLIP (ViT-L/14 has about 1,500) and low enough to bound what a parser does.
const MAX_NODES: usize = 100_000;
/// The most values an operator may make from a shape alone: a 4096 x 4096 x 16 tensor.
const MAX_FILLED_VALUES: u64 = 1 << 28;

/// Decodes an ONNX file and checks it as [`check_model`] does; `origin` names it in messages.
///
/// # Errors
/// [`Error::Onnx`] and [`Error::Tensor`].
pub fn parse_model(bytes: &[u8], origin: &str) -> Result<ModelProto, Error> {
    let model = decode_model(bytes, origin)?;
    check_model(&model, origin)?;
    Ok(model)
}

/// Decodes an ONNX file without looking at its content, which may still refer to other files.
///
/// # Errors
/// [`Error::Onnx`].
pub(crate) fn decode_model(bytes: &[u8], origin: &str) -> Result<ModelProto, Error> {
    ModelProto::decode(bytes)
        .map_err(|error| Error::Onnx { origin: origin.to_owned(), reason: error.to_string() })
}

/// Refuses what the engine must not see: constants whose values do not fill their shape, NaN and
/// infinity in weights, references to other files, subgraphs, and shapes that fill memory.
///
/// # Errors
/// [`Error::Onnx`] naming the node, or [`Error::Tensor`].
pub fn check_model(model: &ModelProto, origin: &str) -> Result<(), Error> {
    let check = Check { origin };
    let graph = model.graph.as_ref().ok_or_else(|| check.error("it holds no graph"))?;
    if graph.node.is_empty() || graph.node.len() > MAX_NODES {
        return Err(check.error(format!("{} nodes, expected 1 to {MAX_NODES}", graph.node.len())));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(check.error("sparse weights are not supported"));
    }
    check.names(graph)?;
    for tensor in &graph.initializer {
        check.tensor(tensor)?;
    }
    let constants = constants(graph);
    graph.node.iter().try_for_each(|node| check.node(node, &constants))
}

/// The operator set of the standard domain.
pub(crate) fn opset(model: &ModelProto) -> Option<i64> {
    let standard = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    model.opset_import.iter().find(|set| standard(&set.domain)).map(|set| set.version)
}

struct Check<'a> {
    origin: &'a str,
}

impl Check<'_> {
    /// Every value is made once, before it is used; a cycle would never end.
    fn names(&self, graph: &GraphProto) -> Result<(), Error> {
        let mut made = BTreeSet::new();
        made.extend(graph.input.iter().map(|input| input.name.as_str()));
        made.extend(graph.initializer.iter().map(|tensor| tensor.name.as_str()));
        for node in &graph.node {
            if let Some(input) =
                node.input.iter().find(|name| !name.is_empty() && !made.contains(name.as_str()))
            {
                let reason = format!("node {:?} uses {input:?} before it is made", node.name);
                return Err(self.error(reason));
            }
            for output in node.output.iter().filter(|name| !name.is_empty()) {
                if !made.insert(output) {
                    return Err(self.error(format!("{output:?} is made twice")));
                }
            }
        }
        let missing = graph.output.iter().find(|output| !made.contains(output.name.as_str()));
        missing.map_or(Ok(()), |output| {
            Err(self.error(format!("output {:?} is made by no node", output.name)))
        })
    }

    fn node(&self, node: &NodeProto, constants: &HashMap<&str, &TensorProto>) -> Result<(), Error> {
        for attribute in &node.attribute {
            if attribute.g.is_some() || !attribute.graphs.is_empty() {
                let reason = format!("node {:?} ({}) has a subgraph", node.name, node.op_type);
                return Err(self.error(reason));
            }
            if let Some(tensor) = &attribute.t {
                self.tensor(tensor)?;
            }
        }
        let shape_input = match node.op_type.as_str() {
            "ConstantOfShape" => 0,
            "Expand" | "Tile" => 1,
            _ => return Ok(()),
        };
        let name = node.input.get(shape_input).map_or("", String::as_str);
        let Some(shape) = constants.get(name) else { return Ok(()) };
        let values = integers(shape)
            .iter()
            .try_fold(1_u64, |product, value| product.checked_mul(value.unsigned_abs()));
        if values.is_some_and(|values| values <= MAX_FILLED_VALUES) {
            return Ok(());
        }
        let reason = format!("node {:?} ({}) asks for a huge tensor", node.name, node.op_type);
        Err(self.error(reason))
    }

    fn tensor(&self, tensor: &TensorProto) -> Result<(), Error> {
        let refuse = |reason: String| Error::Tensor {
            origin: self.origin.to_owned(),
            tensor: tensor.name.clone(),
            reason,
        };
        if tensor.data_location == Some(DataLocation::External as i32) {
            return Err(refuse("its values are in another file".to_owned()));
        }
        let kind = DataType::try_from(tensor.data_type).unwrap_or(DataType::Undefined);
        let Some(size) = bytes_per_value(kind) else {
            return Err(refuse(format!("type {} is not supported", kind.as_str_name())));
        };
        let values = tensor
            .dims
            .iter()
            .try_fold(1_u64, |product, &dim| product.checked_mul(u64::try_from(dim).ok()?))
            .ok_or_else(|| refuse(format!("shape {:?}", tensor.dims)))?;
        let found = match tensor.raw_data.len() {
            0 => typed_values(tensor) as u64,
            bytes if bytes % size == 0 => (bytes / size) as u64,
            bytes => return Err(refuse(format!("{bytes} bytes of {}", kind.as_str_name()))),
        };
        if found != values {
            let reason = format!("{found} values, its shape {:?} asks for {values}", tensor.dims);
            return Err(refuse(reason));
        }
        match first_not_finite(tensor, kind) {
            Some(index) => Err(refuse(format!("value {index} is not finite"))),
            None => Ok(()),
        }
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        Error::Onnx { origin: self.origin.to_owned(), reason: reason.into() }
    }
}

/// Types that the engine loads.
fn bytes_per_value(kind: DataType) -> Option<usize> {
    Some(match kind {
        DataType::Bool | DataType::Int8 | DataType::Uint8 => 1,
        DataType::Float16 | DataType::Int16 | DataType::Uint16 => 2,
        DataType::Float | DataType::Int32 | DataType::Uint32 => 4,
        DataType::Double | DataType::Int64 | DataType::Uint64 => 8,
        _ => return None,
    })
}

fn typed_values(tensor: &TensorProto) -> usize {
    tensor.float_data.len()
        + tensor.int32_data.len()
        + tensor.int64_data.len()
        + tensor.double_data.len()
        + tensor.uint64_data.len()
}

/// The index of the first value that is NaN or infinite.
fn first_not_finite(tensor: &TensorProto, kind: DataType) -> Option<usize> {
    let raw = &tensor.raw_data;
    match kind {
        DataType::Float if raw.is_empty() => first_bad(tensor.float_data.iter().copied()),
        DataType::Float => {
            first_bad(raw.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)))
        }
        DataType::Float16 if raw.is_empty() => {
            let bits = tensor.int32_data.iter().map(|&bits| f16::from_bits(bits as u16));
            first_bad(bits.map(f16::to_f32))
        }
        DataType::Float16 => {
            first_bad(raw.as_chunks().0.iter().map(|value| f16::from_le_bytes(*value).to_f32()))
        }
        _ => None,
    }
}

/// Exported attention masks hold minus infinity beside zeros alone; that is no damage.
fn first_bad(values: impl Iterator<Item = f32>) -> Option<usize> {
    let (mut first, mut is_mask) = (None, true);
    for (index, value) in values.enumerate() {
        is_mask &= value == 0.0 || value == f32::NEG_INFINITY;
        if !value.is_finite() {
            first.get_or_insert(index);
        }
    }
    first.filter(|_| !is_mask)
}

/// Initializers and the values of `Constant` nodes, by name.
fn constants(graph: &GraphProto) -> HashMap<&str, &TensorProto> {
    let named = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor));
    let inline = graph.node.iter().filter(|node| node.op_type == "Constant").filter_map(|node| {
        let tensor = node.attribute.iter().find_map(|attribute| attribute.t.as_ref())?;
        Some((node.output.first()?.as_str(), tensor))
    });
    named.chain(inline).collect()
}

fn integers(tensor: &TensorProto) -> Vec<i64> {
    if tensor.raw_data.is_empty() {
        return tensor.int64_data.clone();
    }
    tensor.raw_data.as_chunks().0.iter().map(|value| i64::from_le_bytes(*value)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tract_onnx::pb::ValueInfoProto;

    use super::*;

    fn tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
        TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ..TensorProto::default()
        }
    }

    fn node(op: &str, input: &str, output: &str) -> NodeProto {
        NodeProto {
            op_type: op.to_owned(),
            name: output.to_owned(),
            input: vec![input.to_owned()],
            output: vec![output.to_owned()],
            ..NodeProto::default()
        }
    }

    fn checked(initializer: Vec<TensorProto>, node: Vec<NodeProto>) -> Result<(), Error> {
        let output = vec![ValueInfoProto { name: "y".to_owned(), ..ValueInfoProto::default() }];
        let graph = GraphProto { node, initializer, output, ..GraphProto::default() };
        check_model(&ModelProto { graph: Some(graph), ..ModelProto::default() }, "m.onnx")
    }

    #[track_caller]
    fn refused(initializer: Vec<TensorProto>, node: Vec<NodeProto>, part: &str) {
        let message = checked(initializer, node).unwrap_err().to_string();
        assert!(message.starts_with("m.onnx: ") && message.contains(part), "{message}");
    }

    #[test]
    fn values_must_fill_their_shape() {
        let identity = || vec![node("Identity", "w", "y")];
        checked(vec![tensor("w", &[2], &[1.0, 2.0])], identity()).unwrap();
        refused(vec![tensor("w", &[3], &[1.0, 2.0])], identity(), "2 values, its shape [3]");
        refused(vec![tensor("w", &[-2], &[1.0, 2.0])], identity(), "shape [-2]");
        refused(vec![tensor("w", &[i64::MAX, 4], &[1.0])], identity(), "tensor w");
    }

    #[test]
    fn weights_must_be_finite_but_masks_may_hold_minus_infinity() {
        let identity = || vec![node("Identity", "w", "y")];
        refused(vec![tensor("w", &[2], &[1.0, f32::NAN])], identity(), "value 1 is not finite");
        refused(vec![tensor("w", &[1], &[f32::INFINITY])], identity(), "value 0");
        refused(vec![tensor("w", &[2], &[1.0, f32::NEG_INFINITY])], identity(), "value 1");
        checked(vec![tensor("w", &[2], &[0.0, f32::NEG_INFINITY])], identity()).unwrap();
    }

    #[test]
    fn shapes_that_fill_memory_are_refused() {
        let shape = TensorProto {
            data_type: DataType::Int64 as i32,
            int64_data: vec![1 << 40],
            dims: vec![1],
            name: "s".to_owned(),
            ..TensorProto::default()
        };
        refused(vec![shape], vec![node("ConstantOfShape", "s", "y")], "asks for a huge tensor");
    }

    #[test]
    fn cycles_and_values_made_twice_are_refused() {
        let cycle = vec![node("Identity", "y", "x"), node("Identity", "x", "y")];
        refused(vec![], cycle, "before it is made");
        let twice = vec![node("Identity", "w", "y"), node("Identity", "w", "y")];
        refused(vec![tensor("w", &[1], &[1.0])], twice, "made twice");
    }
}
