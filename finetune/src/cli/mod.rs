//! The command line: one file per subcommand, each with its arguments, one call and its output.
//!
//! Owns argument parsing, printing and exit codes (0 done, 2 could not run). It does not hold
//! algorithms.

mod describe;
mod evaluate;
mod quiet;
mod synth;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pairspec::report::told;

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
    Describe(describe::Arguments),
    Evaluate(evaluate::Arguments),
    Synth(synth::Arguments),
    #[command(subcommand)]
    Train(train::Command),
}

/// Parses the arguments, runs the subcommand and turns any error into a message and exit code 2.
pub(crate) fn main() -> ExitCode {
    start_logger();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{}", told(error.as_ref()));
            ExitCode::from(FAILED)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Describe(arguments) => describe::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Synth(arguments) => synth::run(arguments),
        Command::Train(command) => train::run(command),
    }
}

/// What `RUST_LOG` asks for, warnings otherwise; a second logger of the same process is left alone.
fn start_logger() {
    let logger =
        env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn"))
            .format_target(false)
            .build();
    let level = logger.filter();
    if log::set_boxed_logger(Box::new(quiet::Quiet(logger))).is_ok() {
        log::set_max_level(level);
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::told;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow!("no such file").context("a: no such file").context("b");
        assert_eq!(told(error.as_ref()), "b: a: no such file");
    }
}
