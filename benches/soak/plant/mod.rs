//! Damaged input for the services of a plant, without sockets and then over them beside a running
//! line, and a broker that is away while a journal grows.

mod broker;
mod sockets;

use std::time::Duration;

use crate::shared::away::{self, Absence};
use crate::shared::plant::{all, batter};

/// No request takes longer, damaged or not.
const SLOWEST: Duration = Duration::from_secs(1);
/// Beyond this, memory has grown: SQLite fills a cache of 2 MiB for each connection.
const MOST_GROWTH_KIB: u64 = 8 << 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Damaged inputs of each protocol
    #[arg(long, default_value_t = 100_000)]
    count: u64,
    /// Of these, how many go over a socket too
    #[arg(long, default_value_t = 2_000)]
    sockets: u64,
    /// A broker is away for so many seconds, while a journal gets ten results a second
    #[arg(long, default_value_t = 5)]
    away: u64,
    /// The first seed; an input depends on its seed alone
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Batters every protocol and prints a line each; whether all promises were kept.
pub(crate) fn run(arguments: &Arguments) -> bool {
    println!(
        "{:<10}{:>9}{:>10}{:>7}{:>12}  its seed",
        "protocol", "tried", "answered", "asked", "slowest"
    );
    let mut broken = Vec::new();
    let seeds = arguments.seed..arguments.seed + arguments.count;
    for protocol in &all() {
        let tally = batter(protocol, seeds.clone());
        println!(
            "{:<10}{:>9}{:>10}{:>7}{:>9.2} ms  {}",
            protocol.name,
            tally.tried,
            tally.answered,
            tally.asked,
            tally.slowest.as_secs_f64() * 1e3,
            tally.slowest_seed
        );
        if tally.slowest > SLOWEST {
            broken.push(format!("{}: {:?}", protocol.name, tally.slowest));
        }
        broken.extend(tally.broken);
    }
    broken.extend(sockets::run(arguments.seed..arguments.seed + arguments.sockets));
    broken.extend(without_broker(arguments.away));
    broken.iter().for_each(|promise| println!("BROKEN {promise}"));
    println!("{} broken", broken.len());
    broken.is_empty()
}

/// A broker that is there, away for a while and there again.
fn without_broker(seconds: u64) -> Vec<String> {
    let every = Duration::from_millis(100);
    let mut outcomes = away::run(Absence { results: seconds * 10, every });
    let [before, back, after] = outcomes.rss_kib;
    println!(
        "MQTT: {seconds} s without a broker, {} tries; {} records of the journal, {} messages, {} \
         marked as repeated, all delivered {:.1} s after it came back; memory {before} KiB, {back} KiB \
         when it came back, {after} KiB at the end",
        outcomes.failures,
        outcomes.told,
        outcomes.received,
        outcomes.repeated,
        outcomes.caught_up.as_secs_f64(),
    );
    if back.max(after) > before + MOST_GROWTH_KIB {
        outcomes.broken.push(format!("MQTT: memory grew by more than {MOST_GROWTH_KIB} KiB"));
    }
    outcomes.broken
}
