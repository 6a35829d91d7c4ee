//! Seeded mutations of valid input for every reader, as many as wanted or for as long as wanted.

use std::fs;
use std::time::{Duration, Instant};

use crate::shared::readers::{self, Reader, Tally};

/// Mutations between two looks at the clock.
const PORTION: u64 = 500;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Mutations for each reader
    #[arg(long, default_value_t = 100_000)]
    count: u64,
    /// The first seed; a mutation depends on its seed alone
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Go on with new seeds until each reader had this many seconds, whatever the count
    #[arg(long)]
    seconds: Option<u64>,
    /// Only readers with this in their name
    #[arg(long, default_value = "")]
    reader: String,
}

/// Batters every reader and prints a line each; whether all promises were kept.
pub(crate) fn run(arguments: &Arguments) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let readers = readers::all(folder.path());
    println!(
        "{:<28}{:>9}{:>10}{:>10}{:>12}  {:<12}{:>10}",
        "reader", "tried", "accepted", "refused", "slowest", "its seed", "peak MiB"
    );
    let mut broken = Vec::new();
    for reader in readers.iter().filter(|reader| reader.name.contains(&arguments.reader)) {
        // Linux: the peak is counted from here on.
        let _ = fs::write("/proc/self/clear_refs", "5");
        let tally = batter(reader, arguments);
        let peak = readers::peak_mib().map_or("-".to_owned(), |[held, _]| held.to_string());
        println!(
            "{:<28}{:>9}{:>10}{:>10}{:>9.1} ms  {:<12}{peak:>10}",
            reader.name,
            tally.tried(),
            tally.accepted,
            tally.refused,
            tally.slowest.as_secs_f64() * 1e3,
            tally.slowest_seed,
        );
        broken.extend(tally.broken);
    }
    broken.iter().for_each(|promise| println!("BROKEN {promise}"));
    println!("{} broken", broken.len());
    broken.is_empty()
}

fn batter(reader: &Reader, arguments: &Arguments) -> Tally {
    let end = arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let last =
        arguments.seed.saturating_add(if end.is_some() { u64::MAX } else { arguments.count });
    let mut whole = Tally::default();
    let mut seed = arguments.seed;
    while seed < last && end.is_none_or(|end| Instant::now() < end) {
        let portion = readers::batter(reader, seed..seed.saturating_add(PORTION).min(last));
        whole.add(portion);
        seed = seed.saturating_add(PORTION);
    }
    whole
}
