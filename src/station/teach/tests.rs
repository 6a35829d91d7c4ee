use std::fs;
use std::path::Path;
use std::sync::Arc;

use image::{GrayImage, Luma};

use super::*;
use crate::capture::{FaultPlan, Faulty, MonotonicClock, open_source};
use crate::manifest;

const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a recipe, a station of two cameras that play files, and frames in good order; its output
/// is on a chip that is not there, which nothing here may notice.
fn bench() -> (tempfile::TempDir, StationConfig) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("recipe.toml", "name = 'plate'\nspecs = 'specs.toml'\n");
    write(
        "specs.toml",
        "[[spec]]\nid = 'scratch'\nkind = 'fault'\nsentence = 'it is scratched'\n\
         [[spec]]\nid = 'brighter'\nkind = 'allowed'\nsentence = 'it is brighter'\n",
    );
    for name in ["test", "reference"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        for index in 0..4 {
            save(&folder.path().join(format!("{name}/{index}.png")), plate(index));
        }
    }
    let camera = "width = 96\nheight = 96\nrate_hz = 25";
    let text = format!(
        "name = 'bench'\nrecipe = 'recipe.toml'\ndeadline_ms = 200\n[capture]\n\
         mode = 'two-cameras'\ndelay_ms = 5\nwindow_ms = 20\nframes_in_window = 'first'\n\
         trigger_latency_ms = 150\n\
         frame_latency_ms = 150\ntimeout_ms = 100\n\
         [capture.test]\nfolder = 'test'\n{camera}\n[capture.reference]\nfolder = 'reference'\n\
         {camera}\n[trigger]\nkind = 'interval'\nrate_hz = 25\n[outputs]\n\
         pass = {{ chip = 'no such chip', line = 1 }}\n[journal]\nfolder = 'journal'\n"
    );
    let config = StationConfig::parse(&text, &folder.path().join("station.toml")).unwrap();
    (folder, config)
}

fn plate(photo: u32) -> GrayImage {
    GrayImage::from_fn(96, 96, |x, y| {
        let block = (x / 12 * 31 + y / 12 * 57 + (x / 12) * (y / 12) * 13) % 7;
        Luma([(40 + 25 * block + (x * 7 + y * 3 + photo) % 3) as u8])
    })
}

fn save(path: &Path, image: GrayImage) {
    image.save(path).unwrap();
}

fn lesson(folder: &Path) -> Lesson {
    Lesson {
        label: Label::Conforming,
        boxes: Vec::new(),
        group: "day".to_owned(),
        keep_bad: false,
        folder: folder.join("pairs"),
    }
}

fn faulty(plan: FaultPlan) -> OpenSource {
    Arc::new(move |camera, config, first_ns| {
        let source = open_source(config, first_ns)?;
        let plan = if camera == 0 { plan } else { FaultPlan::default() };
        Ok(Box::new(Faulty::new(source, MonotonicClock, plan)))
    })
}

fn sound() -> OpenSource {
    faulty(FaultPlan::default())
}

fn next(teaching: &mut Teaching) -> Take {
    teaching.next(PATIENCE).unwrap().expect("parts come")
}

#[test]
fn pairs_are_those_that_the_cameras_saw_together() {
    let (folder, config) = bench();
    let mut teaching = Teaching::start(&config, &sound(), lesson(folder.path())).unwrap();
    let mut kept = 0;
    while kept < 5 {
        kept += u64::from(matches!(next(&mut teaching), Take::Kept { .. }));
    }
    drop(teaching);
    let pairs = manifest::open(&folder.path().join("pairs/manifest.csv")).unwrap();
    assert_eq!(pairs.len(), 5);
    for pair in pairs {
        let [reference, test] = [&pair.reference, &pair.test].map(|it| Frame::open(it).unwrap());
        // Frame k of both cameras is the same picture here.
        assert_eq!(reference.luma(), test.luma(), "{}", pair.id);
    }
}

#[test]
fn a_pair_that_inspection_would_not_take_is_told_of_and_not_kept() {
    let (folder, config) = bench();
    for index in 0..4 {
        save(&folder.path().join(format!("test/{index}.png")), GrayImage::new(96, 96));
    }
    let mut teaching = Teaching::start(&config, &sound(), lesson(folder.path())).unwrap();
    let Take::Refused { has_frames: true, reasons } = next(&mut teaching) else {
        panic!("a black photo is no pair")
    };
    assert!(reasons.len() == 1 && reasons[0].contains("(test): blank"), "{reasons:?}");
    drop(teaching);
    assert!(!folder.path().join("pairs/manifest.csv").exists());
    // Unless somebody wants it.
    let lesson = Lesson { keep_bad: true, ..lesson(folder.path()) };
    let mut teaching = Teaching::start(&config, &sound(), lesson).unwrap();
    let Take::Kept { complaints, .. } = next(&mut teaching) else { panic!("it was wanted") };
    assert_eq!(complaints, reasons);
}

#[test]
fn a_camera_that_goes_away_ends_it_and_leaves_what_was_taken() {
    let (folder, config) = bench();
    let plan = FaultPlan { seed: 5, disconnect: 0.15, away_ns: i64::MAX, ..FaultPlan::default() };
    let mut teaching = Teaching::start(&config, &faulty(plan), lesson(folder.path())).unwrap();
    let mut kept = 0;
    let error = loop {
        match teaching.next(PATIENCE) {
            Ok(Some(Take::Kept { .. })) => kept += 1,
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error.to_string().starts_with("the test camera is lost: "), "{error}");
    drop(teaching);
    let path = folder.path().join("pairs/manifest.csv");
    assert!(kept > 0 && manifest::open(&path).unwrap().len() == kept);
}

#[test]
fn parts_without_frames_are_told_of_and_a_trigger_that_never_comes_is_no_part() {
    let (folder, config) = bench();
    let plan = FaultPlan { drop: 1.0, ..FaultPlan::default() };
    let mut teaching = Teaching::start(&config, &faulty(plan), lesson(folder.path())).unwrap();
    let Take::Refused { has_frames: false, reasons } = next(&mut teaching) else {
        panic!("there are no frames")
    };
    assert_eq!(reasons, ["camera 0: no frame in the part's window"]);
    drop(teaching);
    let config = StationConfig { trigger: crate::station::TriggerConfig::Software, ..config };
    let mut teaching = Teaching::start(&config, &sound(), lesson(folder.path())).unwrap();
    assert_eq!(teaching.next(Duration::from_millis(300)).unwrap(), None);
}

#[test]
fn a_disk_that_takes_no_more_ends_it_and_leaves_what_was_taken() {
    let (folder, config) = bench();
    let mut teaching = Teaching::start(&config, &sound(), lesson(folder.path())).unwrap();
    while !matches!(next(&mut teaching), Take::Kept { .. }) {}
    let frames = folder.path().join("pairs/frames");
    fs::rename(&frames, folder.path().join("pairs/moved")).unwrap();
    fs::write(&frames, "").unwrap();
    let error = loop {
        if let Err(error) = teaching.next(PATIENCE) {
            break error;
        }
    };
    assert!(matches!(error, Error::File(_)), "{error}");
    assert_eq!(manifest::open(&teaching.manifest()).unwrap().len(), 1);
}

#[test]
fn labels_that_the_sheet_does_not_know_are_refused_with_those_that_it_does() {
    let (folder, config) = bench();
    let start = |ids: &[&str]| {
        let label = Label::Faults(ids.iter().map(|id| (*id).to_owned()).collect());
        let lesson = Lesson { label, ..lesson(folder.path()) };
        Teaching::start(&config, &sound(), lesson).map(drop).unwrap_err().to_string()
    };
    assert!(start(&["dent"]).ends_with("known are ok scratch"), "{}", start(&["dent"]));
    assert!(start(&["scratch", "brighter"]).contains("\"brighter\" is an allowed difference"));
    assert!(!folder.path().join("pairs").exists());
}

#[test]
fn two_do_not_take_into_one_folder() {
    let (folder, config) = bench();
    let first = Teaching::start(&config, &sound(), lesson(folder.path())).unwrap();
    let second = Teaching::start(&config, &sound(), lesson(folder.path()));
    let error = second.map(drop).unwrap_err().to_string();
    assert!(error.contains("another capture"), "{error}");
    drop(first);
    Teaching::start(&config, &sound(), lesson(folder.path())).unwrap();
}
