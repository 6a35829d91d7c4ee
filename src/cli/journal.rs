use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use jiff::{Timestamp, civil, tz::TimeZone};

use super::common::print;
use super::outputs::Inputs;
use super::{CONFORMING, MISMATCH, replay};
use crate::files;
use crate::journal::{Event, Evidence, Filter, Outcome, Part, Reader, Record, Row};
use crate::verdict::Verdict;

/// The journal of a station: list, show, export, verify, replay
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One line for each record
    List(List),
    /// All that is recorded of one part
    Show {
        /// The folder of the journal
        journal: PathBuf,
        /// The part
        number: u64,
    },
    /// Every record as a JSON line with its hash and the one before
    Export {
        /// The folder of the journal
        journal: PathBuf,
        /// Write the lines here, whole or not at all, instead of to standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Follow the chain of hashes; exit 1 at the first record that does not hold
    Verify {
        /// The folder of the journal
        journal: PathBuf,
        /// What an earlier `verify` printed: nothing up to there may have changed since
        #[arg(long, value_name = "SEQ:HASH", value_parser = head)]
        head: Option<(u64, String)>,
        /// Hash every image that is still there, too
        #[arg(long)]
        images: bool,
    },
    /// Judge logged parts again from their images; exit 1 if one comes out otherwise
    Replay(replay::Arguments),
}

#[derive(Debug, Args)]
struct List {
    /// The folder of the journal
    journal: PathBuf,
    /// Only parts with this verdict
    #[arg(long)]
    verdict: Option<VerdictArgument>,
    /// Only parts from this number on
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// Only parts up to this number
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
    /// From this time on: 2026-05-01, 2026-05-01T08:00 (both UTC) or with an offset
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<u64>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<u64>,
    /// Only so many, the newest; 0 for all
    #[arg(long, value_name = "N", default_value_t = 50)]
    newest: u64,
    /// The records themselves, one JSON line each
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum VerdictArgument {
    Conforming,
    Mismatch,
    NotInspected,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.command {
        Command::List(arguments) => list(arguments),
        Command::Show { journal, number } => show(&Reader::open(journal)?, *number),
        Command::Export { journal, out } => {
            let reader = Reader::open(journal)?;
            if let Some(out) = out {
                Inputs::default().with_folder(journal).check(out)?;
            }
            export(&reader, out.as_ref())
        }
        Command::Verify { journal, head, images } => {
            verify(&Reader::open(journal)?, head.clone(), *images)
        }
        Command::Replay(arguments) => replay::run(arguments),
    }
}

fn list(arguments: &List) -> anyhow::Result<u8> {
    let filter = Filter {
        verdict: arguments.verdict.map(Verdict::from),
        from: arguments.from,
        to: arguments.to,
        since_ms: arguments.since,
        until_ms: arguments.until,
        newest: (arguments.newest > 0).then_some(arguments.newest),
        ..Filter::default()
    };
    let reader = Reader::open(&arguments.journal)?;
    let mut read = Ok(());
    print(|out| {
        let mut written = Ok(());
        read = reader.each(&filter, |row| {
            written = match arguments.json {
                true => writeln!(out, "{}", row.text),
                false => writeln!(out, "{}", line(&row)),
            };
            if written.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        written
    })?;
    read?;
    Ok(CONFORMING)
}

fn show(reader: &Reader, number: u64) -> anyhow::Result<u8> {
    let rows = reader.part(number)?;
    anyhow::ensure!(!rows.is_empty(), "part {number}: no record of it in this journal");
    print(|out| {
        for row in &rows {
            let record: serde_json::Value = serde_json::from_str(&row.text)?;
            writeln!(out, "record {} of {}, hash {}", row.seq, clock(row.entry.unix_ms), row.hash)?;
            writeln!(out, "{}", serde_json::to_string_pretty(&record)?)?;
        }
        Ok(())
    })?;
    Ok(CONFORMING)
}

fn export(reader: &Reader, out: Option<&PathBuf>) -> anyhow::Result<u8> {
    let mut read = Ok(());
    let mut write = |out: &mut dyn Write| match reader.export(out) {
        Ok(written) => written,
        Err(error) => {
            let reason = io::Error::other(error.to_string());
            read = Err(error);
            Err(reason)
        }
    };
    let written = match out {
        Some(path) => files::write_with(path, &mut write).map_err(anyhow::Error::from),
        None => print(&mut write),
    };
    read?;
    written?;
    Ok(CONFORMING)
}

fn verify(reader: &Reader, head: Option<(u64, String)>, images: bool) -> anyhow::Result<u8> {
    let verified = reader.verify(head, images)?;
    print(|out| {
        writeln!(out, "{} records hold, {} of them parts", verified.records, verified.parts)?;
        if verified.first_seq > 1 {
            writeln!(out, "records before {} are gone behind a checkpoint", verified.first_seq)?;
        }
        if images {
            writeln!(out, "{} images hold, {} are gone", verified.images, verified.images_gone)?;
        }
        match &verified.broken {
            Some(broken) => writeln!(out, "BROKEN at {broken}"),
            None => writeln!(out, "head {}:{}", verified.head_seq, verified.head_hash),
        }
    })?;
    Ok(if verified.broken.is_some() { MISMATCH } else { CONFORMING })
}

fn line(row: &Row) -> String {
    let what = match &row.entry.record {
        Record::Part(part) => format!("part {}: {}", part.number, outcome(part)),
        Record::Evidence(Evidence { number, images, lost, .. }) => match lost {
            None => format!("part {number}: {} images", images.len()),
            Some(reason) => format!("part {number}: {} images, {reason}", images.len()),
        },
        Record::Event(Event { source, name, detail }) => {
            format!("{name} ({source:?}): {detail}").to_lowercase()
        }
        Record::Gap(gap) => format!(
            "gap: {} conforming, {} mismatch, {} not inspected, {} others without a record: {}",
            gap.conforming, gap.mismatch, gap.not_inspected, gap.others, gap.cause
        ),
        Record::Reserved(span) => format!("numbers {} to {} reserved", span.first, span.last),
        Record::Released(span) => format!("numbers {} to {} released", span.first, span.last),
        Record::Checkpoint(it) => format!("records up to {} deleted", it.deleted_to),
    };
    format!("{:>8}  {}  {what}", row.seq, clock(row.entry.unix_ms))
}

fn outcome(part: &Part) -> String {
    let strongest = part.scores.first();
    match &part.outcome {
        Outcome::Conforming => "conforming".to_owned(),
        Outcome::Mismatch => match strongest {
            Some(score) => format!("mismatch: {} {:.3}", score.spec, score.score),
            None => "mismatch".to_owned(),
        },
        Outcome::NotInspected { stage, detail } => format!("not inspected: {stage}: {detail}"),
    }
}

/// UTC with milliseconds.
fn clock(unix_ms: u64) -> String {
    let timestamp = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    timestamp.map_or_else(|| format!("{unix_ms} ms"), |time| format!("{time:.3}"))
}

/// A time with an offset, or one in UTC.
fn time(text: &str) -> anyhow::Result<u64> {
    let timestamp = text.parse::<Timestamp>().or_else(|_| {
        let utc = text.parse::<civil::DateTime>()?.to_zoned(TimeZone::UTC)?;
        anyhow::Ok(utc.timestamp())
    });
    let ms = timestamp
        .with_context(|| format!("{text:?}: expected 2026-05-01 or 2026-05-01T08:00:00Z"))?
        .as_millisecond();
    Ok(u64::try_from(ms).unwrap_or(0))
}

fn head(text: &str) -> anyhow::Result<(u64, String)> {
    let expected = || format!("{text:?}: expected SEQ:HASH, as `verify` prints it");
    let (seq, hash) = text.split_once(':').with_context(expected)?;
    anyhow::ensure!(hash.len() == 64, expected());
    Ok((seq.parse().with_context(expected)?, hash.to_lowercase()))
}

impl From<VerdictArgument> for Verdict {
    fn from(verdict: VerdictArgument) -> Self {
        match verdict {
            VerdictArgument::Conforming => Self::Conforming,
            VerdictArgument::Mismatch => Self::Mismatch,
            VerdictArgument::NotInspected => Self::NotInspected,
        }
    }
}
