//! `pairspec inspect`: one pair, its verdict in words, as JSON and as a page.

use serde_json::json;

use crate::harness::{Folder, keys};
use crate::product::{FAULT, HEIGHT, WIDTH};

const SCRATCHED: [&str; 5] =
    ["inspect", "reference.png", "scratched.png", "--recipe", "recipe.toml"];
const GOOD: [&str; 5] = ["inspect", "reference.png", "good.png", "--recipe", "recipe.toml"];

#[test]
fn a_mismatch_names_the_sentence_the_place_and_the_threshold() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    let run = folder.run(&SCRATCHED);
    run.exits(1).prints(&["MISMATCH: ", "scratch: \"the surface is scratched\" (fault)"]);
    run.prints(&[" px at (", "score 0.", "threshold 0.000", " times), cosine "]);
}

#[test]
fn a_pair_within_its_limits_conforms() {
    let folder = Folder::with_product();
    folder.armed_from(1.0);
    folder.run(&SCRATCHED).exits(0).prints(&["CONFORMING: 1 region differs"]);
    folder.armed_from(1e-6);
    folder.run(&GOOD).exits(0).prints(&["CONFORMING: 0 regions differ"]);
}

#[test]
fn the_json_of_an_inspection_has_the_keys_of_the_contract() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    let found = folder.run(&[&SCRATCHED[..], &["--json"]].concat()).exits(1).json();
    for key in ["verdict", "reason", "violations", "unexplained", "regions", "timing_ms"] {
        assert!(found.get(key).is_some(), "{key}: {found}");
    }
    assert_eq!(found["verdict"], "mismatch");
    for key in ["model_sha256", "recipe_sha256"] {
        assert_eq!(found[key].as_str().unwrap().len(), 64, "{key}");
    }
    let violation =
        found["violations"].as_array().unwrap().iter().find(|it| it["spec"] == "scratch");
    let violation = violation.unwrap();
    assert_eq!(violation["sentence"], "the surface is scratched");
    assert_eq!(violation["kind"], "fault");
    for key in ["score", "cosine", "threshold"] {
        assert!(violation[key].is_number(), "{key}: {violation}");
    }
    assert!(violation["score"].as_f64() >= violation["threshold"].as_f64());
    let timing = ["align", "decode", "encode", "region", "total", "verdict"];
    assert_eq!(keys(&found["timing_ms"]), timing);
    let parts: f64 = timing
        .iter()
        .filter(|key| **key != "total")
        .map(|key| found["timing_ms"][key].as_f64().unwrap())
        .sum();
    assert!((parts - found["timing_ms"]["total"].as_f64().unwrap()).abs() < 1e-6);
}

#[test]
fn the_region_of_a_violation_holds_the_fault() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    let found = folder.run(&[&SCRATCHED[..], &["--json"]].concat()).exits(1).json();
    let region: Vec<u32> =
        serde_json::from_value(found["violations"][0]["region"].clone()).unwrap();
    let [x, y, width, height] = region[..] else { panic!("{region:?}") };
    assert!(x <= FAULT[0] && y <= FAULT[1], "{region:?}");
    assert!(x + width >= FAULT[0] + FAULT[2] && y + height >= FAULT[1] + FAULT[3], "{region:?}");
    assert!(width < WIDTH / 2 && height < HEIGHT / 2, "{region:?}");
}

#[test]
fn a_conforming_pair_has_no_reason_and_no_violations() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    let found = folder.run(&[&GOOD[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(found["verdict"], "conforming");
    assert_eq!((&found["reason"], &found["violations"]), (&json!(null), &json!([])));
}

#[test]
fn a_large_difference_that_no_sentence_explains_is_a_mismatch() {
    let folder = Folder::with_product();
    folder.armed_for_unexplained();
    let found = folder.run(&[&SCRATCHED[..], &["--json"]].concat()).exits(1).json();
    assert_eq!((&found["verdict"], &found["violations"]), (&json!("mismatch"), &json!([])));
    assert!(found["unexplained"][0]["size"].as_f64().unwrap() > 0.0);
    folder
        .run(&SCRATCHED)
        .exits(1)
        .prints(&["a difference that no sentence explains", "best cosine"]);
}

#[test]
fn a_recipe_without_thresholds_inspects_nothing() {
    let folder = Folder::with_product();
    let run = folder.run(&[&GOOD[..], &["--json"]].concat());
    let found = run.exits(2).json();
    assert_eq!(found["verdict"], "not_inspected");
    assert!(found["reason"].as_str().unwrap().contains("pairspec calibrate"), "{found}");
    folder.run(&GOOD).exits(2).prints(&["NOT INSPECTED", "recipe.thresholds.toml"]);
}

#[test]
fn a_report_is_one_file_that_needs_nothing_else() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    folder.run(&[&SCRATCHED[..], &["--report", "pages/report.html"]].concat()).exits(1);
    assert_eq!(folder.names("pages"), ["report.html"]);
    let page = folder.text("pages/report.html");
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..80]);
    for part in ["http://", "https://", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(part), "the page has {part}");
    }
    for fact in ["the surface is scratched", "data:image/png;base64,", "<h1>mismatch</h1>"] {
        assert!(page.contains(fact), "the page lacks {fact}");
    }
}

#[test]
fn a_report_of_hostile_names_stays_text() {
    let folder = Folder::with_product();
    folder.edit("specs.toml", "label = { en = \"Scratch\" }", "label = { en = \"<b onclick=x>\" }");
    folder.armed_from(1e-6);
    folder.write("<i>&.png", folder.read("scratched.png"));
    let arguments =
        ["inspect", "reference.png", "<i>&.png", "--recipe", "recipe.toml", "--report", "r.html"];
    folder.run(&arguments).exits(1);
    let page = folder.text("r.html");
    assert!(!page.contains("<b onclick") && !page.contains("<i>&.png"), "{page}");
}

#[test]
fn prefer_names_the_better_part_and_the_swap_turns_it_round() {
    let folder = Folder::with_product();
    let preferred = |first: &str, second: &str| {
        let arguments = ["inspect", "--prefer", first, second, "--recipe", "recipe.toml"];
        folder.run(&[&arguments[..], &["--json"]].concat()).exits(0).json()
    };
    let forth = preferred("good.png", "scratched.png");
    let back = preferred("scratched.png", "good.png");
    assert_eq!(forth["spec"], back["spec"]);
    assert_ne!(forth["preferred"], back["preferred"], "{forth} {back}");
    assert!(forth["lead"].as_f64().unwrap() > 0.0);
}

#[test]
fn prefer_does_not_choose_between_equal_parts() {
    let folder = Folder::with_product();
    let arguments = ["inspect", "--prefer", "good.png", "good.png", "--recipe", "recipe.toml"];
    folder.run(&arguments).exits(2).prints(&["cannot be told apart (no region differs)"]);
}

#[test]
fn the_wrong_variant_is_a_mismatch() {
    let folder = Folder::with_product();
    folder.armed_from(1.0).expecting("left");
    let first = folder.run(&[&GOOD[..], &["--json"]].concat());
    let other = Folder::with_product();
    other.armed_from(1.0).expecting("right");
    let second = other.run(&[&GOOD[..], &["--json"]].concat());
    let mut verdicts = [first.json()["verdict"].clone(), second.json()["verdict"].clone()];
    verdicts.sort_by_key(ToString::to_string);
    assert_eq!(verdicts, ["conforming", "mismatch"], "a part is of one class");
    let wrong = if first.json()["verdict"] == "mismatch" { first } else { second };
    let violation = &wrong.exits(1).json()["violations"][0];
    assert_eq!(violation["kind"], "variant");
    assert!(violation["sentence"].as_str().unwrap().starts_with("the part is "), "{violation}");
}

#[test]
fn classes_too_close_to_tell_apart_are_not_inspected() {
    let folder = Folder::with_product();
    folder.armed_from(1.0).expecting("left").edit("classes.toml", "margin = 0.0", "margin = 2.0");
    let run = folder.run(&GOOD);
    run.exits(2).prints(&["NOT INSPECTED", "apart in cosine"]);
}

#[test]
fn calibrated_limits_are_no_one_elses() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).edit("recipe.toml", "crop_px = 32", "crop_px = 40");
    let run = folder.run(&SCRATCHED);
    run.exits(2).prints(&["recipe.thresholds.toml", "made with another align, photo or region"]);
}
