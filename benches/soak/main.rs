//! Proofs that need hours rather than seconds: `cargo bench --bench soak -- PROOF ...`.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod day;
mod journal;
mod kill;
mod line;
#[cfg(feature = "modbus")]
mod master;
mod mutations;
#[cfg(all(feature = "http", feature = "modbus", feature = "mqtt"))]
mod plant;
#[path = "../../tests/shared/mod.rs"]
mod shared;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    proof: Proof,
    /// `cargo bench` gives it to every benchmark
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Proof {
    /// Damaged input for every reader of the library
    Mutations(mutations::Arguments),
    /// A journal whose writer is killed at random moments
    Journal(journal::Arguments),
    /// Damaged requests for the services of a plant, and requests beside them
    #[cfg(all(feature = "http", feature = "modbus", feature = "mqtt"))]
    Plant(plant::Arguments),
    /// A station in real time, from files
    Line(line::Arguments),
    /// A day of line time by a virtual clock
    Day(day::Arguments),
    /// A running station that is killed at random moments
    Kill(kill::Arguments),
}

fn main() -> ExitCode {
    let holds = match &Arguments::parse().proof {
        Proof::Mutations(arguments) => mutations::run(arguments),
        Proof::Journal(arguments) => journal::run(arguments),
        #[cfg(all(feature = "http", feature = "modbus", feature = "mqtt"))]
        Proof::Plant(arguments) => plant::run(arguments),
        Proof::Line(arguments) => line::run(arguments),
        Proof::Day(arguments) => day::run(arguments),
        Proof::Kill(arguments) => kill::run(arguments),
    };
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
