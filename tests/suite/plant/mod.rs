//! The plant's services beside real peers, and under damaged requests.

mod curl;
mod mbpoll;
mod mosquitto;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pairspec::plant::{Memory, Plant, RawPlant, Seams};

use crate::shared::away;
use crate::shared::plant::{all, batter};
use crate::test_data::skip;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Whether a program is there; says so if not.
fn is_there(program: &str, test: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let is_there = found.is_ok_and(|output| output.status.success());
    if !is_there {
        skip(test, &format!("there is no {program}"));
    }
    is_there
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}: not after {LONG:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn start(section: &str, folder: &Path, memory: &Memory) -> Plant {
    let raw: RawPlant = toml::from_str(section).unwrap();
    let shared = Arc::new(memory.clone());
    let seams =
        Seams { source: shared.clone(), requests: shared, outbox: Some(Box::new(memory.clone())) };
    Plant::start(&raw.validate(folder, folder, "test").unwrap(), seams).unwrap()
}

/// What a program says.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_broker_that_is_away_for_ten_minutes_has_the_whole_journal_in_order() {
    // Ten results a second for ten minutes, as fast as the disk takes them.
    let outcomes = away::run(away::Absence { results: 6_000, every: Duration::ZERO });
    assert!(outcomes.broken.is_empty(), "{}", outcomes.broken.join("\n"));
    assert!(outcomes.told >= 6_500 && outcomes.failures > 0, "{outcomes:?}");
}

#[test]
fn damaged_requests_never_panic_and_ask_for_nothing_beyond_the_bounds() {
    for protocol in all() {
        let tally = batter(&protocol, 0..3_000);
        assert!(tally.broken.is_empty(), "{}", tally.broken.join("\n"));
        assert!(tally.answered > 100, "{}: {tally:?}", protocol.name);
        // With the token right, damaged bodies are read too.
        assert_eq!(tally.asked > 50, protocol.name == "HTTP", "{}: {tally:?}", protocol.name);
        assert!(tally.slowest < Duration::from_secs(5), "{}: {tally:?}", protocol.name);
    }
}
