use tract_onnx::tract_hir::internal::*;

use super::{Fused, values};
use crate::int8::kernels::{self, Kernel, Output};

/// `QuantizeLinear` with one scale and zero point 0. Source: ONNX, opset 13.
#[derive(Debug)]
pub(in crate::int8) struct Quantize {
    pub(in crate::int8) kernel: &'static dyn Kernel,
    pub(in crate::int8) scale: f32,
}

impl Fused for Quantize {
    fn name(&self) -> &'static str {
        "Quantize"
    }

    fn inputs(&self) -> usize {
        1
    }

    fn bytes(&self) -> Option<f32> {
        Some(self.scale)
    }

    fn shape(&self, inputs: &[TVec<TDim>]) -> TractResult<TVec<TDim>> {
        Ok(inputs[0].clone())
    }

    fn run(&self, inputs: &[&Tensor], output: Output) -> TractResult<bool> {
        match output {
            Output::Bytes(bytes, scale) => {
                Ok(kernels::quantize(self.kernel, values(inputs[0])?, scale, bytes))
            }
            Output::Floats(_) => bail!("quantized values are bytes"),
        }
    }
}
