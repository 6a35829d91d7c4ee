#![allow(clippy::unwrap_used)]

mod damage;
mod panics;
mod retention;
mod writing;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Entry, Event, EventSource, Filter, Outcome, Part, Reader, Record, Role, Row, Settings,
    Verified, Writer,
};
use crate::frame::{Frame, Pixels};

/// Far beyond what any wait here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn settings() -> Settings {
    Settings { numbers_ahead: 8, group: Duration::from_millis(2), ..Settings::default() }
}

fn part(number: u64, outcome: Outcome) -> Part {
    Part {
        number,
        outcome,
        scores: Vec::new(),
        timing_ms: BTreeMap::from([("encode".to_owned(), 61.5)]),
        recipe_sha256: "aa".to_owned(),
        model_sha256: "bb".to_owned(),
        thresholds_sha256: "cc".to_owned(),
    }
}

/// Hands out a number and gives it an outcome.
fn judge(writer: &Writer, outcome: Outcome) -> u64 {
    let number = writer.next_number();
    assert!(writer.append_part(1_000 * number, part(number, outcome)));
    number
}

fn event(name: &str) -> Event {
    Event::new(EventSource::Operator, name, "")
}

fn frame(seed: u32) -> Arc<Frame> {
    let noise = |x: u32, y: u32| {
        let mixed = (x + 64 * y + 4_096 * seed).wrapping_mul(2_654_435_761);
        (mixed.wrapping_mul(mixed >> 15) >> 24) as u8
    };
    let image = image::GrayImage::from_fn(32, 32, |x, y| image::Luma([noise(x, y)]));
    Arc::new(Frame::new(Pixels::Gray(image), 8, "test").unwrap())
}

fn flush(writer: &Writer) {
    assert!(writer.flush(PATIENCE), "{:?}", writer.health());
}

fn rows(folder: &Path, filter: &Filter) -> Vec<Row> {
    let mut rows = Vec::new();
    let collect = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    Reader::open(folder).unwrap().each(filter, collect).unwrap();
    rows
}

fn verify(folder: &Path) -> Verified {
    Reader::open(folder).unwrap().verify(None, true).unwrap()
}

/// Verifies; the outcome of each part, and the stage where it has none.
fn outcomes(folder: &Path) -> BTreeMap<u64, String> {
    let verified = verify(folder);
    assert_eq!(verified.broken, None);
    let parts = rows(folder, &Filter { parts_only: true, ..Filter::default() });
    let outcomes = parts.into_iter().map(|row| match row.entry.record {
        Record::Part(Part { number, outcome: Outcome::NotInspected { stage, .. }, .. }) => {
            (number, stage)
        }
        Record::Part(part) => (part.number, format!("{:?}", part.outcome)),
        other => panic!("{other:?}"),
    });
    outcomes.collect()
}

fn gaps(folder: &Path) -> Vec<super::Gap> {
    let all = rows(folder, &Filter::default());
    let gaps = all.into_iter().filter_map(|row| match row.entry {
        Entry { record: Record::Gap(gap), .. } => Some(gap),
        _ => None,
    });
    gaps.collect()
}

/// Both frames of a pair.
fn pair(seed: u32) -> Vec<(Role, Arc<Frame>)> {
    vec![(Role::Reference, frame(seed)), (Role::Test, frame(seed + 1))]
}

/// A part that conforms.
fn judge_one(writer: &Writer) {
    judge(writer, Outcome::Conforming);
}
