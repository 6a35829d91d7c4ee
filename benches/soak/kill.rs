//! A running station that is killed at random moments, as often as wanted.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::shared::station::{self, Kills};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How often the station is killed
    #[arg(long, default_value_t = 200)]
    count: u64,
    /// The first seed; the moment depends on its seed alone
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The latest moment, in milliseconds after the first part was passed
    #[arg(long, default_value_t = 700)]
    latest_ms: u64,
}

/// Kills and checks; whether all promises were kept (what is not kept panics).
pub(crate) fn run(arguments: &Arguments) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_pairspec"));
    let file = station::write(folder.path(), &station::bundled_recipe());
    let (mut kills, start) = (Kills::default(), Instant::now());
    for seed in arguments.seed..arguments.seed + arguments.count {
        let latest = Duration::from_millis(arguments.latest_ms);
        station::kill(program, &file, crate::shared::journal::delay(seed, latest), &mut kills);
    }
    println!(
        "{} kills in {:.0} s: {} parts passed, {} of them in the journal as that, {} numbers without an \
         outcome told as crashed; no pass without a verdict, the chain held each time",
        kills.rounds,
        start.elapsed().as_secs_f64(),
        kills.passes,
        kills.conforming,
        kills.crashed
    );
    kills.crashed > 0 && kills.conforming > 0
}
