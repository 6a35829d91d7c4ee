use std::sync::Arc;

use tract_onnx::tract_hir::internal::*;

use super::{Fused, check_width, values};
use crate::int8::kernels::{
    self, Activation, FloatLinear, FloatWeights, Kernel, Linear, Output, PackedWeights,
};

/// A linear layer: `activation(x * w + bias) + residual`, on bytes with the scale of their sums.
///
/// Inputs: bytes or f32 values `[.., inputs]` as the weights are, and the residual, as long as the
/// output, if there is one.
#[derive(Debug)]
pub(in crate::int8) struct FusedLinear {
    pub(in crate::int8) kernel: &'static dyn Kernel,
    pub(in crate::int8) weights: LinearWeights,
    pub(in crate::int8) activation: Activation,
    pub(in crate::int8) residual: bool,
    pub(in crate::int8) bytes: Option<f32>,
}

/// The weights of a linear layer, whose kind is that of its inputs.
#[derive(Debug)]
pub(in crate::int8) enum LinearWeights {
    Int8(Arc<PackedWeights>),
    Float(Arc<FloatWeights>),
}

impl LinearWeights {
    fn inputs(&self) -> usize {
        match self {
            Self::Int8(weights) => weights.inputs(),
            Self::Float(weights) => weights.inputs(),
        }
    }

    fn outputs(&self) -> usize {
        match self {
            Self::Int8(weights) => weights.outputs(),
            Self::Float(weights) => weights.outputs(),
        }
    }
}

impl Fused for FusedLinear {
    fn name(&self) -> &'static str {
        match self.weights {
            LinearWeights::Int8(_) => "QuantLinear",
            LinearWeights::Float(_) => "FusedLinear",
        }
    }

    fn inputs(&self) -> usize {
        1 + usize::from(self.residual)
    }

    fn bytes(&self) -> Option<f32> {
        self.bytes
    }

    fn shape(&self, inputs: &[TVec<TDim>]) -> TractResult<TVec<TDim>> {
        check_width(self.name(), &inputs[0], self.weights.inputs())?;
        let mut shape = inputs[0].clone();
        if let Some(last) = shape.last_mut() {
            *last = self.weights.outputs().to_dim();
        }
        Ok(shape)
    }

    fn run(&self, inputs: &[&Tensor], output: Output) -> TractResult<bool> {
        let residual = inputs.get(1).map(|tensor| values::<f32>(tensor)).transpose()?;
        let rows = inputs[0].len() / self.weights.inputs();
        let expected = rows * self.weights.outputs();
        let found = residual.map_or(expected, <[f32]>::len);
        ensure!(found == expected, "a residual of {found} values, the layer gives {expected}");
        let activation = self.activation;
        Ok(match &self.weights {
            LinearWeights::Int8(weights) => {
                let activations = values(inputs[0])?;
                let linear = Linear { activations, weights, activation, residual };
                kernels::linear(self.kernel, &linear, output)
            }
            LinearWeights::Float(weights) => {
                let values = values(inputs[0])?;
                let linear = FloatLinear { values, weights, activation, residual };
                kernels::float_linear(self.kernel, &linear, output)
            }
        })
    }
}
