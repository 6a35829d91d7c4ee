//! Times one tower's ONNX file as the product runs it, and on plain tract for comparison.
//!
//! `cargo bench --bench int8 -- FILE.onnx... [--threads N] [--batch N] [--runs N] [--plain]`

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::num::NonZero;
use std::sync::Arc;
use std::time::Instant;

use pairspec::int8::{self, kernels};
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

/// Of images, height and width; of texts, tokens.
const IMAGE: usize = 224;
const TOKENS: usize = 77;

struct Options {
    threads: NonZero<usize>,
    batch: usize,
    runs: usize,
    plain: bool,
}

fn main() {
    let mut options = Options { threads: NonZero::<usize>::MIN, batch: 1, runs: 60, plain: false };
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            "--plain" => options.plain = true,
            "--threads" => options.threads = arguments.next().unwrap().parse().unwrap(),
            "--batch" => options.batch = arguments.next().unwrap().parse().unwrap(),
            "--runs" => options.runs = arguments.next().unwrap().parse().unwrap(),
            file => files.push(file.to_owned()),
        }
    }
    for file in files {
        let model = tract_onnx::onnx().proto_model_for_path(&file).unwrap();
        let kernel = kernels::chosen().unwrap();
        time(&format!("{file} {}", kernel.name()), &options, &model, |model| {
            let rewritten = int8::rewrite(model.clone(), kernel);
            let mut parsed = tract_onnx::onnx().model_for_proto_model(rewritten.model()).unwrap();
            rewritten.install(&mut parsed).unwrap();
            let batch = parsed.symbols.sym("N").to_dim();
            (parsed, batch)
        });
        if options.plain {
            // Of one size of batch, which suits it best: the product leaves the batch open.
            time(&format!("{file} plain tract"), &options, &model, |model| {
                let parsed = tract_onnx::onnx().model_for_proto_model(model).unwrap();
                (parsed, options.batch.to_dim())
            });
        }
    }
}

fn time(
    what: &str,
    options: &Options,
    model: &ModelProto,
    parse: impl Fn(&ModelProto) -> (InferenceModel, TDim),
) {
    let is_text = model.graph.as_ref().unwrap().input[0].name == "input_ids";
    let started = Instant::now();
    let plan = prepared(parse(model), is_text);
    let prepared = started.elapsed().as_secs_f64() * 1e3;
    let mut all: Vec<f64> = (0..options.runs)
        .map(|_| {
            let input = input(options.batch, is_text);
            let started = Instant::now();
            int8::with_threads(options.threads, || {
                plan.run(tvec!(input.into())).unwrap();
            });
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    all.sort_by(f64::total_cmp);
    let (median, least) = (all[all.len() / 2], all[0]);
    println!("{what}: median {median:.2} ms, least {least:.2} ms, prepared in {prepared:.0} ms");
}

fn prepared((mut parsed, batch): (InferenceModel, TDim), is_text: bool) -> Arc<TypedRunnableModel> {
    let fact = match is_text {
        true => InferenceFact::dt_shape(i64::datum_type(), tvec!(batch, TOKENS.to_dim())),
        false => {
            let shape = tvec!(batch, 3.to_dim(), IMAGE.to_dim(), IMAGE.to_dim());
            InferenceFact::dt_shape(f32::datum_type(), shape)
        }
    };
    parsed.set_input_fact(0, fact).unwrap();
    parsed.into_optimized().unwrap().into_runnable().unwrap()
}

fn input(batch: usize, is_text: bool) -> Tensor {
    if is_text {
        let ids: Vec<i64> = (0..(batch * TOKENS) as i64).map(|i| i * 7919 % 6000).collect();
        return Tensor::from_shape(&[batch, TOKENS], &ids).unwrap();
    }
    let value = |i: usize| (i * 7919 % 10_007) as f32 / 10_007.0 * 4.0 - 2.0;
    let pixels: Vec<f32> = (0..batch * 3 * IMAGE * IMAGE).map(value).collect();
    Tensor::from_shape(&[batch, 3, IMAGE, IMAGE], &pixels).unwrap()
}
