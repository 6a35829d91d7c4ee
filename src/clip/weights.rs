use super::Error;

/// Where the weights of a model come from, one tensor at a time.
///
/// Implemented by a checkpoint on disk and by seeded random numbers, so that both go through the
/// same graph writer; only one tensor is in memory at once.
pub trait WeightSource {
    /// The values of a tensor in row-major order, all finite.
    ///
    /// # Errors
    /// [`Error::Tensor`] when it is missing, has another shape, or holds NaN or infinity.
    fn read(&mut self, tensor: &str, shape: &[usize]) -> Result<Vec<f32>, Error>;
}
