use tract_onnx::pb::NodeProto;

use super::{Draft, Rewrite, integer, other};

/// From tokens before heads to heads before tokens, and back.
const HEADS_FIRST: [i64; 4] = [0, 2, 1, 3];
/// Keys: heads first, and tokens last.
const TURNED: [i64; 4] = [0, 2, 3, 1];

/// One attention.
struct Found {
    /// `[batch, tokens, heads, width]`: queries, keys, values; and the mask.
    inputs: Vec<String>,
    factor: f32,
    /// In the layout of the queries.
    output: String,
    /// What made the output.
    last: usize,
}

impl Rewrite {
    /// Every `Softmax` between the two products of an attention.
    pub(super) fn attentions(&mut self) {
        for index in self.view.indices("Softmax") {
            if let Some(found) = self.attention(index) {
                self.replace_attention(found);
            }
        }
    }

    fn attention(&self, softmax: usize) -> Option<Found> {
        let node = self.view.node(softmax)?;
        if !matches!(integer(node, "axis", -1), -1 | 3) {
            return None;
        }
        let mut factor = 1.0;
        let (scores, mask) = self.unmasked(&node.input[0])?;
        let scores = self.unscaled(&scores, &mut factor);
        let (_, product) = self.view.made_by(&scores, "MatMul")?;
        self.view.only_taker(&scores)?;
        let query = self.unscaled(&product.input[0], &mut factor);
        let key = self.unscaled(&product.input[1], &mut factor);
        let query = self.unturned(&query, HEADS_FIRST)?;
        let key = self.unturned(&key, TURNED).or_else(|| {
            // First heads, then tokens.
            let heads = self.unturned(&key, [0, 1, 3, 2])?;
            self.unturned(&self.unscaled(&heads, &mut factor), HEADS_FIRST)
        })?;
        let (_, mixing) = self.view.only_taker(&node.output[0])?;
        let is_left = mixing.op_type == "MatMul" && mixing.input[0] == node.output[0];
        let value = self.unturned(mixing.input.get(1).filter(|_| is_left)?, HEADS_FIRST)?;
        let (last, turn) = self.view.only_taker(&mixing.output[0])?;
        let output = turn.output.first().filter(|_| is_turn(turn, &HEADS_FIRST))?.clone();
        let inputs = [query, key, value].into_iter().chain(mask).collect();
        Some(Found { inputs, factor, output, last })
    }

    fn replace_attention(&mut self, mut found: Found) {
        let old = self.view.remove(found.last).map(|node| node.input).unwrap_or_default();
        for place in 0..2 {
            found.inputs[place] = self.scaled_after(&found.inputs[place], &mut found.factor);
        }
        let mask = found.inputs.len() > 3;
        let draft = Draft::Attention { factor: found.factor, mask };
        self.add(draft, found.inputs, &found.output);
        self.view.prune(old);
    }

    /// The scores behind an added mask, and the mask.
    fn unmasked(&self, name: &str) -> Option<(String, Option<String>)> {
        let Some((_, add)) = self.view.made_by(name, "Add") else {
            return Some((name.to_owned(), None));
        };
        self.view.only_taker(name)?;
        let [a, b] = add.input.as_slice() else { return None };
        let is_scores = |name: &str| {
            let name = self.unscaled(name, &mut 1.0);
            self.view.made_by(&name, "MatMul").is_some()
        };
        match (is_scores(a), is_scores(b)) {
            (true, false) => Some((a.clone(), Some(b.clone()))),
            (false, true) => Some((b.clone(), Some(a.clone()))),
            _ => None,
        }
    }

    /// The value before it was scaled by a constant for one taker, which `factor` takes over.
    fn unscaled(&self, name: &str, factor: &mut f32) -> String {
        let scaled = || {
            self.view.only_taker(name)?;
            if let Some((_, node)) = self.view.made_by(name, "Div") {
                let scale = self.view.scalar(&node.input[1])?;
                return Some((node.input[0].clone(), scale.recip()));
            }
            let (_, node) = self.view.made_by(name, "Mul")?;
            node.input.iter().find_map(|input| {
                let scale = self.view.scalar(input)?;
                Some((other(node, input)?.to_owned(), scale))
            })
        };
        match scaled() {
            Some((before, scale)) if (*factor * scale).is_finite() => {
                *factor *= scale;
                before
            }
            _ => name.to_owned(),
        }
    }

    /// The value before a transposition.
    fn unturned(&self, name: &str, order: [i64; 4]) -> Option<String> {
        let (_, node) = self.view.made_by(name, "Transpose")?;
        is_turn(node, &order).then(|| node.input[0].clone())
    }

    /// `name` is split into heads after it was scaled: split without scaling, and scale scores.
    fn scaled_after(&mut self, name: &str, factor: &mut f32) -> String {
        let unscaled = |rewrite: &mut Self, factor: &mut f32| {
            let (split, node) = rewrite.view.made_by(name, "Reshape")?;
            let takers = rewrite.view.takers(name).len();
            let before = rewrite.unscaled(&node.input[0], factor);
            if takers != 1 || before == node.input[0] {
                return None;
            }
            let mut node = node.clone();
            let old = std::mem::replace(&mut node.input[0], before);
            let output = format!("{name}.unscaled");
            node.output = vec![output.clone()];
            node.name = output.clone();
            // The scaled form stays for its transposition until that is pruned.
            let _ = (split, old);
            rewrite.view.add(node);
            Some(output)
        };
        unscaled(self, factor).unwrap_or_else(|| name.to_owned())
    }
}

fn is_turn(node: &NodeProto, order: &[i64]) -> bool {
    node.op_type == "Transpose"
        && node.attribute.iter().any(|it| it.name == "perm" && it.ints == order)
}
