use std::collections::BTreeMap;

use anyhow::ensure;

use crate::frame::Frame;
use crate::manifest::{Label, Pair};

/// Refuses pairs of which nobody says what is wrong with them.
pub(crate) fn check_any(pairs: &[Pair], by_region: bool) -> anyhow::Result<()> {
    let has_boxes = pairs.iter().any(|pair| pair.boxes.is_some());
    if by_region {
        ensure!(has_boxes, "no pair has boxes to tell regions by; add a column boxes");
    }
    ensure!(
        has_boxes || pairs.iter().any(|pair| pair.label.is_some()),
        "no pair is labelled, so there is nothing to count; add a column label (ok or spec ids) or boxes"
    );
    Ok(())
}

/// What to say of labels that are no id of a sentence that can be violated, if there are any.
pub(crate) fn unknown(pairs: &[Pair], spec_ids: &[String], by_region: bool) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for class in pairs.iter().flat_map(|pair| classes(pair, by_region)) {
        if !spec_ids.iter().any(|id| id == class) {
            *counts.entry(class).or_default() += 1;
        }
    }
    if counts.is_empty() {
        return None;
    }
    let listed: Vec<String> =
        counts.iter().map(|(class, count)| format!("{class:?} ({count})")).collect();
    Some(format!(
        "labels that are no fault or requirement of the sheet count as faults of no sentence: {}",
        listed.join(", ")
    ))
}

/// The faults that a study counts: boxes by region, else what is said of the pair.
fn classes(pair: &Pair, by_region: bool) -> Vec<&str> {
    match &pair.label {
        Some(Label::Conforming) if !by_region => Vec::new(),
        Some(Label::Faults(faults)) if !by_region => faults.iter().map(String::as_str).collect(),
        _ => pair.boxes.iter().flatten().map(|labelled| labelled.class.as_str()).collect(),
    }
}

/// What to say of each box that is not within its frame.
pub(crate) fn outside(pair: &Pair, frame: &Frame) -> Vec<String> {
    let (width, height) = (frame.width(), frame.height());
    let boxes = pair
        .boxes
        .iter()
        .flatten()
        .filter(|labelled| labelled.rect.right() > width || labelled.rect.bottom() > height);
    let told = boxes.map(|labelled| {
        let (rect, class, id) = (labelled.rect, &labelled.class, &pair.id);
        let corners = format!("{} {} {} {}", rect.x, rect.y, rect.right(), rect.bottom());
        format!("{id}: box {corners} {class}: not within the {width}x{height} pixels of its frame")
    });
    told.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use crate::frame::Pixels;
    use crate::manifest;
    use image::GrayImage;

    use super::*;

    fn pairs(more: &str, rows: &[&str]) -> Vec<Pair> {
        let text = format!("pair_id,ref_path,test_path{more}\n{}\n", rows.join("\n"));
        manifest::parse(text.as_bytes(), Path::new("m.csv")).unwrap()
    }

    #[test]
    fn pairs_without_any_label_are_refused() {
        let refusal =
            |pairs: &[Pair], by_region| check_any(pairs, by_region).unwrap_err().to_string();
        let bare = pairs("", &["1,r,t"]);
        assert!(refusal(&bare, false).contains("no pair is labelled"));
        assert!(refusal(&pairs(",label", &["1,r,t,"]), false).contains("no pair is labelled"));
        let labelled = pairs(",label", &["1,r,t,", "2,r,t,ok"]);
        check_any(&labelled, false).unwrap();
        assert!(refusal(&labelled, true).contains("boxes"));
        check_any(&pairs(",boxes", &["1,r,t,"]), true).unwrap();
    }

    #[test]
    fn labels_that_match_no_sentence_are_counted() {
        let ids = ["open".to_owned(), "short".to_owned()];
        let labels = pairs(",label", &["1,r,t,open|banana", "2,r,t,banana", "3,r,t,ok"]);
        assert!(unknown(&labels, &ids, false).unwrap().ends_with(": \"banana\" (2)"));
        let boxes = pairs(",label,boxes", &["1,r,t,banana,1 1 2 2 open|1 1 2 2 pear"]);
        assert!(unknown(&boxes, &ids, true).unwrap().ends_with(": \"pear\" (1)"));
        assert!(unknown(&pairs(",label", &["1,r,t,short"]), &ids, false).is_none());
    }

    #[test]
    fn a_box_beyond_its_frame_is_told_with_its_pair() {
        let frame = Frame::new(Pixels::Gray(GrayImage::new(20, 10)), 8, "f").unwrap();
        let boxes = "a,r,t,0 0 20 10 in|0 0 21 10 wide|30 2 40 9 off|0 0 20 4294967295 deep";
        let found = outside(&pairs(",boxes", &[boxes])[0], &frame);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].starts_with("a: box 30 2 40 9 off: not within the 20x10 pixels"));
    }
}
