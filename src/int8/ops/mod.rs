//! Fused operators: kernels as nodes of a tract graph.
//!
//! Owns the shapes of what goes in and out and the tensors in between, and the glue that tract
//! asks of an operator, once for all of them.
//!
//! It does not look for subgraphs.

mod attention;
mod fresh;
mod layer_norm;
mod linear;
mod quantize;

use std::fmt::Debug;
use std::sync::Arc;

use tract_onnx::tract_hir::internal::*;

use self::fresh::fresh;
use super::kernels::Output;

pub(super) use attention::FusedAttention;
pub(super) use layer_norm::FusedLayerNorm;
pub(super) use linear::{FusedLinear, LinearWeights};
pub(super) use quantize::Quantize;

/// What one fused operator does, apart from tract's glue.
pub(super) trait Fused: Debug + Send + Sync {
    /// For tract's dumps and messages.
    fn name(&self) -> &'static str;

    /// How many inputs it takes.
    fn inputs(&self) -> usize;

    /// The scale of the bytes it gives, `None` where it gives f32.
    fn bytes(&self) -> Option<f32>;

    /// The shape of its output.
    fn shape(&self, inputs: &[TVec<TDim>]) -> TractResult<TVec<TDim>>;

    /// Writes the output; false when values are asked as bytes and one was not finite.
    fn run(&self, inputs: &[&Tensor], output: Output) -> TractResult<bool>;
}

/// A fused operator in a graph.
#[derive(Debug, Clone)]
pub(super) struct FusedOp {
    pub(super) fused: Arc<dyn Fused>,
    /// The node, for messages.
    pub(super) node: Arc<str>,
}

impl FusedOp {
    fn datum_type(&self) -> DatumType {
        if self.fused.bytes().is_some() { i8::datum_type() } else { f32::datum_type() }
    }

    fn compute(&self, inputs: &[TValue]) -> TractResult<Tensor> {
        let tensors: TVec<&Tensor> = inputs.iter().map(|value| &**value).collect();
        let shapes: TVec<TVec<TDim>> =
            tensors.iter().map(|it| it.shape().iter().map(|dim| dim.to_dim()).collect()).collect();
        let shape = self.fused.shape(&shapes)?;
        let shape: TVec<usize> =
            shape.iter().map(|dim| Ok(dim.to_usize()?)).collect::<TractResult<_>>()?;
        let Some(scale) = self.fused.bytes() else {
            let mut output = fresh::<f32>(&shape)?;
            let mut plain = output.try_as_plain_ram_mut()?;
            self.fused.run(&tensors, Output::Floats(plain.as_slice_mut()?))?;
            return Ok(output);
        };
        let mut output = fresh::<i8>(&shape)?;
        let mut plain = output.try_as_plain_ram_mut()?;
        let finite = self.fused.run(&tensors, Output::Bytes(plain.as_slice_mut()?, scale))?;
        ensure!(finite, "{}: a value is not finite and cannot be quantized", self.node);
        Ok(output)
    }
}

impl Op for FusedOp {
    fn name(&self) -> StaticName {
        self.fused.name().into()
    }

    op_as_typed_op!();
}

impl PartialEq for FusedOp {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.fused, &other.fused)
    }
}

impl Eq for FusedOp {}

impl EvalOp for FusedOp {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        Ok(tvec!(self.compute(&inputs)?.into()))
    }
}

impl TypedOp for FusedOp {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shapes: TVec<TVec<TDim>> = inputs.iter().map(|fact| fact.shape.to_tvec()).collect();
        let shape = self.fused.shape(&shapes)?;
        Ok(tvec!(self.datum_type().fact(shape)))
    }
}

impl Expansion for FusedOp {
    fn name(&self) -> StaticName {
        self.fused.name().into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, self.fused.inputs())?;
        check_output_arity(outputs, 1)?;
        s.equals(&outputs[0].datum_type, self.datum_type())?;
        s.given_all(inputs.iter().map(|input| &input.shape), move |s, shapes| {
            s.equals(&outputs[0].shape, self.fused.shape(&shapes)?)
        })
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }
}

/// The values of a tensor.
fn values<T: Datum>(tensor: &Tensor) -> TractResult<&[T]> {
    tensor.try_as_plain_ram()?.as_slice::<T>()
}

/// The last dimension, which must be the one that the weights have.
fn check_width(op: &'static str, shape: &[TDim], width: usize) -> TractResult<()> {
    let found = shape.last();
    ensure!(found == Some(&width.to_dim()), "{op}: width {found:?}, its weights have {width}");
    Ok(())
}
