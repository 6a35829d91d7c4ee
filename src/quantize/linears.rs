use tract_onnx::pb::{AttributeProto, NodeProto};

use super::Error;
use super::graph::{Graph, transposed};

/// A linear layer with constant weights, however the exporter wrote it.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    /// What people call it: its weights without `.weight`, or its node.
    pub(super) name: String,
    /// The node, and the `Add` of the bias where that is one of its own.
    pub(super) node: usize,
    pub(super) bias_node: Option<usize>,
    /// What goes in and comes out.
    pub(super) input: String,
    pub(super) output: String,
    /// The constant.
    pub(super) weight: String,
    pub(super) bias: Option<String>,
    /// `[outputs, inputs]` in the constant; otherwise the other way round.
    pub(super) turned: bool,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) form: Form,
}

/// What surrounds the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Rows of activations, of any rank.
    Rows,
    /// A convolution whose kernel and stride are this edge: each patch is a row.
    Patches(usize),
}

impl Linear {
    /// The weights as `[outputs, inputs]`.
    pub(super) fn weights(&self, graph: &Graph) -> Vec<f32> {
        let values = graph.floats(&self.weight).map(|(_, values)| values).unwrap_or_default();
        if self.turned { values } else { transposed(&values, self.outputs) }
    }

    /// One value per output; empty without a bias.
    pub(super) fn biases(&self, graph: &Graph) -> Vec<f32> {
        let bias = self.bias.as_ref().and_then(|name| graph.floats(name));
        match bias.map(|(_, values)| values).unwrap_or_default() {
            values if values.len() == 1 => vec![values[0]; self.outputs],
            values => values,
        }
    }

    /// Multiplies the weights of every input channel.
    pub(super) fn scale_inputs(&self, graph: &mut Graph, factors: &[f32]) {
        let mut values = self.weights(graph);
        for row in values.chunks_mut(self.inputs.max(1)) {
            row.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
        }
        self.put(graph, values);
    }

    /// Multiplies weights and biases of every output channel.
    pub(super) fn scale_outputs(&self, graph: &mut Graph, factors: &[f32]) {
        let mut values = self.weights(graph);
        for (row, factor) in values.chunks_mut(self.inputs.max(1)).zip(factors) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
        self.put(graph, values);
        if let Some(name) = &self.bias {
            let values: Vec<f32> = self
                .biases(graph)
                .iter()
                .zip(factors)
                .map(|(value, factor)| value * factor)
                .collect();
            graph.set_floats(name, &values);
        }
    }

    fn put(&self, graph: &mut Graph, values: Vec<f32>) {
        let values = if self.turned { values } else { transposed(&values, self.inputs) };
        graph.set_floats(&self.weight, &values);
    }
}

/// Every linear layer with constant weights, in the order of the graph.
///
/// # Errors
/// [`Error::DynamicWeights`] and [`Error::NoLayers`].
pub(super) fn linears(graph: &Graph, origin: &str) -> Result<Vec<Linear>, Error> {
    let mut found: Vec<Linear> = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let linear = match node.op_type.as_str() {
            "Gemm" => gemm(graph, node),
            "MatMul" => product(graph, node),
            "Conv" => patches(graph, node),
            _ => continue,
        };
        match linear {
            Some(linear) => {
                let mut linear = Linear { node: index, ..linear };
                if found.iter().any(|it| it.name == linear.name) {
                    linear.name = linear.output.clone();
                }
                found.push(linear);
            }
            None => refuse_dynamic(graph, node, origin)?,
        }
    }
    if found.is_empty() {
        return Err(Error::NoLayers { origin: origin.to_owned() });
    }
    Ok(found)
}

/// The product of two activations is attention; weights that are computed are another matter.
fn refuse_dynamic(graph: &Graph, node: &NodeProto, origin: &str) -> Result<(), Error> {
    let Some(weight) = node.input.get(1) else { return Ok(()) };
    let from_input = graph.depends_on_input(weight);
    if graph.constant(weight).is_some() || (from_input && node.op_type == "MatMul") {
        return Ok(());
    }
    let made = match graph.maker(weight) {
        Some(index) => format!("computed by {} at every run", graph.nodes[index].op_type),
        None => "an input of the model".to_owned(),
    };
    let node = node.output.first().unwrap_or(&node.name).clone();
    Err(Error::DynamicWeights { origin: origin.to_owned(), node, made })
}

fn gemm(graph: &Graph, node: &NodeProto) -> Option<Linear> {
    let plain = number(node, "alpha", 1.0) == 1.0
        && number(node, "beta", 1.0) == 1.0
        && integer(node, "transA") == 0;
    let mut linear = matrix(graph, node, integer(node, "transB") != 0).filter(|_| plain)?;
    if let Some(bias) = node.input.get(2).filter(|name| !name.is_empty()) {
        linear.bias = Some(fitting_bias(graph, bias, linear.outputs)?);
    }
    Some(linear)
}

fn product(graph: &Graph, node: &NodeProto) -> Option<Linear> {
    let mut linear = matrix(graph, node, false)?;
    let with_bias = || {
        let &[index] = graph.takers(&linear.output).as_slice() else { return None };
        let add = graph.nodes.get(index).filter(|add| add.op_type == "Add")?;
        let other = add.input.iter().find(|input| **input != linear.output)?;
        let bias = fitting_bias(graph, other, linear.outputs)?;
        (!graph.leaves(&linear.output)).then(|| (index, bias, add.output.first().cloned()))
    };
    if let Some((index, bias, Some(output))) = with_bias() {
        (linear.bias_node, linear.bias, linear.output) = (Some(index), Some(bias), output);
    }
    Some(linear)
}

/// A product with a constant matrix, its bias left out.
fn matrix(graph: &Graph, node: &NodeProto, turned: bool) -> Option<Linear> {
    let [input, weight, ..] = node.input.as_slice() else { return None };
    let (dims, _) = graph.floats(weight)?;
    let &[rows, columns] = dims.as_slice() else { return None };
    if graph.constant(input).is_some() || rows == 0 || columns == 0 {
        return None;
    }
    let (outputs, inputs) = if turned { (rows, columns) } else { (columns, rows) };
    let output = node.output.first()?.clone();
    Some(Linear {
        name: name_of(weight, node),
        node: 0,
        bias_node: None,
        input: input.clone(),
        output,
        weight: weight.clone(),
        bias: None,
        turned,
        outputs,
        inputs,
        form: Form::Rows,
    })
}

/// A convolution whose patches do not overlap and leave nothing out between them.
fn patches(graph: &Graph, node: &NodeProto) -> Option<Linear> {
    let [input, weight, ..] = node.input.as_slice() else { return None };
    let (dims, _) = graph.floats(weight)?;
    let &[outputs, channels, height, width] = dims.as_slice() else { return None };
    let edge = height as i64;
    let all = |name: &str, wanted: i64| {
        attribute(node, name).is_none_or(|it| it.ints.iter().all(|&value| value == wanted))
    };
    let plain = height == width
        && attribute(node, "strides").is_some_and(|it| it.ints == [edge, edge])
        && all("pads", 0)
        && all("dilations", 1)
        && attribute(node, "group").is_none_or(|it| it.i == 1)
        && attribute(node, "auto_pad").is_none_or(|it| it.s == b"NOTSET" || it.s == b"VALID");
    if !plain {
        return None;
    }
    let bias = match node.input.get(2).filter(|name| !name.is_empty()) {
        Some(bias) => Some(fitting_bias(graph, bias, outputs)?),
        None => None,
    };
    Some(Linear {
        name: name_of(weight, node),
        node: 0,
        bias_node: None,
        input: input.clone(),
        output: node.output.first()?.clone(),
        weight: weight.clone(),
        bias,
        turned: true,
        outputs,
        inputs: channels * height * width,
        form: Form::Patches(height),
    })
}

/// A constant with one value, or one per output.
fn fitting_bias(graph: &Graph, name: &str, outputs: usize) -> Option<String> {
    let (dims, values) = graph.floats(name)?;
    let row = dims.iter().rev().skip(1).all(|&dim| dim == 1);
    let fits = row && (values.len() == 1 || values.len() == outputs);
    fits.then(|| name.to_owned())
}

/// `onnx::MatMul_1234` is a number of the exporter; its node has the layer's path.
fn name_of(weight: &str, node: &NodeProto) -> String {
    match weight.strip_suffix(".weight") {
        Some(name) => name.to_owned(),
        None if node.name.is_empty() => node.output.first().cloned().unwrap_or_default(),
        None => node.name.clone(),
    }
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|it| it.name == name)
}

pub(super) fn integer(node: &NodeProto, name: &str) -> i64 {
    attribute(node, name).map_or(0, |it| it.i)
}

fn number(node: &NodeProto, name: &str, otherwise: f32) -> f32 {
    attribute(node, name).map_or(otherwise, |it| it.f)
}
