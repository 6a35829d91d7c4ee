use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor};

use super::rows::{values, width};
use super::vector;

/// `(x - mean) / sqrt(variance + eps) * weight + bias` over the last dimension.
///
/// Source: Ba, Kiros, Hinton, "Layer Normalization", arXiv 1607.06450; the variance is the biased one.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
    if x.device().is_cpu() {
        return x.contiguous()?.apply_op3(weight, bias, LayerNorm { eps });
    }
    composed(x, weight, bias, eps)
}

fn composed(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normal = centred.broadcast_div(&(variance + f64::from(eps))?.sqrt()?)?;
    normal.broadcast_mul(weight)?.broadcast_add(bias)
}

struct LayerNorm {
    eps: f32,
}

/// Gradients of all three arguments from `(x, weight, gradient)`: the rows of that of `x`, then one
/// row of the weight's and one of the bias's.
struct Gradients {
    eps: f32,
}

/// Mean and reciprocal deviation of a row.
#[inline(always)]
fn moments(row: &[f32], eps: f32) -> (f32, f32) {
    let count = row.len() as f32;
    let mean = vector::sum(row.len(), |i| row[i]) / count;
    let variance = vector::sum(row.len(), |i| (row[i] - mean) * (row[i] - mean)) / count;
    (mean, 1.0 / (variance + eps).sqrt())
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, columns) = (values(x, layout)?, width(layout)?);
        let (weight, bias) = (values(weight, weight_layout)?, values(bias, bias_layout)?);
        let mut out = vec![0.0; x.len()];
        pulp::Arch::new().dispatch(|| {
            for (row, out) in x.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
                let (mean, scale) = moments(row, self.eps);
                let of = row.iter().zip(weight).zip(bias);
                for (out, ((x, weight), bias)) in out.iter_mut().zip(of) {
                    *out = (x - mean) * scale * weight + bias;
                }
            }
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        _res: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let columns = x.dim(D::Minus1)?;
        let rows = x.elem_count() / columns;
        let gradient = gradient.contiguous()?;
        let all = x.apply_op3_no_bwd(weight, &gradient, &Gradients { eps: self.eps })?;
        let one = |row| all.narrow(0, row, 1)?.reshape(columns);
        let of_x = all.narrow(0, 0, rows)?.reshape(x.shape())?;
        Ok((Some(of_x), Some(one(rows)?), Some(one(rows + 1)?)))
    }
}

impl CustomOp3 for Gradients {
    fn name(&self) -> &'static str {
        "layer-norm-gradients"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, columns) = (values(x, layout)?, width(layout)?);
        let weight = values(weight, weight_layout)?;
        let gradient = values(gradient, gradient_layout)?;
        let rows = x.len() / columns;
        let mut out = vec![0.0; (rows + 2) * columns];
        let (of_x, sums) = out.split_at_mut(rows * columns);
        let (of_weight, of_bias) = sums.split_at_mut(columns);
        pulp::Arch::new().dispatch(|| {
            let rows = x.chunks_exact(columns).zip(gradient.chunks_exact(columns));
            for ((row, gradient), out) in rows.zip(of_x.chunks_exact_mut(columns)) {
                gradients_of_row((row, gradient, weight), self.eps, out);
                let (mean, scale) = moments(row, self.eps);
                for i in 0..columns {
                    of_weight[i] += gradient[i] * (row[i] - mean) * scale;
                    of_bias[i] += gradient[i];
                }
            }
        });
        Ok((CpuStorage::F32(out), Shape::from((rows + 2, columns))))
    }
}

/// With `n` the normalised row and `g` the gradient times the weight:
/// `(g - mean(g) - n mean(g n)) / deviation`.
#[inline(always)]
fn gradients_of_row((row, gradient, weight): (&[f32], &[f32], &[f32]), eps: f32, out: &mut [f32]) {
    let count = row.len() as f32;
    let (mean, scale) = moments(row, eps);
    let (gradient, weight) = (&gradient[..row.len()], &weight[..row.len()]);
    let towards = vector::sum(row.len(), |i| gradient[i] * weight[i]) / count;
    let along =
        vector::sum(row.len(), |i| gradient[i] * weight[i] * (row[i] - mean) * scale) / count;
    for (i, out) in out.iter_mut().enumerate() {
        let normal = (row[i] - mean) * scale;
        *out = (gradient[i] * weight[i] - towards - normal * along) * scale;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::ops::bias::tests::{agree, tensor};

    #[test]
    fn values_and_gradients_are_those_of_the_composed_form() {
        let (x, weight, bias) = (tensor(&[7, 33], 1), tensor(&[33], 2), tensor(&[33], 3));
        let arguments = [&x, &weight, &bias];
        agree(
            &arguments,
            layer_norm(&x, &weight, &bias, 1e-5).unwrap(),
            composed(&x, &weight, &bias, 1e-5).unwrap(),
        );
    }
}
