use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::type_proto::{Tensor, Value};
use tract_onnx::pb::{ModelProto, ValueInfoProto};

use crate::clip::Error;

/// What goes into a tower and comes out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) inputs: Vec<Input>,
    /// The dimension of the batch, when the file fixes it.
    pub(crate) batch: Option<usize>,
    /// Image: height and width, text: tokens; each when the file fixes it.
    pub(crate) fixed: Vec<Option<usize>>,
}

/// The inputs that CLIP towers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// `pixel_values [N, 3, H, W]`, f32.
    Pixels,
    /// `input_ids [N, T]`, i64.
    Ids,
    /// `attention_mask [N, T]`, i64: 1 at tokens, 0 at padding.
    Mask,
}

impl Interface {
    /// Reads the declared inputs of a model with one output.
    ///
    /// # Errors
    /// [`Error::Onnx`] for other inputs, types or ranks.
    pub(crate) fn of(model: &ModelProto, origin: &str) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Onnx { origin: origin.to_owned(), reason };
        let graph = model.graph.as_ref().ok_or_else(|| refuse("it holds no graph".to_owned()))?;
        if graph.output.len() != 1 {
            return Err(refuse(format!("{} outputs, expected 1", graph.output.len())));
        }
        let mut interface = Self { inputs: Vec::new(), batch: None, fixed: Vec::new() };
        let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        for input in graph.input.iter().filter(|input| !is_constant(&input.name)) {
            let (kind, element, rank) = match input.name.as_str() {
                "pixel_values" => (Input::Pixels, DataType::Float, 4),
                "input_ids" => (Input::Ids, DataType::Int64, 2),
                "attention_mask" => (Input::Mask, DataType::Int64, 2),
                name => return Err(refuse(format!("input {name:?} is not one of a CLIP tower"))),
            };
            let dims =
                dims_of(input, element).filter(|dims| dims.len() == rank).ok_or_else(|| {
                    let element = element.as_str_name();
                    refuse(format!("input {}: expected {element} of {rank} dimensions", input.name))
                })?;
            if kind != Input::Mask {
                interface.batch = dims[0];
                interface.fixed = if rank == 4 { dims[2..].to_vec() } else { dims[1..].to_vec() };
            }
            interface.inputs.push(kind);
        }
        match interface.inputs.as_slice() {
            [Input::Pixels]
            | [Input::Ids]
            | [Input::Ids, Input::Mask]
            | [Input::Mask, Input::Ids] => Ok(interface),
            found => {
                Err(refuse(format!("inputs {found:?}, expected pixels, or ids and their mask")))
            }
        }
    }

    /// Whether it is an image tower.
    pub(crate) fn is_vision(&self) -> bool {
        self.inputs == [Input::Pixels]
    }
}

/// The dimensions of a tensor of this type, `None` where they are free.
fn dims_of(input: &ValueInfoProto, element: DataType) -> Option<Vec<Option<usize>>> {
    let Some(Value::TensorType(Tensor { elem_type, shape })) =
        input.r#type.as_ref().and_then(|kind| kind.value.as_ref())
    else {
        return None;
    };
    if *elem_type != element as i32 {
        return None;
    }
    let fixed = |value: &Option<dimension::Value>| match value {
        Some(dimension::Value::DimValue(size)) => usize::try_from(*size).ok().filter(|&s| s > 0),
        _ => None,
    };
    Some(shape.as_ref()?.dim.iter().map(|dim| fixed(&dim.value)).collect())
}
