use std::time::{Duration, Instant};

use super::{config, start, start_with, status, wait};
use crate::plant::test_broker::{Broker, Manner, lock};
use crate::plant::{Cause, Memory, MqttConfig, Outbox, Plant, State, Verdict};

fn finish(memory: &Memory, numbers: std::ops::RangeInclusive<u64>) {
    numbers.for_each(|number| memory.finish(number, Verdict::Conforming));
}

#[test]
fn a_broker_learns_state_and_results_and_of_the_end() {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("line 1"));
    let broker = Broker::start(Manner::default());
    finish(&memory, 1..=100);
    let plant = start(config(broker.address, folder.path()), &memory);
    wait("all results", || status(&plant).delivered == 100);
    let expected: Vec<(u64, bool)> = (1..=100).map(|seq| (seq, false)).collect();
    assert_eq!(broker.results(), expected);
    wait("the state", || broker.last("/state").is_some() && broker.last("/health").is_some());
    assert!(broker.last("/state").unwrap().contains(r#""state":"Operational.Ready""#));
    assert!(broker.last("/counters").unwrap().contains(r#""finished":100"#));
    assert_eq!(broker.last("/status").unwrap(), "online");
    memory.change(|snapshot| snapshot.state = State::Error);
    wait("the change", || broker.last("/state").unwrap().contains(r#""state":"Error""#));
    wait("nothing to do", || status(&plant).queued == 0 && status(&plant).open == 0);
    drop(plant);
    wait("the end", || broker.last("/status").unwrap() == "offline");
    let connect = lock(&broker.connects)[0].clone();
    let will = b"\x00\x14pairspec/test/status\x00\x07offline";
    assert!(connect.windows(will.len()).any(|part| part == will), "{connect:?}");
}

#[test]
fn the_last_state_is_told_at_an_end_in_order_however_seldom_states_are_told() {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("line 1"));
    let broker = Broker::start(Manner::default());
    let seldom = config(broker.address, folder.path());
    let seldom = MqttConfig { state_every: Duration::from_secs(3_600), ..seldom };
    let plant = start(seldom, &memory);
    wait("the state", || broker.last("/state").is_some_and(|state| state.contains("Ready")));
    memory.change(|snapshot| (snapshot.state, snapshot.cause) = (State::Halted, Cause::Stopped));
    drop(plant);
    wait("the end", || broker.last("/status").unwrap() == "offline");
    let state = broker.last("/state").unwrap();
    assert!(state.contains(r#""state":"Halted""#), "{state}");
    assert!(state.contains(r#""cause":"stopped""#), "{state}");
}

#[test]
fn a_broker_that_is_away_misses_nothing_and_memory_is_bounded() {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("a"));
    let broker = Broker::start(Manner::default());
    let address = broker.address;
    let plant = start(config(address, folder.path()), &memory);
    finish(&memory, 1..=10);
    wait("the first", || status(&plant).delivered == 10);
    drop(broker);
    wait("the loss", || !status(&plant).is_connected);
    // Ten minutes of ten results a second.
    finish(&memory, 11..=6_010);
    wait("the queue", || status(&plant).queued == 6_000);
    assert!(status(&plant).last_error.is_some());
    let broker = Broker::at(address, Manner::default());
    wait("the rest", || status(&plant).delivered == 6_010);
    let expected: Vec<(u64, bool)> = (11..=6_010).map(|seq| (seq, false)).collect();
    assert_eq!(broker.results(), expected, "in order, each once");
    assert_eq!(memory.largest_batch(), 64);
}

#[test]
fn what_was_sent_and_not_acknowledged_comes_again_with_a_mark() {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("a"));
    let manner = Manner { hangs_up_after: Some(7), ..Manner::default() };
    let broker = Broker::start(manner);
    finish(&memory, 1..=40);
    let plant = start(config(broker.address, folder.path()), &memory);
    wait("some connections", || lock(&broker.connects).len() > 3);
    broker.behave(Manner::default());
    wait("the last", || broker.results().last().is_some_and(|last| last.0 == 40));
    wait("its acknowledgement", || status(&plant).queued == 0 && status(&plant).open == 0);
    let results = broker.results();
    let mut highest = 0;
    for (seq, is_marked) in &results {
        assert!(*seq <= highest + 1, "{results:?}");
        if *seq <= highest {
            assert!(is_marked, "{seq} came before: {results:?}");
        }
        highest = highest.max(*seq);
    }
    assert_eq!(highest, 40);
    assert!(status(&plant).redelivered > 0);
}

#[test]
fn a_restart_goes_on_after_what_was_delivered() {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("a"));
    let broker = Broker::start(Manner::default());
    finish(&memory, 1..=20);
    let plant = start(config(broker.address, folder.path()), &memory);
    wait("the first", || status(&plant).delivered == 20);
    drop(plant);
    finish(&memory, 21..=30);
    let plant = start(config(broker.address, folder.path()), &memory);
    wait("the rest", || status(&plant).delivered == 10);
    let expected: Vec<(u64, bool)> = (1..=30).map(|seq| (seq, false)).collect();
    assert_eq!(broker.results(), expected);
    drop(plant);
    // A crash loses what the file does not tell yet, and only that is sent again.
    let text = r#"{"acknowledged":25,"perhaps_sent":28}"#;
    std::fs::write(folder.path().join("cursor.json"), text).unwrap();
    let plant = start(config(broker.address, folder.path()), &memory);
    wait("the repeated", || status(&plant).delivered == 5);
    let again = [(26, true), (27, true), (28, true), (29, false), (30, false)];
    assert_eq!(broker.results()[30..], again);
}

#[test]
fn a_cursor_that_cannot_be_written_is_named_at_the_start_and_results_wait() {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("a"));
    let place = folder.path().join("no folder");
    std::fs::write(&place, "").unwrap();
    let broker = Broker::start(Manner::default());
    let unwritable = config(broker.address, &place);
    let names_it = |plant: &Plant| {
        let cursor = |error: String| error.starts_with("plant.mqtt.cursor_file: ");
        status(plant).last_error.is_some_and(cursor)
    };
    let plant = start(unwritable, &memory);
    wait("the state", || broker.last("/state").is_some());
    wait("the cause", || names_it(&plant));
    finish(&memory, 1..=3);
    std::fs::remove_file(&place).unwrap();
    wait("all, once there is room", || broker.results().len() == 3);
    assert!(broker.results().iter().all(|result| !result.1));
}

#[test]
fn another_journal_is_sent_from_its_start_though_it_is_longer() {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("a"));
    let broker = Broker::start(Manner::default());
    finish(&memory, 1..=20);
    let plant = start(config(broker.address, folder.path()), &memory);
    wait("the first", || status(&plant).delivered == 20);
    drop(plant);
    let other = Memory::new("b");
    finish(&other, 1..=30);
    let plant = start(config(broker.address, folder.path()), &other);
    wait("all of the other", || status(&plant).delivered == 30);
    let expected: Vec<(u64, bool)> = (1..=30).map(|seq| (seq, false)).collect();
    assert_eq!(broker.results()[20..], expected);
}

#[test]
fn a_broker_that_is_mute_or_talks_nonsense_is_left_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    for (says, told) in [
        (&[0x20, 2, 0, 5][..], "the user may not connect"),
        (&[0x20, 2, 0, 99], "unknown"),
        (&[0x30, 2, 0, 0], "does not keep to MQTT"),
        (&[0x40, 2, 0, 1], "an answer before its welcome"),
        (b"HTTP/1.1 400\r\n", "does not keep to MQTT"),
        (&[0x20, 2, 0, 0, 0x20, 2, 0, 0], "an answer to what was not asked"),
    ] {
        let manner = Manner { says: Some(says.to_vec()), ..Manner::default() };
        let broker = Broker::start(manner);
        let plant = start(config(broker.address, folder.path()), &Memory::new("a"));
        wait("the second try", || lock(&broker.connects).len() > 1);
        wait("the cause", || status(&plant).last_error.is_some_and(|error| error.contains(told)));
        broker.behave(Manner::default());
        wait("the welcome", || status(&plant).is_connected);
    }
}

#[test]
fn a_broker_that_says_nothing_any_more_is_left_in_time() {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("a"));
    let broker = Broker::start(Manner { is_mute: true, ..Manner::default() });
    let silent = config(broker.address, folder.path());
    let plant = start(MqttConfig { keep_alive: Duration::from_secs(1), ..silent }, &memory);
    finish(&memory, 1..=20);
    wait("the window", || broker.results().len() == 4);
    let began = Instant::now();
    drop(plant);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(broker.results().len(), 4, "with four retained topics the window of eight");
}

/// A journal that cannot be read at first, and worse.
struct Bad {
    memory: Memory,
    calls: u32,
}

impl Outbox for Bad {
    fn after(&mut self, seq: u64, limit: usize) -> Result<Vec<(u64, String)>, String> {
        self.calls += 1;
        match self.calls {
            1 => Err("disk full".to_owned()),
            2 => panic!("a bug"),
            3 => Ok(vec![(3, "{}".to_owned()), (2, "{}".to_owned()), (3, "{}".to_owned())]),
            _ => self.memory.after(seq, limit),
        }
    }

    fn last_seq(&mut self) -> Result<u64, String> {
        self.memory.last_seq()
    }

    fn mark(&mut self, seq: u64) -> Result<Option<String>, String> {
        self.memory.mark(seq)
    }
}

#[test]
fn a_journal_that_fails_or_panics_is_asked_again_and_order_is_kept() {
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("a"));
    let broker = Broker::start(Manner::default());
    finish(&memory, 1..=5);
    let bad = Bad { memory: memory.clone(), calls: 0 };
    let plant = start_with(config(broker.address, folder.path()), &memory, bad);
    wait("the rest", || broker.results().last().is_some_and(|last| last.0 == 5));
    let results: Vec<u64> = broker.results().iter().map(|result| result.0).collect();
    assert_eq!(results, [3, 4, 5], "what it gave first, and what lies after that");
    wait("the end of the trouble", || status(&plant).queued == 0);
    assert_eq!((status(&plant).panics, status(&plant).failures), (1, 1));
}
