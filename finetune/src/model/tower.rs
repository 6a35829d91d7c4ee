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
            x = self.block(parameters, layer, (x, shape.0), None)?;
        }
        x.reshape(shape)
    }

    /// The first token of each sequence after all blocks, `[batch, hidden]`.
    ///
    /// Of the last block only what reaches that token is computed: a fifth less work in a tower of
    /// four blocks. For towers without a mask.
    pub(super) fn first_token(&self, parameters: &Parameters, x: Tensor) -> Result<Tensor> {
        let (batch, tokens, hidden) = x.dims3()?;
        let mut x = x.reshape((batch * tokens, hidden))?;
        let first: Vec<u32> = (0..batch).map(|index| (index * tokens) as u32).collect();
        let first = Tensor::from_vec(first, batch, x.device())?;
        for layer in 0..self.config.layers {
            let kept = (layer + 1 == self.config.layers).then_some(&first);
            x = self.block(parameters, layer, (x, batch), kept)?;
        }
        Ok(x)
    }

    /// One block over the rows of `batch` sequences, of which it returns those `kept`.
    fn block(
        &self,
        parameters: &Parameters,
        layer: usize,
        (x, batch): (Tensor, usize),
        kept: Option<&Tensor>,
    ) -> Result<Tensor> {
        let block = format!("{}.encoder.layers.{layer}", self.name);
        let all = self.norm(parameters, &format!("{block}.layer_norm1"), &x)?;
        let (x, queries) = match kept {
            None => (x, all.clone()),
            Some(rows) => (x.index_select(rows, 0)?, all.index_select(rows, 0)?),
        };
        let attention = format!("{block}.self_attn");
        let x = (x + self.attention(parameters, &attention, (&queries, &all, batch))?)?;
        let inner = self.norm(parameters, &format!("{block}.layer_norm2"), &x)?;
        &x + self.mlp(parameters, &format!("{block}.mlp"), &inner)?
    }

    /// One of the tower's layer norms, over rows.
    pub(super) fn norm(&self, parameters: &Parameters, name: &str, x: &Tensor) -> Result<Tensor> {
        let weight = parameters.get(&format!("{name}.weight"))?;
        let bias = parameters.get(&format!("{name}.bias"))?;
        layer_norm(x, &weight, &bias, self.config.layer_norm_eps)
    }

    /// What the rows `queries` draw from all rows of their own sequence among `batch` of them.
    fn attention(
        &self,
        parameters: &Parameters,
        name: &str,
        (queries, all, batch): (&Tensor, &Tensor, usize),
    ) -> Result<Tensor> {
        let (rows, hidden) = queries.dims2()?;
        let heads = self.config.heads;
        let size = hidden / heads;
        let split = |linear: &str, x: &Tensor| {
            let projected = linear_of(parameters, &format!("{name}.{linear}"), x)?;
            let shape = (batch, x.dim(0)? / batch, heads, size);
            projected.reshape(shape)?.transpose(1, 2)?.contiguous()
        };
        let (q, k, v) = (split("q_proj", queries)?, split("k_proj", all)?, split("v_proj", all)?);
        let scores = q.matmul(&k.t()?)?;
        let weights = softmax(&scores, 1.0 / (size as f32).sqrt(), self.mask)?;
        let mixed = weights.matmul(&v)?.transpose(1, 2)?.contiguous()?;
        linear_of(parameters, &format!("{name}.out_proj"), &mixed.reshape((rows, hidden))?)
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
