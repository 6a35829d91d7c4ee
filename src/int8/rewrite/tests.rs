#![allow(clippy::unwrap_used)]
use std::path::Path;

use tract_onnx::pb::{ModelProto, TensorProto};
use tract_onnx::prelude::*;

use super::*;
use crate::clip::{Architecture, ImportOptions, WeightType, cosine, import, random_bundle};
use crate::clip::{onnx, relative_error};
use crate::int8::kernels;
use crate::int8::test_qdq::{plain, quantized, run};

/// The rewritten int8 graph against the same file on plain tract: they round alike but on ties.
const SAME_FILE: f64 = 0.9995;
/// Fused f32 against plain f32, as a share of the largest value.
const FUSED_FLOAT: f64 = 1e-4;

fn parsed(path: &Path) -> ModelProto {
    onnx::parse_model(&std::fs::read(path).unwrap(), "model").unwrap()
}

/// A tower of a checkpoint that the suite has, `vision` or `text`.
fn golden(name: &str, tower: &str) -> ModelProto {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/clip").join(name);
    let place = folder.path().join("bundle");
    import(&root, &place, &ImportOptions::default()).unwrap();
    parsed(&place.join(format!("{tower}.onnx")))
}

fn tiny_clip() -> ModelProto {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("bundle");
    random_bundle(Architecture::TinyClipVit8M16, 1, WeightType::Float32, &place).unwrap();
    parsed(&place.join("vision.onnx"))
}

fn images(seed: usize, count: usize, size: usize) -> Tensor {
    let value = |index: usize| ((index * 7919 + seed * 104_729) % 10_007) as f32 / 2500.0 - 2.0;
    let pixels: Vec<f32> = (0..count * 3 * size * size).map(value).collect();
    Tensor::from_shape(&[count, 3, size, size], &pixels).unwrap()
}

fn sentences(seed: i64, count: usize, length: usize) -> Tensor {
    let ids: Vec<i64> = (0..(count * length) as i64).map(|i| (i * 31 + seed * 17) % 52).collect();
    Tensor::from_shape(&[count, length], &ids).unwrap()
}

fn fused(model: &ModelProto, kernel: &'static dyn Kernel, inputs: &[Tensor]) -> Vec<Vec<f32>> {
    let rewritten = rewrite(model.clone(), kernel);
    assert!(rewritten.left_in_float().is_empty(), "{:?}", rewritten.left_in_float());
    let mut parsed = tract_onnx::onnx().model_for_proto_model(rewritten.model()).unwrap();
    rewritten.install(&mut parsed).unwrap();
    run(parsed, inputs)
}

/// Rewritten with every kernel against plain tract, as int8 and as it is.
fn check(model: &ModelProto, samples: &[Tensor], what: &str) {
    let expected = plain(model, samples);
    let int8 = quantized(model, samples);
    let expected_int8 = plain(&int8, samples);
    for kernel in kernels::supported() {
        let name = format!("{what} with {}", kernel.name());
        for (found, expected) in fused(model, kernel, samples).iter().zip(&expected) {
            let error = relative_error(found, expected);
            assert!(error <= FUSED_FLOAT, "{name}: error {error}");
        }
        for (found, expected) in fused(&int8, kernel, samples).iter().zip(&expected_int8) {
            let found = cosine(found, expected);
            assert!(found >= SAME_FILE, "{name}: cosine {found}");
        }
    }
}

#[test]
fn image_towers_compute_the_same_when_fused() {
    for (name, size) in [("quick_gelu", 16), ("vision_only", 20), ("legacy_fp16", 31)] {
        check(&golden(name, "vision"), &[images(1, 1, size), images(2, 3, size)], name);
    }
}

#[test]
fn text_towers_compute_the_same_when_fused() {
    for name in ["quick_gelu", "legacy_fp16", "text_only"] {
        let samples = [sentences(1, 1, 9), sentences(2, 4, 9)];
        check(&golden(name, "text"), &samples, name);
    }
}

#[test]
fn tiny_clip_is_fused_whole_and_does_not_depend_on_the_batch() {
    let model = tiny_clip();
    let samples = [images(3, 1, 224), images(4, 1, 224)];
    let int8 = quantized(&model, &samples);
    let kernel = kernels::chosen().unwrap();
    let float = if cfg!(target_arch = "x86_64") { 61 } else { 0 };
    for (model, linears) in [(&model, float), (&int8, 62)] {
        let rewritten = rewrite(model.clone(), kernel);
        assert!(rewritten.fused() >= linears + 22 + 10, "{} fused", rewritten.fused());
        let batch = images(3, 8, 224);
        let pixels: Vec<f32> =
            batch.to_plain_array_view::<f32>().unwrap().iter().copied().collect();
        let one = |index: usize| {
            let size = 3 * 224 * 224;
            Tensor::from_shape(&[1, 3, 224, 224], &pixels[index * size..][..size]).unwrap()
        };
        let two = Tensor::from_shape(&[2, 3, 224, 224], &pixels[..2 * 3 * 224 * 224]).unwrap();
        let alone = fused(model, kernel, &(0..8).map(one).collect::<Vec<_>>()).concat();
        if linears > 0 {
            assert_eq!(fused(model, kernel, &[batch])[0], alone, "8 at once");
            assert_eq!(fused(model, kernel, &[two])[0], alone[..1024], "2 at once");
        }
    }
    let expected = plain(&int8, &samples);
    for (found, expected) in fused(&int8, kernel, &samples).iter().zip(&expected) {
        assert!(cosine(found, expected) >= SAME_FILE, "{}", cosine(found, expected));
    }
}

/// Changes the constant of this name.
fn changed(model: &ModelProto, name: &str, change: impl Fn(&mut TensorProto)) -> ModelProto {
    let mut model = model.clone();
    let constants = &mut model.graph.as_mut().unwrap().initializer;
    change(constants.iter_mut().find(|it| it.name == name).unwrap());
    model
}

/// What cannot be fused runs as plain tract runs it, and is named.
#[track_caller]
fn left_alone(model: &ModelProto, node: &str, reason: &str) {
    let samples = [images(1, 2, 16)];
    let rewritten = rewrite(model.clone(), kernels::chosen().unwrap());
    let found = rewritten.left_in_float().get(node).unwrap();
    assert!(found.contains(reason), "{found}");
    let mut parsed = tract_onnx::onnx().model_for_proto_model(rewritten.model()).unwrap();
    rewritten.install(&mut parsed).unwrap();
    let (found, expected) = (run(parsed, &samples), plain(model, &samples));
    assert!(cosine(&found[0], &expected[0]) >= SAME_FILE);
}

#[test]
fn other_forms_of_quantization_run_on_plain_tract_and_are_named() {
    let model = golden("quick_gelu", "vision");
    let int8 = quantized(&model, &[images(1, 2, 16)]);
    let fc1 = "vision_model.encoder.layers.0.mlp.fc1";
    let normed = "vision_model.encoder.layers.0.layer_norm2";
    let zero = format!("{normed}.quant_zero");
    let shifted = changed(&int8, &zero, |tensor| tensor.raw_data = vec![3]);
    left_alone(&shifted, fc1, "not symmetric");
    let unsigned = |zero_point: u8| {
        changed(&int8, &zero, |tensor| {
            tensor.data_type = tract_onnx::pb::tensor_proto::DataType::Uint8 as i32;
            tensor.raw_data = vec![zero_point];
        })
    };
    left_alone(&unsigned(127), fc1, "not symmetric");
    left_alone(&unsigned(0), fc1, "not symmetric");
    let weights = format!("{fc1}.weight.quantized");
    let lowest = changed(&int8, &weights, |tensor| tensor.raw_data[5] = 0x80);
    left_alone(&lowest, fc1, "a weight is -128");
}

#[test]
fn unsigned_activations_around_128_are_signed_ones() {
    let model = golden("quick_gelu", "vision");
    let samples = [images(1, 2, 16)];
    let signed = quantized(&model, &samples);
    let mut unsigned = signed.clone();
    for tensor in &mut unsigned.graph.as_mut().unwrap().initializer {
        if tensor.name.ends_with(".quant_zero") {
            assert_eq!(tensor.raw_data, [0]);
            tensor.data_type = tract_onnx::pb::tensor_proto::DataType::Uint8 as i32;
            tensor.raw_data = vec![128];
        }
    }
    let kernel = kernels::chosen().unwrap();
    let found = fused(&unsigned, kernel, &samples);
    assert_eq!(found, fused(&signed, kernel, &samples));
    assert!(cosine(&found[0], &plain(&unsigned, &samples)[0]) >= SAME_FILE);
}

#[test]
fn one_scale_for_all_weights_is_fused_and_right() {
    let model = golden("quick_gelu", "vision");
    let samples = [images(1, 2, 16)];
    let int8 = quantized(&model, &samples);
    let scales = "vision_model.encoder.layers.0.mlp.fc1.weight.quant_scale";
    let single = changed(&int8, scales, |tensor| {
        tensor.dims = vec![];
        tensor.raw_data.truncate(4);
    });
    let expected = plain(&single, &samples);
    let found = fused(&single, kernels::chosen().unwrap(), &samples);
    assert!(cosine(&found[0], &expected[0]) >= SAME_FILE);
}

#[test]
fn values_that_are_not_finite_stop_the_model_and_name_the_node() {
    let model = golden("quick_gelu", "vision");
    let int8 = quantized(&model, &[images(1, 2, 16)]);
    let rewritten = rewrite(int8, kernels::chosen().unwrap());
    let mut parsed = tract_onnx::onnx().model_for_proto_model(rewritten.model()).unwrap();
    rewritten.install(&mut parsed).unwrap();
    let plan = parsed.into_optimized().unwrap().into_runnable().unwrap();
    let mut pixels = vec![0.5; 3 * 16 * 16];
    pixels[77] = f32::NAN;
    let input = Tensor::from_shape(&[1, 3, 16, 16], &pixels).unwrap();
    let error = format!("{:#}", plan.run(tvec!(input.into())).unwrap_err());
    assert!(error.contains("is not finite") && error.contains("patch_embedding"), "{error}");
}
