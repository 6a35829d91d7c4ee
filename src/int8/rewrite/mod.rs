//! The graph rewrite: finds in an ONNX graph what kernels can compute, and puts it in their hands.
//!
//! Owns the patterns: linears, quantized or not, with their activation and residual, LayerNorm,
//! attention.
//! It works on the file's own operators, where a linear is still one node, before tract folds
//! transposes into them.
//!
//! What it does not know it leaves as it is, and says so; it changes no numbers beyond rounding.

mod activation;
mod attention;
mod bytes;
mod float;
mod layer_norm;
mod linear;
mod view;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use super::kernels::{Activation, Kernel};
use super::ops::{
    Fused, FusedAttention, FusedLayerNorm, FusedLinear, FusedOp, LinearWeights, Quantize,
};
use view::View;

/// What fused nodes are called in the graph; no operator of any domain is.
const FUSED: &str = "pairspec.Fused";

/// A model whose fused nodes wait for [`Rewritten::install`].
#[derive(Debug)]
pub struct Rewritten {
    model: ModelProto,
    ops: HashMap<String, FusedOp>,
    left: BTreeMap<String, String>,
}

/// A fused operator that may still take in what is around it.
enum Draft {
    Quantize { scale: f32 },
    Linear { weights: LinearWeights, activation: Activation, residual: bool },
    Norm { scale: Vec<f32>, shift: Vec<f32>, epsilon: f32 },
    Attention { factor: f32, mask: bool },
}

/// The rewrite under way.
struct Rewrite {
    view: View,
    kernel: &'static dyn Kernel,
    /// By node.
    drafts: HashMap<usize, Draft>,
    /// Scales of drafts that give bytes themselves, by node.
    bytes: HashMap<usize, f32>,
    left: BTreeMap<String, String>,
}

/// Rewrites a model for a kernel.
pub fn rewrite(mut model: ModelProto, kernel: &'static dyn Kernel) -> Rewritten {
    let Some(graph) = &mut model.graph else {
        return Rewritten { model, ops: HashMap::new(), left: BTreeMap::new() };
    };
    let mut rewrite = Rewrite {
        view: View::of(graph),
        kernel,
        drafts: HashMap::new(),
        bytes: HashMap::new(),
        left: BTreeMap::new(),
    };
    rewrite.linears();
    rewrite.float_linears();
    rewrite.activations();
    rewrite.residuals();
    rewrite.layer_norms();
    rewrite.attentions();
    rewrite.outputs_as_bytes();
    rewrite.note_what_is_left();
    let ops = rewrite.finished();
    let left = rewrite.left;
    rewrite.view.into_graph(graph);
    Rewritten { model, ops, left }
}

impl Rewritten {
    /// The model to parse; tract takes its fused nodes for unknown operators.
    pub fn model(&self) -> &ModelProto {
        &self.model
    }

    /// Puts the fused operators into the parsed model.
    ///
    /// # Errors
    /// When a node is not there.
    pub fn install(self, parsed: &mut InferenceModel) -> TractResult<()> {
        let mut ops = self.ops;
        for node in parsed.nodes_mut() {
            if let Some(op) = ops.remove(&node.name) {
                node.op = expand(op);
            }
        }
        ensure!(ops.is_empty(), "fused nodes are missing: {:?}", ops.keys());
        Ok(())
    }

    /// Nodes that run as they are in f32 although something of their kind is fused, each with why.
    pub fn left_in_float(&self) -> &BTreeMap<String, String> {
        &self.left
    }

    /// How many nodes were fused.
    pub fn fused(&self) -> usize {
        self.ops.len()
    }
}

impl Rewrite {
    /// Appends a fused node; `output` names it too.
    fn add(&mut self, draft: Draft, inputs: Vec<String>, output: &str) -> usize {
        let index = self.view.add(NodeProto {
            name: format!("{output}.fused"),
            op_type: FUSED.to_owned(),
            input: inputs,
            output: vec![output.to_owned()],
            ..NodeProto::default()
        });
        self.drafts.insert(index, draft);
        index
    }

    /// Takes a fused node out, to put a larger one in its place.
    fn take(&mut self, index: usize) -> Option<(Draft, NodeProto)> {
        let draft = self.drafts.remove(&index)?;
        Some((draft, self.view.remove(index)?))
    }

    fn is_linear(&self, index: usize) -> bool {
        matches!(self.drafts.get(&index), Some(Draft::Linear { .. }))
    }

    /// Adds the residual of an only taker to a linear.
    fn residuals(&mut self) {
        let linears: Vec<usize> =
            self.view.indices(FUSED).into_iter().filter(|&it| self.is_linear(it)).collect();
        for index in linears {
            self.residual(index);
        }
    }

    fn residual(&mut self, index: usize) -> Option<()> {
        let output = self.view.node(index)?.output.first()?.clone();
        let (add, node) = self.view.only_taker(&output).filter(|(_, it)| it.op_type == "Add")?;
        let other = node.input.iter().find(|input| **input != output)?.clone();
        // A constant has one row for all, and is no residual.
        self.view.made_by_any(&other)?;
        let sum = node.output.first()?.clone();
        let (draft, node) = self.take(index)?;
        self.view.remove(add);
        let Draft::Linear { weights, activation, .. } = draft else { return None };
        let draft = Draft::Linear { weights, activation, residual: true };
        self.add(draft, vec![node.input[0].clone(), other], &sum);
        Some(())
    }

    fn note_what_is_left(&mut self) {
        const KNOWN: [(&str, &str); 4] = [
            ("QuantizeLinear", "its values go elsewhere than into a linear layer"),
            ("DequantizeLinear", "its values go elsewhere than into a linear layer"),
            ("LayerNormalization", "scale, shift or axis are not those of a transformer"),
            ("Softmax", "what surrounds it is no attention of a known form"),
        ];
        for node in self.view.nodes() {
            if let Some((_, reason)) = KNOWN.iter().find(|(op, _)| *op == node.op_type) {
                let name = node.output.first().unwrap_or(&node.name).clone();
                self.left.entry(name).or_insert_with(|| (*reason).to_owned());
            }
        }
    }

    /// The operators of all drafts by the name of their node.
    fn finished(&mut self) -> HashMap<String, FusedOp> {
        let (view, kernel, bytes) = (&self.view, self.kernel, &self.bytes);
        let finished = self.drafts.drain().filter_map(|(index, draft)| {
            let name = view.node(index)?.name.clone();
            let bytes = bytes.get(&index).copied();
            let fused: Arc<dyn Fused> = match draft {
                Draft::Quantize { scale } => Arc::new(Quantize { kernel, scale }),
                Draft::Linear { weights, activation, residual } => {
                    Arc::new(FusedLinear { kernel, weights, activation, residual, bytes })
                }
                Draft::Norm { scale, shift, epsilon } => {
                    Arc::new(FusedLayerNorm { kernel, scale, shift, epsilon, bytes })
                }
                Draft::Attention { factor, mask } => {
                    Arc::new(FusedAttention { kernel, factor, mask, bytes })
                }
            };
            let op = FusedOp { fused, node: name.as_str().into() };
            Some((name, op))
        });
        finished.collect()
    }
}

/// The value of an attribute of integers, or what stands for its absence.
fn integer(node: &NodeProto, name: &str, otherwise: i64) -> i64 {
    node.attribute.iter().find(|it| it.name == name).map_or(otherwise, |it| it.i)
}

/// The value of an attribute of f32.
fn float(node: &NodeProto, name: &str, otherwise: f32) -> f32 {
    node.attribute.iter().find(|it| it.name == name).map_or(otherwise, |it| it.f)
}

/// A matrix of rows of this length, column after column.
fn turned<T: Copy>(values: &[T], row: usize) -> Vec<T> {
    (0..row).flat_map(|column| values.iter().skip(column).step_by(row).copied()).collect()
}

/// The other input of a node with two.
fn other<'a>(node: &'a NodeProto, input: &str) -> Option<&'a str> {
    match node.input.as_slice() {
        [a, b] if a == input => Some(b),
        [a, b] if b == input => Some(a),
        _ => None,
    }
}
