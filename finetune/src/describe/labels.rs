use std::path::Path;

use pairspec::frame::Rect;
use pairspec::manifest::Pair;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::{Difference, Error, OwnMeanings};
use crate::labelled::Labelled;

/// The key of what is said of a conforming pair.
const UNCHANGED: &str = "unchanged";

/// What the labels of a manifest say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// In the order of the manifest.
    pub differences: Vec<Difference>,
    /// Pairs left out because nothing is known about them.
    pub unlabelled: usize,
}

/// Describes labelled pairs by templates, test against reference.
///
/// Each box gives `per_box` sentences of its class and as many of the requirement that the class
/// violates; a label without boxes gives the same for the whole frame. A conforming pair gives
/// `per_box` sentences that say so, with the key `unchanged`: a manifest does not tell which allowed
/// differences a pair has. Each names its frames relative to `folder`, the manifest's. No sentence names a place, since only who cuts a crop knows where in it a
/// box is. A pair depends on `seed` and its position alone.
///
/// # Errors
/// [`Error::UnknownClass`], [`Error::Contradiction`] and [`Error::Unlabelled`].
pub fn from_labels(
    (pairs, folder): (&[Pair], &Path),
    own: &OwnMeanings,
    (seed, per_box): (u64, usize),
) -> Result<Described, Error> {
    let mut described = Described { differences: Vec::new(), unlabelled: 0 };
    for (index, pair) in pairs.iter().enumerate() {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(index as u64);
        let name =
            |path: &Path| path.strip_prefix(folder).ok().and_then(Path::to_str).map(str::to_owned);
        let Some(classes) = classes(pair)? else {
            described.unlabelled += 1;
            continue;
        };
        for (class, bounds) in classes {
            for _ in 0..per_box {
                let said = own.say(class, &mut random).ok_or_else(|| Error::UnknownClass {
                    class: class.to_owned(),
                    pair: pair.id.clone(),
                })?;
                described.differences.extend(said.into_iter().map(|difference| Difference {
                    pair_id: pair.id.clone(),
                    bounds,
                    reference: name(&pair.reference),
                    test: name(&pair.test),
                    ..difference
                }));
            }
        }
    }
    if described.unlabelled == pairs.len() {
        return Err(Error::Unlabelled { pairs: pairs.len() });
    }
    Ok(described)
}

/// A class, and the box around it if it has one.
type Class<'a> = (&'a str, Option<[u32; 4]>);

/// What a pair is labelled with, and where; none if nobody labelled it.
fn classes(pair: &Pair) -> Result<Option<Vec<Class<'_>>>, Error> {
    match Labelled::of(pair) {
        Labelled::Nothing => Ok(None),
        Labelled::Conforming => Ok(Some(vec![(UNCHANGED, None)])),
        Labelled::Somewhere(faults) => {
            Ok(Some(faults.into_iter().map(|fault| (fault, None)).collect()))
        }
        Labelled::Boxed(boxes) => {
            let bounds = |rect: Rect| [rect.x, rect.y, rect.right(), rect.bottom()];
            Ok(Some(boxes.into_iter().map(|(class, rect)| (class, Some(bounds(rect)))).collect()))
        }
        Labelled::Contradiction(boxes) => {
            Err(Error::Contradiction { pair: pair.id.clone(), boxes })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use pairspec::manifest;

    use super::*;
    use crate::describe::{Sense, find};

    fn described(rows: &str, own: &OwnMeanings) -> Result<Described, Error> {
        let text = format!("pair_id,ref_path,test_path,label,boxes\n{rows}");
        let pairs = manifest::parse(text.as_bytes(), Path::new("m.csv")).unwrap();
        from_labels((&pairs, Path::new("")), own, (5, 2))
    }

    #[test]
    fn boxes_give_faults_and_the_requirements_they_violate() {
        let own = OwnMeanings::default();
        let all = described("p,r,t,,1 2 30 40 open|5 6 7 8 copper\n", &own).unwrap().differences;
        let keys: Vec<_> = all.iter().map(|it| it.key.as_deref().unwrap()).collect();
        let (open, copper) =
            (["open", "requires-continuous-trace"], ["copper", "requires-bare-ground"]);
        assert_eq!(keys, [open, open, copper, copper].concat());
        assert_eq!(all[0].bounds, Some([1, 2, 30, 40]));
        assert_eq!(
            [&all[0].reference, &all[0].test].map(|it| it.as_deref()),
            [Some("r"), Some("t")]
        );
        for difference in &all {
            assert_eq!(difference.pair_id, "p");
            let meaning = find(difference.key.as_deref().unwrap()).unwrap();
            assert_eq!(difference.sense, Some(meaning.sense));
            let sentence = difference.sentence.trim_end_matches('.').to_owned();
            assert!(meaning.phrasings().contains(&sentence), "{sentence}");
        }
        assert_eq!((all[0].sense, all[1].sense), (Some(Sense::Fault), Some(Sense::Requirement)));
    }

    #[test]
    fn labels_without_boxes_speak_of_the_frame_and_conforming_pairs_of_no_change() {
        let own = OwnMeanings::default();
        let all = described("1,r,t,open|scratch,\n2,r,t,ok,\n3,r,t,,\n", &own).unwrap();
        assert!(all.differences.iter().all(|it| it.bounds.is_none()));
        let of = |id: &str| -> Vec<_> {
            let of = all.differences.iter().filter(|it| it.pair_id == id);
            of.map(|it| it.key.as_deref().unwrap()).collect()
        };
        assert_eq!(of("1").len(), 8);
        assert_eq!(of("1")[4], "scratch");
        assert_eq!((of("2"), of("3")), (vec![UNCHANGED; 2], vec![UNCHANGED; 2]));
    }

    #[test]
    fn unknown_classes_are_named_until_they_have_a_sentence() {
        let row = "9,r,t,,1 2 3 4 warped\n";
        let mut own = OwnMeanings::default();
        let message = described(row, &own).unwrap_err().to_string();
        assert!(message.contains("\"warped\" of pair 9") && message.contains("--class warped="));
        own.add_class("warped=the board is warped").unwrap();
        let all = described(row, &own).unwrap().differences;
        assert_eq!(all[0].sentence, "the board is warped");
        assert_eq!(all.len(), 2, "nobody said what it requires");
    }

    #[test]
    fn pairs_without_labels_are_counted_and_contradictions_refused() {
        let own = OwnMeanings::default();
        let parse = |text: &str| manifest::parse(text.as_bytes(), Path::new("m")).unwrap();
        let pairs = parse("pair_id,ref_path,test_path,label\n1,r,t,\n2,r,t,ok\n");
        assert_eq!(from_labels((&pairs, Path::new("")), &own, (1, 1)).unwrap().unlabelled, 1);
        let error = from_labels((&pairs[..1], Path::new("")), &own, (1, 1)).unwrap_err();
        assert!(matches!(error, Error::Unlabelled { pairs: 1 }));
        let error = described("1,r,t,ok,1 2 3 4 open\n", &own).unwrap_err();
        assert!(matches!(error, Error::Contradiction { boxes: 1, .. }));
    }

    #[test]
    fn one_seed_says_the_same_and_a_pair_does_not_depend_on_the_others() {
        let own = OwnMeanings::default();
        let both = described("1,r,t,,1 2 3 4 open\n2,r,t,,1 2 3 4 spur\n", &own).unwrap();
        let other = described("1,r,t,,\n2,r,t,,1 2 3 4 spur\n", &own).unwrap();
        assert_eq!(both.differences[4..], other.differences[2..]);
    }
}
