use tract_onnx::tract_hir::internal::*;

/// A tensor for results. Its values are arbitrary: kernels write every one, and setting them to
/// zero first would cost as much as LayerNorm.
pub(in crate::int8) fn fresh<T: Datum>(shape: &[usize]) -> TractResult<Tensor> {
    // SAFETY: only f32 and i8 are made, of which every pattern is a value.
    unsafe { Tensor::uninitialized::<T>(shape) }
}
