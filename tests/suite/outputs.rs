//! What a command writes is never what it reads, and what it is asked is never answered by nonsense.

use crate::harness::Folder;

const RECIPE: [&str; 2] = ["--recipe", "recipe.toml"];
const LABELLED: [&str; 2] =
    ["1,reference.png,good.png,ok", "2,reference.png,scratched.png,scratch"];

fn evaluate(folder: &Folder, more: &[&str]) -> crate::harness::Run {
    folder.run(&[&["evaluate", "manifest.csv"], &RECIPE[..], more].concat())
}

#[test]
fn no_command_writes_over_what_it_reads() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest(",label", &LABELLED);
    folder.write("t.csv", "pair_id,x0,y0,label,classes\n1,0,0,ok,\n");
    let manifest = "manifest.csv";
    for (command, outputs) in [
        (
            vec!["inspect", "reference.png", "good.png", "--report"],
            ["good.png", "./reference.png", "recipe.toml", "recipe.thresholds.toml"],
        ),
        (
            vec!["batch", manifest, "--out"],
            [manifest, "scratched.png", "specs.toml", "bundle/vision.onnx"],
        ),
        (
            vec!["evaluate", manifest, "--tiles", "t.csv", "--predictions"],
            [manifest, "t.csv", "specs.cache", "good.png"],
        ),
        (
            vec!["calibrate", manifest, "--out"],
            [manifest, "reference.png", "specs.toml", "recipe.toml"],
        ),
    ] {
        for output in outputs {
            let before = folder.read(output);
            let run = folder.run(&[&command[..], &[output], &RECIPE].concat());
            run.fails(&[output, "which is the same file"]);
            assert!(folder.read(output) == before, "{run:?}");
        }
    }
    let before = folder.text("specs.toml");
    let embed = ["specs", "embed", "specs.toml", "--model", "bundle", "-o", "specs.toml"];
    folder.run(&embed).fails(&["specs.toml", "same file"]);
    assert_eq!(folder.text("specs.toml"), before);
}

#[test]
fn plots_do_not_replace_frames() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).write("roc.png", folder.read("good.png"));
    folder.manifest(",label", &["1,reference.png,roc.png,ok", LABELLED[1]]);
    evaluate(&folder, &["--plots", "."]).fails(&["roc.png", "same file"]);
    let calibrate = [&["calibrate", "manifest.csv"], &RECIPE[..]].concat();
    folder.run(&calibrate).fails(&["roc.png", "same file"]);
    assert!(folder.read("roc.png") == folder.read("good.png"));
}

#[test]
fn a_calibration_asks_for_its_place_before_it_works() {
    let folder = Folder::with_product();
    // Were the pairs looked at first, they would be what is wrong.
    folder.write("notes.txt", "mine").manifest(",label", &["1,gone.png,gone.png,ok"]);
    let run =
        folder.run(&[&["calibrate", "manifest.csv", "-o", "notes.txt"], &RECIPE[..]].concat());
    run.fails(&["notes.txt: is no threshold file"]);
    assert!(!run.stderr.contains("gone.png"), "{run:?}");
    assert_eq!(folder.text("notes.txt"), "mine");
}

#[test]
fn a_new_recipe_replaces_no_sheet() {
    let folder = Folder::new();
    folder.write("new/specs.toml", "mine").run(&["recipe", "init", "new"]).fails(&["specs.toml"]);
    assert_eq!(folder.text("new/specs.toml"), "mine");
}

#[test]
fn the_reason_of_the_system_is_told_once() {
    let folder = Folder::new();
    let run = folder.run(&["recipe", "check", "gone.toml"]);
    run.fails(&["gone.toml: cannot open: "]);
    assert_eq!(run.stderr.matches("os error 2").count(), 1, "{run:?}");
}

#[test]
fn pairs_that_nobody_labelled_are_not_evaluated() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest("", &["1,reference.png,good.png"]);
    evaluate(&folder, &[]).fails(&["manifest.csv: no pair is labelled"]);
    folder.manifest(",label", &LABELLED);
    evaluate(&folder, &["--unit", "region"]).fails(&["manifest.csv: no pair has boxes"]);
}

#[test]
fn labels_that_match_no_sentence_are_warned_of_once() {
    let folder = Folder::with_product();
    let rows = ["1,reference.png,good.png,ok", "2,reference.png,scratched.png,banana"];
    folder.armed_from(1e-6).manifest(",label", &rows);
    let run = evaluate(&folder, &[]);
    run.exits(0).warns(&["manifest.csv: labels", "\"banana\" (1)"]);
    assert_eq!(run.stderr.matches("banana").count(), 1, "{run:?}");
}

#[test]
fn boxes_outside_of_their_frame_are_warned_of() {
    let folder = Folder::with_product();
    let rows = ["far,reference.png,scratched.png,900 900 950 950 scratch"];
    folder.armed_from(1e-6).manifest(",boxes", &rows);
    evaluate(&folder, &[]).exits(0).warns(&["far: box 900 900 950 950 scratch: not within"]);
}

#[test]
fn tiles_of_another_set_are_refused() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest(",label", &LABELLED);
    folder.write("t.csv", "pair_id,x0,y0,label,classes\nother,0,0,ok,\n");
    evaluate(&folder, &["--tiles", "t.csv"]).fails(&["t.csv: none of 1 tile"]);
}

#[test]
fn a_calibration_without_one_inspected_pair_says_why() {
    let folder = Folder::with_product();
    folder.manifest(",label", &["1,reference.png,gone.png,ok", "2,reference.png,gone.png,scratch"]);
    let run = folder.run(&[&["calibrate", "manifest.csv"], &RECIPE[..]].concat());
    run.fails(&["none of 2 pairs was inspected; the first, 1: ", "gone.png"]);
}

#[test]
fn a_sentence_to_rank_by_has_words() {
    let folder = Folder::with_product();
    folder.run(&["rank", " ", "good.png", "--model", "bundle"]).fails(&["no sentence"]);
}

#[test]
fn texts_that_a_model_cannot_take_in_are_warned_of() {
    let folder = Folder::with_product();
    let rank = ["rank", "the surface is corroded", "good.png", "--model", "bundle"];
    folder
        .run(&rank)
        .exits(0)
        .warns(&["\"the surface is corroded\": the model never saw corroded"]);
    let embed = ["embed", "text", "corroded", "--model", "bundle"];
    folder.run(&embed).exits(0).warns(&["\"corroded\": the model never saw corroded"]);
    folder.edit("specs.toml", "the mark is there", &"the mark is there ".repeat(40));
    let embed = ["specs", "embed", "specs.toml", "--model", "bundle", "-o", "c"];
    folder.run(&embed).exits(0).warns(&["spec \"mark\": ", " fit and the rest is not read"]);
}

#[test]
fn a_wrong_value_of_a_recipe_is_named_once() {
    for (section, key) in [("align", "max_shift_px = -1.0"), ("region", "crop_px = 0")] {
        let folder = Folder::with_product();
        folder.edit("recipe.toml", "crop_px = 32\n", "");
        folder.edit("recipe.toml", "[region]\n", &format!("[{section}]\n{key}\n"));
        if section == "align" {
            folder.edit("recipe.toml", "tile_stride_px = 24\n", "");
        }
        let name = key.split(' ').next().unwrap();
        let run = folder.run(&["recipe", "check", "recipe.toml"]);
        run.fails(&[&format!("recipe.toml: [{section}]: {name} = ")]);
    }
}

#[test]
fn measuring_needs_a_model_and_numbers_it_can_take() {
    let folder = Folder::with_product();
    folder.run(&["bench"]).fails(&["--model", "--arch"]);
    folder.run(&["bench", "-m", "bundle", "--runs", "0"]).fails(&["expected at least 1"]);
    let text = ["bench", "-m", "bundle", "--tower", "text", "--runs", "1", "--tokens"];
    folder
        .run(&[&text[..], &["100000"]].concat())
        .fails(&["--tokens 100000: this model takes 2 to"]);
    folder.run(&[&text[..], &["4"]].concat()).exits(0);
}
