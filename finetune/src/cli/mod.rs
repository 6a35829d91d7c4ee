//! The command line: one file per subcommand, each with its arguments, one call and its output.
//!
//! Owns argument parsing, printing and exit codes (0 done, 2 could not run). It does not hold
//! algorithms.

mod synth;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The command could not run, or not to its end.
const FAILED: u8 = 2;

#[derive(Debug, Parser)]
#[command(name = "pairspec-finetune", version, about, long_about = None)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Synth(synth::Arguments),
}

/// Parses the arguments, runs the subcommand and turns any error into a message and exit code 2.
pub(crate) fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn"))
        .format_target(false)
        .init();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Synth(arguments) => synth::run(arguments),
    }
}
