//! `pairspec journal replay` and `board check --station`, on a station that really ran.

use crate::harness::{Folder, Run};
use crate::product::{HEIGHT, WIDTH, part, png};

/// A product and a station of two cameras that keeps the images of every part.
fn ready() -> Folder {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    for (index, is_scratched) in [false, false, true].into_iter().enumerate() {
        let photo = 300 + index as u64;
        folder.write(&format!("test/{index}.png"), png(&part(photo, is_scratched)));
        folder.write(&format!("reference/{index}.png"), png(&part(photo + 50, false)));
    }
    let camera = format!("width = {WIDTH}\nheight = {HEIGHT}\nrate_hz = 4");
    folder.write(
        "station.toml",
        format!(
            "name = 'line'\nrecipe = 'recipe.toml'\ndeadline_ms = 20000\nwaiting = 32\n[capture]\n\
             mode = 'two-cameras'\ndelay_ms = 0\nwindow_ms = 100\nframes_in_window = 'first'\n\
             trigger_latency_ms = 1500\nframe_latency_ms = 1500\n[capture.test]\nfolder = 'test'\n\
             {camera}\n[capture.reference]\nfolder = 'reference'\n{camera}\n[trigger]\n\
             kind = 'interval'\nrate_hz = 4\n[journal]\nfolder = 'journal'\n\
             conforming_one_in = 1\nimages_gib = 0.01\n[control]\nsocket = 'socket'\n"
        ),
    );
    folder
}

fn replay(folder: &Folder, more: &[&str]) -> Run {
    let arguments = ["journal", "replay", "journal", "--recipe", "recipe.toml"];
    folder.run(&[&arguments[..], more].concat())
}

#[test]
fn logged_parts_are_judged_again_as_they_were_until_something_is_another() {
    let folder = ready();
    folder.run(&["run", "station.toml", "--dry-run", "--parts", "9"]).exits(0);
    let found = replay(&folder, &["--json"]).exits(0).json();
    let compared = found["compared"].as_u64().unwrap();
    assert!(compared >= 3 && found["equal"] == compared, "{found}");
    replay(&folder, &[]).exits(0).prints(&["0 different"]);
    let limited = replay(&folder, &["--limit", "2", "--json"]).exits(0).json();
    assert_eq!(limited["compared"], 2);
    let reasons = limited["skipped"].to_string();
    assert!(reasons.contains("beyond the limit"), "{reasons}");

    // An image that is another, and one that is gone.
    let images: Vec<String> = folder.names("journal/evidence/000000");
    let tests: Vec<&String> = images.iter().filter(|name| name.ends_with("-test.png")).collect();
    let path = |index: usize| format!("journal/evidence/000000/{}", tests[index]);
    folder.write(&path(0), png(&part(9, true)));
    std::fs::remove_file(folder.path(&path(1))).unwrap();
    let less = replay(&folder, &[]);
    less.exits(0).prints(&[
        "altered: their SHA-256",
        "gone (retention)",
        "not judged again: 1 part",
    ]);
    let counted = replay(&folder, &["--json"]).json()["compared"].as_u64().unwrap();
    assert_eq!(counted, compared - 2);

    // Other limits make other verdicts, and that is what replay is for.
    folder.armed_from(1.0);
    let other = replay(&folder, &[]);
    other.exits(1).prints(&["mismatch, now conforming"]);
    // Another recipe would say nothing about what was logged.
    folder.edit("recipe.toml", "\"plate\"", "\"other plate\"");
    let none = replay(&folder, &[]);
    none.exits(2).prints(&["another recipe judged it", "nothing could be judged again"]);
    folder.run(&["journal", "replay", "nowhere", "--recipe", "recipe.toml"]).fails(&["nowhere"]);
    replay(&folder, &["--limit", "0"]).exits(2);
}

/// The states of a topic among the facts.
fn states(folder: &Folder, topic: &str) -> Vec<(String, String)> {
    let arguments = ["board", "check", "--board", "generic-x86-64", "--station", "station.toml"];
    let report = folder.run(&[&arguments[..], &["--data", ".", "--json"]].concat()).json();
    let facts = report["facts"].as_array().unwrap().iter().filter(|fact| fact["topic"] == topic);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    facts.map(|fact| (text(&fact["state"]), text(&fact["text"]))).collect()
}

fn has(folder: &Folder, topic: &str, state: &str, fact: &str) {
    let found = states(folder, topic);
    assert!(found.iter().any(|it| it.0 == state && it.1.contains(fact)), "{topic}: {found:?}");
}

#[test]
fn a_station_that_could_run_lacks_nothing_but_wires() {
    let folder = ready();
    has(&folder, "camera", "warning", "test: ");
    has(&folder, "camera", "warning", "3 files of 192x160 are played");
    has(&folder, "wiring", "lacking", "--dry-run alone");
    has(&folder, "journal", "good", "MiB free");
    has(&folder, "recipe", "good", "plate");
    has(&folder, "thresholds", "good", "armed: mark scratch");
    has(&folder, "socket", "good", "socket");
    has(&folder, "challenge", "warning", "nothing shows at the start");
    assert!(!folder.path("journal").exists(), "a check leaves nothing behind");
}

#[test]
fn what_a_station_lacks_is_said_thing_by_thing() {
    let folder = ready();
    std::fs::remove_dir_all(folder.path("test")).unwrap();
    folder.write("journal", "");
    folder
        .edit("station.toml", "width = 192\nheight = 160\nrate_hz = 4\n[trigger]",
            "width = 64\nheight = 64\nrate_hz = 4\n[trigger]")
        .edit("station.toml", "socket = 'socket'", "socket = 'nowhere/socket'")
        .edit("station.toml", "[control]", "[outputs]\nwiring = 'pulse-to-reject'\n\
             reject = { chip = 'no such chip', line = 3 }\n[challenge]\nmanifest = 'g.csv'\n[control]");
    has(&folder, "camera", "lacking", "test: ");
    has(&folder, "camera", "lacking", "frames of 192x160, not 64x64");
    has(&folder, "gpio", "lacking", "reject: ");
    has(&folder, "wiring", "warning", "pulse-to-reject: a dead box");
    has(&folder, "journal", "lacking", "is no folder");
    has(&folder, "socket", "lacking", "its folder cannot be written to");
    has(&folder, "challenge", "lacking", "g.csv");
    folder.manifest(",label", &["1,reference.png,good.png,ok"]);
    std::fs::rename(folder.path("manifest.csv"), folder.path("g.csv")).unwrap();
    has(&folder, "challenge", "lacking", "1 good and 0 bad goldens");
    std::fs::remove_file(folder.path("recipe.thresholds.toml")).unwrap();
    has(&folder, "thresholds", "lacking", "pairspec calibrate");
    folder.edit("station.toml", "mode = 'two-cameras'", "mode = 'golden'");
    let text = folder.text("station.toml");
    let (start, rest) = text.split_once("[capture.reference]").unwrap();
    let (_, end) = rest.split_once("[trigger]").unwrap();
    folder.write("station.toml", format!("{start}[trigger]{end}"));
    has(&folder, "goldens", "lacking", "pairspec recipe golden add");
    folder.edit("recipe.toml", "crop_px", "crop_pix");
    has(&folder, "recipe", "lacking", "crop_pix");
    folder.edit("station.toml", "deadline_ms", "deadline");
    let arguments = ["board", "check", "--station", "station.toml"];
    folder.run(&arguments).fails(&["station.toml", "unknown field"]);
}
