use std::collections::HashMap;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use crate::int8::kernels::give_back;

/// Asking the heap more often would take longer than it saves.
const GIVEN_BACK_AT: usize = 2 << 20;

/// A graph whose nodes can be found by what they make and take, and replaced.
pub(super) struct View {
    /// `None` where a node was taken out.
    nodes: Vec<Option<NodeProto>>,
    makers: HashMap<String, usize>,
    takers: HashMap<String, Vec<usize>>,
    constants: HashMap<String, TensorProto>,
    /// Names that leave the graph.
    outputs: Vec<String>,
    /// Bytes of constants dropped since the heap last gave some back.
    released: usize,
}

impl View {
    /// Takes nodes and constants out of a graph.
    pub(super) fn of(graph: &mut GraphProto) -> Self {
        let constants = std::mem::take(&mut graph.initializer);
        let mut view = Self {
            nodes: Vec::new(),
            makers: HashMap::new(),
            takers: HashMap::new(),
            constants: constants.into_iter().map(|it| (it.name.clone(), it)).collect(),
            outputs: graph.output.iter().map(|output| output.name.clone()).collect(),
            released: 0,
        };
        for mut node in std::mem::take(&mut graph.node) {
            let value = node.attribute.iter_mut().find(|attribute| attribute.name == "value");
            match value.and_then(|value| value.t.take()) {
                Some(tensor) if node.op_type == "Constant" && node.output.len() == 1 => {
                    view.constants.insert(
                        node.output[0].clone(),
                        TensorProto { name: node.output[0].clone(), ..tensor },
                    );
                }
                taken => {
                    if let (Some(tensor), Some(value)) =
                        (taken, node.attribute.iter_mut().find(|it| it.name == "value"))
                    {
                        value.t = Some(tensor);
                    }
                    view.add(node);
                }
            }
        }
        view
    }

    /// Puts what is left back, without the constants that nothing takes any more.
    pub(super) fn into_graph(self, graph: &mut GraphProto) {
        graph.node = in_order(self.nodes.into_iter().flatten().collect());
        let mut used: Vec<&String> = graph.node.iter().flat_map(|node| &node.input).collect();
        used.extend(&self.outputs);
        let used: std::collections::HashSet<&String> = used.into_iter().collect();
        let mut constants: Vec<TensorProto> = self.constants.into_values().collect();
        constants.retain(|constant| used.contains(&constant.name));
        constants.sort_by(|a, b| a.name.cmp(&b.name));
        graph.initializer = constants;
    }

    /// Appends a node; its place is found when the graph is put back.
    pub(super) fn add(&mut self, node: NodeProto) -> usize {
        let index = self.nodes.len();
        for output in &node.output {
            self.makers.insert(output.clone(), index);
        }
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            self.takers.entry(input.clone()).or_default().push(index);
        }
        self.nodes.push(Some(node));
        index
    }

    /// Takes a node out.
    pub(super) fn remove(&mut self, index: usize) -> Option<NodeProto> {
        let node = self.nodes.get_mut(index)?.take()?;
        for output in &node.output {
            self.makers.remove(output);
        }
        for input in &node.input {
            if let Some(takers) = self.takers.get_mut(input)
                && let Some(place) = takers.iter().position(|&taker| taker == index)
            {
                takers.remove(place);
            }
        }
        Some(node)
    }

    /// Takes out nodes and whatever made values for them alone; constants stay until the end.
    pub(super) fn prune(&mut self, mut names: Vec<String>) {
        while let Some(name) = names.pop() {
            if self.uses(&name) > 0 {
                continue;
            }
            if let Some(node) = self.makers.get(&name).copied().and_then(|it| self.remove(it)) {
                names.extend(node.input);
            }
        }
    }

    /// Indices of the nodes that are there.
    pub(super) fn indices(&self, op: &str) -> Vec<usize> {
        let is = |node: &Option<NodeProto>| node.as_ref().is_some_and(|node| node.op_type == op);
        (0..self.nodes.len()).filter(|&index| is(&self.nodes[index])).collect()
    }

    pub(super) fn node(&self, index: usize) -> Option<&NodeProto> {
        self.nodes.get(index)?.as_ref()
    }

    /// All nodes that are there.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &NodeProto> {
        self.nodes.iter().flatten()
    }

    /// The node that makes a value, if it is of this operator and makes nothing else.
    pub(super) fn made_by(&self, value: &str, op: &str) -> Option<(usize, &NodeProto)> {
        let index = *self.makers.get(value)?;
        let node = self.node(index)?;
        (node.op_type == op && node.output.len() == 1).then_some((index, node))
    }

    /// The node that makes a value.
    pub(super) fn made_by_any(&self, value: &str) -> Option<&NodeProto> {
        self.node(*self.makers.get(value)?)
    }

    /// Nodes that take a value; a node that takes it twice is there twice.
    pub(super) fn takers(&self, value: &str) -> Vec<usize> {
        self.takers.get(value).cloned().unwrap_or_default()
    }

    /// The only taker of a value that does not leave the graph.
    pub(super) fn only_taker(&self, value: &str) -> Option<(usize, &NodeProto)> {
        let takers = self.takers.get(value)?;
        let [index] = takers.as_slice() else { return None };
        (self.uses(value) == 1).then_some((*index, self.node(*index)?))
    }

    /// How often a value is taken, leaving the graph included.
    pub(super) fn uses(&self, value: &str) -> usize {
        let leaving = self.outputs.iter().filter(|output| *output == value).count();
        leaving + self.takers.get(value).map_or(0, Vec::len)
    }

    pub(super) fn constant(&self, name: &str) -> Option<&TensorProto> {
        self.constants.get(name)
    }

    /// Drops the values of a constant that nothing else takes, to have them in memory once.
    pub(super) fn release(&mut self, name: &str) {
        if self.uses(name) > 0 {
            return;
        }
        let released = self.constants.remove(name).map_or(0, |it| it.raw_data.len());
        self.released += released;
        if self.released > GIVEN_BACK_AT {
            self.released = 0;
            give_back();
        }
    }

    /// The values of an f32 constant.
    pub(super) fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.constant(name)?;
        if tensor.data_type != DataType::Float as i32 {
            return None;
        }
        Some(match tensor.raw_data.is_empty() {
            true => tensor.float_data.clone(),
            false => tensor.raw_data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        })
    }

    /// The value of an f32 constant that has just one.
    pub(super) fn scalar(&self, name: &str) -> Option<f32> {
        match self.floats(name)?.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// The values of a constant of signed bytes.
    pub(super) fn bytes(&self, name: &str) -> Option<Vec<i8>> {
        let bytes = self.raw_bytes(name, DataType::Int8)?;
        Some(bytes.into_iter().map(|byte| byte as i8).collect())
    }

    /// The values of a u8 constant.
    pub(super) fn unsigned_bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.raw_bytes(name, DataType::Uint8)
    }

    fn raw_bytes(&self, name: &str, kind: DataType) -> Option<Vec<u8>> {
        let tensor = self.constant(name)?;
        if tensor.data_type != kind as i32 {
            return None;
        }
        Some(match tensor.raw_data.is_empty() {
            true => tensor.int32_data.iter().map(|&value| value as u8).collect(),
            false => tensor.raw_data.to_vec(),
        })
    }

    /// The values of an i32 constant.
    pub(super) fn integers(&self, name: &str) -> Option<Vec<i32>> {
        let tensor = self.constant(name)?;
        if tensor.data_type != DataType::Int32 as i32 {
            return None;
        }
        Some(match tensor.raw_data.is_empty() {
            true => tensor.int32_data.clone(),
            false => tensor.raw_data.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b)).collect(),
        })
    }
}

/// Nodes sorted so that values are made before they are taken, otherwise as they were.
fn in_order(nodes: Vec<NodeProto>) -> Vec<NodeProto> {
    let makers: HashMap<String, usize> = nodes
        .iter()
        .enumerate()
        .flat_map(|(index, node)| node.output.iter().map(move |name| (name.clone(), index)))
        .collect();
    let before: Vec<Vec<usize>> = nodes
        .iter()
        .map(|node| node.input.iter().filter_map(|name| makers.get(name).copied()).collect())
        .collect();
    let mut order = Vec::with_capacity(nodes.len());
    let mut seen = vec![false; nodes.len()];
    let mut stack = Vec::new();
    for index in 0..nodes.len() {
        stack.push((index, false));
        while let Some((index, ready)) = stack.pop() {
            if ready {
                order.push(index);
            } else if !std::mem::replace(&mut seen[index], true) {
                stack.push((index, true));
                stack.extend(before[index].iter().rev().map(|&before| (before, false)));
            }
        }
    }
    let mut nodes: Vec<Option<NodeProto>> = nodes.into_iter().map(Some).collect();
    order.into_iter().filter_map(|index| nodes[index].take()).collect()
}
