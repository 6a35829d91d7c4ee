use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{CONFORMING, MISMATCH, compare};
use crate::clip::{
    self, Architecture, Bundle, Check, ImportOptions, Manifest, ParityVector, WeightType,
};

/// Import, make, check and describe model bundles.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Turn a Hugging Face CLIP directory into a bundle
    Import(Import),
    /// Make a bundle with random weights, for measuring speed
    Random(Random),
    /// Check sums, shapes and parity vectors of a bundle (exit 1 when one fails)
    Verify(Verify),
    /// Hold int8 against fp32 over pairs and write the result into the bundle (exit 1 if it fails)
    Compare(compare::Arguments),
    /// Print what a bundle says of itself
    Info(Info),
}

#[derive(Debug, Args)]
struct Import {
    /// Directory with config.json and model.safetensors, or vision_model.onnx and text_model.onnx
    directory: PathBuf,
    /// Where the bundle appears
    #[arg(short, long)]
    output: PathBuf,
    /// The bundle's name, that of the directory by default
    #[arg(long)]
    name: Option<String>,
    /// Store matrices in fp16: half the size, computed in fp32
    #[arg(long)]
    fp16: bool,
    /// Import one tower alone
    #[arg(long)]
    tower: Option<Tower>,
}

#[derive(Debug, Args)]
struct Random {
    /// vit-b-32, vit-b-16, vit-l-14 or tinyclip-vit-8m-16
    architecture: Architecture,
    /// Where the bundle appears
    #[arg(short, long)]
    output: PathBuf,
    /// The same seed gives the same weights everywhere
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Store matrices in fp16
    #[arg(long)]
    fp16: bool,
}

#[derive(Debug, Args)]
struct Verify {
    /// The bundle to check
    bundle: PathBuf,
    /// One JSON object per check
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Info {
    /// The bundle to describe
    bundle: PathBuf,
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
    match &arguments.action {
        Action::Import(import) => run_import(import),
        Action::Random(random) => run_random(random),
        Action::Verify(verify) => run_verify(verify),
        Action::Compare(compare) => compare::run(compare),
        Action::Info(info) => run_info(info),
    }
}

fn run_import(arguments: &Import) -> anyhow::Result<u8> {
    let options = ImportOptions {
        name: arguments.name.clone(),
        weight_type: weight_type(arguments.fp16),
        vision: arguments.tower != Some(Tower::Text),
        text: arguments.tower != Some(Tower::Image),
    };
    let bundle = clip::import(&arguments.directory, &arguments.output, &options)
        .context("model not imported")?;
    print_made(&bundle)
}

fn run_random(arguments: &Random) -> anyhow::Result<u8> {
    let weight_type = weight_type(arguments.fp16);
    let place = &arguments.output;
    let bundle = clip::random_bundle(arguments.architecture, arguments.seed, weight_type, place)
        .context("bundle not made")?;
    print_made(&bundle)
}

fn weight_type(fp16: bool) -> WeightType {
    if fp16 { WeightType::Float16 } else { WeightType::Float32 }
}

fn print_made(bundle: &Bundle) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    let manifest = bundle.manifest();
    writeln!(out, "{}: {} ({})", bundle.folder().display(), manifest.name, manifest.architecture)?;
    for (name, record) in &manifest.files {
        writeln!(out, "  {name:<26} {:>12} bytes", record.bytes)?;
    }
    Ok(CONFORMING)
}

fn run_verify(arguments: &Verify) -> anyhow::Result<u8> {
    let bundle = Bundle::open(&arguments.bundle)?;
    let checks = bundle.verify();
    let mut out = std::io::stdout().lock();
    for check in &checks {
        if arguments.json {
            writeln!(out, "{}", serde_json::to_string(&Line::of(check))?)?;
        } else {
            let name = format!("{} {}", check.file, check.what);
            match &check.outcome {
                Ok(fact) => writeln!(out, "ok      {name:<32} {fact}")?,
                Err(error) => writeln!(out, "FAILED  {name:<32} {error}")?,
            }
        }
    }
    let sound = checks.iter().all(|check| check.outcome.is_ok());
    Ok(if sound { CONFORMING } else { MISMATCH })
}

#[derive(Serialize)]
struct Line {
    file: String,
    check: &'static str,
    ok: bool,
    detail: String,
}

impl Line {
    fn of(check: &Check) -> Self {
        let detail = match &check.outcome {
            Ok(fact) => fact.clone(),
            Err(error) => error.to_string(),
        };
        Self { file: check.file.to_string(), check: check.what, ok: check.outcome.is_ok(), detail }
    }
}

fn run_info(arguments: &Info) -> anyhow::Result<u8> {
    let bundle = Bundle::open(&arguments.bundle)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        // The embeddings of parity vectors are for machines that verify, not for readers.
        let bare = |vector: &ParityVector| ParityVector { embedding: vec![], ..vector.clone() };
        let manifest = bundle.manifest();
        let parity = manifest.parity.iter().map(bare).collect();
        writeln!(out, "{}", serde_json::to_string(&Manifest { parity, ..manifest.clone() })?)?;
        return Ok(CONFORMING);
    }
    print_info(&mut out, &bundle)?;
    Ok(CONFORMING)
}

fn print_info(out: &mut impl Write, bundle: &Bundle) -> std::io::Result<()> {
    let manifest = bundle.manifest();
    writeln!(out, "name             {}", manifest.name)?;
    writeln!(out, "architecture     {}", manifest.architecture)?;
    writeln!(out, "provenance       {}", manifest.provenance)?;
    writeln!(out, "licence          {}", manifest.license)?;
    writeln!(out, "embedding        {} values", manifest.embedding_size)?;
    writeln!(out, "logit scale      {}", manifest.logit_scale)?;
    writeln!(out, "no-change logit  {}", manifest.no_change_logit)?;
    if let Some(words) = &manifest.training_vocabulary {
        writeln!(out, "vocabulary       {} words seen in training", words.len())?;
    }
    if let Some(vision) = &manifest.vision {
        let (image, patch) = (vision.image, vision.patch);
        let size = format!("{} layers of {}", vision.layers, vision.hidden);
        writeln!(out, "image tower      {image}x{image} pixels, patches of {patch}, {size}")?;
    }
    if let Some(text) = &manifest.text {
        let size = format!("{} layers of {}", text.layers, text.hidden);
        let (context, vocabulary) = (text.context, text.vocabulary);
        writeln!(out, "text tower       {context} tokens of {vocabulary}, {size}")?;
    }
    for (name, record) in &manifest.files {
        writeln!(out, "{name:<26} {:>12} bytes  sha256 {}", record.bytes, record.sha256)?;
    }
    for gate in &manifest.gates {
        let verdict = if gate.passed { "passed" } else { "FAILED" };
        let (file, name, value) = (gate.file, &gate.name, gate.value);
        writeln!(out, "gate {file}: {name} {value:.4} against {}, {verdict}", gate.limit)?;
    }
    writeln!(out, "parity vectors   {}", manifest.parity.len())
}
