use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use super::Error;
use super::onnx::half_weights_widened;

/// A model prepared by tract, ready to run from any thread.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    plan: Arc<TypedRunnableModel>,
    origin: String,
}

impl Engine {
    /// Prepares a checked model whose inputs have the given facts, in the order of its inputs.
    ///
    /// The model is dropped as soon as its weights are taken over, so that memory never holds more
    /// than two copies of them.
    pub(super) fn prepare(
        model: ModelProto,
        origin: &str,
        facts: impl FnOnce(&mut InferenceModel) -> TractResult<()>,
    ) -> Result<Self, Error> {
        let model = half_weights_widened(model);
        let plan = guarded(origin, "prepare the model", move || {
            let mut inference = tract_onnx::onnx().model_for_proto_model(&model)?;
            drop(model);
            facts(&mut inference)?;
            inference.into_optimized()?.into_runnable()
        })?;
        Ok(Self { plan, origin: origin.to_owned() })
    }

    pub(super) fn run(&self, inputs: TVec<TValue>) -> Result<TVec<TValue>, Error> {
        guarded(&self.origin, "run the model", || self.plan.run(inputs))
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }
}

/// The engine returns errors for most models it cannot take, but panics on some.
fn guarded<T>(
    origin: &str,
    action: &'static str,
    work: impl FnOnce() -> TractResult<T>,
) -> Result<T, Error> {
    let failed = |reason: String| Error::Engine { origin: origin.to_owned(), action, reason };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| failed(format!("{error:#}"))),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(failed(text.unwrap_or("the engine gave up").to_owned()))
        }
    }
}
