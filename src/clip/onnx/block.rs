use super::graph::{Attribute, Graph};
use crate::clip::config::TowerConfig;

/// Tokens as a matrix, and how the matrix is cut into sequences and heads.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'a> {
    /// `[batch * tokens, hidden]`.
    pub(super) rows: &'a str,
    /// A constant or computed shape: batch, tokens, heads, width of a head.
    pub(super) heads: &'a str,
}

/// A transformer block under construction.
pub(super) struct Block<'a> {
    pub(super) graph: &'a mut Graph,
    /// The checkpoint's prefix, `vision_model.encoder.layers.0`.
    pub(super) name: String,
    pub(super) tower: &'a TowerConfig,
    /// Added to attention scores, `[tokens, tokens]`.
    pub(super) mask: Option<&'a str>,
}

impl Block<'_> {
    /// Pre-norm attention and feed-forward, each added to what went in: `[batch * tokens, hidden]`.
    pub(super) fn all_tokens(mut self, tokens: Tokens) -> String {
        let normed = self.first_norm(tokens.rows);
        let normed = Tokens { rows: &normed, ..tokens };
        let attended = self.attention(normed, normed);
        self.feed_forward(tokens.rows, &attended)
    }

    /// As [`Block::all_tokens`] for the first token of each sequence alone, `[batch, hidden]`; it
    /// still looks at all of them. `one` is the shape of its heads.
    pub(super) fn first_token(mut self, tokens: Tokens, one: &str, count: usize) -> String {
        let normed = self.first_norm(tokens.rows);
        let first = self.first_rows("first", tokens.rows, count);
        let normed_first = self.first_rows("first_normed", &normed, count);
        let over = Tokens { rows: &normed, ..tokens };
        let attended = self.attention(Tokens { rows: &normed_first, heads: one }, over);
        self.feed_forward(&first, &attended)
    }

    fn first_norm(&mut self, rows: &str) -> String {
        let name = self.named("layer_norm1");
        self.graph.layer_norm(&name, rows, self.tower)
    }

    fn first_rows(&mut self, name: &str, rows: &str, count: usize) -> String {
        let (name, hidden) = (self.named(name), self.tower.hidden as i64);
        let sequences =
            self.graph.reshape(&format!("{name}.sequences"), rows, vec![-1, count as i64, hidden]);
        let end = self.graph.integers(format!("{name}.end"), vec![1]);
        let cut = self.graph.slice(&format!("{name}.cut"), &sequences, &end, vec![1]);
        self.graph.reshape(&name, &cut, vec![-1, hidden])
    }

    /// Multi-head attention of the tokens `from` over the tokens `over`, output layer included.
    fn attention(&mut self, from: Tokens, over: Tokens) -> String {
        let query = self.heads("q_proj", from, &[0, 2, 1, 3]);
        let key = self.heads("k_proj", over, &[0, 2, 3, 1]);
        let value = self.heads("v_proj", over, &[0, 2, 1, 3]);
        let name = self.named("self_attn");
        let mut scores =
            self.graph.node("MatMul", format!("{name}.scores"), &[&query, &key], vec![]);
        if let Some(mask) = self.mask {
            scores = self.graph.node("Add", format!("{name}.masked"), &[&scores, mask], vec![]);
        }
        let axis = vec![("axis", Attribute::Integer(-1))];
        let shares = self.graph.node("Softmax", format!("{name}.softmax"), &[&scores], axis);
        let mixed = self.graph.node("MatMul", format!("{name}.mixed"), &[&shares, &value], vec![]);
        let turned = self.graph.transpose(&format!("{name}.turned"), &mixed, &[0, 2, 1, 3]);
        let hidden = self.tower.hidden;
        let rows = self.graph.reshape(&format!("{name}.rows"), &turned, vec![-1, hidden as i64]);
        self.graph.linear(&format!("{name}.out_proj"), &rows, hidden, hidden)
    }

    /// Projects tokens and splits them into heads; queries are scaled by `1 / sqrt(width)`.
    fn heads(&mut self, projection: &str, tokens: Tokens, order: &[i64]) -> String {
        let name = self.named(&format!("self_attn.{projection}"));
        let hidden = self.tower.hidden;
        let mut rows = self.graph.linear(&name, tokens.rows, hidden, hidden);
        if projection == "q_proj" {
            let scale = ((hidden / self.tower.heads) as f64).sqrt().recip() as f32;
            let scale = self.graph.scalar(&format!("{name}.scale"), scale);
            rows = self.graph.node("Mul", format!("{name}.scaled"), &[&rows, &scale], vec![]);
        }
        let split =
            self.graph.node("Reshape", format!("{name}.split"), &[&rows, tokens.heads], vec![]);
        self.graph.transpose(&format!("{name}.heads"), &split, order)
    }

    fn feed_forward(&mut self, x: &str, attended: &str) -> String {
        let (hidden, intermediate) = (self.tower.hidden, self.tower.intermediate);
        let x = self.graph.node("Add", self.named("attended"), &[x, attended], vec![]);
        let normed = self.graph.layer_norm(&self.named("layer_norm2"), &x, self.tower);
        let wide = self.graph.linear(&self.named("mlp.fc1"), &normed, intermediate, hidden);
        let kind = self.tower.activation;
        let active = self.graph.activation(&self.named("mlp.activation"), &wide, kind);
        let narrow = self.graph.linear(&self.named("mlp.fc2"), &active, hidden, intermediate);
        self.graph.node("Add", self.named("fed_forward"), &[&x, &narrow], vec![])
    }

    fn named(&self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }
}
