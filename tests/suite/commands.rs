//! The other commands, and what all of them have in common.

use std::process::Stdio;

use crate::harness::{Folder, keys};
use crate::product::CLASSES;
use crate::shared::tiny;

#[test]
fn images_are_ranked_by_a_sentence() {
    let folder = Folder::with_product();
    let arguments =
        ["rank", "the surface is scratched", "good.png", "scratched.png", "--model", "bundle"];
    folder.run(&arguments).exits(0).prints(&["\"the surface is scratched\"", "   1  ", "   2  "]);
    let found = folder.run(&[&arguments[..], &["--json"]].concat()).exits(0).json();
    let ranking = found["ranking"].as_array().unwrap();
    let cosines: Vec<f64> = ranking.iter().map(|it| it["cosine"].as_f64().unwrap()).collect();
    assert!(cosines.len() == 2 && cosines[0] >= cosines[1], "{found}");
}

#[test]
fn a_sheet_ranks_by_each_of_its_sentences() {
    let folder = Folder::with_product();
    let run = folder.run(&["rank", "specs.toml", "good.png", "--recipe", "recipe.toml", "--json"]);
    let ids: Vec<_> = run.exits(0).json_lines().iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, ["scratch", "mark", "brighter"]);
}

#[test]
fn similar_classes_are_told_apart_or_left_undecided() {
    let folder = Folder::with_product();
    folder.write("classes.toml", CLASSES);
    let arguments = ["identify", "classes.toml", "good.png", "--model", "bundle", "--json"];
    let found = folder.run(&arguments).exits(0).json();
    assert_eq!(found["class"], found["standings"][0]["class"]);
    let lead = found["lead"].as_f64().unwrap();
    let above = (lead + 0.01).to_string();
    let undecided = folder.run(&[&arguments[..], &["--margin", &above]].concat()).exits(2).json();
    assert_eq!(undecided["class"], serde_json::Value::Null);
    folder.run(&[&arguments[..5], &["--margin", "2"]].concat()).exits(2).prints(&["undecided"]);
}

#[test]
fn embedding_a_sheet_writes_a_cache_that_inspection_accepts() {
    let folder = Folder::with_product();
    folder.armed_from(1.0).edit("specs.toml", "the mark is there", "the mark is gone");
    let inspect = ["inspect", "reference.png", "good.png", "--recipe", "recipe.toml"];
    folder.run(&inspect).fails(&["specs.cache", "other sentences"]);
    let run =
        folder.run(&["specs", "embed", "specs.toml", "--model", "bundle", "-o", "specs.cache"]);
    run.exits(0).prints(&["specs.cache: 3 sentences of 16 values"]);
    // The sentences are new; what was calibrated for the old ones is not taken for them.
    folder.run(&inspect).exits(2).prints(&["made with another spec sheet"]);
}

#[test]
fn words_the_model_never_saw_are_warned_of() {
    let folder = Folder::with_product();
    folder.edit("specs.toml", "is scratched", "is corroded badly");
    let run = folder.run(&["specs", "embed", "specs.toml", "--model", "bundle", "-o", "c"]);
    run.exits(0).warns(&["\"scratch\"", "badly, corroded"]);
    assert!(!run.stderr.contains("\"mark\"") && !run.stderr.contains("\"brighter\""), "{run:?}");
}

#[test]
fn a_new_recipe_is_complete_but_for_model_and_evidence() {
    let folder = Folder::with_product();
    folder.run(&["recipe", "init", "new", "--model", "bundle"]).exits(0).prints(&["recipe.toml"]);
    assert_eq!(folder.names("new"), ["recipe.toml", "specs.toml"]);
    folder.run(&["recipe", "check", "new/recipe.toml"]).fails(&["specs.cache"]);
    folder.run(&["specs", "embed", "new/specs.toml", "--model", "bundle"]).exits(0);
    let check = folder.run(&["recipe", "check", "new/recipe.toml"]);
    check.exits(1).prints(&["new: 2 faults", "not ready", "pairspec calibrate"]);
    folder.run(&["recipe", "init", "new"]).fails(&["has a recipe.toml already"]);
}

#[test]
fn a_recipe_that_is_ready_says_what_is_armed() {
    let folder = Folder::with_product();
    folder.armed_from(0.5);
    let check = folder.run(&["recipe", "check", "recipe.toml"]);
    check.exits(0).prints(&[
        "plate: 1 fault, 1 requirement, 1 allowed difference",
        "scratch: armed at 0.500",
    ]);
}

#[test]
fn embeddings_are_raw_and_one_line_each() {
    let folder = Folder::with_product();
    let embed = |what: &str, inputs: &[&str]| {
        let run = folder.run(&[&["embed", what, "--model", "bundle", "--json"], inputs].concat());
        run.exits(0).json_lines()
    };
    let texts = embed("text", &["the mark", "brighter"]);
    let images = embed("image", &["good.png"]);
    assert_eq!((texts.len(), images.len()), (2, 1));
    for line in texts.iter().chain(&images) {
        assert_eq!(keys(line), ["embedding", "input"]);
        assert_eq!(line["embedding"].as_array().unwrap().len(), tiny::PROJECTION);
    }
    assert_eq!(texts[1]["input"], "brighter");
}

#[test]
fn an_imported_model_verifies_and_says_what_it_is() {
    let folder = Folder::new();
    tiny::checkpoint(&folder.path("hf"), 1);
    let import = folder.run(&["model", "import", "hf", "-o", "made"]);
    import.exits(0).prints(&["vision.onnx", "text.onnx", "tokenizer.json"]);
    folder.run(&["model", "verify", "made"]).exits(0).prints(&["ok      vision.onnx parity"]);
    let info = folder.run(&["model", "info", "made", "--json"]).exits(0).json();
    assert_eq!((&info["embedding_size"], &info["license"]), (&16.into(), &"CC0-1.0".into()));
    folder.run(&["model", "info", "made"]).exits(0).prints(&["8 words seen in training"]);
    folder.run(&["model", "import", "hf", "-o", "made"]).fails(&["made", "exists already"]);
}

#[test]
fn a_random_model_of_a_known_architecture_verifies() {
    let folder = Folder::new();
    folder.run(&["model", "random", "tinyclip-vit-8m-16", "-o", "r", "--fp16"]).exits(0);
    let checks = folder.run(&["model", "verify", "r", "--json"]).exits(0).json_lines();
    assert!(checks.iter().all(|check| check["ok"] == true), "{checks:?}");
    folder.run(&["model", "random", "resnet", "-o", "s"]).fails(&["vit-b-32"]);
}

#[test]
fn commands_work_from_any_folder() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest("", &["bad,reference.png,scratched.png"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path(name).display().to_string();
    let [recipe, reference, test] = ["recipe.toml", "reference.png", "scratched.png"].map(at);
    let run = |arguments: &[&str]| folder.run_in(elsewhere.path(), arguments);
    run(&["inspect", &reference, &test, "--recipe", &recipe]).exits(1);
    run(&["batch", &at("manifest.csv"), "--recipe", &recipe]).exits(1);
    run(&["recipe", "check", &recipe]).exits(0);
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = Folder::with_product();
    let many: Vec<&str> = std::iter::repeat_n("the mark", 500).collect();
    for arguments in [
        [&["embed", "text", "--model", "bundle", "--json"], many.as_slice()].concat(),
        vec!["model", "info", "bundle"],
        vec!["model", "verify", "bundle"],
        vec!["recipe", "check", "recipe.toml"],
    ] {
        let mut command = folder.command();
        command.args(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("roken pipe"), "{}: {stderr}", arguments[0]);
    }
}

#[test]
fn help_and_version_are_there_and_mistakes_exit_with_2() {
    let folder = Folder::new();
    folder.run(&["--version"]).exits(0).prints(&["pairspec "]);
    for command in [
        "demo",
        "inspect",
        "rank",
        "identify",
        "batch",
        "evaluate",
        "calibrate",
        "specs",
        "embed",
        "model",
        "bench",
        "recipe",
    ] {
        folder.run(&[command, "--help"]).exits(0).prints(&["Usage: pairspec "]);
    }
    folder.run(&[]).exits(2);
    folder.run(&["inspect", "only-one.png"]).fails(&["<TEST>"]);
    folder.run(&["inspect", "a", "b", "--colour"]).fails(&["--colour"]);
}

#[test]
fn unknown_keys_are_refused_with_their_line() {
    let inspect = ["inspect", "reference.png", "good.png", "--recipe", "recipe.toml"];
    for (file, from, to, line) in [
        ("recipe.toml", "crop_px = 32", "crop = 32", "line 6"),
        ("recipe.toml", "name = ", "colour = 1\nname = ", "line 1"),
        ("specs.toml", "kind = \"fault\"", "kinds = \"fault\"", "line 3"),
        ("bundle/bundle.toml", "format = 1", "format = 1\nextra = 1", "line 2"),
    ] {
        let folder = Folder::with_product();
        folder.armed_from(1.0).edit(file, from, to);
        folder.run(&inspect).fails(&[file, line]);
    }
    let folder = Folder::with_product();
    folder.armed_from(1.0).edit("recipe.thresholds.toml", "format = 1", "format = 1\nextra = 1");
    folder.run(&inspect).exits(2).prints(&["recipe.thresholds.toml", "line 2"]);
}

#[cfg(unix)]
#[test]
fn one_screen_on_a_display_names_what_is_wrong() {
    let folder = Folder::new();
    let show = ["panel", "--framebuffer", "/dev/null", "--screen", "held"];
    folder.run(&show).fails(&["/dev/null: cannot ask for its geometry"]);
    let drm = ["panel", "--drm", "/dev/null", "--screen", "held"];
    folder.run(&drm).fails(&["/dev/null: cannot list its screens"]);
    let unknown = ["panel", "--framebuffer", "/dev/null", "--screen", "helt"];
    folder.run(&unknown).fails(&["--screen helt: expected one of running-mismatch, "]);
    folder.run(&["panel", "--drm", "/dev/null"]).fails(&["--screen <NAME>"]);
    folder.run(&[&show[..], &["--rotation", "45"]].concat()).fails(&["0, 90, 180 or 270"]);
    folder.run(&["panel"]).fails(&["--snapshot <DIR>|--framebuffer <DEVICE>|--drm <DEVICE>"]);
}
