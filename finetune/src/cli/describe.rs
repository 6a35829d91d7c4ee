use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pairspec::{files, manifest};
use pairspec_finetune::describe::{self, Backoff, Captions, Chat, OwnMeanings, Secret};

/// Longest time for one answer, seconds; a day is as good as for ever.
const LONGEST_TIMEOUT: f64 = 86_400.0;

/// Write differences.jsonl: sentences on how test frames differ from their references.
///
/// From a manifest with labels or boxes, by templates; or from captions of images, by a language
/// model behind an OpenAI-compatible chat endpoint. The second can be killed and repeated: it goes on
/// where it was.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Pairs with boxes or labels.
    #[arg(required_unless_present = "captions", conflicts_with = "captions")]
    manifest: Option<PathBuf>,
    /// Sentences for each box, and as many for the requirement that it violates.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "captions")]
    per_box: u32,
    /// A class of your own, as `warped="the board is warped|the board is not flat"`; repeatable.
    #[arg(long, value_name = "NAME=SENTENCE|...", conflicts_with = "captions")]
    class: Vec<String>,
    /// Meanings of your own: a file of [[meaning]] with key, sense and phrasings.
    #[arg(long, value_name = "FILE.toml", conflicts_with = "captions")]
    meanings: Option<PathBuf>,
    /// Captions: COCO's .json, or .csv or .jsonl with image and caption.
    #[arg(long, value_name = "FILE", requires = "endpoint", requires = "pairs")]
    captions: Option<PathBuf>,
    #[command(flatten)]
    asking: Asking,
    /// The same seed gives the same pairs and templates.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The file to write.
    #[arg(short, long, value_name = "FILE", default_value = "differences.jsonl")]
    output: PathBuf,
}

/// How captions are asked about.
#[derive(Debug, Args)]
struct Asking {
    /// The server, as http://localhost:8080 or with /v1 or /v1/chat/completions.
    #[arg(long, value_name = "URL", requires = "captions")]
    endpoint: Option<String>,
    /// The model, for servers that have several.
    #[arg(long, value_name = "NAME", requires = "captions")]
    model: Option<String>,
    /// How many pairs of images; more of them later add to the same file.
    #[arg(long, value_name = "N", requires = "captions", value_parser = clap::value_parser!(u64).range(1..))]
    pairs: Option<u64>,
    /// Check first that every captioned image is in this folder.
    #[arg(long, value_name = "DIR", requires = "captions")]
    images: Option<PathBuf>,
    /// Longest wait for one answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 120.0)]
    timeout: f64,
    /// How often a pair is asked about before the run ends.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=20))]
    attempts: u32,
    /// The environment variable that holds the key, where one is needed.
    #[arg(long, value_name = "NAME", default_value = "PAIRSPEC_API_KEY")]
    key_variable: String,
}

/// Writes the file and says what is in it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match (&arguments.manifest, &arguments.captions) {
        (Some(manifest), _) => from_labels(arguments, manifest),
        (None, Some(captions)) => from_captions(arguments, captions),
        (None, None) => anyhow::bail!("neither a manifest nor --captions to describe"),
    }
}

#[allow(clippy::print_stdout)]
fn from_labels(arguments: &Arguments, manifest: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(arguments.per_box > 0, "--per-box: 0, expected at least 1");
    let own = OwnMeanings::given(arguments.meanings.as_deref(), &arguments.class)?;
    let pairs = manifest::open(manifest)?;
    let told = (arguments.seed, arguments.per_box as usize);
    let frames = pairs.iter().flat_map(|pair| [pair.reference.as_path(), &pair.test]);
    let inputs = frames.chain([manifest]).chain(arguments.meanings.as_deref());
    files::check_apart(&arguments.output, inputs)?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let described = describe::from_labels((&pairs, folder), &own, told)
        .with_context(|| manifest.display().to_string())?;
    describe::write(&arguments.output, &described.differences)?;
    let (lines, output) = (described.differences.len(), arguments.output.display());
    println!("{output}: {lines} sentences about {} pairs", pairs.len() - described.unlabelled);
    if described.unlabelled > 0 {
        log::warn!("{}: {} pairs have no label", manifest.display(), described.unlabelled);
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
fn from_captions(arguments: &Arguments, path: &Path) -> anyhow::Result<()> {
    let asking = &arguments.asking;
    let timeout = asking.timeout;
    let is_usable = timeout > 0.0 && timeout <= LONGEST_TIMEOUT;
    anyhow::ensure!(is_usable, "--timeout: {timeout}, expected seconds above 0, at most a day");
    let endpoint = asking.endpoint.as_deref().context("--endpoint: none given")?;
    let count = asking.pairs.context("--pairs: none given")?;
    let chat = Chat::new(endpoint, Duration::from_secs_f64(timeout))?
        .with_model(asking.model.clone())
        .with_key(key(&asking.key_variable)?)
        .with_backoff(Backoff { attempts: asking.attempts, ..Backoff::default() });
    files::check_apart(&arguments.output, [path])?;
    let captions = Captions::open(path)?;
    if let Some(images) = &asking.images {
        captions.check_images(images)?;
    }
    let bar = ProgressBar::new(count).with_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} pairs, {per_sec}, {eta} left",
    )?);
    let started = std::cell::Cell::new(false);
    let progress = |done| {
        bar.set_position(done);
        if !started.replace(true) {
            // Pairs of an earlier run say nothing about the rate of this one.
            bar.reset_eta();
        }
    };
    let told = (arguments.seed, count, arguments.output.as_path());
    let counts = describe::from_captions(&captions, &chat, told, &progress);
    bar.finish_and_clear();
    println!("{}: {}", arguments.output.display(), counts?);
    Ok(())
}

/// The key in this environment variable, if it is set.
fn key(variable: &str) -> anyhow::Result<Option<Secret>> {
    match env::var(variable) {
        Ok(key) => Ok(Secret::new(&key)),
        Err(env::VarError::NotPresent) => Ok(None),
        // Its own message would repeat the value.
        Err(_) => anyhow::bail!("{variable}: not UTF-8"),
    }
}
