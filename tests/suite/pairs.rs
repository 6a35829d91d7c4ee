//! `pairspec batch`, `calibrate` and `evaluate`: many pairs.

use std::process::Stdio;

use crate::harness::{Folder, json_lines};
use crate::product::{FAULT, HEIGHT, WIDTH, part, png};

const RECIPE: [&str; 2] = ["--recipe", "recipe.toml"];
const PAIRS: [&str; 3] = [
    "good,reference.png,good.png",
    "gone,reference.png,nothing.png",
    "bad,reference.png,scratched.png",
];

fn batch(folder: &Folder, more: &[&str]) -> crate::harness::Run {
    folder.run(&[&["batch", "manifest.csv"], &RECIPE[..], more].concat())
}

/// Labelled pairs in four groups, every second one scratched, with boxes where faults are.
fn labelled(folder: &Folder, more: &str) {
    let [x, y, width, height] = FAULT;
    let rows: Vec<String> = (0..16)
        .map(|index| {
            let is_bad = index % 2 == 1;
            let name = format!("part{index}.png");
            folder.write(&name, png(&part(100 + index, is_bad)));
            let label = if is_bad { "scratch" } else { "ok" };
            let boxed = format!("{x} {y} {} {} scratch", x + width, y + height);
            let boxed = if is_bad { boxed } else { String::new() };
            let row = format!("{index},reference.png,{name},{label},g{}", index / 4);
            if more.contains("boxes") { format!("{row},{boxed}") } else { row }
        })
        .collect();
    folder.manifest(more, &rows.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_batch_goes_on_after_a_bad_pair_and_says_so_at_the_end() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest("", &PAIRS);
    let run = batch(&folder, &[]);
    let lines = run.exits(2).json_lines();
    let found: Vec<_> = lines.iter().map(|line| (&line["pair_id"], &line["verdict"])).collect();
    let expected = [("good", "conforming"), ("gone", "not_inspected"), ("bad", "mismatch")];
    assert!(
        found
            .iter()
            .zip(expected)
            .all(|(found, (id, verdict))| *found.0 == id && *found.1 == verdict),
        "{found:?}"
    );
    assert!(lines[1]["reason"].as_str().unwrap().contains("nothing.png"), "{}", lines[1]);
    run.warns(&["gone: ", "3 pairs: 1 conforming, 1 mismatch, 1 not inspected"]);
}

#[test]
fn a_batch_ends_with_the_worst_that_happened() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest("", &[PAIRS[0]]);
    batch(&folder, &[]).exits(0);
    folder.manifest("", &[PAIRS[0], PAIRS[2]]);
    batch(&folder, &[]).exits(1);
    folder.manifest("", &PAIRS[1..]);
    batch(&folder, &[]).exits(2);
}

#[test]
fn the_lines_of_a_batch_are_a_file_of_their_own_when_asked() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest("", &PAIRS);
    let run = batch(&folder, &["--out", "lines/all.jsonl"]);
    assert_eq!(run.exits(2).stdout, "");
    assert_eq!(folder.names("lines"), ["all.jsonl"]);
    assert_eq!(json_lines(&folder.text("lines/all.jsonl")).len(), 3);
}

#[test]
fn a_batch_that_cannot_begin_leaves_the_old_file() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest("", &PAIRS).write("all.jsonl", "old");
    folder.edit("recipe.toml", "crop_px", "crop_pix");
    batch(&folder, &["--out", "all.jsonl"]).fails(&["recipe.toml", "crop_pix"]);
    assert_eq!(folder.text("all.jsonl"), "old");
}

#[test]
fn calibrated_thresholds_are_those_that_inspect_works_with() {
    let folder = Folder::with_product();
    labelled(&folder, ",label,group");
    let run = folder.run(&[&["calibrate", "manifest.csv"], &RECIPE[..]].concat());
    run.exits(0).prints(&["scratch", "AUROC", "95 %", "thresholds: "]);
    let thresholds = folder.text("recipe.thresholds.toml");
    assert!(
        thresholds.contains("vision_sha256") && thresholds.contains("[evidence"),
        "{thresholds}"
    );
    let inspect =
        |test: &str| folder.run(&[&["inspect", "reference.png", test], &RECIPE[..]].concat());
    inspect("scratched.png").exits(1).prints(&["scratch"]);
    inspect("good.png").exits(0);
}

#[test]
fn a_calibration_without_faults_is_refused_and_writes_nothing() {
    let folder = Folder::with_product();
    folder.manifest(",label", &["1,reference.png,good.png,ok", "2,reference.png,good.png,ok"]);
    let run = folder.run(&[&["calibrate", "manifest.csv"], &RECIPE[..]].concat());
    run.fails(&["no faulty unit"]);
    assert!(!folder.path("recipe.thresholds.toml").exists());
}

#[test]
fn an_evaluation_reports_pairs_regions_tiles_and_writes_predictions() {
    let folder = Folder::with_product();
    labelled(&folder, ",label,group,boxes");
    folder.armed_from(1e-6);
    let tiles: Vec<String> = (0..16)
        .flat_map(|pair| {
            let label = if pair % 2 == 1 { "ng,scratch" } else { "ok," };
            [format!("{pair},64,32,{label}"), format!("{pair},0,0,edge,")]
        })
        .collect();
    folder.write("tiles_96.csv", format!("pair_id,x0,y0,label,classes\n{}\n", tiles.join("\n")));
    let arguments =
        ["evaluate", "manifest.csv", "--tiles", "tiles_96.csv", "--predictions", "p.csv"];
    let found = folder.run(&[&arguments, &RECIPE[..], &["--json"]].concat()).exits(0).json();
    assert_eq!((&found["unit"], &found["pairs"]), (&"region".into(), &16.into()));
    assert_eq!(found["pairs_not_inspected"], 0);
    assert_eq!(found["tiles"]["ok"], 8, "{found}");
    assert_eq!(found["tiles"]["ng"], 8, "{found}");
    assert_eq!(
        found["tiles"]["auroc"]["value"], 1.0,
        "only scratched parts have a region: {found}"
    );
    let table = folder.text("p.csv");
    assert!(table.starts_with("pair_id,x1,y1,x2,y2,confidence,spec\n"), "{table}");
    for row in table.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let number = |index: usize| fields[index].parse::<f64>().unwrap();
        assert!(number(1) < number(3) && number(3) <= f64::from(WIDTH), "{row}");
        assert!(number(2) < number(4) && number(4) <= f64::from(HEIGHT), "{row}");
        assert!(number(5) > 0.01 && number(5) <= 1.0, "{row}");
        assert!(["scratch", "mark"].contains(&fields[6]), "{row}");
    }
}

#[test]
fn an_evaluation_counts_what_was_not_inspected() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest(
        ",label",
        &[
            "1,reference.png,good.png,ok",
            "2,reference.png,scratched.png,scratch",
            "3,reference.png,gone.png,scratch",
        ],
    );
    let run = folder.run(&[&["evaluate", "manifest.csv", "--json"], &RECIPE[..]].concat());
    let found = run.exits(0).json();
    assert_eq!((&found["unit"], &found["pairs_not_inspected"]), (&"pair".into(), &1.into()));
    run.warns(&["gone.png"]);
}

#[test]
fn groups_that_are_not_there_are_an_error_and_no_empty_study() {
    let folder = Folder::with_product();
    labelled(&folder, ",label,group");
    let arguments = ["evaluate", "manifest.csv", "--groups", "g1,g9"];
    folder.run(&[&arguments[..], &RECIPE].concat()).fails(&["manifest.csv", "\"g9\""]);
}

#[test]
fn a_batch_whose_reader_goes_away_is_no_pass() {
    let folder = Folder::with_product();
    let rows: Vec<String> = (0..200).map(|id| format!("{id},reference.png,good.png")).collect();
    folder.armed_from(1.0).manifest("", &rows.iter().map(String::as_str).collect::<Vec<_>>());
    let mut command = folder.command();
    command.args(["batch", "manifest.csv", "--recipe", "recipe.toml"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}
