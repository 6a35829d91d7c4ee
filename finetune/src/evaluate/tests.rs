use pairspec::diff::Difference;

use super::embedded::Embedded;
use super::question::judge;
use super::sentences::Sentences;

const DIMENSIONS: usize = 6;

fn axis(index: usize, sign: f32) -> Vec<f32> {
    let mut unit = vec![0.0; DIMENSIONS];
    unit[index] = sign;
    unit
}

/// A crop whose test frame moved from axis 5 toward `to`; sound if nowhere.
fn crop(class: Option<usize>, to: Option<usize>, is_validation: bool) -> Embedded {
    let reference = axis(5, 1.0);
    let mut test = reference.clone();
    if let Some(to) = to {
        test[to] = 0.75;
        test[5] = (1.0_f32 - 0.75 * 0.75).sqrt();
    }
    let difference = Difference::between(&reference, &test).unwrap();
    Embedded { class, is_validation, frames: [reference, test], difference }
}

fn sentences() -> Sentences {
    Sentences {
        faults: vec![axis(0, 1.0), axis(1, 1.0)],
        requirements: vec![Some(axis(0, -1.0)), None],
        states: vec![axis(0, 1.0), axis(1, 1.0), axis(5, 1.0)],
    }
}

fn classes() -> Vec<String> {
    ["open", "short"].map(str::to_owned).to_vec()
}

fn crops(to: impl Fn(usize) -> usize) -> Vec<Embedded> {
    let of = |class: Option<usize>| {
        let to = class.map(&to);
        (0..10).map(move |index| crop(class, to, index % 2 == 0))
    };
    [Some(0), Some(1), None].into_iter().flat_map(of).collect()
}

#[test]
fn differences_along_their_own_sentences_are_all_right() {
    let found = judge(&crops(|class| class), &sentences(), (&classes(), (10.0, 2.0), 3)).unwrap();
    assert_eq!((found.faults, found.sound, found.refused), (20, 10, 3));
    assert_eq!(found.kind.rate(), Some(1.0));
    assert_eq!(found.differences.faults.rate(), Some(1.0));
    assert_eq!(
        (found.differences.requirements.count(), found.differences.requirements.of()),
        (10, 10)
    );
    assert_eq!(found.auroc.unwrap().value, 1.0);
    assert_eq!(found.classes[0].requirement.unwrap().value, 1.0);
    assert!(found.classes[1].requirement.is_none());
    assert_eq!(found.classes[1].ranking.frames.unwrap().value, 1.0);
    assert_eq!(found.zero_shot.rate(), Some(1.0));
    assert!(found.comparative.is_none(), "nothing is confused");
    assert_eq!(found.analogies.unwrap().rate(), Some(1.0));
}

#[test]
fn differences_along_other_sentences_are_all_wrong() {
    let swapped =
        judge(&crops(|class| 1 - class), &sentences(), (&classes(), (10.0, 2.0), 0)).unwrap();
    assert_eq!(swapped.kind.rate(), Some(0.0));
    assert_eq!(swapped.zero_shot.count(), 10, "sound ones");
    assert_eq!(swapped.auroc.unwrap().value, 1.0, "that something happened is still seen");
    let comparative = swapped.comparative.unwrap();
    assert_eq!(comparative.pairs, [["open".to_owned(), "short".to_owned()]]);
    assert_eq!((comparative.before.of(), comparative.before.count()), (10, 0));
    // An analogy needs no sentence.
    assert_eq!(swapped.analogies.unwrap().rate(), Some(1.0));
}
