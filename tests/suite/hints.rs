//! What commands say of themselves when something is odd that is no error, or an error before the work.

use crate::harness::Folder;
use crate::product::{part, png};

const RECIPE: [&str; 2] = ["--recipe", "recipe.toml"];

/// A labelled manifest of eight parts whose photos are seeded from `photo` on.
fn labelled(folder: &Folder, photo: u64) {
    let rows: Vec<String> = (0..8)
        .map(|index| {
            let is_bad = index % 2 == 1;
            let name = format!("part{index}.png");
            folder.write(&name, png(&part(photo + index, is_bad)));
            let label = if is_bad { "scratch" } else { "ok" };
            format!("{index},reference.png,{name},{label}")
        })
        .collect();
    folder.manifest(",label", &rows.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn figures_on_pairs_that_thresholds_were_set_with_are_warned_of() {
    let folder = Folder::with_product();
    labelled(&folder, 100);
    folder.run(&[&["calibrate", "manifest.csv"], &RECIPE[..]].concat()).exits(0);
    let evaluate = |manifest| folder.run(&[&["evaluate", manifest], &RECIPE[..]].concat());
    let told = "8 of 8 pairs were there when recipe.thresholds.toml was calibrated";
    evaluate("manifest.csv").exits(0).warns(&[told]);
    // Under another name and other ids, too.
    let text = folder.text("manifest.csv").replace("\n1,", "\nother,");
    folder.write("copy.csv", text);
    evaluate("copy.csv").exits(0).warns(&[told]);
    labelled(&folder, 200);
    let fresh = evaluate("manifest.csv");
    assert!(!fresh.exits(0).stderr.contains("was calibrated"), "{fresh:?}");
}

#[test]
fn thresholds_that_cannot_be_written_are_told_of_before_the_work() {
    let folder = Folder::with_product();
    labelled(&folder, 100);
    folder.write("file", "");
    let calibrate =
        |more: &[&str]| folder.run(&[&["calibrate", "manifest.csv"], &RECIPE[..], more].concat());
    // Nothing is printed: no figure was worked out.
    calibrate(&["-o", "file/t.toml"]).fails(&["file", "cannot create a file in"]);
    calibrate(&["-o", "file/deep/t.toml"]).fails(&["file", "cannot create a file in"]);
    calibrate(&["-o", "t.toml", "--plots", "file/plots"]).fails(&["cannot create a file in"]);
    calibrate(&["-o", "new/folder/t.toml"]).exits(0);
}

#[test]
fn a_frame_compared_with_itself_is_told_of() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).write("sub/.keep", "");
    let inspect = |test| folder.run(&[&["inspect", "good.png", test], &RECIPE[..]].concat());
    inspect("good.png").exits(0).warns(&["reference and test are the same file"]);
    inspect("sub/../good.png").exits(0).warns(&["reference and test are the same file"]);
    folder.write("copy.png", folder.read("good.png"));
    assert!(!inspect("copy.png").exits(0).stderr.contains("same file"));
}

#[test]
fn a_recipe_that_cannot_be_used_is_an_answer_in_json() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).edit("recipe.toml", "crop_px", "crop_pix");
    let arguments = ["inspect", "reference.png", "good.png", "--recipe", "recipe.toml", "--json"];
    let run = folder.run(&arguments);
    let found = run.exits(2).json();
    assert_eq!(found["verdict"], "not_inspected");
    assert!(found["reason"].as_str().unwrap().contains("crop_pix"), "{found}");
    run.warns(&["recipe.toml", "crop_pix"]);
}

#[test]
fn a_data_folder_without_the_data_is_told_of() {
    let folder = Folder::new();
    let demo = env!("CARGO_MANIFEST_DIR").to_owned() + "/models/default/demo/frames/000002";
    let mut command = folder.command();
    command.args(["inspect", &format!("{demo}_ref.png"), &format!("{demo}_test.png")]);
    let output = command.env("PAIRSPEC_DATA", folder.path("absent")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("PAIRSPEC_DATA: ") && stderr.contains("is used"), "{stderr}");
}

#[test]
fn a_report_says_what_its_boxes_mean_and_whether_the_part_was_registered() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    let report = |test| {
        let arguments = ["inspect", "reference.png", test, "--report", "r.html"];
        folder.run(&[&arguments[..], &RECIPE].concat());
        folder.text("r.html")
    };
    let found = report("scratched.png");
    assert!(found.contains("Part under test, registered"), "{found}");
    assert!(found.contains("violates a sentence; the number is that of the finding"));
    assert!(!found.contains("no sentence explains it; numbered"), "no such box is there");
    folder.write("black.png", png(&image::GrayImage::new(192, 160)));
    let refused = report("black.png");
    assert!(refused.contains("as it was photographed") && !refused.contains("registered"));
    assert!(!refused.contains("class=\"legend\""));
}
