#![allow(unsafe_code)]

use tract_onnx::tract_hir::internal::*;

/// A line of the cache, and the widest load there is.
const ALIGNMENT: usize = 64;

/// A tensor for results. Its values are arbitrary: kernels write every one, and setting them to
/// zero first would cost as much as LayerNorm.
///
/// It starts on a cache line: what is loaded 64 bytes at a time would else touch two lines each
/// time, which took a third of the time of a linear layer on AMX.
pub(super) fn fresh<T: Datum>(shape: &[usize]) -> TractResult<Tensor> {
    // SAFETY: only f32 and i8 are made, of which every pattern is a value.
    unsafe { Tensor::uninitialized_aligned::<T>(shape, ALIGNMENT) }
}
