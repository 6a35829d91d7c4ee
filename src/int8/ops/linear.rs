use std::sync::Arc;

use tract_onnx::tract_hir::internal::*;

use super::{Fused, check_width, values};
use crate::int8::kernels::{self, Activation, Kernel, Linear, Output, PackedWeights};

/// A linear layer on bytes: `activation(x * w^T * scale + bias) + residual`.
///
/// Inputs: bytes `[.., inputs]`, and the residual, as long as the output, if there is one.
#[derive(Debug)]
pub(in crate::int8) struct QuantLinear {
    pub(in crate::int8) kernel: &'static dyn Kernel,
    pub(in crate::int8) weights: Arc<PackedWeights>,
    pub(in crate::int8) activation: Activation,
    pub(in crate::int8) residual: bool,
    pub(in crate::int8) bytes: Option<f32>,
}

impl Fused for QuantLinear {
    fn name(&self) -> &'static str {
        "QuantLinear"
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
        let linear = Linear {
            activations: values(inputs[0])?,
            weights: &self.weights,
            activation: self.activation,
            residual,
        };
        let expected = linear.rows() * self.weights.outputs();
        let found = residual.map_or(expected, <[f32]>::len);
        ensure!(found == expected, "a residual of {found} values, the layer gives {expected}");
        Ok(kernels::linear(self.kernel, &linear, output))
    }
}
