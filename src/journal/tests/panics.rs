use super::*;
use crate::journal::IMAGES;
use crate::journal::test_panics::{Place, panic_at};

/// Judges a part, waits until it is settled, twice; each number has the outcome it was given.
fn judged_through(place: Place, panics: u64) -> (BTreeMap<u64, String>, crate::journal::Health) {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    judge_one(&writer);
    flush(&writer);
    panic_at(folder.path(), place, panics);
    (0..3).for_each(|_| judge_one(&writer));
    flush(&writer);
    judge(&writer, Outcome::Mismatch);
    flush(&writer);
    let health = writer.health();
    writer.close().unwrap();
    (outcomes(folder.path()), health)
}

#[test]
fn a_panic_while_writing_loses_no_record_and_is_counted() {
    for place in [Place::BeforeCommit, Place::AfterCommit] {
        for panics in [1, 2] {
            let (outcomes, health) = judged_through(place, panics);
            let expected = ["Conforming"; 4].into_iter().chain(["Mismatch"]);
            assert!(outcomes.values().map(String::as_str).eq(expected), "{place:?}: {outcomes:?}");
            assert_eq!((health.restarts, health.fault), (panics, None), "{place:?}");
            assert_eq!((health.dropped_parts, health.refused), (0, 0), "{place:?}");
        }
    }
}

#[test]
fn records_that_panic_again_and_again_are_given_up_and_told_as_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    judge_one(&writer);
    flush(&writer);
    panic_at(folder.path(), Place::BeforeCommit, 3);
    let lost = judge(&writer, Outcome::Mismatch);
    flush(&writer);
    let kept = judge(&writer, Outcome::Conforming);
    flush(&writer);
    let health = writer.health();
    assert_eq!((health.restarts, health.dropped_parts), (3, 1), "{health:?}");
    writer.close().unwrap();
    let gaps = gaps(folder.path());
    assert!(
        gaps.iter().any(|gap| gap.mismatch == 1 && gap.cause.contains("on purpose")),
        "{gaps:?}"
    );
    let outcomes = outcomes(folder.path());
    assert_eq!(outcomes[&kept], "Conforming");
    // It is not forgotten that there was such a part.
    assert_ne!(outcomes.get(&lost).map(String::as_str), Some("Mismatch"));
}

#[test]
fn a_journal_that_only_panics_still_closes() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    judge_one(&writer);
    flush(&writer);
    panic_at(folder.path(), Place::BeforeCommit, u64::MAX);
    judge_one(&writer);
    let error = writer.close().unwrap_err().to_string();
    panic_at(folder.path(), Place::BeforeCommit, 0);
    assert!(error.contains("on purpose"), "{error}");
    Writer::open(folder.path(), settings()).unwrap().close().unwrap();
    assert_eq!(verify(folder.path()).broken, None);
}

#[test]
fn a_panic_over_an_image_costs_that_image_alone() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    panic_at(&folder.path().join(IMAGES), Place::Image, 1);
    for seed in [1, 2] {
        let number = judge(&writer, Outcome::Mismatch);
        assert!(writer.keep(number, true, pair(seed)));
        flush(&writer);
    }
    let health = writer.health();
    assert_eq!((health.restarts, health.parts_without_images), (1, 1));
    assert_eq!(health.image_fault, None, "the next image was written");
    writer.close().unwrap();
    assert_eq!(verify(folder.path()).images, 2);
}
