//! Readers of what people write, and of what the commands write for one another.

use std::fs;
use std::path::{Path, PathBuf};

use pairspec::recipe::{GoldenList, MadeWith, Recipe, ThresholdFile};
use pairspec::spec::{Cache, ClassList, Prompt, Sheet};
use pairspec::verdict::{Thresholds, UnexplainedLimits};
use pairspec::{calibrate, manifest};

use super::Reader;

const MANIFEST: &str = "pair_id,group,ref_path,test_path,label,boxes\n\
    1,a,r/1.png,t/1.png,open|short,10 12 30 40 open|5 6 9 9 short\n\
    2,a,r/2.png,t/2.png,ok,\n\
    \"3, or so\",b,r/3.png,./t/3.png,,1 2 3 4 spur\n";
const SHEET: &str = "[[spec]]\nid = 'open'\nkind = 'fault'\nsentence = ['a trace is broken', 'cut']\n\
    severity = 'critical'\nlabel = { en = 'Open' }\n\n[[spec]]\nid = 'mark'\nkind = 'requirement'\n\
    sentence = 'the mark is there'\nregion = [10, 20, 30, 40]\n\
    comparative = { weight = 0.9, partners = [{ id = 'open', difference = 'no copper' }] }\n\n\
    [[spec]]\nid = 'brighter'\nkind = 'allowed'\nsentence = 'the picture is brighter'\n";
const CLASSES: &str = "margin = 0.02\n[[class]]\nid = 'left'\nsentence = 'a left bracket'\n\
    [[class]]\nid = 'right'\nsentence = ['a right bracket', 'right']\n";
const RECIPE: &str = "name = 'plate'\nbundle = '../bundle'\nspecs = 'specs.toml'\n\
    cache = 'specs.cache'\nthresholds = 'thresholds.toml'\n\
    variant = { classes = 'classes.toml', expect = 'left' }\n\
    [align]\nmode = 'local'\nmax_shift_px = 24.0\nmax_residual = 0.4\n\
    [photo]\nprofile = 'grey'\nmin_mean = 20.0\nmax_mean = 200.0\nmax_edge_width_px = 3.0\n\
    [region]\nmode = 'changes'\ncrop_px = 64\nmin_contrast = 12\nmax_regions = 100\n";
const GOLDENS: &str = "format = 1\n[[golden]]\nfile = 'goldens/3f2a.png'\nlabel = 'ok'\n\
    sha256 = '5555555555555555555555555555555555555555555555555555555555555555'\n\
    taken = 2026-05-01\nexpires = 2027-05-01\n[[golden]]\nfile = 'goldens/aa.jpg'\n\
    label = 'open|short'\ntaken = 2026-05-02\nwithdrawn = 2026-06-01\n\
    sha256 = '6666666666666666666666666666666666666666666666666666666666666666'\n";
const TILES: &str = "pair_id,split,x0,y0,label,classes\n1,train,0,0,ok,\n1,train,208,0,ng,open|short\n\
    2,train,416,416,edge,\n";
const PREDICTIONS: &str = "pair_id,x1,y1,x2,y2,confidence,spec\n1,10,20,40,60,0.125,open\n\
    2,0,0,640,640,1,pin-hole\n\"3, or so\",1,2,3,4,1.1754944e-38,spur\n";

pub(super) fn readers(folder: &Path) -> Vec<Reader> {
    let tiles = folder.join("tiles.csv");
    let predictions = folder.join("predictions.csv");
    let mut cache =
        Reader::new("spec cache", vec![cache()], |bytes| Cache::parse(bytes, "cache").is_ok());
    cache.is_summed = true;
    vec![
        Reader::new("manifest", vec![MANIFEST.into()], accepts_manifest),
        Reader::new("spec sheet", vec![SHEET.into()], |bytes| {
            text(bytes).is_some_and(|it| Sheet::parse(it, "sheet").is_ok_and(|it| digests(&it)))
        }),
        Reader::new("class list", vec![CLASSES.into()], |bytes| {
            text(bytes).is_some_and(|it| ClassList::parse(it, "classes").is_ok())
        }),
        cache,
        Reader::new("recipe", vec![RECIPE.into()], |bytes| {
            text(bytes).is_some_and(|it| Recipe::check_text(it, Path::new("recipe")).is_ok())
        }),
        Reader::new("goldens", vec![GOLDENS.into()], accepts_goldens),
        Reader::new("thresholds", vec![thresholds()], accepts_thresholds),
        Reader::new("tiles", vec![TILES.into()], move |bytes| {
            calibrate::read_tiles(&file(&tiles, bytes), Some(224)).is_ok()
        }),
        Reader::new("predictions", vec![PREDICTIONS.into()], move |bytes| {
            let rows = calibrate::read_predictions(&file(&predictions, bytes));
            rows.is_ok_and(|rows| {
                let is_sound = |confidence: f32| confidence > 0.0 && confidence <= 1.0;
                assert!(rows.iter().all(|row| is_sound(row.confidence) && !row.rect.is_empty()));
                true
            })
        }),
    ]
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn file(path: &Path, bytes: &[u8]) -> PathBuf {
    fs::write(path, bytes).unwrap();
    path.to_owned()
}

fn accepts_manifest(bytes: &[u8]) -> bool {
    let folder = Path::new("set");
    let Ok(pairs) = manifest::parse(bytes, &folder.join("manifest.csv")) else { return false };
    for pair in &pairs {
        for path in [&pair.reference, &pair.test] {
            let climbs = path.components().any(|part| part.as_os_str() == "..");
            assert!(path.starts_with(folder) && !climbs, "{} leaves the folder", path.display());
        }
        assert!(pair.boxes.iter().flatten().all(|labelled| !labelled.rect.is_empty()));
    }
    true
}

fn accepts_goldens(bytes: &[u8]) -> bool {
    let folder = Path::new("set");
    let list = text(bytes).map(|it| GoldenList::parse(it, &folder.join("recipe.goldens.toml")));
    let Some(Ok(list)) = list else { return false };
    for golden in list.goldens() {
        let climbs = golden.path.components().any(|part| part.as_os_str() == "..");
        assert!(golden.path.starts_with(folder.join("goldens")) && !climbs, "{golden:?}");
        let today = "2026-05-10".parse().unwrap();
        assert!(golden.age_days(today).is_some());
        assert!(!golden.state(today).is_in_force(), "there is no such file");
    }
    true
}

fn digests(sheet: &Sheet) -> bool {
    Prompt::digest(&sheet.prompts()).len() == 64
}

fn accepts_thresholds(bytes: &[u8]) -> bool {
    let Some(Ok(file)) = text(bytes).map(|text| ThresholdFile::parse(text, "thresholds")) else {
        return false;
    };
    let sheet = Sheet::parse(SHEET, "sheet").unwrap();
    let Ok(limits) = file.limits_for(&made_with(), &sheet, Path::new("thresholds")) else {
        return false;
    };
    assert!(limits.armed.values().all(|limit| *limit > 0.0 && *limit <= 1.0), "{limits:?}");
    true
}

fn made_with() -> MadeWith {
    let [vision_sha256, text_sha256, prompts_sha256, sections_sha256] =
        ["1", "2", "3", "4"].map(|digit| digit.repeat(64));
    MadeWith { vision_sha256, text_sha256, prompts_sha256, sections_sha256 }
}

fn thresholds() -> Vec<u8> {
    let limits = Thresholds {
        armed: [("open".to_owned(), 0.25)].into(),
        unarmed: [("mark".to_owned(), "no example".to_owned())].into(),
        unexplained: Some(UnexplainedLimits { size: 0.75, cosine: 0.5 }),
    };
    let evidence = "folds = 4\nauroc = 0.97\n[specs.open]\nbad = 120\n".parse().unwrap();
    toml::to_string(&ThresholdFile::new(made_with(), limits, evidence)).unwrap().into_bytes()
}

fn cache() -> Vec<u8> {
    let sheet = Sheet::parse(SHEET, "sheet").unwrap();
    let vectors: Vec<Vec<f32>> =
        (0..3).map(|at| (0..8).map(|it| f32::from(it == at)).collect()).collect();
    let sums = ["5".repeat(64), "6".repeat(64)];
    Cache::new(&sheet.prompts(), &vectors, sums).unwrap().to_bytes()
}
