//! `pairspec quantize` and `model compare`: from fp32 to an int8 file held by a gate.

use crate::harness::Folder;

const PAIRS: [&str; 2] = ["good,reference.png,good.png", "bad,reference.png,scratched.png"];
const QUANTIZE: [&str; 4] = ["quantize", "bundle", "-o", "int8"];
const COMPARE: [&str; 6] = ["model", "compare", "int8", "manifest.csv", "--recipe", "recipe.toml"];
const INSPECT: [&str; 7] =
    ["inspect", "reference.png", "good.png", "--recipe", "recipe.toml", "--model", "int8"];

#[test]
fn an_int8_file_is_made_compared_and_refused_when_its_gate_failed() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest("", &PAIRS);
    let images = ["--images", "manifest.csv", "--recipe", "recipe.toml", "--smooth", "0.5"];
    let run = folder.run(&[&QUANTIZE[..], &images].concat());
    run.exits(0).prints(&["SNR dB", "int8 layers, 0 in float"]);
    folder.run(&["model", "verify", "int8"]).exits(0).prints(&["vision.int8.onnx parity"]);

    let run = folder.run(&COMPARE);
    let facts = ["embedding cosine to fp32", "share of verdicts as fp32", "2 pairs compared"];
    run.prints(&facts);
    let failed = run.stdout.contains("FAILED");
    run.exits(if failed { 1 } else { 0 });
    assert_eq!(folder.text("int8/bundle.toml").matches("[[gates]]").count(), 3);
    if !failed {
        folder.edit("int8/bundle.toml", "passed = true", "passed = false");
    }
    folder.run(&INSPECT).fails(&["int8", "failed its gate", "--allow-failed-gate"]);
    folder.run(&[&INSPECT[..], &["--precision", "fp32"]].concat()).exits(0);
    let allowed = folder.run(&[&INSPECT[..], &["--allow-failed-gate"]].concat());
    assert!(!allowed.stderr.contains("failed its gate"), "{allowed:?}");
}

#[test]
fn quantizing_without_images_or_without_content_is_refused() {
    let folder = Folder::with_product();
    std::fs::create_dir(folder.path("empty")).unwrap();
    folder.run(&[&QUANTIZE[..], &["--images", "empty"]].concat()).fails(&["no images"]);
    folder.run(&QUANTIZE).exits(2).warns(&["--images"]);
    let one = ["--images", "one", "--keep-float", "nothing"];
    folder.write("one/good.png", folder.read("good.png"));
    folder.run(&[&QUANTIZE[..], &one].concat()).fails(&["no layer \"nothing\""]);
    folder.run(&[&QUANTIZE[..], &one[..2]].concat()).exits(0).warns(&["from 1 samples alone"]);
    folder.run(&[&QUANTIZE[..], &one[..2]].concat()).fails(&["exists already"]);
}

#[test]
fn nothing_compared_is_an_error_and_no_pass() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest("", &["gone,reference.png,nothing.png"]);
    folder.write("one/good.png", folder.read("good.png"));
    folder.run(&[&QUANTIZE[..], &["--images", "one"]].concat()).exits(0);
    folder.run(&COMPARE).fails(&["of 1 pairs none could be compared", "nothing.png"]);
    assert!(!folder.text("int8/bundle.toml").contains("[[gates]]"));
}
