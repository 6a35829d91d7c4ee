use super::{Draft, Rewrite, float, integer};

impl Rewrite {
    /// Every `LayerNormalization` over the last axis with constant scale and shift.
    pub(super) fn layer_norms(&mut self) {
        for index in self.view.indices("LayerNormalization") {
            self.layer_norm(index);
        }
    }

    fn layer_norm(&mut self, index: usize) -> Option<()> {
        let node = self.view.node(index)?;
        let only = node.output.iter().skip(1).all(|name| self.view.uses(name) == 0);
        if !only || integer(node, "axis", -1) != -1 || integer(node, "stash_type", 1) != 1 {
            return None;
        }
        let scale = self.view.floats(node.input.get(1)?)?;
        let shift = match node.input.get(2).filter(|name| !name.is_empty()) {
            Some(name) => self.view.floats(name)?,
            None => vec![0.0; scale.len()],
        };
        if shift.len() != scale.len() || scale.is_empty() {
            return None;
        }
        let epsilon = float(node, "epsilon", 1e-5);
        let node = self.view.remove(index)?;
        let draft = Draft::Norm { scale, shift, epsilon };
        self.add(draft, vec![node.input[0].clone()], &node.output[0]);
        Some(())
    }
}
