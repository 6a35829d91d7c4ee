use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use super::Error;
use super::onnx::half_weights_widened;
use crate::int8;

/// A model prepared by tract, ready to run from any thread.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    plan: Arc<TypedRunnableModel>,
    origin: String,
}

impl Engine {
    /// Prepares a checked model whose inputs have the given facts, in the order of its inputs.
    ///
    /// The model is dropped as soon as its weights are taken over, so that memory never holds more
    /// than two copies of them.
    pub(crate) fn prepare(
        model: ModelProto,
        origin: &str,
        facts: impl FnOnce(&mut InferenceModel) -> TractResult<()>,
    ) -> Result<Self, Error> {
        let model = half_weights_widened(model);
        let kernel = int8::kernels::chosen().map_err(|error| Error::Engine {
            origin: origin.to_owned(),
            action: "choose a kernel",
            reason: error.to_string(),
        })?;
        let plan = guarded(origin, "prepare the model", move || {
            let rewritten = int8::rewrite(model, kernel);
            warn_of_slow_nodes(origin, &rewritten);
            let mut inference = tract_onnx::onnx().model_for_proto_model(rewritten.model())?;
            rewritten.install(&mut inference)?;
            facts(&mut inference)?;
            inference.into_optimized()?.into_runnable()
        })?;
        Ok(Self { plan, origin: origin.to_owned() })
    }

    pub(crate) fn run(&self, inputs: TVec<TValue>) -> Result<TVec<TValue>, Error> {
        guarded(&self.origin, "run the model", || self.plan.run(inputs))
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }
}

/// Says which nodes run in f32 on plain tract although their kind is fused elsewhere.
fn warn_of_slow_nodes(origin: &str, rewritten: &int8::Rewritten) {
    const NAMED: usize = 5;
    let left = rewritten.left_in_float();
    if left.is_empty() {
        return;
    }
    let mut named: Vec<String> =
        left.iter().take(NAMED).map(|(node, why)| format!("{node} ({why})")).collect();
    if left.len() > NAMED {
        named.push(format!("{} more", left.len() - NAMED));
    }
    log::warn!("{origin}: {} nodes run slowly, in f32: {}", left.len(), named.join(", "));
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
