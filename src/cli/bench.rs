use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::{ArgGroup, Args, ValueEnum};
use serde::Serialize;

use super::CONFORMING;
use super::embed::PrecisionArgument;
use crate::clip::{
    self, Architecture, Bundle, FileName, ImageEncoder, LoadTimes, Precision, TextEncoder,
};

/// How long a series is measured when no number of runs is given.
const MEASURED: Duration = Duration::from_secs(5);
/// Fewer would make a median worthless.
const LEAST_RUNS: usize = 10;

/// Measure load time, time per image or text, and memory on this machine.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("measured").required(true).args(["model", "arch"]))]
pub(crate) struct Arguments {
    /// The bundle to measure
    #[arg(short, long)]
    model: Option<PathBuf>,
    /// Measure an architecture with random weights: vit-b-32, vit-b-16, vit-l-14 or tinyclip-vit-8m-16
    #[arg(long)]
    arch: Option<Architecture>,
    /// Which tower
    #[arg(long, default_value = "image")]
    tower: Tower,
    /// int8 or fp32; by default what the bundle would run
    #[arg(long)]
    precision: Option<PrecisionArgument>,
    /// Threads; the images of a batch are spread over them, so more than --batch are refused
    #[arg(long, default_value = "1", value_parser = at_least_one)]
    threads: NonZero<usize>,
    /// Images or texts per run, 1 by default; pairs of images are measured as well
    #[arg(long, value_parser = at_least_one)]
    batch: Option<NonZero<usize>>,
    /// Tokens of a text, start and end included; a spec sentence has about 16
    #[arg(long, default_value_t = 16)]
    tokens: usize,
    /// Timed runs; as many as fit in 5 seconds by default, at least 10
    #[arg(long, value_parser = at_least_one)]
    runs: Option<NonZero<usize>>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tower {
    Image,
    Text,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let temporary;
    let folder = match (&arguments.model, arguments.arch) {
        (Some(folder), _) => folder.as_path(),
        (None, Some(architecture)) => {
            temporary = random_bundle(architecture)?;
            &temporary.path().join("bundle")
        }
        (None, None) => bail!("--model or --arch is needed"),
    };
    let start_rss_bytes = peak_rss_bytes();
    let mut report = match arguments.tower {
        Tower::Image => measure_images(arguments, folder)?,
        Tower::Text => measure_texts(arguments, folder)?,
    };
    report.start_rss_bytes = start_rss_bytes;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        report.print(&mut out)?;
    }
    Ok(CONFORMING)
}

fn at_least_one(text: &str) -> Result<NonZero<usize>, String> {
    let number: usize = text.parse().map_err(|_| "expected a whole number".to_owned())?;
    NonZero::new(number).ok_or_else(|| "expected at least 1".to_owned())
}

/// Makes the bundle in another process: writing it takes memory that would count as ours.
fn random_bundle(architecture: Architecture) -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let this = std::env::current_exe()?;
    let made = Command::new(this)
        .args(["model", "random", architecture.name(), "-o"])
        .arg(folder.path().join("bundle"))
        .output()
        .context("cannot start another pairspec to make the bundle")?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "no bundle was made: {}", said.trim());
    Ok(folder)
}

/// What one bench finds. Times are wall-clock milliseconds.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    architecture: String,
    file: String,
    file_bytes: u64,
    tower: &'static str,
    precision: &'static str,
    threads: usize,
    batch: usize,
    /// Tokens of a text, start and end included.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<usize>,
    /// Per image or text: a run's time divided by the batch.
    #[serde(flatten)]
    each: Series,
    /// Per pair of images, embedded at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pair: Option<Series>,
    load_ms: f64,
    read_ms: f64,
    verify_ms: f64,
    prepare_ms: f64,
    /// The most memory the process ever held; absent where the system does not say.
    peak_rss_bytes: Option<u64>,
    /// What it held before it opened the bundle: the program itself.
    start_rss_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Series {
    runs: usize,
    min_ms: f64,
    median_ms: f64,
    /// The slowest of fewer than 100 runs.
    p99_ms: f64,
}

fn measure_images(arguments: &Arguments, folder: &Path) -> anyhow::Result<Report> {
    let bundle = Bundle::open(folder)?;
    let encoder = ImageEncoder::open(&bundle, arguments.precision.map(Precision::from))?;
    let (threads, batch) = (arguments.threads, arguments.batch.map_or(1, NonZero::get));
    let encoder = encoder.with_threads(threads);
    let most = batch.max(2);
    ensure!(threads.get() <= most, "{threads} threads for {most} images: at most one per image");
    let size = encoder.tensor_len();
    let pixels = clip::parity_pixels(1, size * most);
    let each = series(arguments.runs, batch, || encoder.encode(&pixels[..size * batch], batch))?;
    let pair = series(arguments.runs, 1, || encoder.encode(&pixels[..size * 2], 2))?;
    let mut report = Report::new(&bundle, encoder.file(), encoder.load_times(), each);
    (report.tower, report.threads, report.batch) = ("image", threads.get(), batch);
    report.pair = Some(pair);
    Ok(report)
}

fn measure_texts(arguments: &Arguments, folder: &Path) -> anyhow::Result<Report> {
    let bundle = Bundle::open(folder)?;
    ensure!(arguments.threads.get() == 1, "the text tower runs on one thread");
    let encoder = TextEncoder::open(&bundle, arguments.precision.map(Precision::from))?;
    let batch = arguments.batch.map_or(1, NonZero::get);
    let (start, end) = (encoder.tokenizer().start_id(), encoder.tokenizer().end_id());
    let (tokens, most) = (arguments.tokens, encoder.context());
    ensure!((2..=most).contains(&tokens), "--tokens {tokens}: this model takes 2 to {most}");
    let words = (1..tokens as u32 - 1).map(|index| index % end.max(1));
    let ids: Vec<u32> = std::iter::once(start).chain(words).chain([end]).collect();
    let texts = vec![ids; batch];
    let each = series(arguments.runs, batch, || encoder.encode_ids(&texts))?;
    let mut report = Report::new(&bundle, encoder.file(), encoder.load_times(), each);
    (report.tower, report.batch, report.tokens) = ("text", batch, Some(tokens));
    Ok(report)
}

/// Times `work`, after two runs that warm caches and are not counted.
fn series<T, E>(
    runs: Option<NonZero<usize>>,
    batch: usize,
    work: impl Fn() -> Result<T, E>,
) -> Result<Series, E> {
    for _ in 0..2 {
        work()?;
    }
    let mut times = Vec::new();
    let begun = Instant::now();
    let wanted = |done: usize| match runs {
        Some(runs) => done < runs.get(),
        None => done < LEAST_RUNS || begun.elapsed() < MEASURED,
    };
    while wanted(times.len()) {
        let started = Instant::now();
        work()?;
        times.push(milliseconds(started.elapsed()) / batch as f64);
    }
    times.sort_by(f64::total_cmp);
    // Nearest rank: the smallest time that at least 99 % of the runs kept.
    let rank = (times.len() * 99).div_ceil(100);
    let (min_ms, median_ms, p99_ms) = (times[0], times[times.len() / 2], times[rank - 1]);
    Ok(Series { runs: times.len(), min_ms, median_ms, p99_ms })
}

impl Report {
    fn new(bundle: &Bundle, file: FileName, load: LoadTimes, each: Series) -> Self {
        let manifest = bundle.manifest();
        Self {
            model: manifest.name.clone(),
            architecture: manifest.architecture.clone(),
            file: file.to_string(),
            file_bytes: manifest.files.get(&file).map_or(0, |record| record.bytes),
            tower: "",
            precision: if file.is_int8() { "int8" } else { "fp32" },
            threads: 1,
            batch: 1,
            tokens: None,
            each,
            pair: None,
            load_ms: milliseconds(load.read + load.verify + load.prepare),
            read_ms: milliseconds(load.read),
            verify_ms: milliseconds(load.verify),
            prepare_ms: milliseconds(load.prepare),
            peak_rss_bytes: peak_rss_bytes(),
            start_rss_bytes: None,
        }
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Self { model, file, precision, threads, batch, .. } = self;
        writeln!(out, "{model} ({}), {file}, {precision}", self.architecture)?;
        let (read, verify, prepare) = (self.read_ms, self.verify_ms, self.prepare_ms);
        let parts = format!("read {read:.0}, verify {verify:.0}, prepare {prepare:.0}");
        writeln!(out, "load       {:>9.0} ms  ({parts})", self.load_ms)?;
        let tokens = self.tokens.map_or_else(String::new, |tokens| format!(", {tokens} tokens"));
        let how = format!("batch {batch}, threads {threads}{tokens}");
        self.each.print(out, &format!("per {}", self.tower), &how)?;
        if let Some(pair) = &self.pair {
            pair.print(out, "per pair", &format!("batch 2, threads {threads}"))?;
        }
        match self.peak_rss_bytes {
            Some(bytes) => writeln!(
                out,
                "peak RSS   {:>9.0} MB  (model file {:.0} MB)",
                bytes as f64 / 1e6,
                self.file_bytes as f64 / 1e6
            ),
            None => writeln!(out, "peak RSS   unknown on this system"),
        }
    }
}

impl Series {
    fn print(&self, out: &mut impl Write, name: &str, how: &str) -> std::io::Result<()> {
        let Self { runs, min_ms, median_ms, p99_ms } = self;
        let rest = format!("min {min_ms:.2}, p99 {p99_ms:.2}; {how}, {runs} runs");
        writeln!(out, "{name:<10} {median_ms:>9.2} ms  ({rest})")
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Source: proc_pid_status(5), `VmHWM`, in kibibytes.
fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
