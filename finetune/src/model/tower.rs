use candle_core::{Result, Tensor, bail};
use pairspec::clip::{Activation, TowerConfig};

use super::Parameters;
use super::ops::{Mask, add_bias, add_bias_quick_gelu, layer_norm, softmax};

/// The blocks that both towers are made of.
#[derive(Debug, Clone)]
pub(super) struct Tower {
    pub(super) name: &'static str,
    pub(super) config: TowerConfig,
    pub(super) mask: Mask,
}

impl Tower {
    /// All blocks over `[batch, tokens, hidden]`.
    pub(super) fn forward(&self, parameters: &Parameters, x: Tensor) -> Result<Tensor> {
        let shape = x.dims3()?;
        let mut x = x.reshape((shape.0 * shape.1, shape.2))?;
        for layer in 0..self.config.layers {
            let block = format!("{}.encoder.layers.{layer}", self.name);
            let inner = self.norm(parameters, &format!("{block}.layer_norm1"), &x)?;
            let attended =
                self.attention(parameters, &format!("{block}.self_attn"), (inner, shape))?;
            x = (x + attended)?;
            let inner = self.norm(parameters, &format!("{block}.layer_norm2"), &x)?;
            x = (&x + self.mlp(parameters, &format!("{block}.mlp"), &inner)?)?;
        }
        x.reshape(shape)
    }

    /// One of the tower's layer norms, over rows.
    pub(super) fn norm(&self, parameters: &Parameters, name: &str, x: &Tensor) -> Result<Tensor> {
        let weight = parameters.get(&format!("{name}.weight"))?;
        let bias = parameters.get(&format!("{name}.bias"))?;
        layer_norm(x, &weight, &bias, self.config.layer_norm_eps)
    }

    fn attention(
        &self,
        parameters: &Parameters,
        name: &str,
        (x, (batch, tokens, hidden)): (Tensor, (usize, usize, usize)),
    ) -> Result<Tensor> {
        let heads = self.config.heads;
        let size = hidden / heads;
        let split = |linear: &str| {
            let projected = linear_of(parameters, &format!("{name}.{linear}"), &x)?;
            projected.reshape((batch, tokens, heads, size))?.transpose(1, 2)?.contiguous()
        };
        let (q, k, v) = (split("q_proj")?, split("k_proj")?, split("v_proj")?);
        let scores = q.matmul(&k.t()?)?;
        let weights = softmax(&scores, 1.0 / (size as f32).sqrt(), self.mask)?;
        let mixed = weights.matmul(&v)?.transpose(1, 2)?.contiguous()?;
        let mixed = mixed.reshape((batch * tokens, hidden))?;
        linear_of(parameters, &format!("{name}.out_proj"), &mixed)
    }

    fn mlp(&self, parameters: &Parameters, name: &str, x: &Tensor) -> Result<Tensor> {
        let wide = x.matmul(&parameters.get(&format!("{name}.fc1.weight"))?.t()?)?;
        let bias = parameters.get(&format!("{name}.fc1.bias"))?;
        let active = match self.config.activation {
            Activation::QuickGelu => add_bias_quick_gelu(&wide, &bias)?,
            Activation::Gelu => add_bias(&wide, &bias)?.gelu_erf()?,
            Activation::GeluTanh => add_bias(&wide, &bias)?.gelu()?,
        };
        linear_of(parameters, &format!("{name}.fc2"), &active)
    }
}

/// `x w^T + b` of rows.
fn linear_of(parameters: &Parameters, name: &str, x: &Tensor) -> Result<Tensor> {
    let projected = x.matmul(&parameters.get(&format!("{name}.weight"))?.t()?)?;
    add_bias(&projected, &parameters.get(&format!("{name}.bias"))?)
}

/// One row per sequence: the token at `at` of each.
pub(super) fn pick(x: &Tensor, at: &[u32]) -> Result<Tensor> {
    let (batch, tokens, hidden) = x.dims3()?;
    if at.len() != batch {
        bail!("{} positions for {batch} sequences", at.len());
    }
    let rows: Vec<u32> = at.iter().enumerate().map(|(i, at)| (i * tokens) as u32 + at).collect();
    let rows = Tensor::from_vec(rows, batch, x.device())?;
    x.reshape((batch * tokens, hidden))?.index_select(&rows, 0)
}
