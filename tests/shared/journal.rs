//! Kills a process that writes a journal at random moments, and looks at what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pairspec::frame::{Frame, Pixels};
use pairspec::journal::{Filter, Outcome, Part, Reader, Record, Role, Settings, Writer};

/// Far beyond what any wait here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the rounds came to.
#[derive(Debug, Default)]
pub(crate) struct Kills {
    pub(crate) rounds: u64,
    /// Rounds in which the process had something acknowledged before it was killed.
    pub(crate) in_flow: u64,
    /// Parts that were acknowledged as durable, and are there.
    pub(crate) acknowledged: u64,
    /// Numbers that a crash left without an outcome of their own.
    pub(crate) crashed: u64,
}

fn settings() -> Settings {
    Settings { numbers_ahead: 16, group: Duration::from_millis(2), ..Settings::default() }
}

/// What is killed: writes parts and images for ever, and prints each number once it is durable.
pub(crate) fn write_for_ever(folder: &Path) -> ! {
    let writer = Writer::open(folder, settings()).unwrap();
    let image = image::GrayImage::from_fn(64, 64, |x, y| image::Luma([(x * y) as u8]));
    let frame = Arc::new(Frame::new(Pixels::Gray(image), 8, "test").unwrap());
    loop {
        let numbers: Vec<u64> = (0..7).map(|_| writer.next_number()).collect();
        for &number in &numbers {
            assert!(writer.append_part(number, part(number)));
            if number % 5 == 0 {
                writer.keep(number, true, vec![(Role::Test, frame.clone())]);
            }
        }
        assert!(writer.flush(PATIENCE));
        let mut out = std::io::stdout().lock();
        numbers.iter().for_each(|number| writeln!(out, "durable {number}").unwrap());
        out.flush().unwrap();
    }
}

fn part(number: u64) -> Part {
    Part {
        number,
        outcome: Outcome::Mismatch,
        scores: Vec::new(),
        timing_ms: BTreeMap::new(),
        recipe_sha256: String::new(),
        model_sha256: String::new(),
        thresholds_sha256: String::new(),
    }
}

/// Starts `command`, which is to [`write_for_ever`], kills it after `delay` and checks the journal.
pub(crate) fn kill(folder: &Path, mut command: Command, delay: Duration, kills: &mut Kills) {
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let listener = thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let durable = lines.filter_map(|line| line.strip_prefix("durable ")?.parse().ok());
        durable.collect::<BTreeSet<u64>>()
    });
    thread::sleep(delay);
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let durable = listener.join().unwrap();
    // Opens, and says what the crash left to be said.
    Writer::open(folder, settings()).unwrap().close().unwrap();
    let crashed = check(folder, &durable);
    kills.rounds += 1;
    kills.in_flow += u64::from(!durable.is_empty());
    kills.acknowledged += durable.len() as u64;
    kills.crashed = crashed;
}

/// The chain verifies, nothing acknowledged is lost, each number has one outcome; how many have
/// none but the crash.
fn check(folder: &Path, durable: &BTreeSet<u64>) -> u64 {
    let reader = Reader::open(folder).unwrap();
    let verified = reader.verify(None, true).unwrap();
    assert_eq!(verified.broken, None);
    assert_eq!(verified.images_gone, 0);
    let (mut next, mut crashed) = (1, 0);
    let mut judged = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    let visit = |row: pairspec::journal::Row| {
        match row.entry.record {
            Record::Part(part) => {
                assert!(numbers.insert(part.number), "part {} twice", part.number);
                match part.outcome {
                    Outcome::NotInspected { stage, .. } => {
                        assert_eq!(stage, "crash");
                        crashed += 1;
                    }
                    _ => drop(judged.insert(part.number)),
                }
            }
            Record::Reserved(span) => next = span.last + 1,
            Record::Released(span) => next = span.first,
            _ => {}
        }
        ControlFlow::Continue(())
    };
    reader.each(&Filter::default(), visit).unwrap();
    assert!(durable.is_subset(&judged), "lost: {:?}", durable.difference(&judged));
    assert!(numbers.into_iter().eq(1..next), "each number below {next} has one outcome");
    crashed
}

/// Between 0 and `most`, a function of the seed alone (splitmix64).
pub(crate) fn delay(seed: u64, most: Duration) -> Duration {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    most.mul_f64((mixed >> 11) as f64 / (1u64 << 53) as f64)
}
