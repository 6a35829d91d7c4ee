use tract_onnx::tract_hir::internal::*;

use super::{Fused, check_width, values};
use crate::int8::kernels::{self, Kernel, Norm, Output};

/// `LayerNormalization` over the last axis. Source: ONNX, opset 17.
#[derive(Debug)]
pub(in crate::int8) struct FusedLayerNorm {
    pub(in crate::int8) kernel: &'static dyn Kernel,
    pub(in crate::int8) scale: Vec<f32>,
    pub(in crate::int8) shift: Vec<f32>,
    pub(in crate::int8) epsilon: f32,
    pub(in crate::int8) bytes: Option<f32>,
}

impl Fused for FusedLayerNorm {
    fn name(&self) -> &'static str {
        "FusedLayerNorm"
    }

    fn inputs(&self) -> usize {
        1
    }

    fn bytes(&self) -> Option<f32> {
        self.bytes
    }

    fn shape(&self, inputs: &[TVec<TDim>]) -> TractResult<TVec<TDim>> {
        check_width(self.name(), &inputs[0], self.scale.len())?;
        Ok(inputs[0].clone())
    }

    fn run(&self, inputs: &[&Tensor], output: Output) -> TractResult<bool> {
        let norm = Norm { scale: &self.scale, shift: &self.shift, epsilon: self.epsilon };
        Ok(kernels::layer_norm(self.kernel, values(inputs[0])?, &norm, output))
    }
}
