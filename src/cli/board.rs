use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::common::print;
use super::{CONFORMING, MISMATCH, probe};
use crate::board::{self, Board, DataFolder, Fact, Machine, State};
use crate::capture::{self, DeviceControl};
use crate::files;
use crate::station::{self, StationConfig};

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
    Probe(probe::Arguments),
    /// The controls of a camera by the names that `[controls]` takes, or set one
    Controls(Controls),
    /// The built-in board profiles
    List,
    /// Write a station file with what a board's profile knows: lines, cameras, display, threads
    Station(Template),
}

#[derive(Debug, Args)]
struct Check {
    /// A built-in board or a file; without it, the one this box is
    #[arg(long, value_name = "NAME|FILE")]
    board: Option<String>,
    /// The folder that the station writes to, instead of the board's
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What this station needs, too: cameras, lines, journal, socket, recipe and goldens
    #[arg(long, value_name = "STATION.toml")]
    station: Option<PathBuf>,
    /// One JSON object instead of lines
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Template {
    /// A built-in board or a file; without it, the one this box is
    #[arg(long, value_name = "NAME|FILE")]
    board: Option<String>,
    /// Where to write it; a file that is there stays as it is
    #[arg(short, long, value_name = "STATION.toml")]
    output: PathBuf,
}

#[derive(Debug, Args)]
struct Controls {
    /// A device node, or where a camera is plugged in (`bus_info`)
    #[arg(value_name = "DEVICE|BUS_INFO")]
    camera: String,
    /// Set this control and read it back, instead of listing them
    #[arg(long, value_name = "NAME=VALUE", value_parser = probe::control)]
    set: Option<(String, i64)>,
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
        Command::Probe(arguments) => probe::run(arguments),
        Command::Controls(arguments) => controls(arguments),
        Command::List => list(),
        Command::Station(arguments) => write_station(arguments),
    }
}

fn run_check(arguments: &Check) -> anyhow::Result<u8> {
    let machine = Machine::read();
    let board = named_or_found(arguments.board.as_deref(), &machine)?;
    let data = DataFolder::look(arguments.data.as_ref().unwrap_or(&board.data_folder));
    let mut facts = board::check(&board, &machine, &data);
    if let Some(path) = &arguments.station {
        facts.extend(station::check(&StationConfig::open(path)?, &machine));
    }
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

fn named_or_found(name: Option<&str>, machine: &Machine) -> anyhow::Result<Board> {
    Ok(match name {
        Some(name) => Board::find(name)?,
        None => board::detect(machine)?,
    })
}

fn write_station(arguments: &Template) -> anyhow::Result<u8> {
    let path = &arguments.output;
    ensure!(!path.exists(), "{}: is there already; choose another name", path.display());
    let board = named_or_found(arguments.board.as_deref(), &Machine::read())?;
    files::write(path, station::template(&board).as_bytes())?;
    print(|out| {
        writeln!(out, "{} written, of {}; next:", path.display(), board.title)?;
        writeln!(out, "  edit it: recipe, camera, times")?;
        writeln!(out, "  pairspec board check --station {}", path.display())
    })?;
    Ok(CONFORMING)
}

fn line(fact: &Fact) -> String {
    let state = match fact.state {
        State::Good => "ok",
        State::Warning => "WARNING",
        State::Lacking => "LACKING",
    };
    format!("{state:<8}{:<11}{}\n", fact.topic, fact.text)
}

fn controls(arguments: &Controls) -> anyhow::Result<u8> {
    let source = probe::source(&arguments.camera);
    if let Some((name, value)) = &arguments.set {
        capture::set_device_control(&source, name, *value)?;
        return Ok(CONFORMING);
    }
    for control in capture::device_controls(&source)? {
        let DeviceControl { name, minimum, maximum, step, value } = control;
        let value = value.map_or("-".to_owned(), |value| value.to_string());
        print(|out| writeln!(out, "{name:<32}{value:>8}  {minimum} to {maximum} by {step}"))?;
    }
    Ok(CONFORMING)
}

fn list() -> anyhow::Result<u8> {
    for name in board::NAMES {
        let title = Board::find(name)?.title;
        print(|out| writeln!(out, "{name:<16}{title}"))?;
    }
    Ok(CONFORMING)
}
