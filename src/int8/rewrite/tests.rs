#![allow(clippy::unwrap_used)]
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use super::*;
use crate::int8::kernels;

#[test]
#[ignore = "by hand: PAIRSPEC_MODEL=file.onnx cargo test --release -- --ignored timing"]
fn timing() {
    let path = std::env::var("PAIRSPEC_MODEL").unwrap();
    let model: ModelProto = tract_onnx::onnx().proto_model_for_path(&path).unwrap();
    let ids = model.graph.as_ref().unwrap().input[0].name == "input_ids";
    let plan = |rewritten: bool| {
        let kernel = kernels::chosen().unwrap();
        let started = std::time::Instant::now();
        let mut parsed = if rewritten {
            let rewritten = rewrite(model.clone(), kernel);
            eprintln!("{} fused, left {:?}", rewritten.fused(), rewritten.left_in_float());
            let mut parsed = tract_onnx::onnx().model_for_proto_model(rewritten.model()).unwrap();
            rewritten.install(&mut parsed).unwrap();
            parsed
        } else {
            tract_onnx::onnx().model_for_proto_model(&model).unwrap()
        };
        let n = parsed.symbols.sym("N");
        let fact = match ids {
            true => InferenceFact::dt_shape(i64::datum_type(), tvec!(n.to_dim(), 77.to_dim())),
            false => InferenceFact::dt_shape(
                f32::datum_type(),
                tvec!(n.to_dim(), 3.to_dim(), 224.to_dim(), 224.to_dim()),
            ),
        };
        parsed.set_input_fact(0, fact).unwrap();
        let plan = parsed.into_optimized().unwrap().into_runnable().unwrap();
        eprintln!("prepared in {:?}", started.elapsed());
        plan
    };
    let batch: usize = std::env::var("BATCH").map_or(1, |it| it.parse().unwrap());
    let input = || match ids {
        true => {
            let ids: Vec<i64> = (0..77 * batch as i64).map(|i| i * 7919 % 49_000).collect();
            Tensor::from_shape(&[batch, 77], &ids).unwrap()
        }
        false => {
            let pixels: Vec<f32> = (0..batch * 3 * 224 * 224)
                .map(|i| (i * 7919 % 10_007) as f32 / 10_007.0 * 4.0 - 2.0)
                .collect();
            Tensor::from_shape(&[batch, 3, 224, 224], &pixels).unwrap()
        }
    };
    let run = |plan: &std::sync::Arc<TypedRunnableModel>, times: usize| {
        let mut all = Vec::new();
        let mut output = Vec::new();
        for _ in 0..times {
            let input = input();
            let started = std::time::Instant::now();
            let found = plan.run(tvec!(input.into())).unwrap();
            all.push(started.elapsed().as_secs_f64() * 1e3);
            output = found[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect();
        }
        all.sort_by(f64::total_cmp);
        eprintln!("median {:.2} ms, least {:.2} ms", all[all.len() / 2], all[0]);
        output
    };
    let fused = plan(true);
    let found: Vec<f32> = run(&fused, 60);
    if std::env::var("PLAIN").is_ok() {
        let expected = run(&plan(false), 3);
        let cosine = crate::clip::cosine(&found, &expected);
        let error = crate::clip::relative_error(&found, &expected);
        eprintln!("cosine {cosine}, error {error}");
    }
}
