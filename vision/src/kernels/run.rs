use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::shared::Shared;
use super::{Attention, FloatLinear, Kernel, Linear, Norm, Target};
use crate::kernels::pool;

/// Values worth a second thread: below, waking it costs more than it saves.
const WORTH_SHARING: usize = 1 << 14;

/// Where results go.
#[derive(Debug)]
pub enum Output<'a> {
    /// As they are.
    Floats(&'a mut [f32]),
    /// Divided by a scale and rounded to the nearest byte, halves to even.
    Bytes(&'a mut [i8], f32),
}

impl<'a> Output<'a> {
    fn target(self) -> Target<'a> {
        match self {
            Self::Floats(values) => Target::Floats(Shared::new(values)),
            Self::Bytes(bytes, scale) => Target::Bytes(Shared::new(bytes), scale.recip()),
        }
    }
}

/// A linear layer on all threads; false when bytes were asked for and a value was not finite.
///
/// # Panics
/// When sizes contradict each other, as all functions here.
pub fn linear(kernel: &dyn Kernel, linear: &Linear, output: Output) -> bool {
    let target = output.target();
    let work = linear.activations.len() * linear.weights.outputs() / 64;
    // Panels and not rows are shared out: each thread reads its own part of the weights.
    on_all(linear.weights.panels(), work, |panels| kernel.linear(linear, &target, panels))
}

/// A linear layer in f32 on all threads; as [`linear`].
pub fn float_linear(kernel: &dyn Kernel, linear: &FloatLinear, output: Output) -> bool {
    let target = output.target();
    let work = linear.values.len() * linear.weights.outputs() / 16;
    on_all(linear.weights.panels(), work, |panels| kernel.float_linear(linear, &target, panels))
}

/// Attention on all threads; as [`linear`].
pub fn attention(kernel: &dyn Kernel, attention: &Attention, output: Output) -> bool {
    let target = output.target();
    let heads = attention.batch * attention.heads;
    let work = attention.query.len() * 8;
    on_all(heads, work, |heads| kernel.attention(attention, &target, heads))
}

/// LayerNorm of whole rows on all threads, into floats or bytes; as [`linear`].
pub fn layer_norm(kernel: &dyn Kernel, rows: &[f32], norm: &Norm, output: Output) -> bool {
    let width = norm.scale.len().max(1);
    assert!(rows.len().is_multiple_of(width), "whole rows");
    let target = output.target();
    on_all(rows.len() / width, rows.len(), |range| kernel.layer_norm(rows, norm, &target, range))
}

/// Quantizes on all threads; false when a value was not finite.
pub fn quantize(kernel: &dyn Kernel, values: &[f32], scale: f32, bytes: &mut [i8]) -> bool {
    const PIECE: usize = 1024;
    assert!(values.len() == bytes.len(), "a byte per value");
    let to = Shared::new(bytes);
    on_all(values.len().div_ceil(PIECE), values.len(), |range| {
        let range = range.start * PIECE..(range.end * PIECE).min(values.len());
        // SAFETY: `on_all` hands out each piece once.
        let to = unsafe { to.part(range.clone()) };
        kernel.quantize(&values[range], scale, to)
    })
}

/// Shares out `count` pieces of work to all threads, each once; whether all said true.
fn on_all(count: usize, work: usize, part: impl Fn(Range<usize>) -> bool + Sync) -> bool {
    if work < WORTH_SHARING {
        return part(0..count);
    }
    let fine = AtomicBool::new(true);
    pool::split(count, |range| {
        if !part(range) {
            fine.store(false, Ordering::Relaxed);
        }
    });
    fine.into_inner()
}
