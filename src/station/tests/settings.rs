//! What a recipe sets at the cameras, while the line runs.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::rig::*;
use crate::capture::Controls;
use crate::journal::Outcome;
use crate::station::{Command, Station};

/// Both cameras with an exposure and a gain of the station's.
fn start(rig: &Rig) -> Station {
    let mut config = rig.config("deadline_ms = 5000");
    config.capture.cameras.iter_mut().for_each(|camera| camera.controls = of_station());
    let station = rig.start_with(config);
    wait_for(&station, "parts pass", |status| status.counters.conforming >= 3);
    station
}

fn of_station() -> Controls {
    Controls { exposure_us: Some(1_000.0), gain: Some(1), ..Controls::default() }
}

/// Asks again while parts in flight need the recipe before.
fn recipe(station: &Station, name: &str) -> Value {
    let start = Instant::now();
    loop {
        let answer = station.command(Command::Recipe { path: PathBuf::from(name) });
        if !answer["error"].as_str().is_some_and(|error| error.ends_with("try again")) {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "{answer}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn set(rig: &Rig) -> [(Option<f64>, Option<i64>); 2] {
    rig.settings.lock().unwrap().each_ref().map(|set| (set.exposure_us, set.gain))
}

fn pass_on(station: &Station) {
    let before = station.status().counters.conforming;
    wait_for(station, "parts pass", |status| status.counters.conforming >= before + 3);
}

#[test]
fn a_recipe_is_in_force_once_both_cameras_are_set_to_it() {
    let rig = Rig::new();
    let station = start(&rig);
    let answer = recipe(&station, "gain.toml");
    assert_eq!((&answer["ok"], &answer["recipe"]["name"]), (&true.into(), &"gain".into()));
    assert_eq!(answer["controls"][0]["exposure_us"], 4_000.0);
    assert_eq!(set(&rig), [(Some(4_000.0), Some(1)), (Some(1_000.0), Some(7))]);
    pass_on(&station);
    assert_eq!(recipe(&station, "a.toml")["ok"], true);
    assert_eq!(set(&rig), [(Some(1_000.0), Some(1)); 2]);
    pass_on(&station);
    let parts = rig.check(&station.stop().unwrap());
    // What cameras see while they are being set is judged by neither recipe.
    let of_gain = parts.values().filter(|part| part.recipe_sha256 == "sha-gain");
    let first = of_gain.map(|part| &part.outcome).next().unwrap();
    assert!(matches!(first, Outcome::NotInspected { detail, .. } if detail.contains("being set")));
}

#[test]
fn a_camera_that_does_not_take_a_recipe_keeps_both_as_they_were() {
    let rig = Rig::new();
    let station = start(&rig);
    let before = set(&rig);
    for is_gone in [false, true] {
        match is_gone {
            false => rig.stubborn.store(1, Ordering::SeqCst),
            true => {
                rig.stubborn.store(usize::MAX, Ordering::SeqCst);
                rig.script.is_camera_gone.store(true, Ordering::SeqCst);
                wait_for(&station, "degraded", |status| !status.missing.is_empty());
            }
        }
        let answer = recipe(&station, "gain.toml");
        let error = answer["error"].as_str().unwrap();
        let why = if is_gone { "test camera: it is not there" } else { "gain: 1 is read back" };
        assert!(error.contains(why) && error.ends_with("the recipe in force stays"), "{error}");
        rig.stubborn.store(usize::MAX, Ordering::SeqCst);
        rig.script.is_camera_gone.store(false, Ordering::SeqCst);
        wait_for(&station, "all is there", |status| status.missing.is_empty());
        pass_on(&station);
        assert_eq!((set(&rig), station.status().recipe.name.as_str()), (before, "a"));
    }
    rig.check(&station.stop().unwrap());
}

#[test]
fn a_recipe_that_would_keep_what_the_one_before_set_is_refused() {
    let rig = Rig::new();
    let station = rig.start("deadline_ms = 5000");
    // A camera that is not open yet refuses a recipe, too.
    pass_on(&station);
    let answer = recipe(&station, "gain.toml");
    assert_eq!(answer["ok"], true, "{answer}");
    let error = recipe(&station, "a.toml")["error"].to_string();
    assert!(
        error.contains("a.toml: camera.test.controls.exposure_us: set by the recipe in force"),
        "{error}"
    );
    wait_for(&station, "gain", |status| status.recipe.name == "gain");
    rig.check(&station.stop().unwrap());
}
