use super::{Sample, Truth, TruthBox, Unjudged};
use crate::frame::Rect;
use crate::manifest::{Label, LabelledBox, Pair};

/// A region that touches a labelled box grown by this many pixels is no example of conforming.
const CLEARANCE_PX: u32 = 4;

/// One judged region, by the sentences that can be violated.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedUnit {
    /// The tight box of what differs.
    pub tight: Rect,
    /// In the order of the spec ids, each 0 to 1.
    pub confidences: Vec<f32>,
    /// Length of the difference embedding.
    pub size: f32,
    /// Highest cosine of any sentence.
    pub best_cosine: f32,
}

/// The units of one pair and where each lies.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Units {
    /// What is counted.
    pub samples: Vec<Sample>,
    /// The place of each sample.
    pub places: Vec<Rect>,
}

/// What labelled boxes say of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionLabel<'a> {
    /// Its centre lies in this box, the smallest where boxes overlap.
    Fault(&'a LabelledBox),
    /// It touches no box grown by 4 px.
    Conforming,
    /// Beside a box: an example of neither.
    Unclear,
}

impl<'a> RegionLabel<'a> {
    /// Labels the region whose differing pixels lie in `tight`.
    pub fn of(tight: &Rect, boxes: &'a [LabelledBox]) -> Self {
        let around = boxes.iter().filter(|it| it.rect.contains(tight.centre()));
        match around.min_by_key(|it| it.rect.area()) {
            Some(smallest) => Self::Fault(smallest),
            None if touches(tight, boxes) => Self::Unclear,
            None => Self::Conforming,
        }
    }
}

/// One unit per region, labelled by the boxes as [`RegionLabel::of`] does, unclear ones left out; a
/// box that no region is centred in is a faulty unit with confidence 0, since whoever looks nowhere
/// passes the part.
pub fn region_units(index: usize, pair: &Pair, judged: &[JudgedUnit], ids: &[String]) -> Units {
    let boxes = boxes_of(pair);
    let mut reached = vec![false; boxes.len()];
    let mut units = Units::default();
    for unit in judged {
        for (labelled, reached) in boxes.iter().zip(&mut reached) {
            *reached |= labelled.rect.contains(unit.tight.centre());
        }
        let truth = match RegionLabel::of(&unit.tight, boxes) {
            RegionLabel::Fault(labelled) => truth_of(&labelled.class, ids),
            RegionLabel::Unclear => Truth::Skip,
            RegionLabel::Conforming => Truth::Conforming,
        };
        units.push(sample(index, pair, truth, unit), unit.tight);
    }
    for (labelled, _) in boxes.iter().zip(&reached).filter(|(_, reached)| !**reached) {
        let truth = truth_of(&labelled.class, ids);
        let unseen = unseen(labelled.rect, ids);
        units.push(sample(index, pair, truth, &unseen), labelled.rect);
    }
    units
}

/// One unit for the whole pair: each sentence's highest confidence in any region, and size and
/// cosine of the region that changed most. Labelled by `label`, else by whether it has boxes; left
/// out when it has neither.
pub fn pair_units(index: usize, pair: &Pair, judged: &[JudgedUnit], ids: &[String]) -> Units {
    let place = judged.iter().map(|unit| unit.tight).reduce(|all, next| all.union(&next));
    let mut whole = unseen(place.unwrap_or(Rect::new(0, 0, 0, 0)), ids);
    for unit in judged {
        for (highest, confidence) in whole.confidences.iter_mut().zip(&unit.confidences) {
            *highest = highest.max(*confidence);
        }
        if unit.size > whole.size {
            (whole.size, whole.best_cosine) = (unit.size, unit.best_cosine);
        }
    }
    let mut units = Units::default();
    // The baseline counts the whole frame, whatever the regions.
    let everywhere = Rect::new(0, 0, u32::MAX, u32::MAX);
    units.push(sample(index, pair, pair_truth(pair, ids), &whole), everywhere);
    units
}

/// What a pair that was not inspected stands for: its boxes, or the pair as a whole.
///
/// With units by region a pair without boxes stands for one conforming unit, so that it is not
/// lost from the rates.
pub fn unjudged(index: usize, pair: &Pair, ids: &[String], by_region: bool) -> Vec<Unjudged> {
    let boxes = boxes_of(pair);
    if by_region && !boxes.is_empty() {
        let one = |it: &LabelledBox| Unjudged { pair: index, truth: truth_of(&it.class, ids) };
        return boxes.iter().map(one).collect();
    }
    vec![Unjudged { pair: index, truth: pair_truth(pair, ids) }]
}

/// The labelled boxes whose class is a spec.
pub fn truth_boxes(index: usize, pair: &Pair, ids: &[String]) -> Vec<TruthBox> {
    let known = |it: &LabelledBox| {
        let class = ids.iter().position(|id| *id == it.class)?;
        Some(TruthBox { pair: index, rect: it.rect, class })
    };
    boxes_of(pair).iter().filter_map(known).collect()
}

impl Units {
    fn push(&mut self, sample: Sample, place: Rect) {
        self.samples.push(sample);
        self.places.push(place);
    }
}

fn boxes_of(pair: &Pair) -> &[LabelledBox] {
    pair.boxes.as_deref().unwrap_or_default()
}

fn touches(tight: &Rect, boxes: &[LabelledBox]) -> bool {
    boxes.iter().any(|it| !it.rect.grown(CLEARANCE_PX).intersection(tight).is_empty())
}

fn truth_of(class: &str, ids: &[String]) -> Truth {
    match ids.iter().position(|id| id == class) {
        Some(spec) => Truth::Fault(spec),
        None => Truth::FaultOther(class.to_owned()),
    }
}

/// Of several labelled faults the first that a spec names.
fn pair_truth(pair: &Pair, ids: &[String]) -> Truth {
    let first = |classes: &[&str]| {
        let known = classes.iter().find(|class| ids.iter().any(|id| id == *class));
        known.or(classes.first()).map_or(Truth::Skip, |class| truth_of(class, ids))
    };
    match (&pair.label, &pair.boxes) {
        (Some(Label::Conforming), _) => Truth::Conforming,
        (Some(Label::Faults(faults)), _) => {
            first(&faults.iter().map(String::as_str).collect::<Vec<_>>())
        }
        (None, None) => Truth::Skip,
        (None, Some(boxes)) if boxes.is_empty() => Truth::Conforming,
        (None, Some(boxes)) => first(&boxes.iter().map(|it| it.class.as_str()).collect::<Vec<_>>()),
    }
}

/// A place that nothing was said about.
fn unseen(tight: Rect, ids: &[String]) -> JudgedUnit {
    JudgedUnit { tight, confidences: vec![0.0; ids.len()], size: 0.0, best_cosine: 0.0 }
}

fn sample(index: usize, pair: &Pair, truth: Truth, unit: &JudgedUnit) -> Sample {
    Sample {
        pair: index,
        group: pair.group.clone().unwrap_or_default(),
        truth,
        confidences: unit.confidences.clone(),
        size: unit.size,
        best_cosine: unit.best_cosine,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn ids() -> Vec<String> {
        vec!["open".to_owned(), "short".to_owned()]
    }

    fn pair(boxes: &[(Rect, &str)]) -> Pair {
        let boxes = boxes
            .iter()
            .map(|(rect, class)| LabelledBox { rect: *rect, class: (*class).to_owned() })
            .collect();
        Pair {
            id: "1".to_owned(),
            reference: PathBuf::new(),
            test: PathBuf::new(),
            group: Some("g".to_owned()),
            label: None,
            boxes: Some(boxes),
        }
    }

    fn judged(tight: Rect, confidences: [f32; 2]) -> JudgedUnit {
        JudgedUnit { tight, confidences: confidences.to_vec(), size: 0.5, best_cosine: 0.2 }
    }

    #[test]
    fn a_region_beside_a_box_is_an_example_of_neither() {
        let boxes = pair(&[(Rect::new(100, 100, 30, 30), "open")]).boxes.unwrap_or_default();
        let of = |x| RegionLabel::of(&Rect::new(x, 100, 20, 20), &boxes);
        assert_eq!(of(105), RegionLabel::Fault(&boxes[0]));
        assert_eq!((of(132), of(135)), (RegionLabel::Unclear, RegionLabel::Conforming));
    }

    #[test]
    fn a_region_is_bad_in_a_box_conforming_far_from_all_and_left_out_near_one() {
        let pair = pair(&[(Rect::new(100, 100, 20, 20), "short")]);
        let regions = [
            judged(Rect::new(105, 105, 10, 10), [0.1, 0.9]),
            judged(Rect::new(124, 100, 10, 10), [0.1, 0.1]),
            judged(Rect::new(123, 100, 10, 10), [0.1, 0.1]),
        ];
        let truths: Vec<Truth> = region_units(0, &pair, &regions, &ids())
            .samples
            .into_iter()
            .map(|it| it.truth)
            .collect();
        assert_eq!(truths, [Truth::Fault(1), Truth::Conforming, Truth::Skip]);
    }

    #[test]
    fn a_box_that_no_region_reaches_is_a_faulty_unit_with_confidence_zero() {
        let pair = pair(&[(Rect::new(0, 0, 9, 9), "open"), (Rect::new(50, 50, 9, 9), "dent")]);
        let units = region_units(3, &pair, &[], &ids());
        assert_eq!(units.samples[0].truth, Truth::Fault(0));
        assert_eq!(units.samples[0].confidences, [0.0, 0.0]);
        assert_eq!(units.samples[1].truth, Truth::FaultOther("dent".to_owned()));
        assert_eq!(units.places[1], Rect::new(50, 50, 9, 9));
    }

    #[test]
    fn the_smallest_of_overlapping_boxes_labels_the_region() {
        let pair = pair(&[(Rect::new(0, 0, 90, 90), "open"), (Rect::new(10, 10, 9, 9), "short")]);
        let units = region_units(0, &pair, &[judged(Rect::new(12, 12, 4, 4), [0.0; 2])], &ids());
        assert_eq!(units.samples.len(), 1, "both boxes are reached");
        assert_eq!(units.samples[0].truth, Truth::Fault(1));
    }

    #[test]
    fn a_pair_is_one_unit_with_the_highest_confidences() {
        let regions =
            [judged(Rect::new(0, 0, 4, 4), [0.1, 0.9]), judged(Rect::new(9, 9, 4, 4), [0.8, 0.2])];
        let units = pair_units(0, &pair(&[(Rect::new(0, 0, 4, 4), "open")]), &regions, &ids());
        assert_eq!(units.samples[0].confidences, [0.8, 0.9]);
        assert_eq!(units.samples[0].truth, Truth::Fault(0));
        assert_eq!(pair_units(0, &pair(&[]), &[], &ids()).samples[0].truth, Truth::Conforming);
    }

    #[test]
    fn a_pair_that_was_not_inspected_stands_for_its_faults() {
        let faulty = pair(&[(Rect::new(0, 0, 4, 4), "open"), (Rect::new(9, 9, 4, 4), "short")]);
        assert_eq!(unjudged(0, &faulty, &ids(), true).len(), 2);
        assert_eq!(unjudged(0, &faulty, &ids(), false).len(), 1);
        let good = unjudged(0, &pair(&[]), &ids(), true);
        assert_eq!(good, [Unjudged { pair: 0, truth: Truth::Conforming }]);
    }

    #[test]
    fn a_label_says_more_than_boxes() {
        let mut labelled = pair(&[]);
        labelled.label = Some(Label::Faults(vec!["dent".to_owned(), "short".to_owned()]));
        assert_eq!(pair_truth(&labelled, &ids()), Truth::Fault(1));
        labelled.label = None;
        labelled.boxes = None;
        assert_eq!(pair_truth(&labelled, &ids()), Truth::Skip);
    }
}
