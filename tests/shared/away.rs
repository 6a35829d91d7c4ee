//! A broker that is away while a real journal grows, and what comes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pairspec::journal::{Filter, Outcome, Part, Reader, Record, Row, Settings, Writer, now_ms};
use pairspec::plant::{Memory, Outbox, Plant, PlantConfig, RawMqtt, RawPlant, Seams};
use pairspec::station::JournalOutbox;

use super::station::rss_kib;
use super::test_broker::{Broker, Manner};

/// Far beyond what any wait here takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Results before the broker goes: by then every cache has been used.
const BEFORE: u64 = 500;

/// How long a broker is away, and how much happens meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Absence {
    pub results: u64,
    /// From one result to the next.
    pub every: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// Records that were to be delivered.
    pub told: usize,
    /// Messages that came, marked repetitions among them.
    pub received: usize,
    pub repeated: usize,
    /// Connections that failed meanwhile.
    pub failures: u64,
    pub caught_up: Duration,
    /// What the process held before the broker went, when it came back, and when all was delivered.
    pub rss_kib: [u64; 3],
    pub broken: Vec<String>,
}

/// Writes to a journal with a broker, without it, and with it again.
pub fn run(absence: Absence) -> Outcomes {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), Settings::default()).unwrap();
    let broker = Broker::start(Manner::default());
    let address = broker.address;
    let raw =
        RawMqtt { broker: address.to_string(), retry_max_ms: Some(2_000.0), ..RawMqtt::default() };
    let raw = RawPlant { mqtt: Some(raw), ..RawPlant::default() };
    let config = raw.validate(folder.path(), folder.path(), "away").unwrap();
    let plant = start(&config, JournalOutbox::new(folder.path().to_owned()));
    let (mut outcomes, mut seen) = (Outcomes::default(), Vec::new());
    append(&writer, BEFORE, Duration::ZERO);
    receive(&plant, &broker, &mut seen, &told(folder.path()));
    outcomes.rss_kib[0] = rss_kib();
    drop(broker);
    append(&writer, absence.results, absence.every);
    assert!(writer.flush(PATIENCE));
    outcomes.rss_kib[1] = rss_kib();
    outcomes.failures = plant.status()[0].failures;
    let (broker, began) = (Broker::at(address, Manner::default()), Instant::now());
    let told = told(folder.path());
    receive(&plant, &broker, &mut seen, &told);
    outcomes.caught_up = began.elapsed();
    outcomes.rss_kib[2] = rss_kib();
    (outcomes.told, outcomes.received) = (told.len(), seen.len());
    outcomes.repeated = seen.iter().filter(|result| result.1).count();
    outcomes.broken = check(&told, &seen);
    outcomes
}

fn start(config: &PlantConfig, outbox: impl Outbox + 'static) -> Plant {
    let shared = Arc::new(Memory::new("away"));
    let outbox: Option<Box<dyn Outbox>> = Some(Box::new(outbox));
    Plant::start(config, Seams { source: shared.clone(), requests: shared, outbox }).unwrap()
}

fn append(writer: &Writer, results: u64, every: Duration) {
    let began = Instant::now();
    for result in 1..=results {
        let number = writer.next_number();
        let part = Part {
            number,
            outcome: if number.is_multiple_of(9) { Outcome::Mismatch } else { Outcome::Conforming },
            scores: Vec::new(),
            timing_ms: [("to_leaving".to_owned(), 12.5)].into(),
            recipe_sha256: "0".repeat(64),
            model_sha256: "1".repeat(64),
            thresholds_sha256: "2".repeat(64),
        };
        assert!(writer.append_part(now_ms(), part), "the journal drops parts");
        if result % 200 == 0 && every.is_zero() {
            assert!(writer.flush(PATIENCE));
        }
        let due = every * u32::try_from(result).unwrap();
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    assert!(writer.flush(PATIENCE));
}

/// Until the last came and was acknowledged. What came is taken out, so that only the box's memory
/// grows.
fn receive(plant: &Plant, broker: &Broker, seen: &mut Vec<(u64, bool)>, told: &[u64]) {
    let began = Instant::now();
    loop {
        let status = plant.status().remove(0);
        seen.extend(broker.take_results());
        let is_there = seen.last().map(|result| result.0) == told.last().copied();
        if is_there && status.queued == 0 && status.open == 0 {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{status:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The numbers of the records that are to be delivered.
fn told(folder: &std::path::Path) -> Vec<u64> {
    let mut told = Vec::new();
    let visit = |row: Row| {
        if matches!(row.entry.record, Record::Part(_) | Record::Event(_)) {
            told.push(row.seq);
        }
        std::ops::ControlFlow::Continue(())
    };
    Reader::open(folder).unwrap().each(&Filter::default(), visit).unwrap();
    told
}

/// Every record in order; one that came before has its mark.
fn check(told: &[u64], seen: &[(u64, bool)]) -> Vec<String> {
    let (mut broken, mut highest) = (Vec::new(), 0);
    let mut first = Vec::new();
    for (seq, is_marked) in seen {
        if *seq > highest {
            first.push(*seq);
            highest = *seq;
        } else if !is_marked {
            broken.push(format!("MQTT: {seq} comes again after {highest} without a mark"));
        }
    }
    if first != told {
        let place = first.iter().zip(told).position(|(seen, told)| seen != told);
        broken.push(format!(
            "MQTT: {} of {} records, the first difference at {place:?}",
            first.len(),
            told.len()
        ));
    }
    broken
}
