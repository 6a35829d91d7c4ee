//! Paths that name no regular file: no command waits for ever, and none replaces a device.
use std::os::unix::fs::{FileTypeExt, symlink};
use std::process::Command;

use crate::harness::Folder;

/// Names of things in the folder that are no files, with what is said of them.
fn oddities(folder: &Folder) -> [(&'static str, &'static str); 5] {
    std::fs::create_dir(folder.path("folder")).unwrap();
    let made = Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap();
    assert!(made.success());
    symlink("/dev/zero", folder.path("endless")).unwrap();
    symlink("loop", folder.path("loop")).unwrap();
    symlink("nowhere", folder.path("dangling")).unwrap();
    [
        ("folder", "is a directory"),
        ("pipe", "is a pipe"),
        ("endless", "is a device"),
        ("loop", "cannot open"),
        ("dangling", "cannot open"),
    ]
}

#[test]
fn frames_that_are_no_files_are_not_inspected() {
    let folder = Folder::with_product();
    folder.armed_from(1.0);
    for (name, fact) in oddities(&folder) {
        let run = folder.run(&["inspect", "reference.png", name, "--recipe", "recipe.toml"]);
        run.exits(2).prints(&["NOT INSPECTED: ", name, fact]);
    }
}

#[test]
fn texts_and_tables_that_are_no_files_are_refused() {
    let folder = Folder::with_product();
    folder.manifest("", &["1,reference.png,good.png"]);
    for (name, fact) in oddities(&folder) {
        let recipe = ["--recipe", "recipe.toml"];
        for arguments in [
            vec!["inspect", "reference.png", "good.png", "--recipe", name],
            [&["batch", name], &recipe[..]].concat(),
            [&["evaluate", "manifest.csv", "--tiles", name], &recipe[..]].concat(),
            vec!["specs", "embed", name, "--model", "bundle"],
            vec!["identify", name, "good.png", "--model", "bundle"],
        ] {
            folder.run(&arguments).fails(&[name, fact]);
        }
        folder.run(&["model", "info", name]).fails(&[name]);
        folder.run(&["model", "import", name, "-o", "made"]).fails(&[name]);
    }
    assert!(!folder.path("made").exists());
}

#[test]
fn parts_of_a_product_that_are_no_files_are_refused() {
    for part in
        ["specs.toml", "specs.cache", "bundle/vision.onnx", "bundle/preprocessor_config.json"]
    {
        let folder = Folder::with_product();
        let path = folder.path(part);
        std::fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let run = folder.run(&["inspect", "reference.png", "good.png", "--recipe", "recipe.toml"]);
        run.fails(&[part, "is a pipe"]);
    }
}

#[test]
fn a_link_to_a_frame_is_a_frame() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    symlink("good.png", folder.path("link.png")).unwrap();
    folder.run(&["inspect", "reference.png", "link.png", "--recipe", "recipe.toml"]).exits(0);
}

#[test]
fn output_never_replaces_what_is_no_file() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6).manifest("", &["1,reference.png,good.png"]);
    for (name, fact) in &oddities(&folder)[..3] {
        let before = std::fs::symlink_metadata(folder.path(name)).unwrap().file_type();
        let run = folder.run(&["batch", "manifest.csv", "--recipe", "recipe.toml", "--out", name]);
        run.fails(&[name, fact]);
        assert_eq!(std::fs::symlink_metadata(folder.path(name)).unwrap().file_type(), before);
    }
    assert!(std::fs::metadata("/dev/zero").unwrap().file_type().is_char_device());
}
