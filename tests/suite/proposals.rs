//! Change proposals on DeepPCB: how many of its labelled faults they reach, without any model.
//!
//! Shared by the suite, which takes a sample, and `cargo bench --bench proposals`, which takes all.
//! The data set is found by the environment variable `PAIRSPEC_DEEPPCB`, a folder with
//! `manifest.csv`; it is not part of the repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pairspec::frame::{Frame, Rect};
use pairspec::region::{Region, RegionConfig, regions};

/// The overlap that counts as found in what is published on this data set.
const FOUND_IOU: f32 = 0.33;

/// What proposals reach of one kind of fault, or of all.
#[derive(Debug, Default, Clone, Copy)]
pub struct Reached {
    /// Labelled boxes.
    pub boxes: usize,
    /// Those with a region centred in them.
    pub centred: usize,
    /// Those that a region overlaps by more than a third.
    pub overlapped: usize,
}

impl Reached {
    /// Share of the boxes with a region centred in them, in per cent.
    pub fn centred_percent(&self) -> f64 {
        100.0 * self.centred as f64 / self.boxes.max(1) as f64
    }

    /// Share of the boxes that a region overlaps by more than a third, in per cent.
    pub fn overlapped_percent(&self) -> f64 {
        100.0 * self.overlapped as f64 / self.boxes.max(1) as f64
    }

    fn count(&mut self, label: Rect, regions: &[Region]) {
        let any = |holds: &dyn Fn(&Region) -> bool| usize::from(regions.iter().any(holds));
        self.boxes += 1;
        self.centred += any(&|region| label.contains(region.tight.centre()));
        self.overlapped += any(&|region| label.iou(&region.tight) > FOUND_IOU);
    }
}

/// What proposals reach on a set of pairs.
#[derive(Debug, Default)]
pub struct Summary {
    /// Pairs.
    pub pairs: usize,
    /// Regions of all pairs.
    pub regions: usize,
    /// Regions centred in no box.
    pub benign: usize,
    /// All kinds of fault together.
    pub all: Reached,
    /// By kind of fault.
    pub kinds: BTreeMap<String, Reached>,
    /// Time spent in proposals alone.
    pub time: Duration,
}

impl Summary {
    /// Regions per pair.
    pub fn regions_per_pair(&self) -> f64 {
        self.regions as f64 / self.pairs.max(1) as f64
    }

    fn add(&mut self, pair: &Pair, config: &RegionConfig) {
        let reference = Frame::open(&pair.reference).expect("a frame of the data set");
        let test = Frame::open(&pair.test).expect("a frame of the data set");
        let start = Instant::now();
        let found = regions(&reference, &test, test.bounds(), config).expect("an aligned pair");
        self.time += start.elapsed();
        self.pairs += 1;
        self.regions += found.regions.len() + found.omitted;
        let in_a_box = |region: &Region| {
            pair.boxes.iter().any(|(label, _)| label.contains(region.tight.centre()))
        };
        self.benign += found.regions.iter().filter(|region| !in_a_box(region)).count();
        for (label, kind) in &pair.boxes {
            self.all.count(*label, &found.regions);
            self.kinds.entry(kind.clone()).or_default().count(*label, &found.regions);
        }
    }
}

/// One line of the manifest.
#[derive(Debug)]
pub struct Pair {
    /// The board; neighbouring pairs of one share their template.
    pub group: String,
    reference: PathBuf,
    test: PathBuf,
    boxes: Vec<(Rect, String)>,
}

/// The data set's folder, if there is one here.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os("PAIRSPEC_DEEPPCB")
        .map(PathBuf::from)
        .filter(|folder| folder.join("manifest.csv").is_file())
}

/// All pairs of the manifest in `folder`.
pub fn pairs(folder: &Path) -> Vec<Pair> {
    let mut reader = csv::Reader::from_path(folder.join("manifest.csv")).expect("a manifest");
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    let pair = |row: BTreeMap<String, String>| Pair {
        group: row["group"].clone(),
        reference: folder.join(&row["ref_path"]),
        test: folder.join(&row["test_path"]),
        boxes: row["boxes"].split('|').map(labelled).collect(),
    };
    rows.map(|row| pair(row.expect("a row of the manifest"))).collect()
}

/// What the proposals of the default configuration reach on `pairs`.
pub fn measure<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> Summary {
    let mut summary = Summary::default();
    for pair in pairs {
        summary.add(pair, &RegionConfig::default());
    }
    summary
}

/// `x1 y1 x2 y2 class`.
fn labelled(text: &str) -> (Rect, String) {
    let mut words = text.split(' ');
    let mut side = || words.next().and_then(|word| word.parse().ok()).expect("a side of a box");
    let label = Rect::from_corners(side(), side(), side(), side());
    (label, words.next().expect("the kind of a box").to_owned())
}

#[test]
fn change_proposals_reach_the_faults_of_real_boards() {
    let Some(folder) = folder() else {
        println!(
            "SKIP change_proposals_reach_the_faults_of_real_boards: PAIRSPEC_DEEPPCB is not set"
        );
        return;
    };
    let summary = measure(pairs(&folder).iter().step_by(17));
    assert!(summary.pairs >= 50, "{} pairs", summary.pairs);
    assert!(summary.all.centred_percent() >= 98.5, "{summary:?}");
    assert!(summary.all.overlapped_percent() >= 97.5, "{summary:?}");
    assert!(summary.regions_per_pair() <= 13.0, "{summary:?}");
}
