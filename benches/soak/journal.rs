//! A journal whose writer is killed at random moments, as often as wanted.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::shared::journal::{self, Kills};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How often the writer is killed
    #[arg(long, default_value_t = 200)]
    count: u64,
    /// The first seed; the moment depends on its seed alone
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The latest moment, in milliseconds from the start of the process
    #[arg(long, default_value_t = 300)]
    latest_ms: u64,
    /// Be the writer
    #[arg(long, hide = true)]
    child: Option<PathBuf>,
}

/// Kills and checks; whether all promises were kept (what is not kept panics).
pub(crate) fn run(arguments: &Arguments) -> bool {
    if let Some(folder) = &arguments.child {
        journal::write_for_ever(folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut kills, start) = (Kills::default(), Instant::now());
    for seed in arguments.seed..arguments.seed + arguments.count {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("journal").arg("--child").arg(folder.path());
        let delay = journal::delay(seed, Duration::from_millis(arguments.latest_ms));
        journal::kill(folder.path(), command, delay, &mut kills);
    }
    println!(
        "{} kills in {:.0} s, {} of them in flow: {} acknowledged parts, none lost; {} numbers \
         without an outcome told as crashed; the chain held each time",
        kills.rounds,
        start.elapsed().as_secs_f64(),
        kills.in_flow,
        kills.acknowledged,
        kills.crashed
    );
    true
}
