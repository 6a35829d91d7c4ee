//! From parts in front of the cameras to verdicts at the line, by commands alone.

use std::io::Write;
use std::process::Stdio;

use crate::harness::Folder;
use crate::product::{HEIGHT, WIDTH, part, png};

/// What the cameras see until the next call: good or scratched parts, each photographed anew.
fn show(folder: &Folder, parts: &[bool], photo: u64) {
    for (index, is_scratched) in parts.iter().enumerate() {
        let photo = photo + index as u64;
        let frame = |is_scratched| png(&part(photo, is_scratched));
        folder.write(&format!("camera/test/{index:02}.png"), frame(*is_scratched));
        folder.write(&format!("camera/reference/{index:02}.png"), png(&part(photo + 500, false)));
    }
}

/// A station whose cameras play those folders; `trigger` is its section.
fn station(folder: &Folder, trigger: &str) {
    let camera = format!("width = {WIDTH}\nheight = {HEIGHT}\nrate_hz = 4");
    folder.write(
        "station.toml",
        format!(
            "name = 'line'\nrecipe = 'recipe.toml'\ndeadline_ms = 20000\nwaiting = 32\n[capture]\n\
             mode = 'two-cameras'\ndelay_ms = 0\nwindow_ms = 100\nframes_in_window = 'first'\n\
             trigger_latency_ms = 1500\nframe_latency_ms = 1500\n[capture.test]\n\
             folder = 'camera/test'\n{camera}\n[capture.reference]\nfolder = 'camera/reference'\n\
             {camera}\n[trigger]\n{trigger}\n[journal]\nfolder = 'journal'\n"
        ),
    );
}

const INTERVAL: &str = "kind = 'interval'\nrate_hz = 4";

fn capture<'a>(label: &'a str, pairs: &'a str) -> [&'a str; 8] {
    ["capture", "station.toml", "--label", label, "-n", pairs, "-o", "pairs"]
}

#[test]
fn captured_pairs_calibrate_a_recipe_that_then_judges_at_the_line() {
    let folder = Folder::with_product();
    station(&folder, INTERVAL);
    show(&folder, &[false; 12], 100);
    let taken = folder.run(&capture("ok", "12"));
    taken.exits(0).prints(&["ok-0001 (1 of 12)", "12 pairs in pairs/manifest.csv"]);
    // The same place, other parts.
    show(&folder, &[true; 12], 200);
    folder.run(&capture("scratch", "12")).exits(0).prints(&["scratch-0012 (12 of 12)"]);
    let calibrate = ["calibrate", "pairs/manifest.csv", "--recipe", "recipe.toml"];
    folder.run(&calibrate).exits(0).prints(&["thresholds: recipe.thresholds.toml"]);
    folder.run(&["recipe", "check", "recipe.toml"]).exits(0).prints(&["scratch: armed at"]);

    let parts = [false, false, true];
    std::fs::remove_dir_all(folder.path("camera")).unwrap();
    show(&folder, &parts, 300);
    folder.run(&["run", "station.toml", "--dry-run", "--parts", "9"]).exits(0);
    let records = folder.run(&["journal", "list", "journal", "--json"]).json_lines();
    let mut judged = [0, 0];
    for record in records.iter().filter(|record| record["kind"] == "part") {
        let is_bad = parts[(record["number"].as_u64().unwrap() as usize - 1) % parts.len()];
        let expected = if is_bad { "mismatch" } else { "conforming" };
        if record["verdict"] != "not_inspected" {
            assert_eq!(record["verdict"], expected, "{record}");
            judged[usize::from(is_bad)] += 1;
        }
    }
    assert!(judged[0] >= 2 && judged[1] >= 1, "{judged:?}: {records:?}");
}

#[test]
fn a_bad_photo_is_told_of_and_does_not_count() {
    let folder = Folder::with_product();
    station(&folder, INTERVAL);
    show(&folder, &[false; 4], 100);
    folder.write("camera/test/01.png", png(&image::GrayImage::new(WIDTH, HEIGHT)));
    let taken = folder.run(&capture("ok", "3"));
    taken.exits(0).prints(&["not taken: photo: ", "(test): blank", "ok-0003 (3 of 3)"]);
    let manifest = folder.text("pairs/manifest.csv");
    assert_eq!(manifest.lines().count(), 4, "{manifest}");
    assert_eq!(folder.names("pairs/frames").len(), 6);
    // Taken all the same where somebody wants to see it.
    let all = folder.run(&[&capture("ok", "4")[..], &["--keep-bad"]].concat());
    all.exits(0).prints(&["though photo: ", "ok-0007 (4 of 4)"]);
}

#[test]
fn each_enter_is_a_part_where_the_trigger_is_software() {
    let folder = Folder::with_product();
    station(&folder, "kind = 'software'");
    folder.edit("station.toml", "window_ms = 100", "window_ms = 250");
    show(&folder, &[false; 2], 100);
    let mut command = folder.command();
    command.args(capture("ok", "3")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"\n\n").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(output.status.code(), Some(2), "{stdout}{stderr}");
    assert!(stdout.contains("ok-0002 (2 of 3)") && !stdout.contains("ok-0003"), "{stdout}");
    assert!(stderr.contains("2 of 3 pairs were taken"), "{stderr}");
    assert!(stderr.contains("standard input ended"), "{stderr}");
    // Or a part every so often.
    let every = folder.run(&[&capture("ok", "2")[..], &["--every", "400"]].concat());
    every.exits(0).prints(&["ok-0004 (2 of 2)"]);
    station(&folder, INTERVAL);
    folder.run(&[&capture("ok", "2")[..], &["--every", "400"]].concat()).fails(&["trigger.kind"]);
}

#[test]
fn what_cannot_be_taken_says_why_and_leaves_nothing() {
    let folder = Folder::with_product();
    station(&folder, INTERVAL);
    show(&folder, &[false; 2], 100);
    folder.run(&capture("dent", "1")).fails(&["label \"dent\"", "known are ok scratch mark"]);
    folder.run(&capture("brighter", "1")).fails(&["\"brighter\" is an allowed difference"]);
    folder.run(&capture("ok", "0")).fails(&["-n 0: from 1"]);
    let boxed = |label, text| folder.run(&[&capture(label, "1")[..], &["--box", text]].concat());
    boxed("ok", "1 2 3 4").fails(&["no fault to box"]);
    boxed("scratch", "1 2 3").fails(&["expected X1 Y1 X2 Y2"]);
    assert!(!folder.path("pairs").exists());
    boxed("scratch", "96 64 116 78").exits(0);
    assert!(folder.text("pairs/manifest.csv").contains(",scratch,96 64 116 78 scratch\n"));
    folder.run(&capture("scratch", "1")).fails(&["give --box"]);
    std::fs::remove_dir_all(folder.path("camera/test")).unwrap();
    let lost = folder.run(&capture("ok", "1"));
    lost.fails(&["0 of 1 pairs were taken", "the test camera is lost", "camera/test"]);
}

#[test]
fn frames_that_never_come_end_it_and_what_was_taken_stays() {
    let folder = Folder::with_product();
    station(&folder, INTERVAL);
    show(&folder, &[false; 2], 100);
    folder.run(&capture("ok", "1")).exits(0);
    // A second look half a period after the first, where the camera has no frame.
    let text = folder.text("station.toml");
    let (start, rest) = text.split_once("[capture.reference]").unwrap();
    let (_, end) = rest.split_once("[trigger]").unwrap();
    let twice = "mode = 'twice'\nreference_delay_ms = 0\ndelay_ms = 50\nwindow_ms = 10";
    let start = start.replace("mode = 'two-cameras'\ndelay_ms = 0\nwindow_ms = 100", twice);
    folder.write("station.toml", format!("{start}[trigger]{end}"));
    let ended = folder.run(&[&capture("ok", "2")[..], &["--give-up", "1"]].concat());
    ended.exits(2).prints(&["not taken: camera 0: no frame in the part's window"]);
    ended.warns(&["0 of 2 pairs were taken", "no frames of a part for 1 s"]);
    assert_eq!(folder.text("pairs/manifest.csv").lines().count(), 2);
}
