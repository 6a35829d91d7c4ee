//! Goldens: listed beside a recipe, dated, tied to their images, and refused when they are not right.

use crate::harness::{Folder, Run};
use crate::product::{HEIGHT, WIDTH, part, png};

fn golden(folder: &Folder, more: &[&str]) -> Run {
    folder.run(&[&["recipe", "golden"], more].concat())
}

/// A product that is ready to judge and has a good golden and a scratched one.
fn with_goldens() -> Folder {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    let add = |more: &[&str]| golden(&folder, &[&["add", "recipe.toml"], more].concat());
    add(&["reference.png"]).exits(0).prints(&["(0 days ago), expires never  hash ok  in force"]);
    add(&["scratched.png", "--label", "scratch"]).exits(0).prints(&["  scratch  taken "]);
    folder
}

/// The files of the goldens, good and scratched.
fn files(folder: &Folder) -> [String; 2] {
    let listed = golden(folder, &["list", "recipe.toml"]).exits(0).stdout.clone();
    let name = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    let names: Vec<String> = listed.lines().map(name).collect();
    names.try_into().unwrap()
}

/// A station of one camera that compares with goldens.
fn station(folder: &Folder) {
    for (index, is_scratched) in [false, false, true].into_iter().enumerate() {
        let frame = png(&part(300 + index as u64, is_scratched));
        folder.write(&format!("camera/{index}.png"), frame);
    }
    folder.write(
        "station.toml",
        format!(
            "name = 'line'\nrecipe = 'recipe.toml'\ndeadline_ms = 20000\nwaiting = 32\n[capture]\n\
             mode = 'golden'\ndelay_ms = 0\nwindow_ms = 100\nframes_in_window = 'first'\n\
             trigger_latency_ms = 1500\nframe_latency_ms = 1500\n[capture.test]\n\
             folder = 'camera'\nwidth = {WIDTH}\nheight = {HEIGHT}\nrate_hz = 4\n[trigger]\n\
             kind = 'interval'\nrate_hz = 4\n[journal]\nfolder = 'journal'\n"
        ),
    );
}

fn run(folder: &Folder) -> Run {
    folder.run(&["run", "station.toml", "--dry-run", "--parts", "9"])
}

#[test]
fn goldens_are_what_parts_are_compared_with_and_what_shows_that_bad_ones_are_found() {
    let folder = with_goldens();
    folder.run(&["recipe", "check", "recipe.toml"]).exits(0);
    station(&folder);
    run(&folder).exits(0);
    let records = folder.run(&["journal", "list", "journal", "--json", "--newest", "0"]);
    let records = records.json_lines();
    let passed = records.iter().find(|it| it["name"] == "challenge_passed").unwrap();
    assert_eq!(passed["detail"], "2", "the good and the bad golden were judged");
    let mut judged = 0;
    for record in records.iter().filter(|it| it["kind"] == "part") {
        let is_bad = (record["number"].as_u64().unwrap() - 1) % 3 == 2;
        if record["verdict"] != "not_inspected" {
            let expected = if is_bad { "mismatch" } else { "conforming" };
            assert_eq!(record["verdict"], expected, "{record}");
            judged += 1;
        }
    }
    assert!(judged >= 3, "{records:?}");
    // The golden is no part's image: a replay chooses it again.
    let arguments = ["journal", "replay", "journal", "--recipe", "recipe.toml"];
    folder.run(&arguments).exits(0).prints(&["0 different", "no images of it were kept"]);
}

#[test]
fn pairs_that_are_taken_at_a_station_with_goldens_are_compared_with_those() {
    let folder = with_goldens();
    station(&folder);
    let capture = ["capture", "station.toml", "--label", "ok", "-n", "3", "-o", "pairs"];
    folder.run(&capture).exits(0);
    let names = folder.names("pairs/frames");
    let golden: Vec<&String> = names.iter().filter(|it| it.starts_with("golden-")).collect();
    assert_eq!((golden.len(), names.len()), (1, 4), "{names:?}");
    let manifest = folder.text("pairs/manifest.csv");
    let row = format!("ok-0002,frames/{},frames/ok-0002_test.png,", golden[0]);
    assert!(manifest.contains(&row), "{manifest}");
    let [good, _] = files(&folder);
    golden_expires(&folder, &good);
    folder.run(&capture).fails(&["no good golden is in force"]);
}

fn golden_expires(folder: &Folder, file: &str) {
    golden(folder, &["expire", "recipe.toml", file]).exits(0);
}

/// A photo of a part of the other mould: an engraving where the first has none.
fn other_mould(photo: u64, is_scratched: bool) -> Vec<u8> {
    let mut image = part(photo, is_scratched);
    for (x, y) in (20..34).flat_map(|x| (24..36).map(move |y| (x, y))) {
        image.put_pixel(x, y, image::Luma([10]));
    }
    png(&image)
}

#[test]
fn parts_of_every_mould_that_has_a_golden_conform_and_their_faults_do_not() {
    let folder = with_goldens();
    station(&folder);
    folder.write("camera/0.png", png(&part(400, false)));
    folder.write("camera/1.png", other_mould(401, false));
    folder.write("camera/2.png", other_mould(402, true));
    let verdicts = |journal: &str| {
        let text = folder.text("station.toml");
        let (before, _) = text.split_once("[journal]").unwrap();
        folder.write("station.toml", format!("{before}[journal]\nfolder = '{journal}'\n"));
        run(&folder).exits(0);
        let records = folder.run(&["journal", "list", journal, "--json"]).json_lines();
        let parts = records.into_iter().filter(|it| it["kind"] == "part");
        let judged = parts.filter(|it| it["verdict"] != "not_inspected");
        let found = judged.map(|it| {
            let place = (it["number"].as_u64().unwrap() - 1) % 3;
            (place, it["verdict"].as_str().unwrap().to_owned())
        });
        found.collect::<std::collections::BTreeSet<_>>()
    };
    let [good, bad] = ["conforming", "mismatch"].map(str::to_owned);
    // By the first golden alone, the engraving is a difference.
    assert!(verdicts("one").contains(&(1, bad.clone())));
    folder.write("mould.png", other_mould(403, false));
    golden(&folder, &["add", "recipe.toml", "mould.png"]).exits(0);
    let found = verdicts("two");
    let expected = [(0, good.clone()), (1, good), (2, bad)].into();
    assert_eq!(found, expected);
}

#[test]
fn a_bad_golden_that_passes_holds_the_line() {
    let folder = with_goldens();
    golden(&folder, &["add", "recipe.toml", "good.png", "--label", "mark"]).exits(0);
    station(&folder);
    let held = run(&folder);
    held.exits(1).prints(&["held", "expected mismatch"]);
    assert!(held.stdout.contains(" 0 conforming"), "{held:?}");
}

#[test]
fn an_altered_golden_is_refused_by_everything_that_would_use_it() {
    let folder = with_goldens();
    let [good, _] = files(&folder);
    station(&folder);
    folder.write(&good, folder.read("scratched.png"));
    golden(&folder, &["list", "recipe.toml"]).exits(1).prints(&["hash differs", "altered: "]);
    folder.run(&["recipe", "check", "recipe.toml"]).exits(1).prints(&[&good, "altered: "]);
    run(&folder).fails(&[&good, "altered: its SHA-256 begins with"]);
    let inspect = folder.run(&["inspect", &good, "good.png", "--recipe", "recipe.toml"]);
    inspect.exits(2).prints(&["NOT INSPECTED", "altered: "]);
    std::fs::remove_file(folder.path(&good)).unwrap();
    folder.run(&["recipe", "check", "recipe.toml"]).exits(1).prints(&[&good, "cannot open"]);
    run(&folder).fails(&[&good, "cannot open"]);
}

#[test]
fn a_golden_past_its_day_is_not_compared_with() {
    let folder = with_goldens();
    let [first, _] = files(&folder);
    station(&folder);
    let old = ["--taken", "2020-01-01", "--expires", "2020-07-01"];
    golden(&folder, &[&["add", "recipe.toml", "good.png"], &old[..]].concat()).exits(0);
    // There is another.
    folder.run(&["recipe", "check", "recipe.toml"]).exits(0).prints(&["expired on 2020-07-01"]);
    run(&folder).exits(0);
    let expire = golden(&folder, &["expire", "recipe.toml", &first]);
    expire.exits(0).prints(&["out of force from today on"]).warns(&["no good golden is in force"]);
    assert!(folder.path(&first).exists());
    golden(&folder, &["list", "recipe.toml"]).exits(0).prints(&["taken out of force on"]);
    let check = folder.run(&["recipe", "check", "recipe.toml"]);
    check.exits(1).prints(&["not ready: no good golden is in force"]);
    run(&folder).fails(&["no good golden is in force", "expired on 2020-07-01"]);
    let inspect = folder.run(&["inspect", &first, "good.png", "--recipe", "recipe.toml"]);
    inspect.exits(2).prints(&["taken out of force on"]);
}

#[test]
fn a_golden_of_a_fault_is_no_reference() {
    let folder = with_goldens();
    let [_, bad] = files(&folder);
    let inspect = folder.run(&["inspect", &bad, "good.png", "--recipe", "recipe.toml", "--json"]);
    let found = inspect.exits(2).json();
    assert!(found["reason"].as_str().unwrap().contains("shows scratch; no reference"), "{found}");
}

#[test]
fn what_is_no_golden_is_not_added() {
    let folder = with_goldens();
    let add = |more: &[&str]| golden(&folder, &[&["add", "recipe.toml"], more].concat());
    let before = folder.read("recipe.goldens.toml");
    add(&["reference.png"]).fails(&["listed already"]);
    add(&["good.png", "--label", "dent"]).fails(&["dent", "known are ok scratch mark"]);
    add(&["good.png", "--expires", "2020-01-01"]).fails(&["not after"]);
    add(&["absent.png"]).fails(&["absent.png"]);
    add(&["specs.toml"]).fails(&["neither PNG nor JPEG"]);
    folder.write("black.png", png(&image::GrayImage::new(WIDTH, HEIGHT)));
    add(&["black.png"]).fails(&["not added: photo: ", "blank"]);
    assert_eq!(folder.read("recipe.goldens.toml"), before);
    assert_eq!(folder.names("goldens").len(), 2);
}

#[test]
fn goldens_that_the_recipe_names_itself_are_used_as_before_and_missed() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).edit("recipe.toml", "\n[region]", "golden = ['g.png']\n[region]");
    station(&folder);
    folder.run(&["recipe", "check", "recipe.toml"]).exits(1).prints(&["golden g.png: ", "cannot"]);
    run(&folder).fails(&["g.png"]);
    folder.write("g.png", folder.read("reference.png"));
    folder.run(&["recipe", "check", "recipe.toml"]).exits(0);
    golden(&folder, &["list", "recipe.toml"]).exits(0).prints(&["named by the recipe itself"]);
    run(&folder).exits(0);
    assert!(!folder.path("recipe.goldens.toml").exists());
}
