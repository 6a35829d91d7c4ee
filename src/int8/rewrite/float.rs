use std::sync::Arc;

use tract_onnx::pb::NodeProto;

use super::linear::{Bias, bias, is_plain};
use super::{Activation, Draft, LinearWeights, Rewrite, integer};
use crate::int8::kernels::FloatWeights;

/// Where the product in f32 was measured to be faster than tract's; for ARM cores tract has
/// products scheduled by hand.
const FASTER: bool = cfg!(target_arch = "x86_64");

/// A linear layer in f32.
struct Parts {
    input: String,
    weights: FloatWeights,
    /// The constant they come from.
    source: String,
    bias: Bias,
}

impl Rewrite {
    /// Every `Gemm` and `MatMul` of f32 values with a constant matrix.
    pub(super) fn float_linears(&mut self) {
        if !FASTER {
            return;
        }
        for op in ["Gemm", "MatMul"] {
            for index in self.view.indices(op) {
                let Some(node) = self.view.node(index).cloned() else { continue };
                if let Some(parts) = self.float_parts(&node) {
                    self.replace_float(index, parts);
                }
            }
        }
    }

    fn float_parts(&self, node: &NodeProto) -> Option<Parts> {
        let view = &self.view;
        if !is_plain(node) || view.constant(node.input.first()?).is_some() {
            return None;
        }
        let source = node.input.get(1)?;
        let &[rows, columns] = view.constant(source)?.dims.as_slice() else { return None };
        let mut values = view.floats(source)?;
        let (rows, columns) = (rows as usize, columns as usize);
        let is_turned = node.op_type == "Gemm" && integer(node, "transB", 0) != 0;
        let mut outputs = columns;
        if is_turned {
            outputs = rows;
            values = super::turned(&values, columns);
        }
        let bias = bias(view, node, outputs).ok()?;
        let weights = FloatWeights::new(self.kernel, &values, outputs, &bias.values)?;
        Some(Parts { input: node.input[0].clone(), weights, source: source.clone(), bias })
    }

    fn replace_float(&mut self, index: usize, parts: Parts) {
        self.view.remove(index);
        if let Some(index) = parts.bias.node {
            self.view.remove(index);
        }
        let weights = LinearWeights::Float(Arc::new(parts.weights));
        let draft = Draft::Linear { weights, activation: Activation::None, residual: false };
        self.add(draft, vec![parts.input], &parts.bias.output);
        self.view.release(&parts.source);
    }
}
