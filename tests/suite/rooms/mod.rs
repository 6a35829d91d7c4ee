//! The rooms of both packages: which foreign crates and which other rooms each may name.
//!
//! The tables are the architecture; `ARCHITECTURE.md` says why. Every path of every source file is
//! parsed, code behind `#[cfg(test)]` excepted.

mod scan;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use scan::{foreign_crates, named_by, root, sources, test_files};
use tables::{FREE, MAX_LINES, PACKAGES, PIXEL_TYPES};

#[test]
fn every_module_of_a_library_is_a_listed_room() {
    for package in &PACKAGES {
        let listed: BTreeSet<&str> = package.rooms.iter().map(|(room, ..)| *room).collect();
        let test_files = test_files();
        for entry in fs::read_dir(package.source()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let top = ["lib", "main"].contains(&name) || test_files.contains(&path);
            assert!(top || listed.contains(name), "{} is in no table of rooms", path.display());
        }
    }
}

#[test]
fn a_room_names_only_its_own_foreign_crates() {
    for (package, (room, allowed, _)) in tables::rooms() {
        let named = named_by(package, room);
        for (name, file) in &named.crates {
            let free = FREE.contains(&name.as_str());
            assert!(free || allowed.contains(&name.as_str()), "{} names {name}", file.display());
        }
        for (item, file) in &named.image_items {
            let free = PIXEL_TYPES.contains(&item.as_str());
            assert!(free || allowed.contains(&"image"), "{} names image::{item}", file.display());
        }
    }
}

#[test]
fn data_flows_one_way_between_rooms() {
    for (package, (room, _, upstream)) in tables::rooms() {
        for (other, file) in named_by(package, room).rooms {
            let own = other == *room || *room == "cli";
            assert!(
                own || upstream.contains(&other.as_str()),
                "{} names crate::{other}",
                file.display()
            );
        }
    }
}

#[test]
fn the_listed_directions_have_no_circle() {
    fn visit(room: &str, upstream: &BTreeMap<&str, &[&str]>, trail: &mut Vec<String>) {
        assert!(!trail.iter().any(|seen| seen == room), "{trail:?} comes back to {room}");
        trail.push(room.to_owned());
        // A package that is built upon cannot name what is built on it.
        let known = upstream.get(room).copied();
        known.unwrap_or_default().iter().for_each(|next| visit(next, upstream, trail));
        trail.pop();
    }
    for package in &PACKAGES {
        let upstream: BTreeMap<&str, &[&str]> =
            package.rooms.iter().map(|(room, _, rooms)| (*room, *rooms)).collect();
        let all = package.rooms.iter().flat_map(|(_, _, rooms)| rooms.iter());
        let is_listed =
            |room: &&str| upstream.contains_key(room) || package.brought_in.contains(room);
        assert!(all.clone().all(is_listed), "{all:?}");
        package.rooms.iter().for_each(|(room, ..)| visit(room, &upstream, &mut Vec::new()));
    }
}

#[test]
fn every_dependency_is_named_by_some_room() {
    for package in &PACKAGES {
        let rooms = package.rooms.iter();
        let named: BTreeSet<String> =
            rooms.flat_map(|(room, ..)| named_by(package, room).crates.into_keys()).collect();
        let all = foreign_crates(package);
        let is_unused =
            |name: &&String| !named.contains(*name) && !package.unnamed.contains(&name.as_str());
        let unused: Vec<&String> = all.iter().filter(is_unused).collect();
        assert!(unused.is_empty(), "{}: {unused:?} in no room", package.folder);
    }
}

#[test]
fn what_is_named_as_tests_is_not_in_the_product() {
    let test_files = test_files();
    assert!(test_files.contains(&root().join("src/test_data.rs")), "{test_files:?}");
    for path in PACKAGES.iter().flat_map(|package| sources(&package.source())) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let is_named = stem == "tests" || stem.starts_with("test_") || stem.ends_with("_tests");
        assert!(
            !is_named || test_files.contains(&path),
            "{} is named as tests and compiled without cfg(test)",
            path.display()
        );
    }
}

#[test]
fn no_source_file_is_longer_than_a_reader_can_hold() {
    let folders =
        ["src", "tests", "benches", "finetune/src", "vision/src"].map(|name| root().join(name));
    for path in folders.iter().filter(|folder| folder.is_dir()).flat_map(|it| sources(it)) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{}: {lines} lines, at most {MAX_LINES}", path.display());
    }
}

#[test]
fn sources_are_ascii() {
    for path in PACKAGES.iter().flat_map(|package| sources(&package.source())) {
        // The words of a language are written in it.
        if path.ends_with("panel/locale/ja.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().position(|line| !line.is_ascii());
        assert_eq!(line, None, "{}: line (from 0) that is not ASCII", path.display());
    }
}
