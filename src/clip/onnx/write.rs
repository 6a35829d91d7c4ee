use std::io::{self, Write};
use std::path::Path;

use half::f16;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, OperatorSetIdProto, TensorProto};

use super::graph::{Constant, Content, Graph, WeightType};
use crate::clip::{Error, WeightSource};
use crate::files;

/// Protobuf and every reader built on it stop at 2 GiB.
const MAX_BYTES: u64 = (1 << 31) - 1;
/// The IR version that came with opset 17 (ONNX 1.12).
const IR_VERSION: i64 = 8;
/// Field numbers of onnx.proto.
const MODEL_GRAPH: u32 = 7;
const GRAPH_INITIALIZER: u32 = 5;
const TENSOR_RAW_DATA: u32 = 9;

/// Writes a graph as an ONNX file, reading each weight when its turn comes: memory holds one tensor.
///
/// # Errors
/// [`Error::Onnx`] for a file beyond 2 GiB, those of `weights`, and [`Error::File`].
pub(crate) fn write_graph(
    graph: Graph,
    path: &Path,
    weights: &mut dyn WeightSource,
) -> Result<(), Error> {
    let (frame, body) = envelope(&graph);
    let constants: u64 = graph.constants.iter().map(Constant::field_bytes).sum();
    let graph_bytes = body.len() as u64 + constants;
    if frame.len() as u64 + graph_bytes > MAX_BYTES {
        return Err(Error::Onnx {
            origin: path.display().to_string(),
            reason: format!(
                "{graph_bytes} bytes, the format ends at {MAX_BYTES}; try fp16 weights"
            ),
        });
    }
    let mut failed = None;
    let written = files::write_with(path, |out| {
        out.write_all(&frame)?;
        write_key(out, MODEL_GRAPH, graph_bytes)?;
        out.write_all(&body)?;
        for constant in &graph.constants {
            if let Err(error) = constant.write(out, weights) {
                failed = Some(error);
                return Err(io::Error::other("no weights"));
            }
        }
        Ok(())
    });
    match failed {
        Some(Failure::Weights(error)) => Err(error),
        Some(Failure::Write(error)) => Err(files::Error::io(path, "write")(error).into()),
        None => Ok(written?),
    }
}

/// The encoded model without its graph, and the encoded graph without its constants. Protobuf
/// joins fields in any order, so constants follow as further fields of the graph.
fn envelope(graph: &Graph) -> (Vec<u8>, Vec<u8>) {
    let model = ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: super::OPSET }],
        producer_name: env!("CARGO_PKG_NAME").to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        ..ModelProto::default()
    };
    let body = GraphProto {
        node: graph.nodes.clone(),
        name: "clip".to_owned(),
        input: graph.input.iter().cloned().collect(),
        output: graph.output.iter().cloned().collect(),
        ..GraphProto::default()
    };
    (model.encode_to_vec(), body.encode_to_vec())
}

enum Failure {
    Weights(Error),
    Write(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Weights(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl Constant {
    fn data_type(&self) -> DataType {
        match &self.content {
            Content::Integers(_) => DataType::Int64,
            Content::Weight { stored: WeightType::Float16, .. } => DataType::Float16,
            Content::Floats(_) | Content::Weight { .. } => DataType::Float,
        }
    }

    fn raw_bytes(&self) -> u64 {
        let values: u64 = self.dims.iter().map(|&dim| dim as u64).product();
        values
            * match self.data_type() {
                DataType::Int64 => 8,
                DataType::Float16 => 2,
                _ => 4,
            }
    }

    /// The encoded tensor without its values.
    fn header(&self) -> Vec<u8> {
        TensorProto {
            dims: self.dims.iter().map(|&dim| dim as i64).collect(),
            data_type: self.data_type() as i32,
            name: self.name.clone(),
            ..TensorProto::default()
        }
        .encode_to_vec()
    }

    fn message_bytes(&self) -> u64 {
        let raw = self.raw_bytes();
        self.header().len() as u64 + key(TENSOR_RAW_DATA, raw).len() as u64 + raw
    }

    fn field_bytes(&self) -> u64 {
        let message = self.message_bytes();
        key(GRAPH_INITIALIZER, message).len() as u64 + message
    }

    fn write(&self, out: &mut dyn Write, weights: &mut dyn WeightSource) -> Result<(), Failure> {
        write_key(out, GRAPH_INITIALIZER, self.message_bytes())?;
        out.write_all(&self.header())?;
        write_key(out, TENSOR_RAW_DATA, self.raw_bytes())?;
        match &self.content {
            Content::Integers(values) => {
                for value in values {
                    out.write_all(&value.to_le_bytes())?;
                }
            }
            Content::Floats(values) => write_floats(out, values)?,
            Content::Weight { tensor, shape, stored } => {
                let values = weights.read(tensor, shape)?;
                match stored {
                    WeightType::Float32 => write_floats(out, &values)?,
                    WeightType::Float16 => write_halves(out, tensor, &values)?,
                }
            }
        }
        Ok(())
    }
}

fn write_floats(out: &mut dyn Write, values: &[f32]) -> io::Result<()> {
    // One call per value through a buffered writer costs seconds on a large model.
    for piece in values.chunks(1 << 14) {
        let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn write_halves(out: &mut dyn Write, tensor: &str, values: &[f32]) -> Result<(), Failure> {
    for piece in values.chunks(1 << 14) {
        let halves: Vec<f16> = piece.iter().copied().map(f16::from_f32).collect();
        if let Some(index) = halves.iter().position(|half| !half.is_finite()) {
            let reason = format!("{} does not fit fp16 (65504); use fp32 weights", piece[index]);
            let (origin, tensor) = ("weights".to_owned(), tensor.to_owned());
            return Err(Error::Tensor { origin, tensor, reason }.into());
        }
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn write_key(out: &mut dyn Write, field: u32, length: u64) -> io::Result<()> {
    out.write_all(&key(field, length))
}

fn key(field: u32, length: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(11);
    encode_key(field, WireType::LengthDelimited, &mut bytes);
    encode_varint(length, &mut bytes);
    bytes
}
