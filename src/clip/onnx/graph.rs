use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto::{Tensor, Value};
use tract_onnx::pb::{AttributeProto, NodeProto, TensorShapeProto, TypeProto, ValueInfoProto};

use crate::clip::config::{Activation, TowerConfig};

/// How matrices are stored in a written file; vectors are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightType {
    /// Four bytes.
    Float32,
    /// Two bytes, with a `Cast` to f32 behind each matrix.
    Float16,
}

/// A graph under construction: nodes in order, and constants that are read when it is written.
pub(crate) struct Graph {
    pub(super) nodes: Vec<NodeProto>,
    pub(super) constants: Vec<Constant>,
    pub(super) input: Option<ValueInfoProto>,
    pub(super) output: Option<ValueInfoProto>,
    weight_type: WeightType,
}

/// An initializer and where its values come from.
pub(super) struct Constant {
    pub(super) name: String,
    pub(super) dims: Vec<usize>,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// Here already.
    Integers(Vec<i64>),
    /// Here already.
    Floats(Vec<f32>),
    /// A tensor of the weight source, of this name and shape.
    Weight { tensor: String, shape: Vec<usize>, stored: WeightType },
}

/// An attribute's value.
pub(super) enum Attribute {
    Integer(i64),
    Integers(Vec<i64>),
    Float(f32),
}

/// A dimension of the model's input or output.
pub(super) enum Dim {
    Fixed(usize),
    Free(&'static str),
}

impl Graph {
    pub(super) fn new(weight_type: WeightType) -> Self {
        Self { nodes: Vec::new(), constants: Vec::new(), input: None, output: None, weight_type }
    }

    /// Declares the input and gives its name.
    pub(super) fn input(&mut self, name: &str, kind: DataType, dims: Vec<Dim>) -> String {
        self.input = Some(value_info(name, kind, dims));
        name.to_owned()
    }

    /// Declares the output; the node that makes it must have this name.
    pub(super) fn output(&mut self, name: &str, dims: Vec<Dim>) {
        self.output = Some(value_info(name, DataType::Float, dims));
    }

    /// Appends a node whose only output is called like the node.
    pub(super) fn node(
        &mut self,
        op: &str,
        name: impl Into<String>,
        inputs: &[&str],
        attributes: Vec<(&str, Attribute)>,
    ) -> String {
        let name = name.into();
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|input| (*input).to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: op.to_owned(),
            attribute: attributes.into_iter().map(|(name, value)| value.named(name)).collect(),
            ..NodeProto::default()
        });
        name
    }

    /// A small constant of integers: a shape, axes, bounds of a slice.
    pub(super) fn integers(&mut self, name: impl Into<String>, values: Vec<i64>) -> String {
        let dims = vec![values.len()];
        self.constant(name.into(), dims, Content::Integers(values))
    }

    /// A constant of f32 values.
    pub(super) fn floats(
        &mut self,
        name: impl Into<String>,
        dims: Vec<usize>,
        values: Vec<f32>,
    ) -> String {
        self.constant(name.into(), dims, Content::Floats(values))
    }

    /// A vector or table from the checkpoint, kept in f32.
    pub(super) fn weight(&mut self, tensor: &str, dims: Vec<usize>) -> String {
        let content = Content::Weight {
            tensor: tensor.to_owned(),
            shape: dims.clone(),
            stored: WeightType::Float32,
        };
        self.constant(tensor.to_owned(), dims, content)
    }

    /// A matrix from the checkpoint, stored as the graph's weight type; `shape` is that of the
    /// checkpoint, `dims` the same values seen as a matrix.
    pub(super) fn matrix(&mut self, tensor: &str, shape: Vec<usize>, dims: Vec<usize>) -> String {
        let stored = self.weight_type;
        let content = Content::Weight { tensor: tensor.to_owned(), shape, stored };
        if stored == WeightType::Float32 {
            return self.constant(tensor.to_owned(), dims, content);
        }
        let half = self.constant(format!("{tensor}.half"), dims, content);
        let to = Attribute::Integer(DataType::Float as i64);
        self.node("Cast", tensor, &[&half], vec![("to", to)])
    }

    fn constant(&mut self, name: String, dims: Vec<usize>, content: Content) -> String {
        self.constants.push(Constant { name: name.clone(), dims, content });
        name
    }

    /// `input * weight^T + bias` on `[rows, inputs]`, with the checkpoint's `name.weight` and
    /// `name.bias`.
    pub(super) fn linear(
        &mut self,
        name: &str,
        input: &str,
        outputs: usize,
        inputs: usize,
    ) -> String {
        let dims = vec![outputs, inputs];
        let weight = self.matrix(&format!("{name}.weight"), dims.clone(), dims);
        let bias = self.weight(&format!("{name}.bias"), vec![outputs]);
        self.node("Gemm", name, &[input, &weight, &bias], vec![("transB", Attribute::Integer(1))])
    }

    /// As [`Graph::linear`], without bias and with the output's name given.
    pub(super) fn projection(&mut self, name: &str, input: &str, weight: &str) -> String {
        self.node("Gemm", name, &[input, weight], vec![("transB", Attribute::Integer(1))])
    }

    pub(super) fn layer_norm(&mut self, name: &str, input: &str, tower: &TowerConfig) -> String {
        let scale = self.weight(&format!("{name}.weight"), vec![tower.hidden]);
        let bias = self.weight(&format!("{name}.bias"), vec![tower.hidden]);
        let attributes = vec![
            ("axis", Attribute::Integer(-1)),
            ("epsilon", Attribute::Float(tower.layer_norm_eps)),
        ];
        self.node("LayerNormalization", name, &[input, &scale, &bias], attributes)
    }

    pub(super) fn reshape(&mut self, name: &str, input: &str, shape: Vec<i64>) -> String {
        let shape = self.integers(format!("{name}.shape"), shape);
        self.node("Reshape", name, &[input, &shape], vec![])
    }

    pub(super) fn transpose(&mut self, name: &str, input: &str, order: &[i64]) -> String {
        let order = Attribute::Integers(order.to_vec());
        self.node("Transpose", name, &[input], vec![("perm", order)])
    }

    /// Cuts `[0, end)` out of each of `axes`; `end` is the name of a tensor with one value per axis.
    pub(super) fn slice(&mut self, name: &str, input: &str, end: &str, axes: Vec<i64>) -> String {
        let start = self.integers(format!("{name}.start"), vec![0; axes.len()]);
        let axes = self.integers(format!("{name}.axes"), axes);
        self.node("Slice", name, &[input, &start, end, &axes], vec![])
    }

    /// Sources: see [`Activation`].
    pub(super) fn activation(&mut self, name: &str, input: &str, kind: Activation) -> String {
        match kind {
            Activation::QuickGelu => {
                let scale = self.scalar(&format!("{name}.scale"), 1.702);
                let scaled = self.node("Mul", format!("{name}.scaled"), &[input, &scale], vec![]);
                let gate = self.node("Sigmoid", format!("{name}.gate"), &[&scaled], vec![]);
                self.node("Mul", name, &[input, &gate], vec![])
            }
            Activation::Gelu => {
                let root = self.scalar(&format!("{name}.root"), std::f32::consts::SQRT_2);
                let scaled = self.node("Div", format!("{name}.scaled"), &[input, &root], vec![]);
                let erf = self.node("Erf", format!("{name}.erf"), &[&scaled], vec![]);
                self.gelu_of(name, input, &erf)
            }
            Activation::GeluTanh => {
                let three = self.scalar(&format!("{name}.three"), 3.0);
                let cube = self.node("Pow", format!("{name}.cube"), &[input, &three], vec![]);
                let weight = self.scalar(&format!("{name}.cubic"), 0.044_715);
                let term = self.node("Mul", format!("{name}.term"), &[&cube, &weight], vec![]);
                let sum = self.node("Add", format!("{name}.sum"), &[input, &term], vec![]);
                let scale = (2.0 / std::f64::consts::PI).sqrt() as f32;
                let scale = self.scalar(&format!("{name}.scale"), scale);
                let scaled = self.node("Mul", format!("{name}.scaled"), &[&sum, &scale], vec![]);
                let tanh = self.node("Tanh", format!("{name}.tanh"), &[&scaled], vec![]);
                self.gelu_of(name, input, &tanh)
            }
        }
    }

    /// `input * (1 + gate) / 2`, in the order exporters write and engines recognise.
    fn gelu_of(&mut self, name: &str, input: &str, gate: &str) -> String {
        let one = self.scalar(&format!("{name}.one"), 1.0);
        let half = self.scalar(&format!("{name}.half"), 0.5);
        let opened = self.node("Add", format!("{name}.opened"), &[gate, &one], vec![]);
        let gated = self.node("Mul", format!("{name}.gated"), &[input, &opened], vec![]);
        self.node("Mul", name, &[&gated, &half], vec![])
    }

    pub(super) fn scalar(&mut self, name: &str, value: f32) -> String {
        self.floats(name, vec![], vec![value])
    }
}

impl Attribute {
    fn named(self, name: &str) -> AttributeProto {
        let mut attribute = AttributeProto { name: name.to_owned(), ..AttributeProto::default() };
        match self {
            Self::Integer(value) => {
                attribute.r#type = AttributeType::Int as i32;
                attribute.i = value;
            }
            Self::Integers(values) => {
                attribute.r#type = AttributeType::Ints as i32;
                attribute.ints = values;
            }
            Self::Float(value) => {
                attribute.r#type = AttributeType::Float as i32;
                attribute.f = value;
            }
        }
        attribute
    }
}

fn value_info(name: &str, kind: DataType, dims: Vec<Dim>) -> ValueInfoProto {
    let dim = dims
        .into_iter()
        .map(|dim| {
            let value = match dim {
                Dim::Fixed(size) => dimension::Value::DimValue(size as i64),
                Dim::Free(symbol) => dimension::Value::DimParam(symbol.to_owned()),
            };
            Dimension { value: Some(value), ..Dimension::default() }
        })
        .collect();
    let tensor = Tensor { elem_type: kind as i32, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { value: Some(Value::TensorType(tensor)), ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clip::onnx::{text_graph, vision_graph};
    use crate::clip::{Architecture, RandomWeights};

    fn weights(graph: &Graph) -> usize {
        let is_weight = |constant: &&Constant| {
            matches!(constant.content, Content::Weight { .. }) || constant.name.ends_with(".table")
        };
        graph.constants.iter().filter(is_weight).map(|c| c.dims.iter().product::<usize>()).sum()
    }

    /// Published parameter counts, the logit scale left out.
    #[test]
    fn graphs_have_as_many_weights_as_the_published_models() {
        for (architecture, published) in [
            (Architecture::VitB32, 151_277_313 - 1),
            (Architecture::VitB16, 149_620_737 - 1),
            (Architecture::VitL14, 427_616_513 - 1),
        ] {
            let config = architecture.config().unwrap();
            let (vision, text) = (config.vision.unwrap(), config.text.unwrap());
            let random = &mut RandomWeights::new(1);
            let kind = WeightType::Float32;
            let images = vision_graph(&vision, config.projection, kind, random).unwrap();
            let texts = text_graph(&text, config.projection, kind);
            // The class token is added to the first row of the table of positions.
            let found = weights(&images) + vision.tower.hidden + weights(&texts);
            assert_eq!(found, published, "{architecture}");
        }
    }

    #[test]
    fn every_linear_layer_is_a_gemm_named_after_its_weights() {
        let config = Architecture::TinyClipVit8M16.config().unwrap().vision.unwrap();
        let random = &mut RandomWeights::new(1);
        let graph = vision_graph(&config, 512, WeightType::Float32, random).unwrap();
        let gemms: Vec<_> = graph.nodes.iter().filter(|node| node.op_type == "Gemm").collect();
        assert_eq!(gemms.len(), 1 + 10 * 6 + 1);
        for gemm in gemms {
            let expected = match gemm.name.as_str() {
                "image_embeds" => "visual_projection.weight".to_owned(),
                name => format!("{name}.weight"),
            };
            assert_eq!(gemm.input[1], expected);
        }
        let products = graph.nodes.iter().filter(|node| node.op_type == "MatMul").count();
        assert_eq!(products, 10 * 2, "attention alone");
    }
}
