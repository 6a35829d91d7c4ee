//! The rooms of the library: which foreign crates and which other rooms each may name.
//!
//! The tables are the architecture; `ARCHITECTURE.md` says why. Every path of every source file is
//! parsed, code behind `#[cfg(test)]` excepted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use syn::visit::{self, Visit};

/// Free everywhere; of `image` only the pixel types, see [`PIXEL_TYPES`].
const FREE: [&str; 5] = ["serde", "log", "thiserror", "heapless", "image"];

/// What a room may name of `image` without being listed for all of it.
const PIXEL_TYPES: [&str; 10] = [
    "GrayImage",
    "RgbImage",
    "Luma",
    "Rgb",
    "ImageBuffer",
    "Pixel",
    "imageops",
    "GenericImageView",
    "GenericImage",
    "SubImage",
];

/// The most lines of a source file, tests included.
const MAX_LINES: usize = 500;

/// Room, the foreign crates it may name, the rooms it may name.
const ROOMS: [(&str, &[&str], &[&str]); 14] = [
    ("files", &["tempfile", "sha2"], &[]),
    ("frame", &["image", "fast_image_resize", "serde_json", "zune_jpeg"], &["files"]),
    ("manifest", &["csv"], &["files", "frame"]),
    (
        "clip",
        &[
            "tract_onnx",
            "prost",
            "safetensors",
            "half",
            "tokenizers",
            "rand",
            "serde_json",
            "toml",
            "tempfile",
        ],
        &["files", "frame"],
    ),
    ("diff", &[], &[]),
    ("spec", &["toml", "serde_json"], &["files", "frame", "diff"]),
    ("align", &["rustfft"], &["frame"]),
    ("region", &[], &["frame"]),
    ("verdict", &[], &["diff", "frame", "spec"]),
    ("recipe", &["toml", "serde_json"], &["files", "align", "region", "spec", "verdict"]),
    ("inspect", &[], &["frame", "clip", "align", "region", "diff", "verdict", "spec", "recipe"]),
    ("calibrate", &["statrs", "csv", "toml", "rand"], &["files", "frame", "manifest", "verdict"]),
    (
        "report",
        &["askama", "base64", "image", "embedded_graphics"],
        &["frame", "inspect", "spec", "verdict", "calibrate"],
    ),
    ("cli", &["anyhow", "clap", "env_logger", "indicatif", "serde_json", "toml", "tempfile"], &[]),
];

/// What one room names, each with the first file that does.
#[derive(Default)]
struct Named {
    crates: BTreeMap<String, PathBuf>,
    image_items: BTreeMap<String, PathBuf>,
    rooms: BTreeMap<String, PathBuf>,
}

struct Paths<'a> {
    foreign: &'a BTreeSet<String>,
    /// Modules of this file, which hide a crate of the same name.
    local: BTreeSet<String>,
    file: &'a Path,
    named: &'a mut Named,
}

impl Paths<'_> {
    fn note(&mut self, segments: &[String]) {
        let Some(first) = segments.first() else { return };
        let file = || self.file.to_owned();
        if self.foreign.contains(first) && !self.local.contains(first) {
            self.named.crates.entry(first.clone()).or_insert_with(file);
            if let (true, Some(item)) = (first == "image", segments.get(1)) {
                self.named.image_items.entry(item.clone()).or_insert_with(file);
            }
        }
        if let ("crate", Some(room)) = (first.as_str(), segments.get(1)) {
            self.named.rooms.entry(room.clone()).or_insert_with(file);
        }
    }

    fn note_use(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.note_use(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) => self.note(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.note(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.note_use(tree, before));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_only(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.note_use(&item.tree, &[]);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let derived = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
        if attribute.path().is_ident("derive") {
            attribute
                .parse_args_with(derived)
                .unwrap()
                .iter()
                .for_each(|path| self.visit_path(path));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // One segment is a local name, such as a variable called `half`.
        if segments.len() > 1 {
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }
}

fn is_test_only(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn foreign_crates() -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap();
    dependencies.keys().map(|name| name.replace('-', "_")).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Files that exist for tests alone: those declared with `#[cfg(test)] mod name;`, and all below.
fn test_files() -> &'static BTreeSet<PathBuf> {
    static FOUND: OnceLock<BTreeSet<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(find_test_files)
}

fn find_test_files() -> BTreeSet<PathBuf> {
    let all = sources(&root().join("src"));
    let mut found = BTreeSet::new();
    for path in &all {
        for name in test_modules(path) {
            let (file, folder) = module_places(path, &name);
            found.extend(all.iter().filter(|it| **it == file || it.starts_with(&folder)).cloned());
        }
    }
    found
}

/// The modules that a file declares for tests alone, their content being in other files.
fn test_modules(path: &Path) -> Vec<String> {
    let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
    let names = file.items.iter().filter(|item| is_test_only(item)).filter_map(|item| match item {
        syn::Item::Mod(item) if item.content.is_none() => Some(item.ident.to_string()),
        _ => None,
    });
    names.collect()
}

/// Where the module `name` of `path` is: in this file, or in this folder.
fn module_places(path: &Path, name: &str) -> (PathBuf, PathBuf) {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let folder = match stem {
        "mod" | "lib" | "main" => path.parent().unwrap().to_owned(),
        _ => path.with_extension(""),
    };
    (folder.join(format!("{name}.rs")), folder.join(name))
}

fn modules_of(file: &syn::File) -> BTreeSet<String> {
    let name = |item: &syn::Item| match item {
        syn::Item::Mod(item) => Some(item.ident.to_string()),
        _ => None,
    };
    file.items.iter().filter_map(name).collect()
}

fn named_by(room: &str) -> Named {
    let foreign = foreign_crates();
    let test_files = test_files();
    let mut named = Named::default();
    for path in sources(&root().join("src").join(room)) {
        if test_files.contains(&path) {
            continue;
        }
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        let local = modules_of(&file);
        Paths { foreign: &foreign, local, file: &path, named: &mut named }.visit_file(&file);
    }
    named
}

#[test]
fn every_folder_of_the_library_is_a_listed_room() {
    let listed: BTreeSet<&str> = ROOMS.iter().map(|(room, ..)| *room).collect();
    let test_files = test_files();
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let top = ["lib.rs", "main.rs"].contains(&name) || test_files.contains(&path);
        assert!(top || listed.contains(name), "src/{name} is not in the table of rooms");
    }
}

#[test]
fn a_room_names_only_its_own_foreign_crates() {
    for (room, allowed, _) in ROOMS {
        let named = named_by(room);
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
    for (room, _, upstream) in ROOMS {
        for (other, file) in named_by(room).rooms {
            let own = other == room || room == "cli";
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
    let upstream: BTreeMap<&str, &[&str]> =
        ROOMS.iter().map(|(room, _, rooms)| (*room, *rooms)).collect();
    fn visit(room: &str, upstream: &BTreeMap<&str, &[&str]>, trail: &mut Vec<String>) {
        assert!(!trail.iter().any(|seen| seen == room), "{trail:?} comes back to {room}");
        trail.push(room.to_owned());
        upstream[room].iter().for_each(|next| visit(next, upstream, trail));
        trail.pop();
    }
    ROOMS.iter().for_each(|(room, ..)| visit(room, &upstream, &mut Vec::new()));
}

#[test]
fn every_dependency_is_named_by_some_room() {
    let named: BTreeSet<String> =
        ROOMS.iter().flat_map(|(room, ..)| named_by(room).crates.into_keys()).collect();
    let unused: Vec<String> = foreign_crates().difference(&named).cloned().collect();
    assert!(unused.is_empty(), "Cargo.toml names {unused:?}, and no room does");
}

#[test]
fn what_is_named_as_tests_is_not_in_the_product() {
    let test_files = test_files();
    assert!(test_files.contains(&root().join("src/test_data.rs")), "{test_files:?}");
    for path in sources(&root().join("src")) {
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
    let folders = ["src", "tests", "benches"].map(|name| root().join(name));
    for path in folders.iter().filter(|folder| folder.is_dir()).flat_map(|it| sources(it)) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{}: {lines} lines, at most {MAX_LINES}", path.display());
    }
}

#[test]
fn sources_are_ascii() {
    for path in sources(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().position(|line| !line.is_ascii());
        assert_eq!(line, None, "{}: line (from 0) that is not ASCII", path.display());
    }
}
