//! A station at work in real time, from files, by a judge that takes no time or by the bundled model.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pairspec::journal::{Filter, Outcome, Reader, Record};
use pairspec::signal::{DryRun, Output, Outputs, Recorded};
use pairspec::station::{Identity, Judge, Judgement, Pair, Setup, Station, StationConfig, Status};

#[cfg(feature = "modbus")]
use super::master::Masters;
use crate::shared::station;

/// The growth of memory that is a leak, in KiB.
const MOST_GROWTH_KIB: u64 = 2 << 10;
/// The longest that 99 in 100 parts may take from trigger to output, encoding left out.
const MOST_P99_MS: f64 = 5.0;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long the line runs
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Pairs a second
    #[arg(long, default_value_t = 30.0)]
    rate: f64,
    /// Judge by the bundled model instead of by nothing; the limits of time do not hold then
    #[arg(long)]
    model: bool,
    /// Two masters read the registers over Modbus so many times a second, by turns of ten seconds; what
    /// they cost is within bounds
    #[cfg(feature = "modbus")]
    #[arg(long)]
    modbus: Option<f64>,
}

/// Passes everything: what is measured is the station.
struct Nothing(Identity);

impl Judge for Nothing {
    fn identity(&self) -> &Identity {
        &self.0
    }

    fn judge(&mut self, _: &Pair) -> Judgement {
        Outcome::Conforming.into()
    }

    fn challenge(&mut self) -> Result<usize, String> {
        Ok(0)
    }
}

/// Runs the line and prints what came of it; whether all promises were kept.
pub(crate) fn run(arguments: &Arguments) -> bool {
    let folder = tempfile::tempdir().unwrap();
    #[cfg(feature = "modbus")]
    let mut masters = arguments.modbus.map(Masters::new);
    #[cfg(feature = "modbus")]
    let plant = masters.as_ref().map(Masters::section).unwrap_or_default();
    #[cfg(not(feature = "modbus"))]
    let plant = String::new();
    let config = config(folder.path(), arguments.rate, arguments.model, &plant);
    let recorded = Recorded::default();
    let setup = setup(&config, &recorded, arguments.model);
    let station = Station::start(config, setup).unwrap();
    let (start, length) = (Instant::now(), Duration::from_secs(arguments.seconds));
    // By then every cache of the database has been used.
    let settled = length.mul_f64(0.1).min(Duration::from_secs(60));
    let mut early_kib = 0;
    while start.elapsed() < length {
        std::thread::sleep(Duration::from_millis(50));
        #[cfg(feature = "modbus")]
        if let Some(masters) = &mut masters {
            masters.tend();
        }
        if early_kib == 0 && start.elapsed() >= settled {
            early_kib = station::rss_kib();
        }
    }
    let late_kib = station::rss_kib();
    #[cfg(feature = "modbus")]
    let read = masters.map(Masters::stop);
    let status = station.stop().unwrap();
    #[cfg(feature = "modbus")]
    let is_undisturbed = read.is_none_or(|read| read.compare(&folder.path().join("journal")));
    #[cfg(not(feature = "modbus"))]
    let is_undisturbed = true;
    let (parts, reasons) = outcomes(folder.path());
    println!("{}", serde_json::to_string_pretty(&status).unwrap());
    for (reason, count) in reasons {
        println!("{count} not inspected: {reason}");
    }
    let is_kept = report(&status, parts, [early_kib, late_kib], arguments);
    if !is_undisturbed {
        println!("BROKEN what Modbus masters cost");
    }
    is_kept && is_undisturbed && passes_agree(&status, &recorded)
}

fn report(status: &Status, parts: u64, [early, late]: [u64; 2], arguments: &Arguments) -> bool {
    let (counters, growth) = (status.counters, late.saturating_sub(early));
    println!(
        "{} parts in {:.0} s, {parts} with an outcome in the journal; {} passed, {} not inspected; \
         trigger to output p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms; memory {early} KiB, then {late} KiB",
        counters.triggers,
        status.up_s,
        counters.conforming,
        counters.not_inspected,
        status.to_leaving.p50_ms,
        status.to_leaving.p99_ms,
        status.to_leaving.max_ms,
    );
    let expected = (arguments.seconds as f64 * arguments.rate * 0.98) as u64;
    let mut promises = vec![
        ("each part has one outcome", counters.triggers == counters.finished),
        ("each outcome is in the journal", parts == counters.finished),
        ("no trigger was missed", counters.missed_triggers == 0 && counters.triggers >= expected),
        ("memory does not grow", growth <= MOST_GROWTH_KIB),
    ];
    if !arguments.model {
        promises.push(("99 in 100 parts in time", status.to_leaving.p99_ms <= MOST_P99_MS));
    }
    for (promise, is_kept) in &promises {
        println!("{} {promise}", if *is_kept { "ok    " } else { "BROKEN" });
    }
    promises.iter().all(|(_, is_kept)| *is_kept)
}

fn passes_agree(status: &Status, recorded: &Recorded) -> bool {
    // Only the last changes are remembered.
    recorded.forgotten() > 0 || recorded.pulses(Output::Pass) as u64 == status.counters.conforming
}

/// A line of that many parts a second, with what else is in its file.
pub(crate) fn config(folder: &Path, rate: f64, is_model: bool, plant: &str) -> StationConfig {
    let (deadline_ms, recipe) = if is_model {
        (1_000, station::bundled_recipe().display().to_string())
    } else {
        (100, "recipe.toml".to_owned())
    };
    let side = station::frames(folder, is_model);
    let camera = format!("width = {side}\nheight = {side}\nrate_hz = {rate}");
    let text = format!(
        "name = 'soak'\nrecipe = '{recipe}'\ndeadline_ms = {deadline_ms}\n[capture]\n\
         mode = 'two-cameras'\ndelay_ms = 0\nwindow_ms = 0.5\nframes_in_window = 'first'\n\
         trigger_latency_ms = 2\nframe_latency_ms = 20\n[capture.test]\nfolder = 'tests'\n{camera}\n\
         [capture.reference]\nfolder = 'references'\n{camera}\n\
         [trigger]\nkind = 'interval'\nrate_hz = {rate}\n\
         [journal]\nfolder = 'journal'\nconforming_one_in = 100\n{plant}"
    );
    StationConfig::parse(&text, &folder.join("station.toml")).unwrap()
}

/// Outputs that are recorded and, unless there is a model, a judge that takes no time.
pub(crate) fn setup(config: &StationConfig, recorded: &Recorded, is_model: bool) -> Setup {
    let recorded = recorded.clone();
    let mut setup = Setup::of(config);
    setup.open_outputs =
        Arc::new(move || Ok(Box::new(DryRun::recording(recorded.clone())) as Box<dyn Outputs>));
    if !is_model {
        setup.open_judge = Arc::new(|_| Ok(Box::new(Nothing(Identity::default()))));
    }
    setup
}

/// Parts in the journal, each number once, and why how many were not inspected.
pub(crate) fn outcomes(folder: &Path) -> (u64, BTreeMap<String, u64>) {
    let reader = Reader::open(&folder.join("journal")).unwrap();
    assert_eq!(reader.verify(None, true).unwrap().broken, None);
    let (mut next, mut reasons) = (1, BTreeMap::new());
    let visit = |row: pairspec::journal::Row| {
        if let Record::Part(part) = row.entry.record {
            assert_eq!(part.number, next, "in the order of the triggers, each once");
            next += 1;
            if let Outcome::NotInspected { stage, detail } = part.outcome {
                // Numbers differ from part to part.
                let detail = detail.replace(|letter: char| letter.is_ascii_digit(), "");
                *reasons.entry(format!("{stage}: {detail}")).or_default() += 1;
            }
        }
        std::ops::ControlFlow::Continue(())
    };
    reader.each(&Filter::default(), visit).unwrap();
    (next - 1, reasons)
}
