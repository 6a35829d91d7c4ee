//! The command line: one file per subcommand, each with its arguments, one call and its output.
//!
//! Owns argument parsing, printing and exit codes (0 conforming, 1 mismatch or failed check,
//! 2 not inspected or could not run; 78 in place of 2 where `run` tells a service manager that another
//! start is of no use). It does not hold algorithms.

mod batch;
mod bench;
mod board;
mod calibrate;
mod capture;
mod common;
mod compare;
mod data;
mod demo;
mod embed;
mod evaluate;
mod golden;
mod guard;
mod identify;
mod inspect;
mod journal;
mod labels;
mod model;
mod outputs;
mod panel;
mod parallel;
mod plots;
mod probe;
mod quantize;
mod rank;
mod recipe;
mod replay;
mod run;
mod seen;
mod specs;
mod study;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::told;

/// Nothing wrong was found.
pub(crate) const CONFORMING: u8 = 0;
/// A mismatch, or a failed check.
pub(crate) const MISMATCH: u8 = 1;
/// Not inspected, or the command could not run.
pub(crate) const NOT_INSPECTED: u8 = 2;

#[derive(Debug, Parser)]
#[command(name = "pairspec", version, about, long_about = None)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Inspect(inspect::Arguments),
    Batch(batch::Arguments),
    Evaluate(evaluate::Arguments),
    Calibrate(calibrate::Arguments),
    Rank(rank::Arguments),
    Identify(identify::Arguments),
    Specs(specs::Arguments),
    Recipe(recipe::Arguments),
    Embed(embed::Arguments),
    Model(model::Arguments),
    Quantize(quantize::Arguments),
    Run(run::Arguments),
    Capture(capture::Arguments),
    Journal(journal::Arguments),
    Panel(panel::Arguments),
    Bench(bench::Arguments),
    Board(board::Arguments),
}

/// Not to be cured by another start, as a service manager is told it (`EX_CONFIG` of sysexits.h).
pub(crate) const UNUSABLE: u8 = 78;

/// Parses the arguments, runs the subcommand and turns any error into a message and exit code 2.
pub fn main() -> ExitCode {
    env_logger::Builder::from_env(
        env_logger::Env::default().default_filter_or("warn,tokenizers=error"),
    )
    .format_target(false)
    .init();
    match run(Arguments::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_broken_pipe(&error) => ExitCode::from(CONFORMING),
        Err(error) => {
            log::error!("{}", told(error.as_ref()));
            ExitCode::from(NOT_INSPECTED)
        }
    }
}

/// Whether the reader of standard output went away (`| head`): it has what it wanted.
///
/// Verdicts do not come this way: what prints them ends with their code whoever listens.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_broken))
}

fn run(arguments: Arguments) -> anyhow::Result<u8> {
    match &arguments.command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Batch(arguments) => batch::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Calibrate(arguments) => calibrate::run(arguments),
        Command::Rank(arguments) => rank::run(arguments),
        Command::Identify(arguments) => identify::run(arguments),
        Command::Specs(arguments) => specs::run(arguments),
        Command::Recipe(arguments) => recipe::run(arguments),
        Command::Embed(arguments) => embed::run(arguments),
        Command::Model(arguments) => model::run(arguments),
        Command::Quantize(arguments) => quantize::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Capture(arguments) => capture::run(arguments),
        Command::Journal(arguments) => journal::run(arguments),
        Command::Panel(arguments) => panel::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Board(arguments) => board::run(arguments),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use anyhow::{Context, anyhow};

    use super::told;
    use crate::files;

    #[test]
    fn a_cause_that_the_message_ends_with_is_not_told_again() {
        let source = io::Error::from_raw_os_error(2);
        let error = anyhow::Error::from(files::Error::io(Path::new("x"), "open")(source));
        let text = told(error.context("the report").as_ref());
        assert_eq!(text.matches("os error 2").count(), 1, "{text}");
        assert!(text.starts_with("the report: x: cannot open: "), "{text}");
    }

    #[test]
    fn causes_that_say_more_are_all_told() {
        let error = Err::<(), _>(anyhow!("third")).context("second").context("first");
        assert_eq!(
            error.map_err(|error| told(error.as_ref())),
            Err("first: second: third".to_owned())
        );
    }
}
