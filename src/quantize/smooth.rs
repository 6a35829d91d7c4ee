use std::collections::HashMap;

use super::graph::Graph;
use super::linears::{Form, Linear};
use super::observe::Observed;

/// From heads before tokens to tokens before heads, and back.
const HEADS: [i64; 4] = [0, 2, 1, 3];
/// A channel is scaled by no more than this, either way.
const MOST: f32 = 1e4;

/// What makes an activation and can take a factor per channel.
enum Maker {
    /// Two constants of one value per channel: scale and shift.
    Norm([String; 2]),
    /// A linear layer whose output channels are these, as in attention from values to outputs.
    Linear(usize),
}

/// Moves the range of outlier channels from activations into weights, exactly in f32: activations
/// are divided by `s[j] = max|X[j]|^a / max|W[j]|^(1 - a)`, weights multiplied by it. Gives the
/// names of the layers whose inputs changed.
///
/// Source: Xiao et al., "SmoothQuant", arXiv 2211.10438, equation 4. Where an activation function
/// stands between, no factor can pass, and the layer stays as it is.
pub(super) fn migrate(
    graph: &mut Graph,
    linears: &[Linear],
    observed: &HashMap<String, Observed>,
    strength: f32,
) -> Vec<String> {
    let mut changed = Vec::new();
    for (maker, group) in groups(graph, linears) {
        let group: Vec<&Linear> = group.iter().map(|&index| &linears[index]).collect();
        let Some(factors) = factors(graph, &group, observed, strength) else { continue };
        let inverse: Vec<f32> = factors.iter().map(|factor| factor.recip()).collect();
        match maker {
            Maker::Norm(constants) => {
                constants.iter().for_each(|name| scale(graph, name, &inverse))
            }
            Maker::Linear(index) => linears[index].scale_outputs(graph, &inverse),
        }
        for linear in group {
            linear.scale_inputs(graph, &factors);
            changed.push(linear.name.clone());
        }
    }
    changed
}

fn scale(graph: &mut Graph, name: &str, factors: &[f32]) {
    let Some((_, values)) = graph.floats(name) else { return };
    let values: Vec<f32> = values.iter().zip(factors).map(|(value, by)| value * by).collect();
    graph.set_floats(name, &values);
}

fn factors(
    graph: &Graph,
    group: &[&Linear],
    observed: &HashMap<String, Observed>,
    strength: f32,
) -> Option<Vec<f32>> {
    let inputs = group.first()?.inputs;
    let mut activations = vec![0.0_f32; inputs];
    let mut weights = vec![0.0_f32; inputs];
    let raise = |most: &mut [f32], values: &[f32]| {
        most.iter_mut().zip(values).for_each(|(most, value)| *most = most.max(value.abs()));
    };
    for linear in group {
        let channels = &observed.get(&linear.input)?.channels;
        if linear.inputs != inputs || channels.len() != inputs {
            return None;
        }
        raise(&mut activations, channels);
        linear.weights(graph).chunks(inputs).for_each(|row| raise(&mut weights, row));
    }
    let factor = |(activation, weight): (&f32, &f32)| {
        let factor = activation.powf(strength) / weight.powf(1.0 - strength);
        // A channel that is never used, or never seen, stays as it is.
        let known = *activation > 0.0 && *weight > 0.0 && factor.is_finite();
        if known { factor.clamp(MOST.recip(), MOST) } else { 1.0 }
    };
    Some(activations.iter().zip(&weights).map(factor).collect())
}

/// Makers with the linears that alone take what they make.
fn groups(graph: &Graph, linears: &[Linear]) -> Vec<(Maker, Vec<usize>)> {
    let by_node: HashMap<usize, usize> =
        linears.iter().enumerate().map(|(index, linear)| (linear.node, index)).collect();
    let view = View { graph, linears, by_node };
    let norms = graph.nodes.iter().filter_map(|node| {
        let output = node.output.first()?;
        let constants = view.norm(output)?;
        let group = view.reached(output, constants.0)?;
        Some((Maker::Norm(constants.1), group))
    });
    let attentions = linears.iter().enumerate().filter_map(|(index, linear)| {
        let values = view.values_of(linear)?;
        Some((Maker::Linear(values), vec![index]))
    });
    norms.chain(attentions).collect()
}

struct View<'a> {
    graph: &'a Graph,
    linears: &'a [Linear],
    by_node: HashMap<usize, usize>,
}

impl View<'_> {
    /// Channels, scale and shift of a layer normalisation, as one node or spelled out.
    fn norm(&self, output: &str) -> Option<(usize, [String; 2])> {
        let graph = self.graph;
        let node = graph.nodes.get(graph.maker(output)?)?;
        let constants = match node.op_type.as_str() {
            "LayerNormalization" => [node.input.get(1)?.clone(), node.input.get(2)?.clone()],
            "Add" => {
                let shift = node.input.iter().find(|name| graph.constant(name).is_some())?;
                let scaled = node.input.iter().find(|name| *name != shift)?;
                let product = graph.made_by(scaled, "Mul")?;
                let alone = graph.takers(scaled).len() == 1 && !graph.leaves(scaled);
                let factor = product.input.iter().find(|name| graph.constant(name).is_some())?;
                [alone.then(|| factor.clone())?, shift.clone()]
            }
            _ => return None,
        };
        let width = |name: &String| {
            let (dims, values) = graph.floats(name)?;
            let used_once = graph.takers(name).len() == 1;
            (dims.len() == 1 && used_once).then_some(values.len())
        };
        let channels = width(&constants[0])?;
        (width(&constants[1])? == channels).then_some((channels, constants))
    }

    /// The linears that a value reaches through changes of shape that keep its channels; none when
    /// something else takes it too.
    fn reached(&self, value: &str, channels: usize) -> Option<Vec<usize>> {
        if self.graph.leaves(value) {
            return None;
        }
        let mut found = Vec::new();
        for taker in self.graph.takers(value) {
            let node = self.graph.nodes.get(taker)?;
            match self.by_node.get(&taker) {
                Some(&index) => {
                    let linear = &self.linears[index];
                    let fits = linear.form == Form::Rows
                        && linear.inputs == channels
                        && linear.input == value
                        && self.graph.takers(&linear.weight).len() == 1;
                    found.push(fits.then_some(index)?);
                }
                // What asks for a shape does not look at values.
                None if node.op_type == "Shape" => {}
                None if self.keeps_channels(taker, channels) => {
                    found.extend(self.reached(node.output.first()?, channels)?);
                }
                None => return None,
            }
        }
        (!found.is_empty()).then_some(found)
    }

    fn keeps_channels(&self, node: usize, channels: usize) -> bool {
        let node = &self.graph.nodes[node];
        let shape = |name: &String| self.graph.integers(name);
        match node.op_type.as_str() {
            "Reshape" => {
                let shape = node.input.get(1).and_then(shape).unwrap_or_default();
                shape.last() == Some(&(channels as i64))
            }
            "Slice" => {
                // The rank is known behind a change of shape alone.
                let source = node.input.first().and_then(|it| self.graph.made_by(it, "Reshape"));
                let rank = source.and_then(|it| shape(it.input.get(1)?)).map_or(0, |it| it.len());
                let axes = node.input.get(3).and_then(shape).unwrap_or_default();
                !axes.is_empty() && axes.iter().all(|&axis| axis >= 0 && axis + 1 < rank as i64)
            }
            _ => false,
        }
    }

    /// The linear whose output channels an attention hands on, weighted over tokens, to this one.
    fn values_of(&self, linear: &Linear) -> Option<usize> {
        let rows = self.back(&linear.input, "Reshape")?;
        let turned = self.turned_back(&rows)?;
        let mixing = self.graph.made_by(&turned, "MatMul").filter(|_| self.is_alone(&turned))?;
        let shares = mixing.input.first()?;
        self.graph.made_by(shares, "Softmax")?;
        let split = self.turned_back(mixing.input.get(1).filter(|name| *name != shares)?)?;
        let values = self.back(&split, "Reshape")?;
        let index = self.linears.iter().position(|it| it.output == values)?;
        let maker = &self.linears[index];
        let once = |name: &String| self.graph.takers(name).len() == 1;
        let fits = maker.outputs == linear.inputs
            && linear.form == Form::Rows
            && self.is_alone(&values)
            && once(&maker.weight)
            && once(&linear.weight)
            && maker.bias.as_ref().is_none_or(|bias| {
                let full = self.graph.floats(bias).is_some_and(|it| it.1.len() == maker.outputs);
                full && once(bias)
            });
        fits.then_some(index)
    }

    /// What this operator made a value of, if the value has but one taker.
    fn back(&self, value: &str, op: &str) -> Option<String> {
        let node = self.graph.made_by(value, op).filter(|_| self.is_alone(value))?;
        node.input.first().cloned()
    }

    fn turned_back(&self, value: &str) -> Option<String> {
        let node = self.graph.made_by(value, "Transpose").filter(|_| self.is_alone(value))?;
        let heads = node.attribute.iter().any(|it| it.name == "perm" && it.ints == HEADS);
        node.input.first().filter(|_| heads).cloned()
    }

    fn is_alone(&self, value: &str) -> bool {
        let takers = self.graph.takers(value);
        let looks = |index: &&usize| self.graph.nodes[**index].op_type != "Shape";
        takers.iter().filter(looks).count() == 1 && !self.graph.leaves(value)
    }
}
