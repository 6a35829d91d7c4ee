use std::os::unix::fs::symlink;

use super::*;
use crate::capture::{Controls, FourCc, Timestamps};

/// A node that is a file, a stable link to it, and a machine that has it with one format.
struct Bench {
    folder: tempfile::TempDir,
    machine: Machine,
}

fn camera(source: Source) -> CameraConfig {
    CameraConfig {
        source,
        width: 640,
        height: 480,
        period_ns: 1,
        formats: ["Y10 ", "GREY"].map(|name| FourCc::try_from(name.to_owned()).unwrap()).to_vec(),
        sample_bits: None,
        timestamps: Timestamps::Driver,
        controls: Controls::default(),
    }
}

impl Bench {
    fn with(format: &str, sizes: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = folder.path().canonicalize().unwrap().join("video3");
        std::fs::write(&node, "").unwrap();
        symlink(&node, folder.path().join("by-path")).unwrap();
        let found = CameraNode {
            path: node.clone(),
            stable: vec![folder.path().join("by-path")],
            card: "eye".to_owned(),
            bus_info: "usb-1".to_owned(),
            formats: vec![(
                FourCc::try_from(format.to_owned()).unwrap(),
                sizes.iter().map(|size| (*size).to_owned()).collect(),
            )],
        };
        let machine = Machine { cameras: vec![(node, Ok(found))], ..Machine::default() };
        Self { folder, machine }
    }

    fn fact(&self, source: Source) -> Fact {
        one_camera(0, &camera(source), &self.machine)
    }

    fn linked(&self) -> Fact {
        self.fact(Source::Device(self.folder.path().join("by-path")))
    }
}

#[test]
fn a_camera_that_offers_what_is_wanted_is_found_by_its_link_and_by_its_plug() {
    let known = Bench::with("GREY", &["320x240", "640x480"]);
    for fact in [known.linked(), known.fact(Source::Bus("usb-1".to_owned()))] {
        assert_eq!(fact.state, State::Good, "{}", fact.text);
        assert!(fact.text.contains("eye") && fact.text.ends_with("GREY 640x480"), "{}", fact.text);
    }
    let range = Bench::with("Y10 ", &["2x2 to 4096x4096 in steps of 2x2"]);
    assert_eq!(range.linked().state, State::Good);
}

#[test]
fn a_camera_that_offers_something_else_is_lacking_with_what_it_offers() {
    for (known, fact) in [
        (Bench::with("GREY", &["320x240"]), "GREY is offered in 320x240, not in 640x480"),
        (Bench::with("H264", &["640x480"]), "offers H264, none of which is wanted (Y10 GREY)"),
    ] {
        let found = known.linked();
        assert_eq!(found.state, State::Lacking);
        assert!(found.text.replace(", GREY", " GREY").contains(fact), "{}", found.text);
    }
}

#[test]
fn a_camera_that_is_not_there_is_answered_with_those_that_are() {
    let known = Bench::with("GREY", &["640x480"]);
    let stable = known.folder.path().join("by-path").display().to_string();
    for source in [Source::Device("/dev/absent".into()), Source::Bus("usb-2".to_owned())] {
        let found = known.fact(source);
        assert!(found.state == State::Lacking && found.text.contains(&stable), "{}", found.text);
    }
    let none = Bench { machine: Machine::default(), ..known };
    let found = none.linked();
    assert!(found.text.contains("captures no video; this box has no camera"), "{}", found.text);
}

#[test]
fn a_camera_that_may_not_be_opened_says_why() {
    let mut known = Bench::with("GREY", &["640x480"]);
    known.machine.cameras[0].1 = Err("permission denied; its group is video".to_owned());
    let found = known.linked();
    assert!(found.state == State::Lacking && found.text.contains("its group is video"));
}

#[test]
fn a_socket_needs_a_folder_and_a_path_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(socket(&folder.path().join("s")).state, State::Good);
    assert_eq!(socket(&folder.path().join("absent/s")).state, State::Lacking);
    let long = socket(&folder.path().join("x".repeat(120)));
    assert!(long.state == State::Lacking && long.text.contains("at most 107"), "{}", long.text);
}

#[test]
fn a_camera_by_its_number_is_warned_of_with_the_name_that_stays() {
    let known = Bench::with("GREY", &["640x480"]);
    let node = known.machine.cameras[0].1.as_ref().unwrap();
    let numbered = camera(Source::Device("/dev/video3".into()));
    let (state, text) = offers(node, &numbered).unwrap();
    assert_eq!(state, State::Warning);
    assert!(text.contains("by-path\"") && text.contains("name it by device = "), "{text}");
}

#[cfg(feature = "mqtt")]
#[test]
fn a_place_where_delivered_results_cannot_be_noted_is_lacking() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let fact = |cursor: &str| {
        let text = format!("[mqtt]\nbroker = 'b'\ncursor_file = '{cursor}'");
        let raw: crate::plant::RawPlant = toml::from_str(&text).unwrap();
        let config = raw.validate(folder.path(), folder.path(), "a").unwrap();
        super::cursor(&config.mqtt.unwrap())
    };
    assert_eq!(fact("cursor.json").state, State::Good);
    let lacking = fact("file/cursor.json");
    assert_eq!(lacking.state, State::Lacking);
    assert!(lacking.text.starts_with("plant.mqtt.cursor_file: "), "{}", lacking.text);
}
