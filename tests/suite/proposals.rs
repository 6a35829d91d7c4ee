//! Change proposals on DeepPCB: how many of its labelled faults they reach, without any model.
//!
//! Shared by the suite, which takes a sample, and `cargo bench --bench proposals`, which takes all.
//! The data set is found by the environment variable `PAIRSPEC_DEEPPCB`, a folder with
//! `manifest.csv`; it is not part of the repository.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pairspec::frame::{Frame, Rect};
use pairspec::manifest::{self, Pair};
use pairspec::region::{Region, RegionConfig, regions};

/// The overlap that counts as found in what is published on this data set.
const FOUND_IOU: f32 = 0.33;

/// What proposals reach of one kind of fault, or of all.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Reached {
    /// Labelled boxes.
    pub(crate) boxes: usize,
    /// Those with a region centred in them.
    pub(crate) centred: usize,
    /// Those that a region overlaps by more than a third.
    pub(crate) overlapped: usize,
}

impl Reached {
    /// Share of the boxes with a region centred in them, in per cent.
    pub(crate) fn centred_percent(&self) -> f64 {
        100.0 * self.centred as f64 / self.boxes.max(1) as f64
    }

    /// Share of the boxes that a region overlaps by more than a third, in per cent.
    pub(crate) fn overlapped_percent(&self) -> f64 {
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
pub(crate) struct Summary {
    /// Pairs.
    pub(crate) pairs: usize,
    /// Regions of all pairs.
    pub(crate) regions: usize,
    /// Regions centred in no box.
    pub(crate) benign: usize,
    /// All kinds of fault together.
    pub(crate) all: Reached,
    /// By kind of fault.
    pub(crate) kinds: BTreeMap<String, Reached>,
    /// Time spent in proposals alone.
    pub(crate) time: Duration,
}

impl Summary {
    /// Regions per pair.
    pub(crate) fn regions_per_pair(&self) -> f64 {
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
        let boxes = pair.boxes.as_deref().unwrap_or_default();
        let in_a_box =
            |region: &Region| boxes.iter().any(|label| label.rect.contains(region.tight.centre()));
        self.benign += found.regions.iter().filter(|region| !in_a_box(region)).count();
        for label in boxes {
            self.all.count(label.rect, &found.regions);
            self.kinds.entry(label.class.clone()).or_default().count(label.rect, &found.regions);
        }
    }
}

/// The data set's pairs, if it is here; `name` says in a SKIP line what goes without them.
pub(crate) fn pairs(name: &str) -> Option<Vec<Pair>> {
    let folder = crate::test_data::deeppcb(name)?;
    Some(manifest::open(&folder.join("manifest.csv")).expect("the manifest of the data set"))
}

/// What the proposals of the default configuration reach on `pairs`.
pub(crate) fn measure<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> Summary {
    let mut summary = Summary::default();
    for pair in pairs {
        summary.add(pair, &RegionConfig::default());
    }
    summary
}

#[test]
fn change_proposals_reach_the_faults_of_real_boards() {
    let name = "change_proposals_reach_the_faults_of_real_boards";
    let Some(pairs) = pairs(name) else { return };
    let summary = measure(pairs.iter().step_by(17));
    assert!(summary.pairs >= 50, "{} pairs", summary.pairs);
    assert!(summary.all.centred_percent() >= 98.5, "{summary:?}");
    assert!(summary.all.overlapped_percent() >= 97.5, "{summary:?}");
    assert!(summary.regions_per_pair() <= 13.0, "{summary:?}");
}
