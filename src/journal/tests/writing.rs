use std::thread;
use std::time::Instant;

use rusqlite::Connection;

use super::*;
use crate::journal::{DATABASE, Error};

/// Waits until `is_so` of the writer's health.
fn wait(writer: &Writer, is_so: impl Fn(&crate::journal::Health) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so(&writer.health()) {
        assert!(Instant::now() < end, "{:?}", writer.health());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_was_appended_is_read_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    let first = judge(&writer, Outcome::Conforming);
    assert!(writer.append_event(event("acknowledged")));
    let second = judge(&writer, Outcome::Mismatch);
    flush(&writer);
    // Beside the open writer.
    let all = rows(folder.path(), &Filter::default());
    let kinds: Vec<&str> = all.iter().map(|row| row.entry.record.kind()).collect();
    assert_eq!(kinds, ["reserved", "event", "part", "event", "part"]);
    assert_eq!(all[2].entry.record, Record::Part(part(first, Outcome::Conforming)));
    assert_eq!(all[4].entry.unix_ms, 1_000 * second);
    assert_eq!(writer.health().last_seq, 5);
    writer.close().unwrap();
    assert_eq!(
        outcomes(folder.path()).into_values().collect::<Vec<_>>(),
        ["Conforming", "Mismatch"]
    );
}

#[test]
fn a_filter_finds_by_verdict_number_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    for number in 1..=20 {
        let outcome = if number % 5 == 0 { Outcome::Mismatch } else { Outcome::Conforming };
        judge(&writer, outcome);
    }
    writer.close().unwrap();
    let numbers = |filter| -> Vec<u64> {
        rows(folder.path(), &filter).iter().filter_map(|row| row.entry.record.number()).collect()
    };
    let verdict = Some(crate::verdict::Verdict::Mismatch);
    let all = Filter { parts_only: true, ..Filter::default() };
    assert_eq!(numbers(Filter { verdict, ..all }), [5, 10, 15, 20]);
    assert_eq!(numbers(Filter { from: Some(9), to: Some(11), ..all }), [9, 10, 11]);
    let times = Filter { since_ms: Some(3_000), until_ms: Some(5_000), ..all };
    assert_eq!(numbers(times), [3, 4]);
    assert_eq!(numbers(Filter { verdict, newest: Some(2), ..all }), [15, 20]);
}

#[test]
fn a_clean_close_gives_the_unused_numbers_back() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let writer = Writer::open(folder.path(), settings()).unwrap();
        (0..3).for_each(|_| judge_one(&writer));
        writer.close().unwrap();
    }
    let numbers: Vec<u64> = outcomes(folder.path()).into_keys().collect();
    assert_eq!(numbers, (1..=9).collect::<Vec<_>>());
}

#[test]
fn every_number_reserved_before_a_crash_gets_an_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    judge(&writer, Outcome::Conforming);
    let in_flight = writer.next_number();
    let last = judge(&writer, Outcome::Mismatch);
    flush(&writer);
    drop(writer);
    let writer = Writer::open(folder.path(), settings()).unwrap();
    let next = writer.next_number();
    assert!(writer.append_part(1, part(next, Outcome::Conforming)));
    writer.close().unwrap();
    let outcomes = outcomes(folder.path());
    assert_eq!(outcomes[&in_flight], "crash");
    assert_eq!((&*outcomes[&last], &*outcomes[&next]), ("Mismatch", "Conforming"));
    assert!(outcomes.keys().copied().eq(1..=next), "{outcomes:?}");
    assert_eq!(outcomes.values().filter(|it| *it == "crash").count() as u64, next - 3);
}

#[test]
fn a_part_without_outcome_is_told_when_the_journal_closes() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    let lost = writer.next_number();
    judge(&writer, Outcome::Conforming);
    writer.close().unwrap();
    assert_eq!(outcomes(folder.path())[&lost], "closed");
}

#[test]
fn a_second_outcome_and_a_number_never_given_out_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    let number = judge(&writer, Outcome::Mismatch);
    assert!(writer.append_part(0, part(number, Outcome::Conforming)));
    assert!(!writer.append_part(0, part(number + 1, Outcome::Conforming)));
    assert!(!writer.append_part(0, part(u64::MAX, Outcome::Conforming)));
    flush(&writer);
    assert_eq!(writer.health().refused, 3);
    writer.close().unwrap();
    assert_eq!(outcomes(folder.path())[&number], "Mismatch");
}

#[test]
fn appending_never_waits_and_a_gap_tells_what_was_dropped() {
    const APPENDED: u64 = 5_000;
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { queue: 64, ..settings() };
    let writer = Writer::open(folder.path(), settings).unwrap();
    flush(&writer);
    // As long as this is held nothing can be committed; it is this thread that lets go.
    let other = Connection::open(folder.path().join(DATABASE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut dropped = 0;
    for number in 1..=APPENDED {
        assert_eq!(writer.next_number(), number);
        let outcome = if number % 2 == 0 { Outcome::Mismatch } else { Outcome::Conforming };
        dropped += u64::from(!writer.append_part(number, part(number, outcome)));
    }
    let health = writer.health();
    assert_eq!(health.dropped_parts, dropped);
    // The queue, and a group in the hands of the thread.
    assert!(health.queued <= 64 + 512, "{health:?}");
    assert!(health.undurable_numbers > APPENDED - 100, "{health:?}");
    other.execute_batch("ROLLBACK").unwrap();
    writer.close().unwrap();
    let outcomes = outcomes(folder.path());
    assert_eq!(outcomes.len() as u64, APPENDED - dropped);
    let counts = gaps(folder.path()).iter().fold((0, 0), |(conforming, mismatch), gap| {
        assert!(gap.numbers.len() <= 32);
        (conforming + gap.conforming, mismatch + gap.mismatch)
    });
    assert_eq!(counts.0 + counts.1, dropped);
    let kept = outcomes.values().filter(|it| *it == "Mismatch").count() as u64;
    assert_eq!(kept + counts.1, APPENDED / 2);
}

#[test]
fn a_full_disk_is_a_fault_and_then_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { queue: 16, ..settings() };
    let writer = Writer::open(folder.path(), settings).unwrap();
    flush(&writer);
    writer.set_database_bytes(1);
    let mut appended = 0;
    let is_full = |fault: &String| fault.contains("full");
    // Far more than queue and group hold, so that records are dropped.
    while appended < 3_000 || !writer.health().fault.as_ref().is_some_and(is_full) {
        let number = writer.next_number();
        writer.append_part(number, part(number, Outcome::not_inspected("deadline", "late")));
        appended += 1;
        assert!(appended < 10_000_000);
    }
    wait(&writer, |health| health.queued >= 16);
    assert!(writer.health().dropped_parts > 0);
    assert!(!writer.flush(Duration::from_millis(10)));

    writer.set_database_bytes(1 << 30);
    wait(&writer, |health| health.fault.is_none());
    let after = judge(&writer, Outcome::Mismatch);
    flush(&writer);
    let dropped = writer.health().dropped_parts;
    writer.close().unwrap();
    let outcomes = outcomes(folder.path());
    assert_eq!(outcomes[&after], "Mismatch");
    assert_eq!(outcomes.len() as u64 + dropped, appended + 1);
    let gaps = gaps(folder.path());
    assert_eq!(gaps.iter().map(|gap| gap.not_inspected).sum::<u64>(), dropped);
    assert!(gaps.iter().any(|gap| gap.cause.contains("full")), "{gaps:?}");
    // A part that was dropped shows the gap it is in.
    let lost = (1..after).find(|number| !outcomes.contains_key(number)).unwrap();
    let shown = Reader::open(folder.path()).unwrap().part(lost).unwrap();
    assert!(matches!(&shown[..], [Row { entry: Entry { record: Record::Gap(_), .. }, .. }]));
}

#[test]
fn closing_on_a_full_disk_says_what_was_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    flush(&writer);
    writer.set_database_bytes(1);
    while writer.health().fault.is_none() {
        let number = writer.next_number();
        writer.append_part(number, part(number, Outcome::Conforming));
    }
    let health = writer.health();
    let Err(error) = writer.close() else { panic!("closed with {health:?}") };
    assert!(matches!(error, Error::Unwritten { records: 1.., .. }), "{error}");
    assert!(error.to_string().contains("full"), "{error}");
    // The parts are not lost silently: the next start says so.
    Writer::open(folder.path(), settings()).unwrap().close().unwrap();
    assert!(outcomes(folder.path()).values().any(|stage| stage == "crash"));
}

#[test]
fn one_process_writes_and_any_may_read() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(folder.path()), Err(Error::Missing { .. })));
    let writer = Writer::open(folder.path(), settings()).unwrap();
    assert!(matches!(Writer::open(folder.path(), settings()), Err(Error::InUse { .. })));
    assert_eq!(verify(folder.path()).broken, None);
    writer.close().unwrap();
    Writer::open(folder.path(), settings()).unwrap().close().unwrap();
}

#[test]
fn a_writer_that_is_dropped_on_a_full_disk_ends() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), Settings { queue: 16, ..settings() }).unwrap();
    flush(&writer);
    writer.set_database_bytes(1);
    while writer.health().dropped_parts == 0 {
        let number = writer.next_number();
        writer.append_part(number, part(number, Outcome::Conforming));
    }
    drop(writer);
    Writer::open(folder.path(), settings()).unwrap().close().unwrap();
    assert!(outcomes(folder.path()).values().any(|stage| stage == "crash"));
}
