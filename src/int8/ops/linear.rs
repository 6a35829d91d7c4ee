use std::sync::Arc;

use tract_onnx::tract_hir::internal::*;

use super::{Fused, check_width, values};
use crate::int8::kernels::{
    self, Activation, FloatLinear, FloatWeights, Kernel, Linear, Output, PackedWeights,
};

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
        widened(self.name(), &inputs[0], [self.weights.inputs(), self.weights.outputs()])
    }

    fn run(&self, inputs: &[&Tensor], output: Output) -> TractResult<bool> {
        let residual = inputs.get(1).map(|tensor| values::<f32>(tensor)).transpose()?;
        let linear = Linear {
            activations: values(inputs[0])?,
            weights: &self.weights,
            activation: self.activation,
            residual,
        };
        check_residual(residual, linear.rows() * self.weights.outputs())?;
        Ok(kernels::linear(self.kernel, &linear, output))
    }
}

/// A linear layer on f32 values: `activation(x * w + bias) + residual`.
///
/// Inputs: values `[.., inputs]`, and the residual, as long as the output, if there is one.
#[derive(Debug)]
pub(in crate::int8) struct FusedLinear {
    pub(in crate::int8) kernel: &'static dyn Kernel,
    pub(in crate::int8) weights: Arc<FloatWeights>,
    pub(in crate::int8) activation: Activation,
    pub(in crate::int8) residual: bool,
    pub(in crate::int8) bytes: Option<f32>,
}

impl Fused for FusedLinear {
    fn name(&self) -> &'static str {
        "FusedLinear"
    }

    fn inputs(&self) -> usize {
        1 + usize::from(self.residual)
    }

    fn bytes(&self) -> Option<f32> {
        self.bytes
    }

    fn shape(&self, inputs: &[TVec<TDim>]) -> TractResult<TVec<TDim>> {
        widened(self.name(), &inputs[0], [self.weights.inputs(), self.weights.outputs()])
    }

    fn run(&self, inputs: &[&Tensor], output: Output) -> TractResult<bool> {
        let residual = inputs.get(1).map(|tensor| values::<f32>(tensor)).transpose()?;
        let linear = FloatLinear {
            values: values(inputs[0])?,
            weights: &self.weights,
            activation: self.activation,
            residual,
        };
        check_residual(residual, linear.rows() * self.weights.outputs())?;
        Ok(kernels::float_linear(self.kernel, &linear, output))
    }
}

/// The input's shape with the layer's own width.
fn widened(
    name: &'static str,
    input: &TVec<TDim>,
    [inputs, outputs]: [usize; 2],
) -> TractResult<TVec<TDim>> {
    check_width(name, input, inputs)?;
    let mut shape = input.clone();
    if let Some(last) = shape.last_mut() {
        *last = outputs.to_dim();
    }
    Ok(shape)
}

fn check_residual(residual: Option<&[f32]>, expected: usize) -> TractResult<()> {
    let found = residual.map_or(expected, <[f32]>::len);
    ensure!(found == expected, "a residual of {found} values, the layer gives {expected}");
    Ok(())
}
