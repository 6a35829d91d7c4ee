use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::common::print;
use super::guard::{Guard, wait_for_end};
use super::{CONFORMING, MISMATCH, UNUSABLE};
use crate::signal::{DryRun, Gpio, Outputs};
use crate::station::{self, Health, Setup, Station, StationConfig, Status};

/// How often signals and the station are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How often `--status-json` prints.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// How long lines, screen and network of a box that starts may be away.
const LATE_DEVICES: Duration = Duration::from_secs(60);
const START_AGAIN: Duration = Duration::from_secs(1);

/// Run a station: triggers, cameras, verdicts, outputs and journal, until SIGTERM or `stop`
///
/// Exit code 0: stopped in order; 1: stopped in order while held or faulted; 2: could not run, or ended
/// by a fault of its own. Under a service manager (`NOTIFY_SOCKET`) 78 says that it could not run and that
/// another start is of no use: station file, recipe, model or journal, or devices that stay away.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The station file
    #[arg(value_name = "STATION.toml")]
    station: PathBuf,
    /// Switch no output line; what would have been switched is only recorded
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: append each change of an output to this file, one JSON object a line
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    levels: Option<PathBuf>,
    /// De-energise the station's outputs and exit, as after a crash (ExecStopPost=)
    #[arg(long, conflicts_with_all = ["parts", "status_json"])]
    release: bool,
    /// De-energise them when the process that started this one is gone
    #[arg(long, hide = true)]
    guard: bool,
    /// Stop when so many parts have left
    #[arg(long, value_name = "N")]
    parts: Option<u64>,
    /// Print the status as a JSON line each second, and at the end
    #[arg(long)]
    status_json: bool,
}

/// Runs the station until it is to stop.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    // Before anything is started: a signal that comes now must not be the end without a safe state.
    let is_ending = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, is_ending.clone()).context("signals")?;
    }
    if arguments.release || arguments.guard {
        let config = StationConfig::open(&arguments.station)?;
        let is_needed = arguments.release || wait_for_end();
        return if is_needed { release(arguments, &config) } else { Ok(CONFORMING) };
    }
    let is_service = std::env::var_os("NOTIFY_SOCKET").is_some();
    let station = match start(arguments, is_service.then_some(&*is_ending)) {
        Ok(Some(station)) => station,
        Ok(None) => return Ok(CONFORMING),
        Err(error) if is_service && is_for_people(&error) => {
            log::error!("{}", super::told(error.as_ref()));
            return Ok(UNUSABLE);
        }
        Err(error) => return Err(error),
    };
    let guard = guard(arguments);
    let mut printed = Instant::now();
    while station.is_running() && !is_ending.load(Ordering::Acquire) {
        thread::sleep(LOOK);
        if arguments.status_json && printed.elapsed() >= STATUS_EVERY {
            printed = Instant::now();
            // Nobody who reads is a reason to stop a line.
            if let Err(error) = print_json(&station.status()) {
                log::warn!("{}", super::told(error.as_ref()));
            }
        }
    }
    let status = station.stop()?;
    if let Some(guard) = guard {
        guard.dismiss();
    }
    if arguments.status_json {
        print_json(&status)?;
    } else {
        print(|out| write_summary(out, &status))?;
    }
    let is_held = matches!(status.health, Health::Held | Health::Faulted);
    Ok(if is_held { MISMATCH } else { CONFORMING })
}

/// Starts the station. Under a service manager devices may come late: `None` when it was told to end
/// while it waited for them.
fn start(arguments: &Arguments, service: Option<&AtomicBool>) -> anyhow::Result<Option<Station>> {
    let config = StationConfig::open(&arguments.station)?;
    let setup = setup(arguments, &config)?;
    let end = Instant::now() + LATE_DEVICES;
    loop {
        let error = match Station::start(config.clone(), setup.clone()) {
            Ok(station) => return Ok(Some(station)),
            Err(error) => error,
        };
        let Some(is_ending) = service.filter(|_| error.may_pass() && Instant::now() < end) else {
            return Err(error.into());
        };
        log::warn!("{}; tried again", super::told(&error));
        thread::sleep(START_AGAIN);
        if is_ending.load(Ordering::Acquire) {
            return Ok(None);
        }
    }
}

/// Whether somebody has to change something before a start can succeed.
fn is_for_people(error: &anyhow::Error) -> bool {
    !matches!(error.downcast_ref::<station::Error>(), Some(station::Error::Thread { .. }))
}

/// A dry run that records nothing has nothing to let go of.
fn guard(arguments: &Arguments) -> Option<Guard> {
    let is_guarded = !arguments.dry_run || arguments.levels.is_some();
    if is_guarded { Guard::start(&arguments.station, arguments.levels.as_deref()) } else { None }
}

/// Takes the outputs and lets go of them.
fn release(arguments: &Arguments, config: &StationConfig) -> anyhow::Result<u8> {
    match (&arguments.levels, arguments.dry_run) {
        (Some(levels), _) => DryRun::resuming(levels)?.release()?,
        (None, true) => {}
        (None, false) => Gpio::open(&config.outputs)?.release()?,
    }
    Ok(CONFORMING)
}

fn setup(arguments: &Arguments, config: &StationConfig) -> anyhow::Result<Setup> {
    let mut setup = Setup { parts: arguments.parts, ..Setup::of(config) };
    if arguments.dry_run {
        let levels = arguments.levels.clone();
        setup.open_outputs = Arc::new(move || {
            let outputs = levels.as_deref().map_or(Ok(DryRun::new()), DryRun::appending_to)?;
            Ok(Box::new(outputs) as Box<dyn Outputs>)
        });
    } else if !config.outputs.has_lines() {
        bail!(
            "{}: [outputs] wires no line, so no part would ever pass; wire outputs.pass or give --dry-run",
            config.path.display()
        );
    }
    Ok(setup)
}

fn print_json(status: &Status) -> anyhow::Result<()> {
    let line = serde_json::to_string(status)?;
    print(|out| writeln!(out, "{line}"))
}

fn write_summary(out: &mut dyn Write, status: &Status) -> std::io::Result<()> {
    let counters = &status.counters;
    let reason = status.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    writeln!(out, "{} stopped, {}{reason}", status.name, status.health)?;
    writeln!(
        out,
        "{} parts: {} conforming, {} mismatch, {} not inspected ({} overload, {} deadline, {} unpaired)",
        counters.finished,
        counters.conforming,
        counters.mismatch,
        counters.not_inspected,
        counters.overload_rejected,
        counters.deadline_missed,
        counters.unpaired
    )?;
    let (leaving, inspection) = (&status.to_leaving, &status.inspection);
    writeln!(
        out,
        "trigger to output {:.1} / {:.1} ms (p50 / p99), inspection {:.1} / {:.1} ms; {} triggers missed",
        leaving.p50_ms,
        leaving.p99_ms,
        inspection.p50_ms,
        inspection.p99_ms,
        counters.missed_triggers
    )
}
