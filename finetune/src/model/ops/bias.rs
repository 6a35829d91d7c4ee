use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, D, Layout, Result, Shape, Tensor};

use super::rows::{values, width};
use super::vector;

/// The steepness of `x * sigmoid(1.702 x)`, which OpenAI's CLIP uses for GELU.
const STEEPNESS: f32 = 1.702;

/// `x + bias` over the last dimension.
pub(crate) fn add_bias(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() {
        return x.contiguous()?.apply_op2(bias, AddBias);
    }
    x.broadcast_add(bias)
}

/// `y * sigmoid(1.702 y)` with `y = x + bias` over the last dimension.
pub(crate) fn add_bias_quick_gelu(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() {
        return x.contiguous()?.apply_op2(bias, AddBiasQuickGelu);
    }
    composed_quick_gelu(x, bias)
}

fn composed_quick_gelu(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let y = x.broadcast_add(bias)?;
    let shares = ((&y * f64::from(-STEEPNESS))?.exp()? + 1.0)?.recip()?;
    y * shares
}

struct AddBias;
struct SumOfRows;
struct AddBiasQuickGelu;

/// The gradient of `x` row by row, then one row of the bias's, from `(x, bias, gradient)`.
struct QuickGeluGradients;

impl CustomOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add-bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, columns) = (values(x, layout)?, width(layout)?);
        let bias = values(bias, bias_layout)?;
        let mut out = x.to_vec();
        pulp::Arch::new().dispatch(|| {
            for row in out.chunks_exact_mut(columns) {
                row.iter_mut().zip(bias).for_each(|(out, bias)| *out += bias);
            }
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(
        &self,
        _x: &Tensor,
        _bias: &Tensor,
        _res: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let of_bias = gradient.contiguous()?.apply_op1_no_bwd(&SumOfRows)?;
        Ok((Some(gradient.clone()), Some(of_bias)))
    }
}

impl CustomOp1 for SumOfRows {
    fn name(&self) -> &'static str {
        "sum-of-rows"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, columns) = (values(x, layout)?, width(layout)?);
        let mut out = vec![0.0; columns];
        pulp::Arch::new().dispatch(|| {
            for row in x.chunks_exact(columns) {
                out.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
        });
        Ok((CpuStorage::F32(out), Shape::from(columns)))
    }
}

impl CustomOp2 for AddBiasQuickGelu {
    fn name(&self) -> &'static str {
        "add-bias-quick-gelu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, columns) = (values(x, layout)?, width(layout)?);
        let bias = values(bias, bias_layout)?;
        let mut out = vec![0.0; x.len()];
        pulp::Arch::new().dispatch(|| {
            for (row, out) in x.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
                for (out, (x, bias)) in out.iter_mut().zip(row.iter().zip(bias)) {
                    let y = x + bias;
                    *out = y * vector::sigmoid(STEEPNESS * y);
                }
            }
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        bias: &Tensor,
        _res: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let columns = x.dim(D::Minus1)?;
        let rows = x.elem_count() / columns;
        let all = x.apply_op3_no_bwd(bias, &gradient.contiguous()?, &QuickGeluGradients)?;
        let of_x = all.narrow(0, 0, rows)?.reshape(x.shape())?;
        Ok((Some(of_x), Some(all.narrow(0, rows, 1)?.reshape(columns)?)))
    }
}

impl CustomOp3 for QuickGeluGradients {
    fn name(&self) -> &'static str {
        "quick-gelu-gradients"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, columns) = (values(x, layout)?, width(layout)?);
        let bias = values(bias, bias_layout)?;
        let gradient = values(gradient, gradient_layout)?;
        let rows = x.len() / columns;
        let mut out = vec![0.0; (rows + 1) * columns];
        let (of_x, of_bias) = out.split_at_mut(rows * columns);
        pulp::Arch::new().dispatch(|| {
            let rows = x.chunks_exact(columns).zip(gradient.chunks_exact(columns));
            for ((row, gradient), out) in rows.zip(of_x.chunks_exact_mut(columns)) {
                for (out, ((x, bias), gradient)) in
                    out.iter_mut().zip(row.iter().zip(bias).zip(gradient))
                {
                    let y = x + bias;
                    let share = vector::sigmoid(STEEPNESS * y);
                    *out = gradient * share * (1.0 + STEEPNESS * y * (1.0 - share));
                }
                of_bias.iter_mut().zip(&*out).for_each(|(sum, x)| *sum += x);
            }
        });
        Ok((CpuStorage::F32(out), Shape::from((rows + 1, columns))))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use candle_core::{Device, Var};

    use super::*;

    /// A variable with values between -2 and 2 that look like noise.
    pub(in crate::model::ops) fn tensor(shape: &[usize], seed: u32) -> Var {
        let value = |i: usize| {
            let mixed = (i as u32 + 1).wrapping_mul(2_654_435_761).wrapping_add(seed * 97_531);
            (mixed >> 8) as f32 / (1 << 22) as f32 - 2.0
        };
        let values: Vec<f32> = (0..shape.iter().product()).map(value).collect();
        Var::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// Checks that two ways to compute the same have equal values and gradients.
    pub(in crate::model::ops) fn agree(arguments: &[&Var], first: Tensor, second: Tensor) {
        let near = |a: &Tensor, b: &Tensor| {
            assert_eq!(a.dims(), b.dims());
            let difference = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
            let largest = difference.max(0).unwrap().to_scalar::<f32>().unwrap();
            assert!(largest < 2e-5, "{largest}");
        };
        near(&first, &second);
        // A gradient that is not the same everywhere.
        let weights = tensor(first.dims(), 99);
        let gradients = [&first, &second].map(|result| {
            let loss = (result * weights.as_tensor()).unwrap().sum_all().unwrap();
            loss.backward().unwrap()
        });
        for argument in arguments {
            let [a, b] = gradients.each_ref().map(|gradients| gradients.get(argument).unwrap());
            near(a, b);
        }
    }

    #[test]
    fn a_bias_is_added_to_every_row() {
        let (x, bias) = (tensor(&[5, 37], 1), tensor(&[37], 2));
        agree(&[&x, &bias], add_bias(&x, &bias).unwrap(), x.broadcast_add(&bias).unwrap());
    }

    #[test]
    fn quick_gelu_is_that_of_the_composed_form() {
        let (x, bias) = (tensor(&[5, 37], 3), tensor(&[37], 4));
        let fused = add_bias_quick_gelu(&x, &bias).unwrap();
        agree(&[&x, &bias], fused, composed_quick_gelu(&x, &bias).unwrap());
    }
}
