//! Recipes, sheets, manifests, thresholds, caches and tables that are cut, altered, stale or a trick.

use std::fs;

use pairspec::calibrate;

use crate::harness::{Folder, Run};

const PAIR: &str = "1,reference.png,good.png";

fn inspect(folder: &Folder) -> Run {
    folder.run(&["inspect", "reference.png", "good.png", "--recipe", "recipe.toml"])
}

fn batch(folder: &Folder) -> Run {
    folder.run(&["batch", "manifest.csv", "--recipe", "recipe.toml"])
}

/// A product whose file was changed by `change`, with limits that everything passes.
fn with(name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Folder {
    let folder = Folder::with_product();
    folder.armed_from(1.0);
    let content = change(folder.read(name));
    folder.write(name, content);
    folder
}

fn first_half(mut content: Vec<u8>) -> Vec<u8> {
    content.truncate(content.len() / 2);
    content
}

#[test]
fn a_cut_or_altered_cache_is_refused() {
    inspect(&with("specs.cache", first_half)).fails(&["specs.cache", "cut or altered"]);
    inspect(&with("specs.cache", |_| Vec::new())).fails(&["specs.cache", "not a cache"]);
    inspect(&with("specs.cache", |_| b"\x89PNG\r\n\x1a\n".to_vec())).fails(&["specs.cache"]);
    for at in [20, 200, 400] {
        let flip = |mut content: Vec<u8>| {
            content[at] ^= 1;
            content
        };
        inspect(&with("specs.cache", flip)).fails(&["specs.cache", "cut or altered"]);
    }
}

#[test]
fn a_cut_recipe_or_sheet_is_refused() {
    inspect(&with("recipe.toml", |_| b"name = \"pl".to_vec())).fails(&["recipe.toml", "line 1"]);
    inspect(&with("recipe.toml", |_| Vec::new())).fails(&["recipe.toml", "missing field"]);
    inspect(&with("specs.toml", first_half)).fails(&["specs.toml"]);
    inspect(&with("specs.toml", |_| Vec::new())).fails(&["specs.toml", "no [[spec]]"]);
}

#[test]
fn text_in_another_encoding_is_refused_with_its_place() {
    let latin = |content: Vec<u8>| [content, b"# 5 \xb5m\n".to_vec()].concat();
    inspect(&with("recipe.toml", latin)).fails(&["recipe.toml", "not UTF-8"]);
    inspect(&with("specs.toml", latin)).fails(&["specs.toml", "not UTF-8"]);
}

#[test]
fn a_file_far_too_large_is_refused_before_it_is_read() {
    let huge = |content: Vec<u8>| [content, vec![b'#'; 5 << 20]].concat();
    inspect(&with("recipe.toml", huge)).fails(&["recipe.toml", "is this the right file?"]);
    let folder = with("specs.cache", |_| Vec::new());
    // A hole: terabytes that take no room on the disk.
    fs::File::create(folder.path("specs.cache")).unwrap().set_len(1 << 40).unwrap();
    inspect(&folder).fails(&["specs.cache", "1099511627776 bytes"]);
}

#[test]
fn values_that_cannot_be_are_refused_by_key() {
    for (key, fact) in [
        ("crop_px = 0", "crop_px"),
        ("crop_px = -1", "invalid value"),
        ("crop_px = 99999999999", "invalid value"),
        ("max_regions = 0", "max_regions"),
        ("mode = \"everywhere\"", "unknown variant"),
    ] {
        let folder = Folder::with_product();
        folder.edit("recipe.toml", "crop_px = 32\ntile_stride_px = 24", key);
        inspect(&folder).fails(&["recipe.toml", fact]);
    }
    for (section, key) in [("align", "max_shift_px = nan"), ("photo", "min_mean = -inf")] {
        let folder = Folder::with_product();
        folder.edit("recipe.toml", "[region]", &format!("[{section}]\n{key}\n[region]"));
        inspect(&folder).fails(&["recipe.toml", key.split(' ').next().unwrap()]);
    }
}

#[test]
fn a_recipe_names_only_files_below_its_folder() {
    for path in ["../specs.toml", "/etc/passwd", "a/../../specs.toml", ""] {
        let folder = Folder::with_product();
        folder.edit("recipe.toml", "specs.toml", path);
        inspect(&folder).fails(&["must be relative and stay below"]);
    }
}

#[test]
fn a_manifest_names_only_files_below_its_folder() {
    for path in ["../good.png", "/dev/stdin", "a/../../good.png", "", "good.png/../../x"] {
        let folder = Folder::with_product();
        folder.armed_from(1.0).manifest("", &[PAIR, &format!("2,reference.png,{path}")]);
        batch(&folder).fails(&["manifest.csv, line 3", "must be relative and stay below"]);
    }
}

#[test]
fn a_cut_or_foreign_manifest_is_refused() {
    let folder = Folder::with_product();
    folder.armed_from(1.0);
    for (content, fact) in [
        (&b""[..], "no pairs"),
        (b"pair_id,ref_path,test_path\n", "no pairs"),
        (b"pair_id,ref_path\n1,a\n", "test_path"),
        (b"pair_id,ref_path,test_path\n1,reference.png\n", "line: 2"),
        (
            b"pair_id,ref_path,test_path\n1,reference.png,good.png\n1,reference.png,good.png\n",
            "twice",
        ),
        (b"pair_id,ref_path,test_path\n1,reference.png,\xff.png\n", "UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "manifest.csv"),
    ] {
        folder.write("manifest.csv", content);
        batch(&folder).fails(&["manifest.csv", fact]);
    }
}

#[test]
fn a_manifest_from_a_spreadsheet_is_read() {
    let folder = Folder::with_product();
    let text = format!("\u{feff}pair_id,ref_path,test_path\r\n{PAIR}\r\n");
    folder.armed_from(1.0).write("manifest.csv", text);
    batch(&folder).exits(0);
}

#[test]
fn damaged_thresholds_let_nothing_pass() {
    let name = "recipe.thresholds.toml";
    inspect(&with(name, first_half)).exits(2).prints(&["NOT INSPECTED: ", name]);
    inspect(&with(name, |_| Vec::new())).exits(2).prints(&["NOT INSPECTED: ", name]);
    for (from, to, fact) in [
        ("mark = 1.0", "mark = nan", "mark = NaN"),
        ("mark = 1.0", "mark = 1.5", "mark = 1.5"),
        ("mark = 1.0", "mark = 0.0", "mark = 0"),
        ("mark = 1.0", "", "no threshold for spec \"mark\""),
        ("mark = 1.0", "mark = 1.0\nother = 0.5", "\"other\""),
        ("format = 1", "format = 9", "this version reads 1"),
    ] {
        let folder = Folder::with_product();
        folder.armed_from(1.0).edit(name, from, to);
        inspect(&folder).exits(2).prints(&["NOT INSPECTED: ", name, fact]);
    }
}

#[test]
fn thresholds_of_another_sheet_or_recipe_let_nothing_pass() {
    for (sum, what) in [
        ("vision_sha256", "vision file"),
        ("text_sha256", "text tower"),
        ("prompts_sha256", "spec sheet"),
        ("sections_sha256", "align, photo or region section"),
    ] {
        let folder = Folder::with_product();
        folder.armed_from(1.0);
        folder.edit("recipe.thresholds.toml", &format!("{sum} = \""), &format!("{sum} = \"x"));
        inspect(&folder).exits(2).prints(&["made with another", what, "pairspec calibrate"]);
    }
}

#[test]
fn a_table_of_tiles_is_refused_with_its_line() {
    let folder = Folder::with_product();
    folder.armed_from(1.0).manifest(",label", &[&format!("{PAIR},ok")]);
    let head = "pair_id,x0,y0,label,classes\n1,0,0,ok,\n";
    for (row, fact) in [
        ("1,0,0,maybe,", "line 3: label"),
        ("1,-5,0,ok,", "line 3: \"-5\" is not a number"),
        ("1,99999999999,0,ok,", "line 3"),
        ("1,0", "line 3"),
    ] {
        folder.write("tiles.csv", format!("{head}{row}\n"));
        let arguments =
            ["evaluate", "manifest.csv", "--recipe", "recipe.toml", "--tiles", "tiles.csv"];
        folder.run(&arguments).fails(&["tiles.csv", fact]);
    }
}

#[test]
fn a_table_of_predictions_is_refused_with_its_line() {
    let folder = Folder::new();
    let head = "pair_id,x1,y1,x2,y2,confidence,spec\n1,0,0,9,9,0.5,open\n";
    for (row, fact) in [
        ("1,0,0,0,9,0.5,open", "line 3: box"),
        ("1,0,0,9,9,2,open", "line 3: confidence 2"),
        ("1,0,0,9,9,nan,open", "line 3: confidence NaN"),
        ("1,0,0,9", "line 3"),
    ] {
        folder.write("p.csv", format!("{head}{row}\n"));
        let error = calibrate::read_predictions(&folder.path("p.csv")).unwrap_err().to_string();
        assert!(error.contains("p.csv") && error.contains(fact), "{row}: {error}");
    }
}

#[test]
fn a_class_list_that_tells_nothing_apart_is_refused() {
    let folder = Folder::with_product();
    for (text, fact) in [
        ("[[class]]\nid = 'a'\nsentence = 'x'\n", "alone"),
        (
            "margin = nan\n[[class]]\nid = 'a'\nsentence = 'x'\n[[class]]\nid = 'b'\nsentence = 'y'\n",
            "margin",
        ),
        ("[[class]]\nid = 'a'\nsentence = 'x'\n[[class]]\nid = 'a'\nsentence = 'y'\n", "twice"),
        ("[[clas", "line 1"),
    ] {
        folder.write("classes.toml", text);
        let run = folder.run(&["identify", "classes.toml", "good.png", "--model", "bundle"]);
        run.fails(&["classes.toml", fact]);
    }
}

#[test]
fn a_variant_that_is_no_class_is_refused() {
    let folder = Folder::with_product();
    folder.armed_from(1.0).expecting("middle");
    inspect(&folder).fails(&["recipe.toml", "\"middle\" is no class"]);
}
