use std::collections::{BTreeMap, HashSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{ModelProto, NodeProto, TensorProto};

/// A graph under change: nodes in the order they run, constants by name.
///
/// `Constant` nodes become constants, and so do transposed or renamed ones: exporters write the
/// weights of a `MatMul` in all these ways.
#[derive(Clone)]
pub(super) struct Graph {
    pub(super) nodes: Vec<NodeProto>,
    constants: BTreeMap<String, TensorProto>,
    names: HashSet<String>,
    /// Everything else of the model.
    frame: ModelProto,
}

impl Graph {
    pub(super) fn of(mut frame: ModelProto) -> Self {
        let mut graph = frame.graph.take().unwrap_or_default();
        let constants = std::mem::take(&mut graph.initializer);
        let nodes = std::mem::take(&mut graph.node);
        let mut new = Self {
            nodes: Vec::with_capacity(nodes.len()),
            constants: constants.into_iter().map(|it| (it.name.clone(), it)).collect(),
            names: HashSet::new(),
            frame: ModelProto { graph: Some(graph), ..frame },
        };
        for node in nodes {
            match new.folded(&node) {
                Some(tensor) => drop(new.constants.insert(tensor.name.clone(), tensor)),
                None => new.nodes.push(node),
            }
        }
        new.names.extend(new.constants.keys().cloned());
        new.names.extend(new.nodes.iter().flat_map(|it| it.output.iter().cloned()));
        let inputs = new.frame.graph.iter().flat_map(|graph| &graph.input);
        new.names.extend(inputs.map(|input| input.name.clone()));
        new
    }

    /// The model, without constants that nothing takes any more.
    pub(super) fn into_model(self) -> ModelProto {
        let mut model = self.frame;
        let graph = model.graph.get_or_insert_default();
        let mut used: HashSet<&str> =
            self.nodes.iter().flat_map(|node| &node.input).map(String::as_str).collect();
        used.extend(graph.output.iter().map(|output| output.name.as_str()));
        let constants = self.constants.into_values();
        graph.initializer = constants.filter(|it| used.contains(it.name.as_str())).collect();
        graph.node = self.nodes;
        graph.input.retain(|input| !graph.initializer.iter().any(|it| it.name == input.name));
        graph.value_info.clear();
        model
    }

    /// The constant that a node makes of another.
    fn folded(&self, node: &NodeProto) -> Option<TensorProto> {
        let [output] = node.output.as_slice() else { return None };
        let named = |tensor: TensorProto| TensorProto { name: output.clone(), ..tensor };
        match node.op_type.as_str() {
            "Constant" => {
                let value = node.attribute.iter().find(|it| it.name == "value")?;
                Some(named(value.t.clone()?))
            }
            "Identity" => Some(named(self.constants.get(node.input.first()?)?.clone())),
            "Transpose" => {
                let tensor = self.constants.get(node.input.first()?)?;
                let order = node.attribute.iter().find(|it| it.name == "perm");
                let plain = order.is_none_or(|it| it.ints == [1, 0]);
                let (&[rows, columns], true) = (tensor.dims.as_slice(), plain) else { return None };
                let values = transposed(&floats(tensor)?, columns as usize);
                Some(float_tensor(output, &[columns, rows], &values))
            }
            _ => None,
        }
    }

    pub(super) fn constant(&self, name: &str) -> Option<&TensorProto> {
        self.constants.get(name)
    }

    /// Shape and values of an f32 constant.
    pub(super) fn floats(&self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let tensor = self.constants.get(name)?;
        let dims = tensor.dims.iter().map(|&dim| dim as usize).collect();
        Some((dims, floats(tensor)?))
    }

    /// The values of an i64 constant.
    pub(super) fn integers(&self, name: &str) -> Option<Vec<i64>> {
        let tensor = self.constants.get(name)?;
        if tensor.data_type != DataType::Int64 as i32 {
            return None;
        }
        Some(match tensor.raw_data.is_empty() {
            true => tensor.int64_data.clone(),
            false => {
                tensor.raw_data.as_chunks().0.iter().map(|it| i64::from_le_bytes(*it)).collect()
            }
        })
    }

    /// Puts other values into an f32 constant of the same shape.
    pub(super) fn set_floats(&mut self, name: &str, values: &[f32]) {
        if let Some(tensor) = self.constants.get_mut(name) {
            *tensor = float_tensor(name, &tensor.dims.clone(), values);
        }
    }

    /// Adds a constant and gives its name.
    pub(super) fn add_constant(&mut self, tensor: TensorProto) -> String {
        let name = self.fresh(&tensor.name);
        self.constants.insert(name.clone(), TensorProto { name: name.clone(), ..tensor });
        name
    }

    /// A name like this one that nothing has yet.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut count = 1;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{wanted}.{count}");
        }
        name
    }

    /// The index of the node that makes a value.
    pub(super) fn maker(&self, value: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.output.iter().any(|output| output == value))
    }

    /// The node that makes a value, if it is of this operator.
    pub(super) fn made_by(&self, value: &str, op: &str) -> Option<&NodeProto> {
        self.nodes.get(self.maker(value)?).filter(|node| node.op_type == op)
    }

    /// Indices of the nodes that take a value, once for each time they do.
    pub(super) fn takers(&self, value: &str) -> Vec<usize> {
        let times = |node: &NodeProto| node.input.iter().filter(|input| *input == value).count();
        let each = self.nodes.iter().enumerate();
        each.flat_map(|(index, node)| std::iter::repeat_n(index, times(node))).collect()
    }

    /// Whether a value leaves the graph.
    pub(super) fn leaves(&self, value: &str) -> bool {
        let graph = self.frame.graph.as_ref();
        graph.is_some_and(|graph| graph.output.iter().any(|output| output.name == value))
    }

    /// Whether a value depends on an input of the graph.
    pub(super) fn depends_on_input(&self, value: &str) -> bool {
        let mut waiting = vec![value.to_owned()];
        let mut seen = HashSet::new();
        while let Some(value) = waiting.pop() {
            if self.constants.contains_key(&value) || !seen.insert(value.clone()) {
                continue;
            }
            match self.maker(&value) {
                Some(index) => waiting.extend(self.nodes[index].input.iter().cloned()),
                None if value.is_empty() => {}
                None => return true,
            }
        }
        false
    }
}

/// The values of an f32 tensor.
fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    if tensor.data_type != DataType::Float as i32 {
        return None;
    }
    Some(match tensor.raw_data.is_empty() {
        true => tensor.float_data.clone(),
        false => tensor.raw_data.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it)).collect(),
    })
}

/// An f32 tensor.
pub(super) fn float_tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    raw_tensor(name, DataType::Float, dims, raw_data)
}

/// A tensor of bytes in the machine-independent order.
pub(super) fn raw_tensor(
    name: &str,
    kind: DataType,
    dims: &[i64],
    raw_data: Vec<u8>,
) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        data_type: kind as i32,
        dims: dims.to_vec(),
        raw_data,
        ..TensorProto::default()
    }
}

/// The transpose of a row-major matrix with this many columns.
pub(super) fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let columns_of = |column| values.iter().skip(column).step_by(columns.max(1)).copied();
    (0..columns).flat_map(columns_of).collect()
}
