//! Encoders: frames and texts in, embeddings out, on tract.
//!
//! Owns how a tower is prepared (with a free batch dimension: one plan serves every batch, since
//! plans of fixed size hold a packed copy of the weights each and are only 6 % faster), batching,
//! threads and the refusal of values that are not finite. Encoders can be shared between threads.
//!
//! It does not compare embeddings.

mod text;
mod vision;

use std::time::Duration;

use tract_onnx::prelude::TValue;

use super::{Embedding, Error};

pub use text::TextEncoder;
pub use vision::ImageEncoder;

/// What opening an encoder took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadTimes {
    /// From disk to a decoded model.
    pub read: Duration,
    /// Sum and checks.
    pub verify: Duration,
    /// Making the model ready to run.
    pub prepare: Duration,
}

/// Takes the embeddings out of a model's output `[count, size]`.
fn embeddings(
    outputs: &[TValue],
    origin: &str,
    (count, size): (usize, usize),
) -> Result<Vec<Embedding>, Error> {
    let failed = |reason: String| Error::Engine {
        origin: origin.to_owned(),
        action: "read the embeddings",
        reason,
    };
    let output = outputs.first().ok_or_else(|| failed("the model has no output".to_owned()))?;
    if output.shape() != [count, size] {
        return Err(failed(format!("shape {:?}, expected {:?}", output.shape(), [count, size])));
    }
    let values = output.to_plain_array_view::<f32>().map_err(|error| failed(error.to_string()))?;
    let values: Vec<f32> = values.iter().copied().collect();
    values
        .chunks_exact(size)
        .enumerate()
        .map(|(index, values)| {
            Embedding::new(values.to_vec()).ok_or_else(|| {
                let value = values.iter().copied().find(|v| !v.is_finite()).unwrap_or_default();
                Error::NotFinite { origin: origin.to_owned(), index, value }
            })
        })
        .collect()
}
