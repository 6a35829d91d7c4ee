//! The whole way over real line-scan pairs, with a model that means nothing: only what does not
//! depend on its weights is stated.

use crate::harness::Folder;
use crate::test_data::deeppcb;

const KINDS: [&str; 6] = ["open", "short", "mousebite", "spur", "copper", "pin-hole"];
const PAIRS: usize = 16;

/// A product with the six kinds of fault, and every 60th real pair in its manifest.
fn boards(data: &std::path::Path) -> Folder {
    let folder = Folder::with_product();
    std::os::unix::fs::symlink(data, folder.path("data")).unwrap();
    let manifest = std::fs::read_to_string(data.join("manifest.csv")).unwrap();
    let manifest = manifest.replace(",trainval/", ",data/trainval/");
    let header = manifest.lines().take(1);
    let rows = header.chain(manifest.lines().skip(1).step_by(60).take(PAIRS));
    folder.write("manifest.csv", rows.collect::<Vec<_>>().join("\n"));
    let specs = KINDS.map(|kind| {
        format!("[[spec]]\nid = \"{kind}\"\nkind = \"fault\"\nsentence = \"there is a {kind}\"\n")
    });
    folder.write("specs.toml", specs.concat()).edit("recipe.toml", "crop_px = 32", "crop_px = 64");
    folder.run(&["specs", "embed", "specs.toml", "--model", "bundle"]).exits(0);
    folder
}

#[test]
fn real_boards_go_all_the_way_through_evaluation() {
    let Some(data) = deeppcb("real_boards_go_all_the_way_through_evaluation") else { return };
    let folder = boards(&data);
    let arguments = ["evaluate", "manifest.csv", "--recipe", "recipe.toml", "--json"];
    let more = ["--tiles", "data/tiles_224.csv", "--predictions", "p.csv"];
    let found = folder.run(&[&arguments[..], &more].concat()).exits(0).json();
    assert_eq!((&found["unit"], &found["pairs"]), (&"region".into(), &PAIRS.into()));
    assert_eq!(found["pairs_not_inspected"], 0, "{found}");
    assert!(found["tiles"]["ng"].as_u64() > Some(30), "{found}");
    assert!(folder.text("p.csv").lines().count() > PAIRS, "every board has faults to look at");
}
