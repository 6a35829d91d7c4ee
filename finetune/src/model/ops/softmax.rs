use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor};

use super::rows::{values, width};
use super::vector;

/// What a position may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mask {
    /// Everything.
    None,
    /// Itself and what comes before: row `i` of every square sees columns up to `i`.
    Causal,
}

/// `softmax(scale * x)` over the last dimension.
pub(crate) fn softmax(x: &Tensor, scale: f32, mask: Mask) -> Result<Tensor> {
    if x.device().is_cpu() {
        return x.contiguous()?.apply_op1(Softmax { scale, mask });
    }
    composed(x, scale, mask)
}

fn composed(x: &Tensor, scale: f32, mask: Mask) -> Result<Tensor> {
    let scaled = (x * f64::from(scale))?;
    let scaled = match mask {
        Mask::None => scaled,
        Mask::Causal => {
            let side = x.dim(D::Minus1)?;
            let hidden = |i: usize| if i % side > i / side { -1e9 } else { 0.0 };
            let values: Vec<f32> = (0..side * side).map(hidden).collect();
            scaled.broadcast_add(&Tensor::from_vec(values, (side, side), x.device())?)?
        }
    };
    let largest = scaled.max_keepdim(D::Minus1)?.detach();
    let powers = scaled.broadcast_sub(&largest)?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
}

struct Softmax {
    scale: f32,
    mask: Mask,
}

/// `scale * y * (g - sum(g y))` from `(y, g)`.
struct Gradient {
    scale: f32,
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, columns) = (values(x, layout)?, width(layout)?);
        let mut out = vec![0.0; x.len()];
        pulp::Arch::new().dispatch(|| {
            let rows = x.chunks_exact(columns).zip(out.chunks_exact_mut(columns));
            for (index, (row, out)) in rows.enumerate() {
                let seen = match self.mask {
                    Mask::None => columns,
                    Mask::Causal => index % columns + 1,
                };
                one_row(&row[..seen], self.scale, &mut out[..seen]);
            }
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        y.apply_op2_no_bwd(&gradient, &Gradient { scale: self.scale }).map(Some)
    }
}

#[inline(always)]
fn one_row(row: &[f32], scale: f32, out: &mut [f32]) {
    let largest = row.iter().fold(f32::NEG_INFINITY, |most, x| most.max(*x));
    for (out, x) in out.iter_mut().zip(row) {
        *out = vector::exp((x - largest) * scale);
    }
    let share = 1.0 / vector::sum(row.len(), |i| out[i]);
    out.iter_mut().for_each(|out| *out *= share);
}

impl CustomOp2 for Gradient {
    fn name(&self) -> &'static str {
        "softmax-gradient"
    }

    fn cpu_fwd(
        &self,
        y: &CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (y, columns) = (values(y, layout)?, width(layout)?);
        let gradient = values(gradient, gradient_layout)?;
        let mut out = vec![0.0; y.len()];
        pulp::Arch::new().dispatch(|| {
            let rows = y.chunks_exact(columns).zip(gradient.chunks_exact(columns));
            for ((y, gradient), out) in rows.zip(out.chunks_exact_mut(columns)) {
                let mean = vector::sum(columns, |i| gradient[i] * y[i]);
                for ((out, y), gradient) in out.iter_mut().zip(y).zip(gradient) {
                    *out = self.scale * y * (gradient - mean);
                }
            }
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::ops::bias::tests::{agree, tensor};

    #[test]
    fn values_and_gradients_are_those_of_the_composed_form() {
        for mask in [Mask::None, Mask::Causal] {
            let x = tensor(&[2, 3, 17, 17], 4);
            let (fused, plain) = (softmax(&x, 0.7, mask), composed(&x, 0.7, mask));
            agree(&[&x], fused.unwrap(), plain.unwrap());
        }
    }

    #[test]
    fn what_comes_later_has_no_weight() {
        let y = softmax(&tensor(&[3, 3], 5), 1.0, Mask::Causal).unwrap();
        let y = y.to_vec2::<f32>().unwrap();
        assert_eq!((y[0][0], y[0][1], y[0][2], y[1][2]), (1.0, 0.0, 0.0, 0.0));
    }
}
