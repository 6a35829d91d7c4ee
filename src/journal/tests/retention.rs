use std::fs;
use std::num::NonZeroU32;
use std::thread;
use std::time::Instant;

use rusqlite::Connection;

use super::*;
use crate::journal::{DATABASE, EvidenceShare, IMAGES, Retention};

/// Looks for what may be forgotten all the time.
fn eager(retention: Retention) -> Settings {
    Settings { retention, tidy_every: Duration::from_millis(1), ..settings() }
}

fn images(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for sub in fs::read_dir(folder.join(IMAGES)).unwrap() {
        let files = fs::read_dir(sub.unwrap().path()).unwrap();
        names.extend(files.map(|file| file.unwrap().file_name().into_string().unwrap()));
    }
    names.sort();
    names
}

fn wait(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(1));
    }
}

/// Twenty parts with images, every fourth a failure; the bytes of one part's images.
fn fill(folder: &Path) -> u64 {
    let writer = Writer::open(folder, settings()).unwrap();
    for number in 1..=20 {
        let is_failure = number % 4 == 0;
        let outcome = if is_failure { Outcome::Mismatch } else { Outcome::Conforming };
        judge(&writer, outcome);
        assert!(writer.keep(number, is_failure, pair(number as u32)));
    }
    writer.close().unwrap();
    let database = Connection::open(folder.join(DATABASE)).unwrap();
    database.query_row("SELECT SUM(bytes) / 20 FROM images", [], |row| row.get(0)).unwrap()
}

#[test]
fn the_quota_takes_old_passes_first_and_the_chain_holds() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fill(folder.path());
    assert_eq!(images(folder.path()).len(), 40);
    let image_bytes = 10 * bytes;
    let retention = Retention { image_bytes, ..Retention::default() };
    let writer = Writer::open(folder.path(), eager(retention)).unwrap();
    wait(|| images(folder.path()).len() <= 20);
    writer.close().unwrap();
    let left = images(folder.path());
    assert!(left.len() >= 18, "{left:?}");
    for failure in [4, 8, 12, 16, 20] {
        assert!(left.contains(&format!("{failure:09}-test.png")), "{left:?}");
    }
    assert!(left.contains(&"000000019-test.png".to_owned()), "the newest pass stays: {left:?}");
    let verified = verify(folder.path());
    assert_eq!(verified.broken, None);
    assert_eq!((verified.images, verified.parts), (left.len() as u64, 20));
}

#[test]
fn age_takes_passes_and_spares_the_newest_failures() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    database.execute_batch("UPDATE images SET unix_ms = 1000").unwrap();
    drop(database);
    let writer = Writer::open(folder.path(), eager(Retention::default())).unwrap();
    wait(|| images(folder.path()).len() == 10);
    writer.close().unwrap();
    assert_eq!(images(folder.path()).len(), 10);
    let deleted = |row: &Row| matches!(&row.entry.record, Record::Event(event) if event.name == "images_deleted");
    assert!(rows(folder.path(), &Filter::default()).iter().any(deleted));
    assert_eq!(verify(folder.path()).broken, None);
}

#[test]
fn records_go_behind_a_checkpoint_that_carries_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention { records: 50, ..Retention::default() };
    let writer = Writer::open(folder.path(), eager(retention)).unwrap();
    for _ in 0..20 {
        (0..10).for_each(|_| judge_one(&writer));
        flush(&writer);
    }
    let head = verify(folder.path());
    wait(|| verify(folder.path()).records < 60);
    writer.close().unwrap();
    let verified = verify(folder.path());
    assert_eq!(verified.broken, None);
    assert!(verified.first_seq > 150, "{verified:?}");
    let noted = Some((head.head_seq, head.head_hash));
    let still = Reader::open(folder.path()).unwrap().verify(noted, false).unwrap();
    assert_eq!(still.broken, None);
    // Numbers go on, and nothing that was deleted is owed.
    let writer = Writer::open(folder.path(), settings()).unwrap();
    assert_eq!(judge(&writer, Outcome::Mismatch), 201);
    writer.close().unwrap();
    assert!(!outcomes(folder.path()).values().any(|stage| stage == "crash"));

    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    let first = verify(folder.path()).first_seq;
    database.execute("DELETE FROM records WHERE seq = ?1", [first]).unwrap();
    let broken = verify(folder.path()).broken.unwrap();
    assert!(broken.reason.contains("gone without a checkpoint"), "{broken}");
}

#[test]
fn images_of_records_that_are_too_many_go_before_them() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    assert_eq!(images(folder.path()).len(), 40);
    let retention = Retention { records: 50, ..Retention::default() };
    let writer = Writer::open(folder.path(), eager(retention)).unwrap();
    (0..100).for_each(|_| judge_one(&writer));
    flush(&writer);
    wait(|| images(folder.path()).is_empty() && verify(folder.path()).records < 70);
    writer.close().unwrap();
    let verified = verify(folder.path());
    assert_eq!((verified.broken, verified.images_gone), (None, 0));
    assert!(!outcomes(folder.path()).contains_key(&1));
}

#[test]
fn a_database_at_its_limit_forgets_the_oldest_and_goes_on() {
    const BYTES: u64 = 600 << 10;
    let folder = tempfile::tempdir().unwrap();
    // Nothing but the limit makes room: nobody looks for what is old meanwhile.
    let settings = Settings { database_bytes: BYTES, ..settings() };
    let writer = Writer::open(folder.path(), settings).unwrap();
    for round in 0..40 {
        for _ in 0..100 {
            let detail = "x".repeat(400);
            let number = judge(&writer, Outcome::not_inspected("photo", detail));
            if number.is_multiple_of(50) {
                assert!(writer.keep(number, true, pair(number as u32)));
            }
        }
        assert!(writer.flush(PATIENCE), "round {round}: {:?}", writer.health());
    }
    let health = writer.health();
    assert_eq!((health.fault, health.dropped_parts), (None, 0));
    let last = judge(&writer, Outcome::Mismatch);
    writer.close().unwrap();
    assert!(fs::metadata(folder.path().join(DATABASE)).unwrap().len() <= BYTES);
    let verified = verify(folder.path());
    assert_eq!((verified.broken, last), (None, 4_001));
    let outcomes = outcomes(folder.path());
    assert!(outcomes.len() >= 400 && !outcomes.contains_key(&1), "{}", outcomes.len());
    assert_eq!(outcomes[&last], "Mismatch");
    // Images go with their records, failures or not.
    let left = images(folder.path());
    assert!(
        left.len() >= 2 && left.len() < 160 && left[0] != "000000050-reference.png",
        "{left:?}"
    );
}

#[test]
fn images_that_a_crash_left_without_a_record_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    let number = judge(&writer, Outcome::Mismatch);
    assert!(writer.keep(number, true, pair(7)));
    flush(&writer);
    drop(writer);
    let sub = folder.path().join(IMAGES).join("000000");
    fs::copy(sub.join("000000001-test.png"), sub.join("000000002-test.png")).unwrap();
    fs::write(sub.join(".pairspec-abc"), "half").unwrap();
    Writer::open(folder.path(), settings()).unwrap().close().unwrap();
    let shown = Reader::open(folder.path()).unwrap().part(2).unwrap();
    let is_recovered =
        |row: &Row| matches!(&row.entry.record, Record::Evidence(it) if it.recovered);
    assert_eq!(shown.iter().filter(|row| is_recovered(row)).count(), 1);
    assert_eq!(images(folder.path()).len(), 3);
    assert_eq!(verify(folder.path()).images, 3);
}

#[test]
fn an_image_that_could_not_be_written_is_no_fault_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), eager(Retention::default())).unwrap();
    // A file where the folder of the first images should be.
    let in_the_way = folder.path().join(IMAGES).join("000000");
    fs::write(&in_the_way, "").unwrap();
    let number = judge(&writer, Outcome::Mismatch);
    assert!(writer.keep(number, true, pair(1)));
    flush(&writer);
    assert_eq!(writer.health().parts_without_images, 1);
    wait(|| writer.health().image_fault.is_none());
    writer.close().unwrap();
    fs::remove_file(in_the_way).unwrap();
    assert!(images(folder.path()).is_empty());
}

#[test]
fn images_above_the_memory_for_them_are_dropped_and_told() {
    let folder = tempfile::tempdir().unwrap();
    // Room for one part's frames of 2 KiB.
    let settings = Settings { image_queue_bytes: 3 << 10, ..settings() };
    let writer = Writer::open(folder.path(), settings).unwrap();
    let kept = (0..200)
        .filter(|seed| {
            let number = judge(&writer, Outcome::Mismatch);
            writer.keep(number, true, pair(*seed))
        })
        .count();
    flush(&writer);
    let health = writer.health();
    assert_eq!(health.parts_without_images, 200 - kept as u64);
    assert!(kept >= 1 && health.image_fault.is_none());
    writer.close().unwrap();
    assert_eq!(images(folder.path()).len(), 2 * kept);
    let share = EvidenceShare { conforming_one_in: NonZeroU32::new(1) };
    assert!(share.keeps(1, crate::verdict::Verdict::Conforming));
}
