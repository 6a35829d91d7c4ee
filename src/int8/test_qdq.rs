//! Quantized models for tests: the form that the quantizer writes, with naive scales.

#![allow(clippy::unwrap_used)]
use std::collections::{BTreeMap, HashMap};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{
    AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, attribute_proto,
};
use tract_onnx::prelude::*;

/// Runs a model on plain tract.
pub(crate) fn plain(model: &ModelProto, inputs: &[Tensor]) -> Vec<Vec<f32>> {
    let plan = tract_onnx::onnx().model_for_proto_model(model).unwrap();
    run(plan, inputs)
}

/// Runs a parsed model on each input.
pub(crate) fn run(mut parsed: InferenceModel, inputs: &[Tensor]) -> Vec<Vec<f32>> {
    let mut shape: TVec<TDim> = inputs[0].shape().iter().map(|dim| dim.to_dim()).collect();
    shape[0] = parsed.symbols.sym("N").to_dim();
    parsed.set_input_fact(0, InferenceFact::dt_shape(inputs[0].datum_type(), shape)).unwrap();
    let plan = parsed.into_optimized().unwrap().into_runnable().unwrap();
    let run = |input: &Tensor| {
        let output = plan.run(tvec!(input.clone().into())).unwrap();
        output[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect()
    };
    inputs.iter().map(run).collect()
}

/// Every `Gemm` with constant weights on quantized inputs: symmetric bytes, one scale for
/// activations from the largest value seen, one per output channel for weights, the bias as i32.
pub(crate) fn quantized(model: &ModelProto, samples: &[Tensor]) -> ModelProto {
    let mut model = model.clone();
    let graph = model.graph.as_ref().unwrap();
    let constants: HashMap<String, TensorProto> =
        graph.initializer.iter().map(|it| (it.name.clone(), it.clone())).collect();
    let inputs: Vec<String> = graph
        .node
        .iter()
        .filter(|node| node.op_type == "Gemm")
        .map(|node| node.input[0].clone())
        .collect();
    let largest = observed(&model, &inputs, samples);
    let graph = model.graph.as_mut().unwrap();
    let mut writer = Writer { nodes: Vec::new(), constants: Vec::new() };
    for node in std::mem::take(&mut graph.node) {
        if node.op_type == "Gemm" {
            writer.gemm(node, &constants, &largest);
        } else {
            writer.nodes.push(node);
        }
    }
    graph.node = writer.nodes;
    let weights: Vec<&String> = writer
        .constants
        .iter()
        .filter_map(|it| constants.get_key_value(source(&it.name)?))
        .map(|it| it.0)
        .collect();
    graph.initializer.retain(|it| !weights.contains(&&it.name));
    graph.initializer.extend(writer.constants);
    model
}

fn source(name: &str) -> Option<&str> {
    name.strip_suffix(".quantized")
}

/// The largest size of each of these values.
fn observed(model: &ModelProto, names: &[String], samples: &[Tensor]) -> BTreeMap<String, f32> {
    let mut model = model.clone();
    let output = |name: &String| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() };
    model.graph.as_mut().unwrap().output = names.iter().map(output).collect();
    let mut parsed = tract_onnx::onnx().model_for_proto_model(&model).unwrap();
    let mut shape: TVec<TDim> = samples[0].shape().iter().map(|dim| dim.to_dim()).collect();
    shape[0] = parsed.symbols.sym("N").to_dim();
    parsed.set_input_fact(0, InferenceFact::dt_shape(samples[0].datum_type(), shape)).unwrap();
    let plan = parsed.into_optimized().unwrap().into_runnable().unwrap();
    let mut all: BTreeMap<String, f32> = BTreeMap::new();
    for sample in samples {
        let found = plan.run(tvec!(sample.clone().into())).unwrap();
        for (name, values) in names.iter().zip(found) {
            let values = values.to_plain_array_view::<f32>().unwrap();
            let most = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            let entry = all.entry(name.clone()).or_default();
            *entry = entry.max(most);
        }
    }
    all
}

struct Writer {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Writer {
    fn gemm(
        &mut self,
        mut node: NodeProto,
        constants: &HashMap<String, TensorProto>,
        largest: &BTreeMap<String, f32>,
    ) {
        let (input, weight) = (node.input[0].clone(), node.input[1].clone());
        let input_scale = largest[&input] / 127.0;
        node.input[0] = self.activations(&input, input_scale);
        let tensor = &constants[&weight];
        let columns = tensor.dims[1] as usize;
        let values = floats(tensor);
        let scales: Vec<f32> = values
            .chunks(columns)
            .map(|row| row.iter().fold(1e-12_f32, |most, value| most.max(value.abs())) / 127.0)
            .collect();
        let bytes: Vec<u8> = values
            .chunks(columns)
            .zip(&scales)
            .flat_map(|(row, scale)| row.iter().map(move |value| byte(value / scale)))
            .collect();
        self.constant(&format!("{weight}.quantized"), DataType::Int8, &tensor.dims, bytes);
        node.input[1] = self.dequantized(&weight, &scales);
        if let Some(bias) = node.input.get(2).cloned() {
            let scales: Vec<f32> = scales.iter().map(|scale| scale * input_scale).collect();
            let values = floats(&constants[&bias]);
            let integers = values
                .iter()
                .zip(&scales)
                .map(|(value, scale)| (value / scale).round_ties_even() as i32);
            let bytes = integers.flat_map(i32::to_le_bytes).collect();
            let dims = [scales.len() as i64];
            self.constant(&format!("{bias}.quantized"), DataType::Int32, &dims, bytes);
            node.input[2] = self.dequantized(&bias, &scales);
        }
        self.nodes.push(node);
    }

    /// Quantizes and dequantizes a value, once however many layers take it.
    fn activations(&mut self, name: &str, scale: f32) -> String {
        let output = format!("{name}.dequantized");
        if self.nodes.iter().any(|node| node.output[0] == output) {
            return output;
        }
        let parameters = [format!("{name}.quant_scale"), format!("{name}.quant_zero")];
        self.constant(&parameters[0], DataType::Float, &[], scale.to_le_bytes().to_vec());
        self.constant(&parameters[1], DataType::Int8, &[], vec![0]);
        let bytes = format!("{name}.quantized");
        self.node("QuantizeLinear", [&[name.to_owned()], &parameters[..]].concat(), &bytes);
        self.node("DequantizeLinear", [&[bytes], &parameters[..]].concat(), &output);
        output
    }

    /// Dequantizes `name.quantized` along its first axis.
    fn dequantized(&mut self, name: &str, scales: &[f32]) -> String {
        let output = format!("{name}.dequantized");
        let bytes = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        let scale = format!("{name}.quant_scale");
        self.constant(&scale, DataType::Float, &[scales.len() as i64], bytes);
        self.node("DequantizeLinear", vec![format!("{name}.quantized"), scale], &output);
        let axis = attribute_proto::AttributeType::Int as i32;
        let last = self.nodes.last_mut().unwrap();
        last.attribute.push(AttributeProto {
            name: "axis".to_owned(),
            r#type: axis,
            i: 0,
            ..AttributeProto::default()
        });
        output
    }

    fn node(&mut self, op: &str, input: Vec<String>, output: &str) {
        self.nodes.push(NodeProto {
            name: output.to_owned(),
            op_type: op.to_owned(),
            input,
            output: vec![output.to_owned()],
            ..NodeProto::default()
        });
    }

    fn constant(&mut self, name: &str, kind: DataType, dims: &[i64], raw_data: Vec<u8>) {
        self.constants.push(TensorProto {
            name: name.to_owned(),
            data_type: kind as i32,
            dims: dims.to_vec(),
            raw_data,
            ..TensorProto::default()
        });
    }
}

fn byte(value: f32) -> u8 {
    value.round_ties_even().clamp(-127.0, 127.0) as i8 as u8
}

fn floats(tensor: &TensorProto) -> Vec<f32> {
    tensor.raw_data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
