//! `[region] views`: crops that are embedded in several views.

use image::imageops::{crop_imm, rotate90};
use pairspec::frame::{Frame, Pixels};
use pairspec::inspect::{Inspector, Opening, Reference};
use pairspec::recipe::Recipe;

use crate::harness::Folder;
use crate::product::{FAULT, part};

/// Reference and test around the fault, as they are and a quarter turn on.
fn pairs() -> [[Frame; 2]; 2] {
    let square = |is_scratched| {
        let whole = part(1, is_scratched);
        crop_imm(&whole, FAULT[0] - 20, FAULT[1] - 20, 64, 64).to_image()
    };
    let frame = |image| Frame::new(Pixels::Gray(image), 8, "a test").unwrap();
    let upright = [square(false), square(true)];
    let turned = upright.each_ref().map(rotate90);
    [upright.map(frame), turned.map(frame)]
}

fn directions(views: u32) -> [Vec<f32>; 2] {
    let folder = Folder::with_product();
    let region =
        format!("[align]\nmode = \"none\"\n\n[region]\nmode = \"frame\"\nviews = {views}\n");
    folder.edit("recipe.toml", "[region]\n", &region);
    let recipe = Recipe::open(&folder.path("recipe.toml")).unwrap();
    let inspector = Inspector::open(recipe, &Opening::default()).unwrap();
    pairs().map(|[reference, test]| {
        let measured = inspector.measure(&Reference::once(reference), &test).unwrap();
        measured.regions[0].difference.vector().to_vec()
    })
}

fn distance([a, b]: &[Vec<f32>; 2]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

#[test]
fn with_its_views_averaged_a_crop_says_the_same_any_way_up() {
    let alone = directions(1);
    assert!(distance(&alone) > 1e-2, "a random model tells which way up: {}", distance(&alone));
    for views in [4, 8] {
        let all = directions(views);
        assert!(distance(&all) < 1e-4, "{views} views: {}", distance(&all));
        assert!(all[0].iter().any(|value| value.abs() > 1e-3), "{views} views differ at all");
    }
}

#[test]
fn one_view_leaves_thresholds_valid_and_several_make_them_stale() {
    let folder = Folder::with_product();
    folder.armed_from(1e-6);
    let arguments = ["inspect", "reference.png", "good.png", "--recipe", "recipe.toml"];
    folder.edit("recipe.toml", "[region]\n", "[region]\nviews = 1\n");
    folder.run(&arguments).exits(0);
    folder.edit("recipe.toml", "views = 1", "views = 4");
    folder.run(&arguments).exits(2).prints(&["region section"]);
    folder.edit("recipe.toml", "views = 4", "views = 3");
    folder.run(&arguments).exits(2).fails(&["[region]: views = 3: 1, 4 or 8"]);
}
