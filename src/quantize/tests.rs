#![allow(clippy::unwrap_used)]
use std::path::Path;

use tempfile::TempDir;
use tract_onnx::pb::NodeProto;

use super::*;
use crate::clip::{
    Architecture, ImageEncoder, ImportOptions, TextEncoder, WeightType, cosine, import,
    random_bundle,
};
use crate::frame::{Frame, Pixels};
use crate::int8::kernels;

/// Shapes of several sizes and greys on a ground, different for each seed.
fn picture(seed: u32, edge: u32) -> image::RgbImage {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut next = move |bound: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % bound
    };
    let mut image = image::RgbImage::from_pixel(edge, edge, image::Rgb([next(90) as u8; 3]));
    for _ in 0..14 {
        let (x, y) = (next(edge), next(edge));
        let (width, height) = (1 + next(edge / 3), 1 + next(edge / 3));
        let colour = image::Rgb([next(256) as u8, next(256) as u8, next(256) as u8]);
        for y in y..(y + height).min(edge) {
            (x..(x + width).min(edge)).for_each(|x| image.put_pixel(x, y, colour));
        }
    }
    image
}

fn frame(image: image::RgbImage) -> Frame {
    Frame::new(Pixels::Rgb(image), 8, "test").unwrap()
}

fn frames(first: u32, count: u32, edge: u32) -> Vec<Frame> {
    (first..first + count).map(|seed| frame(picture(seed, edge))).collect()
}

/// A picture and the same with one small rectangle more.
fn pair(seed: u32, edge: u32) -> [Frame; 2] {
    let reference = picture(seed, edge);
    let mut test = reference.clone();
    let (left, top) = (seed * 7 % (edge / 2), seed * 13 % (edge / 2));
    for y in top..top + edge / 5 {
        (left..left + edge / 6).for_each(|x| test.put_pixel(x, y, image::Rgb([250, 240, 20])));
    }
    [frame(reference), frame(test)]
}

fn tiny_clip() -> (TempDir, Bundle) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("bundle");
    let bundle =
        random_bundle(Architecture::TinyClipVit8M16, 1, WeightType::Float32, &place).unwrap();
    (folder, bundle)
}

/// A small checkpoint that the suite has.
fn golden(name: &str) -> (TempDir, Bundle) {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/clip").join(name);
    let bundle = import(&root, &folder.path().join("bundle"), &ImportOptions::default()).unwrap();
    (folder, bundle)
}

fn quantized(bundle: &Bundle, frames: &[Frame], options: &Options) -> Quantized {
    quantize_images(bundle, frames, options, &mut |_, _| {}).unwrap()
}

fn refused(bundle: &Bundle, frames: &[Frame], facts: &[&str]) {
    let options = Options::default();
    let error = quantize_images(bundle, frames, &options, &mut |_, _| {}).unwrap_err().to_string();
    facts.iter().for_each(|fact| assert!(error.contains(fact), "no {fact:?} in {error}"));
}

/// Mean cosines of embeddings and of difference embeddings, int8 against fp32.
fn agreement(bundle: &Bundle, pairs: &[[Frame; 2]]) -> [f64; 2] {
    let encoders = [Precision::Fp32, Precision::Int8]
        .map(|precision| ImageEncoder::open(bundle, Some(precision)).unwrap());
    let mut found = Agreement::default();
    for pair in pairs {
        let [fp32, int8] = encoders.each_ref().map(|encoder| {
            let embedded = encoder.encode_frames(&[&pair[0], &pair[1]]).unwrap();
            let mut values = embedded.into_iter().map(|it| it.into_values());
            [values.next().unwrap(), values.next().unwrap()]
        });
        let regions = vec![[&fp32, &int8]];
        found.add(&Compared { regions, is_mismatch: true, same_verdict: true });
    }
    let [embeddings, differences, _] = found.means();
    [embeddings.mean().unwrap(), differences.mean().unwrap()]
}

/// A bundle with its image tower changed.
fn changed(bundle: &Bundle, place: &str, change: impl FnOnce(&mut ModelProto)) -> Bundle {
    let mut model = bundle.model(FileName::Vision).unwrap().0;
    change(&mut model);
    bundle.with_model(FileName::Vision, &model, &bundle.folder().with_file_name(place)).unwrap()
}

#[test]
fn a_random_tiny_clip_agrees_with_fp32_and_runs_the_same_on_plain_tract() {
    let (folder, bundle) = tiny_clip();
    let found = quantized(&bundle, &frames(100, 6, 224), &Options::default());
    assert_eq!((found.layers.len(), found.kept.len()), (62, 0));
    assert!(found.layers.iter().all(|it| it.signal_to_noise_db > 20.0), "{:?}", found.layers);
    let written = found.write(&bundle, &folder.path().join("int8")).unwrap();
    let pairs: Vec<_> = (0..4).map(|seed| pair(seed, 224)).collect();
    let [embedding, difference] = agreement(&written, &pairs);
    assert!(embedding >= 0.999, "{embedding}");
    // A small difference between random embeddings is all noise amplifies; trained models are
    // held to more by the gate.
    assert!(difference >= 0.95, "{difference}");

    let model = written.model(FileName::VisionInt8).unwrap().0;
    let rewritten = crate::int8::rewrite(model.clone(), kernels::chosen().unwrap());
    assert!(rewritten.left_in_float().is_empty(), "{:?}", rewritten.left_in_float());
    same_as_plain_tract(&written, &model, &frames(7, 2, 224));
}

/// The product's own run of a file against the same file on plain tract.
fn same_as_plain_tract(bundle: &Bundle, model: &ModelProto, frames: &[Frame]) {
    use tract_onnx::prelude::Tensor;
    let encoder = ImageEncoder::open(bundle, Some(Precision::Int8)).unwrap();
    let (width, height) = encoder.preprocess().size();
    for frame in frames {
        let pixels = encoder.preprocess().tensor(frame);
        let shape = [1, 3, height as usize, width as usize];
        let input = Tensor::from_shape(&shape, &pixels).unwrap();
        let plain = crate::int8::test_qdq::plain(model, &[input]);
        let found = encoder.encode_frames(&[frame]).unwrap();
        let found = cosine(found[0].values(), &plain[0]);
        assert!(found >= 0.9995, "{found}");
    }
}

#[test]
fn every_method_gives_a_model_that_agrees() {
    let (folder, bundle) = golden("quick_gelu");
    for method in [Method::MinMax, Method::Percentile, Method::Entropy, Method::Mse] {
        let options = Options { method, smooth: Some(0.5), ..Options::default() };
        let place = folder.path().join(format!("{method:?}"));
        let found = quantized(&bundle, &frames(0, 12, 32), &options);
        let written = found.write(&bundle, &place).unwrap();
        let pairs: Vec<_> = (0..4).map(|seed| pair(50 + seed, 32)).collect();
        let [embedding, _] = agreement(&written, &pairs);
        assert!(embedding >= 0.99, "{method:?}: {embedding}");
    }
}

#[test]
fn exports_of_other_tools_are_quantized_whole() {
    for name in ["ready_optimum_external", "ready_transformersjs_14", "legacy_fp16", "vision_only"]
    {
        let (folder, bundle) = golden(name);
        let options = Options { smooth: Some(0.5), ..Options::default() };
        let found = quantized(&bundle, &frames(0, 12, 40), &options);
        assert!(found.kept.is_empty(), "{name}: {:?}", found.kept);
        assert!(found.layers.len() > 2 * 6, "{name}: {} layers", found.layers.len());
        assert!(found.smoothed >= 2 * 4, "{name}: {} smoothed", found.smoothed);
        let written = found.write(&bundle, &folder.path().join("int8")).unwrap();
        assert!(written.verify().iter().all(|check| check.outcome.is_ok()), "{name}");
        let pairs: Vec<_> = (0..4).map(|seed| pair(50 + seed, 40)).collect();
        let [embedding, _] = agreement(&written, &pairs);
        assert!(embedding >= 0.99, "{name}: {embedding}");
        let model = written.model(FileName::VisionInt8).unwrap().0;
        if name.starts_with("ready") {
            same_as_plain_tract(&written, &model, &frames(7, 2, 40));
        }
    }
}

#[test]
fn text_towers_are_quantized_too() {
    let texts = ["a hole", "the edge is chipped", "there is no mark at all"].map(str::to_owned);
    for name in ["quick_gelu", "ready_optimum_external"] {
        let (folder, bundle) = golden(name);
        let options = Options { smooth: Some(0.5), ..Options::default() };
        let found = quantize_texts(&bundle, &texts, &options, &mut |_, _| {}).unwrap();
        assert!(found.kept.is_empty(), "{name}: {:?}", found.kept);
        let written = found.write(&bundle, &folder.path().join("int8")).unwrap();
        let [fp32, int8] = [Precision::Fp32, Precision::Int8]
            .map(|it| TextEncoder::open(&written, Some(it)).unwrap().encode(&["an edge"]).unwrap());
        let found = cosine(fp32[0].values(), int8[0].values());
        assert!(found >= 0.99, "{name}: {found}");
    }
    let (_folder, bundle) = golden("quick_gelu");
    let error = quantize_texts(&bundle, &[], &Options::default(), &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("no texts"), "{error}");
}

/// Outliers as LayerNorms of trained models make them: 1 % of the channels, 20 times as large.
fn with_outliers(model: &mut ModelProto) {
    let norm = |name: &str| name.contains("layer_norm") || name.contains("post_layernorm");
    for tensor in &mut model.graph.as_mut().unwrap().initializer {
        if !norm(&tensor.name) {
            continue;
        }
        let mut values: Vec<f32> =
            tensor.raw_data.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it)).collect();
        let count = values.len().div_ceil(100);
        (0..count).for_each(|index| values[(index * 97 + 13) % 256] *= 20.0);
        tensor.raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    }
}

#[test]
fn smoothing_wins_back_half_of_what_outlier_channels_lose() {
    let (folder, bundle) = tiny_clip();
    let bundle = changed(&bundle, "outliers", with_outliers);
    let samples = frames(100, 4, 224);
    let pairs: Vec<_> = (0..4).map(|seed| pair(seed, 224)).collect();
    let difference = |name: &str, smooth: Option<f32>| {
        let options = Options { smooth, ..Options::default() };
        let found = quantized(&bundle, &samples, &options);
        let written = found.write(&bundle, &folder.path().join(name)).unwrap();
        agreement(&written, &pairs)[1]
    };
    let (plain, smooth) = (difference("plain", None), difference("smooth", Some(0.5)));
    assert!(plain < 0.98, "the outliers do no harm: {plain}");
    assert!(smooth - plain >= 0.5 * (1.0 - plain), "{plain} to {smooth}");
}

#[test]
fn smoothing_changes_nothing_in_f32() {
    let (_folder, bundle) = golden("quick_gelu");
    let found =
        quantized(&bundle, &frames(0, 3, 32), &Options { smooth: Some(0.5), ..Options::default() });
    let keep_float = found.layers.iter().map(|layer| layer.name.clone()).collect();
    let options = Options { smooth: Some(0.5), keep_float, ..Options::default() };
    let kept = quantized(&bundle, &frames(0, 3, 32), &options);
    assert_eq!((kept.layers.len(), kept.smoothed), (0, found.smoothed));
    let written = kept.write(&bundle, &bundle.folder().with_file_name("kept")).unwrap();
    let pairs: Vec<_> = (0..2).map(|seed| pair(seed, 32)).collect();
    let [embedding, difference] = agreement(&written, &pairs);
    assert!(embedding > 0.999_999 && difference > 0.999_9, "{embedding} {difference}");
}

#[test]
fn layers_kept_in_float_must_exist_and_stay() {
    let (_folder, bundle) = golden("quick_gelu");
    let name = "vision_model.encoder.layers.0.mlp.fc1";
    let options = Options { keep_float: vec![name.to_owned()], ..Options::default() };
    let found = quantized(&bundle, &frames(0, 3, 32), &options);
    assert_eq!(found.kept, [(name.to_owned(), "as asked".to_owned())]);
    assert!(found.layers.iter().all(|layer| layer.name != name));
    let options = Options { keep_float: vec!["fc9".to_owned()], ..Options::default() };
    let error = quantize_images(&bundle, &frames(0, 3, 32), &options, &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("no layer \"fc9\""), "{error}");
}

#[test]
fn images_without_content_are_refused_and_one_image_is_enough() {
    let (_folder, bundle) = golden("quick_gelu");
    refused(&bundle, &[], &["no images for quantization calibration"]);
    let black = || frame(image::RgbImage::new(32, 32));
    refused(&bundle, &[black(), black()], &["all 2", "one flat colour"]);
    let one = quantized(&bundle, &frames(3, 1, 32), &Options::default());
    assert!(one.layers.iter().all(|layer| layer.scale > 0.0 && layer.scale.is_finite()));
}

#[test]
fn a_range_that_is_zero_is_refused_and_names_the_layer() {
    let (_folder, bundle) = golden("quick_gelu");
    let fc2 = "vision_model.encoder.layers.0.mlp.fc2";
    let dead = changed(&bundle, "dead", |model| {
        for tensor in &mut model.graph.as_mut().unwrap().initializer {
            if tensor.name.contains("layers.0.mlp.fc1") {
                tensor.raw_data.fill(0);
            }
        }
    });
    refused(&dead, &frames(0, 3, 32), &[fc2, "is zero on all 3", "--keep-float"]);
    let options = Options { keep_float: vec![fc2.to_owned()], ..Options::default() };
    let found = quantized(&dead, &frames(0, 3, 32), &options);
    assert_eq!(found.kept.len(), 1);
}

#[test]
fn activations_that_are_not_finite_are_refused_and_name_the_layer() {
    let (_folder, bundle) = golden("quick_gelu");
    // Finite weights, whose products are not.
    let mut model = bundle.model(FileName::Vision).unwrap().0;
    for tensor in &mut model.graph.as_mut().unwrap().initializer {
        if tensor.name.ends_with("layers.0.mlp.fc1.weight") {
            let huge = 3e38_f32.to_le_bytes();
            tensor.raw_data = huge.repeat(tensor.raw_data.len() / 4);
        }
    }
    let interface = Interface::of(&model, "m.onnx").unwrap();
    let samples = frames(0, 2, 32);
    let samples = Samples::images(&samples, bundle.preprocess().unwrap()).unwrap();
    let feed = Feed::new("m.onnx", &interface, samples);
    let options = Options::default();
    let error = quantize(model, (&feed, FileName::VisionInt8), &options, &mut |_, _| {});
    let error = error.unwrap_err().to_string();
    assert!(error.contains("layers.0.mlp.fc2") && error.contains("not finite"), "{error}");
    assert!(error.contains("sample 0"), "{error}");
}

#[test]
fn models_that_are_quantized_already_are_refused() {
    let (_folder, bundle) = golden("quick_gelu");
    let found = quantized(&bundle, &frames(0, 3, 32), &Options::default());
    let again = changed(&bundle, "again", |model| *model = found.model.clone());
    refused(&again, &frames(0, 3, 32), &["QuantizeLinear", "is quantized already"]);
}

#[test]
fn other_operator_sets_are_refused() {
    let (_folder, bundle) = golden("quick_gelu");
    for version in [12, 22] {
        let mut model = bundle.model(FileName::Vision).unwrap().0;
        model.opset_import[0].version = version;
        let error = check_model(&model, "m.onnx").unwrap_err().to_string();
        assert!(error.contains(&format!("opset {version}, expected 13 to 21")), "{error}");
    }
}

#[test]
fn weights_that_are_computed_are_refused() {
    let (_folder, bundle) = golden("quick_gelu");
    let dynamic = changed(&bundle, "dynamic", |model| {
        let graph = model.graph.as_mut().unwrap();
        let index = graph.node.iter().position(|it| it.op_type == "Gemm").unwrap();
        let weight = graph.node[index].input[1].clone();
        graph.node[index].input[1] = "computed".to_owned();
        let node = NodeProto {
            op_type: "Add".to_owned(),
            name: "computed".to_owned(),
            input: vec![weight.clone(), weight],
            output: vec!["computed".to_owned()],
            ..NodeProto::default()
        };
        graph.node.insert(0, node);
    });
    refused(&dynamic, &frames(0, 3, 32), &["patch_embedding", "computed by Add at every run"]);
}

#[test]
fn smoothing_strength_has_bounds() {
    for smooth in [0.0, 1.0, -1.0, f32::NAN] {
        let options = Options { smooth: Some(smooth), ..Options::default() };
        assert!(check_options(&options).unwrap_err().to_string().starts_with("smooth: "));
    }
}
