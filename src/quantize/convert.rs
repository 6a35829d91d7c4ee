use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, NodeProto, attribute_proto};

use super::graph::{Graph, float_tensor, raw_tensor};
use super::linears::{Form, Linear};

/// The largest quantized size; -128 is left out, so that sums of products stay symmetric.
const LARGEST: f32 = 127.0;
/// Quantized biases stay below this, with room for the products that are added to them.
const LARGEST_BIAS: f32 = (1 << 30) as f32;
/// Scales below would be subnormal once multiplied.
const SMALLEST_SCALE: f32 = 1e-18;

/// What a linear layer is given to be quantized with.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Of its input.
    pub(super) scale: f32,
    /// The shape of its input; the first dimension is the batch.
    pub(super) shape: Vec<usize>,
}

/// The zero point of activations: a byte of them is a signed byte and 128 more.
const MIDDLE: u8 = 128;

/// Writes quantized linears: `QuantizeLinear`, `DequantizeLinear` and `Gemm` on rows.
///
/// The form: activations as unsigned bytes around zero point 128 with one scale, weights as signed
/// bytes with one scale per output channel, an i32 bias. It is the one that onnxruntime runs
/// fastest on x86-64, and the numbers are those of signed bytes with zero point 0.
pub(super) struct Writer<'a> {
    graph: &'a mut Graph,
    nodes: Vec<NodeProto>,
    /// Rows that were quantized already, by what they were made from.
    quantized: HashMap<String, String>,
}

/// Puts the quantized form in the place of the linears that have a plan.
pub(super) fn replace(graph: &mut Graph, linears: &[Linear], plans: &HashMap<String, Plan>) {
    let planned: Vec<&Linear> = linears.iter().filter(|it| plans.contains_key(&it.name)).collect();
    let gone: HashSet<usize> = planned.iter().filter_map(|linear| linear.bias_node).collect();
    let nodes = std::mem::take(&mut graph.nodes);
    let mut writer = Writer { graph, nodes: Vec::new(), quantized: HashMap::new() };
    for (index, node) in nodes.into_iter().enumerate() {
        match planned.iter().find(|linear| linear.node == index) {
            Some(linear) => writer.linear(linear, &plans[&linear.name], &linear.output),
            None if gone.contains(&index) => {}
            None => writer.nodes.push(node),
        }
    }
    let nodes = writer.nodes;
    graph.nodes = nodes;
}

/// Appends the quantized form of every planned linear beside the float one; gives the float and the
/// quantized output of each.
pub(super) fn beside(
    graph: &mut Graph,
    linears: &[Linear],
    plans: &HashMap<String, Plan>,
) -> Vec<(String, String)> {
    let mut writer = Writer { graph, nodes: Vec::new(), quantized: HashMap::new() };
    let mut outputs = Vec::new();
    for linear in linears {
        let Some(plan) = plans.get(&linear.name) else { continue };
        let output = writer.graph.fresh(&format!("{}.beside", linear.output));
        writer.linear(linear, plan, &output);
        outputs.push((linear.output.clone(), output));
    }
    let nodes = writer.nodes;
    graph.nodes.extend(nodes);
    outputs
}

impl Writer<'_> {
    fn linear(&mut self, linear: &Linear, plan: &Plan, output: &str) {
        let rows = match self.quantized.get(&linear.input) {
            Some(rows) => rows.clone(),
            None => {
                let rows = self.rows(linear, plan);
                let rows = self.activations(&rows, plan.scale);
                self.quantized.insert(linear.input.clone(), rows.clone());
                rows
            }
        };
        let inputs = self.weights(linear, plan.scale);
        let inputs = [vec![rows], inputs].concat();
        let turned = vec![int("transB", 1)];
        let rank = plan.shape.len();
        match linear.form {
            Form::Rows if rank == 2 => self.node("Gemm", inputs, output, turned),
            Form::Rows => {
                let flat = self.graph.fresh(&format!("{output}.rows"));
                self.node("Gemm", inputs, &flat, turned);
                let mut shape: Vec<i64> = plan.shape.iter().map(|&dim| dim as i64).collect();
                (shape[0], shape[rank - 1]) = (-1, linear.outputs as i64);
                self.reshape(&flat, &shape, output);
            }
            Form::Patches(edge) => {
                let flat = self.graph.fresh(&format!("{output}.rows"));
                self.node("Gemm", inputs, &flat, turned);
                let [high, wide] = [2, 3].map(|axis| (plan.shape[axis] / edge) as i64);
                let grid = self.graph.fresh(&format!("{output}.grid"));
                self.reshape(&flat, &[-1, high, wide, linear.outputs as i64], &grid);
                self.node("Transpose", vec![grid], output, vec![ints("perm", &[0, 3, 1, 2])]);
            }
        }
    }

    /// The input as a matrix.
    fn rows(&mut self, linear: &Linear, plan: &Plan) -> String {
        let value = &linear.input;
        let Form::Patches(edge) = linear.form else {
            if plan.shape.len() == 2 {
                return value.clone();
            }
            let rows = self.graph.fresh(&format!("{value}.rows"));
            self.reshape(value, &[-1, linear.inputs as i64], &rows);
            return rows;
        };
        let [channels, height, width] = [1, 2, 3].map(|axis| plan.shape[axis]);
        let (high, wide) = (height / edge, width / edge);
        let mut value = value.clone();
        if high * edge < height || wide * edge < width {
            let ends = [(high * edge) as i64, (wide * edge) as i64];
            value = self.cut(&value, &ends);
        }
        let shape = [channels, high, edge, wide, edge].map(|it| it as i64);
        let cells = self.graph.fresh(&format!("{value}.cells"));
        self.reshape(&value, &[&[-1], &shape[..]].concat(), &cells);
        let turned = self.graph.fresh(&format!("{value}.turned"));
        let order = ints("perm", &[0, 2, 4, 1, 3, 5]);
        self.node("Transpose", vec![cells], &turned, vec![order]);
        let rows = self.graph.fresh(&format!("{value}.patches"));
        self.reshape(&turned, &[-1, linear.inputs as i64], &rows);
        rows
    }

    fn cut(&mut self, value: &str, ends: &[i64; 2]) -> String {
        let mut constant = |part: &str, values: &[i64]| {
            self.graph.add_constant(integer_tensor(&format!("{value}.cut_{part}"), values))
        };
        let parts = [constant("from", &[0, 0]), constant("to", ends), constant("axes", &[2, 3])];
        let output = self.graph.fresh(&format!("{value}.cut"));
        self.node("Slice", [&[value.to_owned()], &parts[..]].concat(), &output, vec![]);
        output
    }

    /// Quantizes and dequantizes rows.
    fn activations(&mut self, rows: &str, scale: f32) -> String {
        let scale = float_tensor(&format!("{rows}.quant_scale"), &[], &[scale]);
        let zero = raw_tensor(&format!("{rows}.quant_zero"), DataType::Uint8, &[], vec![MIDDLE]);
        let parameters = [scale, zero].map(|tensor| self.graph.add_constant(tensor));
        let bytes = self.graph.fresh(&format!("{rows}.bytes"));
        let input = [&[rows.to_owned()], &parameters[..]].concat();
        self.node("QuantizeLinear", input, &bytes, vec![]);
        let output = self.graph.fresh(&format!("{rows}.dequantized"));
        let input = [&[bytes], &parameters[..]].concat();
        self.node("DequantizeLinear", input, &output, vec![]);
        output
    }

    /// Weights, and the bias if there is one, each behind its `DequantizeLinear`.
    fn weights(&mut self, linear: &Linear, input_scale: f32) -> Vec<String> {
        let values = linear.weights(self.graph);
        let biases = linear.biases(self.graph);
        let scales = scales(&values, &biases, linear.inputs, input_scale);
        let bytes = values
            .chunks(linear.inputs)
            .zip(&scales)
            .flat_map(|(row, scale)| row.iter().map(move |value| byte(value / scale)))
            .collect();
        let dims = [linear.outputs as i64, linear.inputs as i64];
        let weights = format!("{}.weight", linear.name);
        let tensor = raw_tensor(&format!("{weights}.bytes"), DataType::Int8, &dims, bytes);
        let mut inputs = vec![self.dequantized(&weights, tensor, &scales)];
        if !biases.is_empty() {
            let scales: Vec<f32> = scales.iter().map(|scale| scale * input_scale).collect();
            let integers =
                biases.iter().zip(&scales).map(|(value, scale)| (value / scale).round_ties_even());
            let raw = integers.flat_map(|value| (value as i32).to_le_bytes()).collect();
            let name = format!("{}.bias", linear.name);
            let dims = [scales.len() as i64];
            let tensor = raw_tensor(&format!("{name}.integers"), DataType::Int32, &dims, raw);
            inputs.push(self.dequantized(&name, tensor, &scales));
        }
        inputs
    }

    /// A constant behind its `DequantizeLinear`. Without zero points, which may be left out where they
    /// are zero, onnxruntime would leave the product in f32.
    fn dequantized(
        &mut self,
        name: &str,
        values: tract_onnx::pb::TensorProto,
        scales: &[f32],
    ) -> String {
        let dims = [scales.len() as i64];
        let scale = float_tensor(&format!("{name}.quant_scale"), &dims, scales);
        let zero = tract_onnx::pb::TensorProto {
            name: format!("{name}.quant_zero"),
            data_type: values.data_type,
            dims: dims.to_vec(),
            int32_data: vec![0; scales.len()],
            ..Default::default()
        };
        let inputs = [values, scale, zero].map(|tensor| self.graph.add_constant(tensor));
        let output = self.graph.fresh(&format!("{name}.dequantized"));
        self.node("DequantizeLinear", inputs.to_vec(), &output, vec![int("axis", 0)]);
        output
    }

    fn reshape(&mut self, value: &str, shape: &[i64], output: &str) {
        let shape = self.graph.add_constant(integer_tensor(&format!("{output}.shape"), shape));
        self.node("Reshape", vec![value.to_owned(), shape], output, vec![]);
    }

    fn node(&mut self, op: &str, input: Vec<String>, output: &str, attribute: Vec<AttributeProto>) {
        self.nodes.push(NodeProto {
            name: output.to_owned(),
            op_type: op.to_owned(),
            input,
            output: vec![output.to_owned()],
            attribute,
            ..NodeProto::default()
        });
    }
}

/// One scale per output channel: the largest weight becomes 127, and the bias fits an i32.
fn scales(values: &[f32], biases: &[f32], inputs: usize, input_scale: f32) -> Vec<f32> {
    let row = |(index, row): (usize, &[f32])| {
        let most = row.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let bias = biases.get(index).map_or(0.0, |bias| bias.abs());
        (most / LARGEST).max(bias / (input_scale * LARGEST_BIAS)).max(SMALLEST_SCALE)
    };
    values.chunks(inputs).enumerate().map(row).collect()
}

fn byte(value: f32) -> u8 {
    value.round_ties_even().clamp(-LARGEST, LARGEST) as i8 as u8
}

fn integer_tensor(name: &str, values: &[i64]) -> tract_onnx::pb::TensorProto {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    raw_tensor(name, DataType::Int64, &[values.len() as i64], raw_data)
}

fn int(name: &str, i: i64) -> AttributeProto {
    let kind = attribute_proto::AttributeType::Int as i32;
    AttributeProto { name: name.to_owned(), r#type: kind, i, ..AttributeProto::default() }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    let kind = attribute_proto::AttributeType::Ints as i32;
    let (name, ints) = (name.to_owned(), values.to_vec());
    AttributeProto { name, r#type: kind, ints, ..AttributeProto::default() }
}
