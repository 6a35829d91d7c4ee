use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use syn::visit::{self, Visit};

use super::tables::{PACKAGES, Package};

/// What one room names, each with the first file that does.
#[derive(Default)]
pub(super) struct Named {
    pub(super) crates: BTreeMap<String, PathBuf>,
    pub(super) image_items: BTreeMap<String, PathBuf>,
    pub(super) rooms: BTreeMap<String, PathBuf>,
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

/// The repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crates that a package depends on.
pub(super) fn foreign_crates(package: &Package) -> BTreeSet<String> {
    let manifest = root().join(package.folder).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap();
    dependencies.keys().map(|name| name.replace('-', "_")).collect()
}

/// Every source file below a folder, sorted.
pub(super) fn sources(folder: &Path) -> Vec<PathBuf> {
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
pub(super) fn test_files() -> &'static BTreeSet<PathBuf> {
    static FOUND: OnceLock<BTreeSet<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(find_test_files)
}

fn find_test_files() -> BTreeSet<PathBuf> {
    let all: Vec<PathBuf> =
        PACKAGES.iter().flat_map(|package| sources(&package.source())).collect();
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

/// What a room, a folder or a single file, names outside its tests.
pub(super) fn named_by(package: &Package, room: &str) -> Named {
    let foreign = foreign_crates(package);
    let test_files = test_files();
    let mut named = Named::default();
    let folder = package.source().join(room);
    let files = if folder.is_dir() { sources(&folder) } else { vec![folder.with_extension("rs")] };
    for path in files {
        if test_files.contains(&path) {
            continue;
        }
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        let local = modules_of(&file);
        Paths { foreign: &foreign, local, file: &path, named: &mut named }.visit_file(&file);
    }
    named
}
