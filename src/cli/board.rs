use std::path::PathBuf;

use clap::{Args, Subcommand};
use pairspec::board::{self, Board, DataFolder, Fact, Machine, State};
use serde::Serialize;

use super::common::print;
use super::{CONFORMING, MISMATCH};

/// The box: what it has and what it lacks
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare this box with a board profile; exit 1 when something is lacking
    Check(Check),
    /// Take frames from cameras, open those again that go away, and print a JSON line for each
    Probe(super::probe::Arguments),
    /// The built-in board profiles
    List,
}

#[derive(Debug, Args)]
struct Check {
    /// A built-in board or a file; without it, the one this box is
    #[arg(long, value_name = "NAME|FILE")]
    board: Option<String>,
    /// The folder that the station writes to, instead of the board's
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// One JSON object instead of lines
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    board: &'a str,
    title: &'a str,
    complete: bool,
    facts: &'a [Fact],
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.command {
        Command::Check(check) => run_check(check),
        Command::Probe(arguments) => super::probe::run(arguments),
        Command::List => list(),
    }
}

fn run_check(arguments: &Check) -> anyhow::Result<u8> {
    let machine = Machine::read();
    let board = match &arguments.board {
        Some(name) => Board::find(name)?,
        None => board::detect(&machine)?,
    };
    let data = DataFolder::look(arguments.data.as_ref().unwrap_or(&board.data_folder));
    let facts = board::check(&board, &machine, &data);
    let complete = facts.iter().all(|fact| fact.state != State::Lacking);
    if arguments.json {
        let (name, title) = (board.name.as_str(), board.title.as_str());
        let report = Report { board: name, title, complete, facts: &facts };
        let text = serde_json::to_string(&report)?;
        print(|out| writeln!(out, "{text}"))?;
    } else {
        let lines: String = facts.iter().map(line).collect();
        print(|out| write!(out, "{} ({})\n{lines}", board.title, board.name))?;
    }
    Ok(if complete { CONFORMING } else { MISMATCH })
}

fn line(fact: &Fact) -> String {
    let state = match fact.state {
        State::Good => "ok",
        State::Warning => "WARNING",
        State::Lacking => "LACKING",
    };
    format!("{state:<8}{:<11}{}\n", fact.topic, fact.text)
}

fn list() -> anyhow::Result<u8> {
    for name in board::NAMES {
        let title = Board::find(name)?.title;
        print(|out| writeln!(out, "{name:<16}{title}"))?;
    }
    Ok(CONFORMING)
}
