use super::{Activation, Draft, FUSED, Rewrite, other};

/// Constants of other exporters agree with ours to this.
const CLOSE: f32 = 1e-3;

/// An activation behind a value: its nodes, and the value that comes out.
struct Found {
    kind: Activation,
    nodes: Vec<usize>,
    output: String,
}

impl Rewrite {
    /// Takes activations into the linears before them.
    pub(super) fn activations(&mut self) {
        for index in self.view.indices(FUSED) {
            if self.is_linear(index) {
                self.activation(index);
            }
        }
    }

    fn activation(&mut self, index: usize) -> Option<()> {
        let value = self.view.node(index)?.output.first()?.clone();
        let found = self.quick_gelu(&value).or_else(|| self.gelu(&value))?;
        let (draft, node) = self.take(index)?;
        for index in found.nodes {
            self.view.remove(index);
        }
        let Draft::Linear { weights, residual, .. } = draft else { return None };
        let draft = Draft::Linear { weights, activation: found.kind, residual };
        self.add(draft, node.input, &found.output);
        Some(())
    }

    /// `x * Sigmoid(1.702 * x)`.
    fn quick_gelu(&self, value: &str) -> Option<Found> {
        let (scaled, scaling) = self.scaled(value, 1.702)?;
        let (gate, sigmoid) = self.then(&scaled, "Sigmoid")?;
        let (output, product) = self.then(&gate, "Mul")?;
        self.takes_exactly(value, &[scaling, product])?;
        let nodes = vec![scaling, sigmoid, product];
        Some(Found { kind: Activation::QuickGelu, nodes, output })
    }

    /// `x * (1 + Erf(x / sqrt(2))) * 0.5`, its factors in any order.
    fn gelu(&self, value: &str) -> Option<Found> {
        let (scaled, scaling) = self.scaled(value, std::f32::consts::FRAC_1_SQRT_2)?;
        let (curve, erf) = self.then(&scaled, "Erf")?;
        let (opened, add) = self.then(&curve, "Add")?;
        let one = self.view.scalar(other(self.view.node(add)?, &curve)?)?;
        let (first, product) = self.then(&opened, "Mul")?;
        let factor = other(self.view.node(product)?, &opened)?.to_owned();
        let (output, half, last) = if factor == value {
            // (x * opened) * 0.5
            let (output, last) = self.then(&first, "Mul")?;
            self.takes_exactly(value, &[scaling, product])?;
            (output, self.view.scalar(other(self.view.node(last)?, &first)?)?, last)
        } else if let Some(half) = self.view.scalar(&factor) {
            // (opened * 0.5) * x
            let (output, last) = self.then(&first, "Mul")?;
            self.takes_exactly(value, &[scaling, last])?;
            (output, half, last)
        } else {
            // (x * 0.5) * opened
            let (halving, node) = self.view.made_by(&factor, "Mul")?;
            let half = self.view.scalar(other(node, value)?)?;
            self.view.only_taker(&factor)?;
            self.takes_exactly(value, &[scaling, halving])?;
            (first, half, halving)
        };
        let nodes = vec![scaling, erf, add, product, last];
        (one == 1.0 && half == 0.5).then_some(Found { kind: Activation::Gelu, nodes, output })
    }

    /// The value that is `value * factor`, and its node.
    fn scaled(&self, value: &str, factor: f32) -> Option<(String, usize)> {
        self.view.takers(value).into_iter().find_map(|index| {
            let node = self.view.node(index)?;
            let constant = self.view.scalar(other(node, value)?)?;
            let found = match node.op_type.as_str() {
                "Mul" => constant,
                "Div" if node.input[0] == value => constant.recip(),
                _ => return None,
            };
            ((found - factor).abs() < CLOSE).then(|| (node.output[0].clone(), index))
        })
    }

    /// The only taker of a value, if it is of this operator: its output and the node.
    fn then(&self, value: &str, op: &str) -> Option<(String, usize)> {
        let (index, node) = self.view.only_taker(value)?;
        (node.op_type == op && node.output.len() == 1).then(|| (node.output[0].clone(), index))
    }

    /// Whether these nodes alone take a value, each once.
    fn takes_exactly(&self, value: &str, nodes: &[usize]) -> Option<()> {
        let mut found = self.view.takers(value);
        let mut expected = nodes.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        (found == expected && self.view.uses(value) == nodes.len()).then_some(())
    }
}
