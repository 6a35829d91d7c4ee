use std::sync::Arc;

use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;

use super::view::View;
use super::{Activation, Draft, LinearWeights, Rewrite, float, integer};
use crate::int8::kernels::{PackedWeights, Weights};

/// Why a linear layer stays in f32.
type Refusal = &'static str;

/// A linear layer whose inputs are quantized.
struct Parts {
    /// What is quantized, before.
    input: String,
    input_scale: f32,
    /// `[outputs, inputs]`.
    weights: Vec<i8>,
    /// The constant they come from.
    source: String,
    scales: Vec<f32>,
    bias: Vec<f32>,
    output: String,
    /// The `Add` of the bias, where it is a node of its own.
    bias_node: Option<usize>,
}

impl Rewrite {
    /// Every `Gemm` and `MatMul` of dequantized activations with dequantized constant weights.
    pub(super) fn linears(&mut self) {
        for op in ["Gemm", "MatMul"] {
            for index in self.view.indices(op) {
                let Some(node) = self.view.node(index).cloned() else { continue };
                let dequantized =
                    |name: &String| self.view.made_by(name, "DequantizeLinear").is_some();
                if !node.input.iter().any(dequantized) {
                    continue;
                }
                let name = node.output.first().unwrap_or(&node.name).clone();
                match self.parts(&node).and_then(|parts| self.replace(index, parts)) {
                    Ok(()) => {}
                    Err(reason) => {
                        self.left.insert(name, reason.to_owned());
                    }
                }
            }
        }
    }

    fn parts(&self, node: &NodeProto) -> Result<Parts, Refusal> {
        let view = &self.view;
        let (2 | 3, true) = (node.input.len(), is_plain(node)) else {
            return Err("its product is scaled or transposed");
        };
        let (input, input_scale) = activations(view, &node.input[0])?;
        let turned = node.op_type == "Gemm" && integer(node, "transB", 0) != 0;
        let Matrix { values, source, scales } = weights(view, &node.input[1], turned)?;
        let scales: Vec<f32> = scales.iter().map(|scale| scale * input_scale).collect();
        let Bias { values: bias, node: bias_node, output } = bias(view, node, scales.len())?;
        let fine = |values: &[f32]| values.iter().all(|value| value.is_finite());
        if !fine(&scales) || !fine(&bias) {
            return Err("a scale or bias is not finite");
        }
        Ok(Parts { input, input_scale, weights: values, source, scales, bias, output, bias_node })
    }

    fn replace(&mut self, index: usize, parts: Parts) -> Result<(), Refusal> {
        let weights = Weights { values: &parts.weights, scales: &parts.scales, bias: &parts.bias };
        let packed = PackedWeights::new(self.kernel, weights)
            .ok_or("a weight is -128, or sizes contradict each other")?;
        let old = self.view.remove(index).map(|node| node.input).unwrap_or_default();
        let add = parts.bias_node.and_then(|index| self.view.remove(index));
        let bytes = self.quantized(&parts.input, parts.input_scale);
        let draft = Draft::Linear {
            weights: LinearWeights::Int8(Arc::new(packed)),
            activation: Activation::None,
            residual: false,
        };
        self.add(draft, vec![bytes], &parts.output);
        self.view.prune(old.into_iter().chain(add.into_iter().flat_map(|it| it.input)).collect());
        self.view.release(&parts.source);
        Ok(())
    }

    /// The bytes of a value, made once for all layers that take them at the same scale.
    fn quantized(&mut self, value: &str, scale: f32) -> String {
        let name = format!("{value}.bytes.{:08x}", scale.to_bits());
        if self.view.made_by_any(&name).is_none() {
            self.add(Draft::Quantize { scale }, vec![value.to_owned()], &name);
        }
        name
    }
}

/// What is added to a product, and where its sum comes out.
pub(super) struct Bias {
    /// One per output channel, or empty.
    pub(super) values: Vec<f32>,
    /// The `Add`, where it is a node of its own.
    pub(super) node: Option<usize>,
    pub(super) output: String,
}

/// The bias of a `Gemm`, or of a `MatMul` and the only `Add` behind it.
pub(super) fn bias(view: &View, node: &NodeProto, outputs: usize) -> Result<Bias, Refusal> {
    let mut found = Bias { values: Vec::new(), node: None, output: node.output[0].clone() };
    if let Some(name) = node.input.get(2).filter(|name| !name.is_empty()) {
        found.values = constant_floats(view, name).ok_or("its bias is no constant")?;
    } else if let Some((index, add)) =
        view.only_taker(&found.output).filter(|(_, taker)| taker.op_type == "Add")
    {
        let values = super::other(add, &found.output).and_then(|name| constant_floats(view, name));
        if let Some(values) = values.filter(|values| values.len() == outputs) {
            found = Bias { values, node: Some(index), output: add.output[0].clone() };
        }
    }
    if found.values.len() == 1 {
        found.values = vec![found.values[0]; outputs];
    }
    Ok(found)
}

/// Whether a product is neither scaled nor of transposed activations.
pub(super) fn is_plain(node: &NodeProto) -> bool {
    float(node, "alpha", 1.0) == 1.0
        && float(node, "beta", 1.0) == 1.0
        && integer(node, "transA", 0) == 0
}

/// What is quantized and dequantized into `name`, and its scale.
fn activations(view: &View, name: &str) -> Result<(String, f32), Refusal> {
    let (_, dequantize) =
        view.made_by(name, "DequantizeLinear").ok_or("its activations are not quantized")?;
    let (_, quantize) = view
        .made_by(&dequantize.input[0], "QuantizeLinear")
        .ok_or("its activations are not quantized by a QuantizeLinear")?;
    let scale = |node: &NodeProto| view.scalar(node.input.get(1)?).filter(|&scale| scale > 0.0);
    let found = scale(quantize).ok_or("its activations have no single constant scale")?;
    if scale(dequantize) != Some(found) || !found.recip().is_finite() {
        return Err("its activations are quantized and dequantized with different scales");
    }
    for node in [quantize, dequantize] {
        if !node.input.get(2).is_some_and(|name| is_symmetric(view, name)) {
            return Err("its activations are not symmetric");
        }
    }
    Ok((quantize.input[0].clone(), found))
}

/// Whether a zero point is in the middle of its type: unsigned bytes around 128 are signed ones.
fn is_symmetric(view: &View, zero: &str) -> bool {
    view.bytes(zero).is_some_and(|it| it == [0]) || view.unsigned_bytes(zero) == Some(vec![128])
}

/// Constant weights.
struct Matrix {
    /// `[outputs, inputs]`.
    values: Vec<i8>,
    source: String,
    scales: Vec<f32>,
}

/// The constant that is dequantized into `name`; `turned` when it is `[outputs, inputs]`.
fn weights(view: &View, name: &str, turned: bool) -> Result<Matrix, Refusal> {
    let (_, node) =
        view.made_by(name, "DequantizeLinear").ok_or("its weights are not quantized")?;
    let source = node.input[0].clone();
    let tensor = view.constant(&source).ok_or("its weights are no constant")?;
    let &[rows, columns] = tensor.dims.as_slice() else {
        return Err("its weights are no matrix");
    };
    let (rows, columns) = (rows as usize, columns as usize);
    let mut values = view.bytes(&source).ok_or("its weights are not signed bytes")?;
    let zeros = node.input.get(2).filter(|name| !name.is_empty());
    if !zeros.is_none_or(|name| view.bytes(name).is_some_and(|it| it.iter().all(|&z| z == 0))) {
        return Err("its weights are not symmetric");
    }
    let outputs = if turned { rows } else { columns };
    let axis = integer(node, "axis", 1).rem_euclid(2);
    let mut scales = node
        .input
        .get(1)
        .and_then(|name| view.floats(name))
        .ok_or("its weights have no constant scales")?;
    match scales.len() {
        1 => scales = vec![scales[0]; outputs],
        found if found == outputs && axis == i64::from(!turned) => {}
        _ => return Err("its weights are not scaled per output channel"),
    }
    if !turned {
        values = super::turned(&values, columns);
    }
    Ok(Matrix { values, source, scales })
}

/// An f32 constant, or an i32 one behind a `DequantizeLinear`.
fn constant_floats(view: &View, name: &str) -> Option<Vec<f32>> {
    if let Some(values) = view.floats(name) {
        return Some(values);
    }
    let (_, node) = view.made_by(name, "DequantizeLinear")?;
    let tensor = view.constant(&node.input[0])?;
    if tensor.data_type != DataType::Int32 as i32 {
        return None;
    }
    let zeros = node.input.get(2).filter(|name| !name.is_empty());
    if zeros.is_some_and(|name| view.integers(name).is_none_or(|it| it.iter().any(|&z| z != 0))) {
        return None;
    }
    let (values, scales) = (view.integers(&node.input[0])?, view.floats(node.input.get(1)?)?);
    let single = scales.len() == 1;
    if !single && scales.len() != values.len() {
        return None;
    }
    let scale = |index: usize| scales[if single { 0 } else { index }];
    Some(values.iter().enumerate().map(|(index, &v)| v as f32 * scale(index)).collect())
}
