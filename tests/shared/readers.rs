//! Every reader of the library that takes bytes or text from outside, each with valid input.
//!
//! [`batter`] damages that input and holds each reader to three promises: it never panics, it
//! answers soon, and what carries a sum is never accepted when it was altered.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::mutations::altered;

mod images;
mod models;
mod texts;

/// Whether a reader takes the bytes.
pub type Accepts = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// One reader and what it reads.
pub struct Reader {
    /// What is read.
    pub name: &'static str,
    /// Valid input; the mutations go round these.
    pub seeds: Vec<Vec<u8>>,
    /// Whether the input says itself what its sum must be.
    pub is_summed: bool,
    /// One in this many mutations is tried: for readers that take milliseconds.
    pub every: u64,
    /// Reads the input and, when it is accepted, uses what came out; whether it was accepted.
    pub accepts: Accepts,
}

/// What came of many mutations.
#[derive(Debug, Default)]
pub struct Tally {
    pub accepted: u64,
    pub refused: u64,
    pub slowest: Duration,
    /// The seed of the mutation that took longest.
    pub slowest_seed: u64,
    /// One line for each broken promise: the seed and what happened.
    pub broken: Vec<String>,
}

impl Reader {
    fn new(
        name: &'static str,
        seeds: Vec<Vec<u8>>,
        accepts: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { name, seeds, is_summed: false, every: 1, accepts: Box::new(accepts) }
    }
}

/// All readers; `folder` is a place for those that read files.
pub fn all(folder: &Path) -> Vec<Reader> {
    let mut readers = images::readers();
    readers.extend(texts::readers(folder));
    readers.extend(models::readers(folder));
    readers
}

/// Reads the valid inputs, then one mutation for each of `seeds`.
pub fn batter(reader: &Reader, seeds: Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for (index, seed) in reader.seeds.iter().enumerate() {
        if !(reader.accepts)(seed) {
            tally.broken.push(format!("{}: valid input {index} is refused", reader.name));
        }
    }
    for seed in seeds.filter(|seed| seed.is_multiple_of(reader.every)) {
        tally.one(reader, seed);
    }
    tally
}

impl Tally {
    fn one(&mut self, reader: &Reader, seed: u64) {
        let round = (seed / reader.every) as usize % reader.seeds.len();
        let bytes = altered(&reader.seeds[round], seed);
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (reader.accepts)(&bytes)));
        let elapsed = start.elapsed();
        if elapsed > self.slowest {
            (self.slowest, self.slowest_seed) = (elapsed, seed);
        }
        match outcome {
            Ok(true) if reader.is_summed => {
                self.broken.push(format!("{}: seed {seed} is altered and accepted", reader.name));
            }
            Ok(true) => self.accepted += 1,
            Ok(false) => self.refused += 1,
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("panic");
                self.broken.push(format!("{}: seed {seed}: {text}", reader.name));
            }
        }
    }

    /// Adds what came of other mutations.
    pub fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.broken.extend(other.broken);
        if other.slowest > self.slowest {
            (self.slowest, self.slowest_seed) = (other.slowest, other.slowest_seed);
        }
    }

    /// Mutations tried.
    pub fn tried(&self) -> u64 {
        self.accepted + self.refused + self.broken.len() as u64
    }
}

/// The most memory this process ever held, and the most it ever reserved, in MiB; none where the
/// system does not tell.
pub fn peak_mib() -> Option<[u64; 2]> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mib = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib / 1024)
    };
    Some([mib("VmHWM:")?, mib("VmPeak:")?])
}
