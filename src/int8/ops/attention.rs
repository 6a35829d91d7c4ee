use tract_onnx::tract_hir::internal::*;

use super::{Fused, values};
use crate::int8::kernels::{self, Attention, Kernel, Mask, Output};

/// Multi-head attention, `softmax(factor * Q K^T + mask) V`.
///
/// Inputs: queries `[batch, queries, heads, width]`, keys and values `[batch, keys, heads, width]`,
/// and the mask, which broadcasts to `[batch, heads, queries, keys]`, if there is one. The output is
/// like the queries.
#[derive(Debug)]
pub(in crate::int8) struct FusedAttention {
    pub(in crate::int8) kernel: &'static dyn Kernel,
    pub(in crate::int8) factor: f32,
    pub(in crate::int8) mask: bool,
    pub(in crate::int8) bytes: Option<f32>,
}

impl Fused for FusedAttention {
    fn name(&self) -> &'static str {
        "FusedAttention"
    }

    fn inputs(&self) -> usize {
        3 + usize::from(self.mask)
    }

    fn bytes(&self) -> Option<f32> {
        self.bytes
    }

    fn shape(&self, inputs: &[TVec<TDim>]) -> TractResult<TVec<TDim>> {
        let [query, key, value] = [&inputs[0], &inputs[1], &inputs[2]];
        ensure!(query.len() == 4 && key.len() == 4, "{query:?} and {key:?}, expected rank 4");
        ensure!(key == value, "keys {key:?} and values {value:?} differ");
        let same = query[0] == key[0] && query[2..] == key[2..];
        ensure!(same, "queries {query:?} and keys {key:?} differ in more than tokens");
        Ok(query.clone())
    }

    fn run(&self, inputs: &[&Tensor], output: Output) -> TractResult<bool> {
        let &[batch, queries, heads, width] = inputs[0].shape() else { bail!("rank is 4") };
        let sizes = [batch, heads, queries, inputs[1].shape()[1]];
        let mask = inputs.get(3).map(|mask| spread(mask, sizes)).transpose()?;
        let attention = Attention {
            query: values(inputs[0])?,
            key: values(inputs[1])?,
            value: values(inputs[2])?,
            batch,
            heads,
            width,
            factor: self.factor,
            mask,
        };
        Ok(kernels::attention(self.kernel, &attention, output))
    }
}

/// A mask over `[batch, heads, queries, keys]`.
fn spread(mask: &Tensor, sizes: [usize; 4]) -> TractResult<Mask<'_>> {
    let shape = mask.shape();
    ensure!(shape.len() <= 4 && shape.last() == Some(&sizes[3]), "a mask of shape {shape:?}");
    let mut full = [1; 4];
    full[4 - shape.len()..].copy_from_slice(shape);
    let mut distances = [0; 3];
    let mut distance = sizes[3];
    for axis in (0..3).rev() {
        let fits = full[axis] == 1 || full[axis] == sizes[axis];
        ensure!(fits, "a mask of shape {shape:?} for scores of {sizes:?}");
        if full[axis] > 1 {
            distances[axis] = distance;
        }
        distance *= full[axis];
    }
    let [of_sequence, of_head, of_query] = distances;
    Ok(Mask { values: values(mask)?, of_sequence, of_head, of_query })
}
