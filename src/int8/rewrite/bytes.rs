use super::{Draft, FUSED, Rewrite};

impl Rewrite {
    /// Lets fused nodes give bytes where nothing but a quantization takes their values.
    pub(super) fn outputs_as_bytes(&mut self) {
        for index in self.view.indices(FUSED) {
            if let Some(Draft::Quantize { scale }) = self.drafts.get(&index) {
                let scale = *scale;
                self.as_bytes(index, scale);
            }
        }
    }

    fn as_bytes(&mut self, quantize: usize, scale: f32) -> Option<()> {
        let node = self.view.node(quantize)?;
        let (value, bytes) = (node.input.first()?.clone(), node.output.first()?.clone());
        self.view.only_taker(&value)?;
        let reshape =
            self.view.made_by(&value, "Reshape").map(|(index, node)| (index, node.clone()));
        let Some((index, mut node)) = reshape else {
            let (maker, _) = self.view.made_by(&value, FUSED)?;
            return self.gives_bytes(maker, quantize, (&bytes, scale));
        };
        // Only the shape is between them, and bytes have one as well.
        let before = node.input[0].clone();
        let (maker, _) = self.view.made_by(&before, FUSED)?;
        self.view.only_taker(&before)?;
        let inner = format!("{before}.bytes");
        self.gives_bytes(maker, quantize, (&inner, scale))?;
        self.view.remove(index);
        node.input[0] = inner;
        node.name = format!("{bytes}.reshape");
        node.output = vec![bytes];
        self.view.add(node);
        Some(())
    }

    fn gives_bytes(
        &mut self,
        maker: usize,
        quantize: usize,
        (output, scale): (&str, f32),
    ) -> Option<()> {
        if matches!(self.drafts.get(&maker)?, Draft::Quantize { .. }) {
            return None;
        }
        let (draft, node) = self.take(maker)?;
        self.take(quantize)?;
        let index = self.add(draft, node.input, output);
        self.bytes.insert(index, scale);
        Some(())
    }
}
