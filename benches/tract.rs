//! Times a model file on plain tract, without any of this crate's operators: what int8 execution is
//! compared with where no other engine runs.
//!
//! ```text
//! cargo bench --bench tract -- FILE.onnx... [--runs N]
//! ```
//!
//! A file takes one input, f32, whose free dimensions are 1. Prints the fastest of `N` runs (3) in
//! milliseconds; in an emulator that counts instructions, in millions of them.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::internal::DimLike;

fn main() -> TractResult<()> {
    let mut runs = 3;
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    while let Some(argument) = arguments.next() {
        if argument == "--runs" {
            runs = arguments.next().unwrap_or_default().parse()?;
            continue;
        }
        println!("{:10.3} ms  {argument}", fastest_ms(&argument, runs)?);
    }
    Ok(())
}

fn fastest_ms(path: &str, runs: usize) -> TractResult<f64> {
    let mut model = tract_onnx::onnx().model_for_path(path)?;
    let fact = model.input_fact(0)?.clone();
    let dims = fact.shape.dims().map(|dim| dim.concretize().and_then(|dim| dim.to_usize().ok()));
    let shape: TVec<usize> = dims.map(|dim| dim.unwrap_or(1)).collect();
    model.set_input_fact(0, f32::fact(&shape).into())?;
    let model = model.into_optimized()?.into_runnable()?;
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..count).map(|index| (index % 251) as f32 / 125.0 - 1.0).collect();
    let input = Tensor::from_shape(&shape, &values)?;
    let mut fastest = f64::INFINITY;
    for _ in 0..runs.max(1) {
        let started = Instant::now();
        model.run(tvec!(input.clone().into()))?;
        fastest = fastest.min(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(fastest)
}
