use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process;

use anyhow::Context;

use clap::{Args, Subcommand, ValueEnum};
use pairspec_finetune::describe::OwnMeanings;
use pairspec_finetune::train::scratch::{self, Config};
use pairspec_finetune::train::text::{CaptionTerm, TextTuning, tune_text};
use pairspec_finetune::train::tune::{Split, Tuning, tune};
use pairspec_finetune::train::{Report, Session, Settings, Symmetry, Validation};

/// Train a CLIP on differences.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Both towers from random weights, on pairs rendered for it.
    Scratch(ScratchArguments),
    /// A CLIP that exists, on labelled pairs of yours: both towers, or a low-rank change of them.
    Tune(TuneArguments),
    /// The text tower of a CLIP that exists, on difference sentences of image pairs (PC-CLIP).
    Text(TextArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ScratchArguments {
    /// What to render and how to train, a TOML file.
    config: PathBuf,
    /// Where crops, checkpoints and the model go; a run that was stopped goes on there.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    sitting: Sitting,
}

#[derive(Debug, Args)]
pub(crate) struct TuneArguments {
    /// A Hugging Face CLIP directory with both towers in safetensors.
    base: PathBuf,
    /// Pairs with boxes.
    manifest: PathBuf,
    /// Groups of the manifest to train with, separated by commas [default: all].
    #[arg(long, value_delimiter = ',', value_name = "GROUPS")]
    groups: Vec<String>,
    /// Groups to validate with [default: see --split].
    #[arg(long, value_delimiter = ',', value_name = "GROUPS")]
    held_out: Vec<String>,
    /// What to validate with where no groups are named for it.
    #[arg(long, value_enum, default_value = "pairs")]
    split: Kept,
    /// What the pairs show: board, label, cap, or a word of your own.
    #[arg(long, default_value = "board")]
    product: String,
    /// How crops may be turned.
    #[arg(long, value_enum, default_value = "none")]
    symmetry: Turns,
    /// Keep the colours of frames.
    #[arg(long)]
    colour: bool,
    /// Train a change of this rank instead of all parameters.
    #[arg(long, value_name = "R")]
    rank: Option<usize>,
    /// Steps in all.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    steps: u64,
    /// The highest learning rate [default: 3e-4 with --rank or from a model of `train scratch`, 1e-5
    /// for all of any other].
    #[arg(long, value_name = "RATE")]
    peak: Option<f64>,
    /// Share of the trained weights in the result, the rest is the base's; 0.5 forgets less of
    /// products that are not among the pairs.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    average: f64,
    /// Pairs of crops in a step.
    #[arg(long, value_name = "N", default_value_t = 64)]
    batch: usize,
    /// Parts of a step, each on a thread of its own; sums depend on it in their last digits.
    #[arg(long, value_name = "N", default_value_t = 2)]
    lanes: usize,
    /// Images held with their activations at once in each part [default: by the size of the model, 64
    /// at most]; fewer take less memory and, below --batch, more time.
    #[arg(long, value_name = "N")]
    micro: Option<usize>,
    /// The same seed gives the same model.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Sentences of your own classes, a TOML file as for `describe`.
    #[arg(long, value_name = "FILE")]
    meanings: Option<PathBuf>,
    /// Sentences of one class: `NAME=one sentence|another`.
    #[arg(long, value_name = "CLASS")]
    class: Vec<String>,
    /// Where checkpoints and the model go; a run that was stopped goes on there.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    sitting: Sitting,
}

#[derive(Debug, Args)]
pub(crate) struct TextArguments {
    /// A Hugging Face CLIP directory with both towers in safetensors.
    base: PathBuf,
    /// Sentences from `describe`.
    differences: PathBuf,
    /// The folder of the images that they name; of sentences from labels the manifest's.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Passes over the sentences.
    #[arg(long, value_name = "N", default_value_t = 20)]
    epochs: u64,
    /// Sentences in a step; memory does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 512)]
    batch: usize,
    /// The learning rate of the first epoch.
    #[arg(long, value_name = "RATE", default_value_t = 1e-8)]
    rate: f64,
    /// What each further epoch multiplies the rate by.
    #[arg(long, value_name = "FACTOR", default_value_t = 0.9)]
    factor: f64,
    /// Captions of the images, COCO's (.json) or rows of image and caption (.csv, .jsonl): against
    /// forgetting, plain CLIP's loss over them is added. The paper has no such term.
    #[arg(long, value_name = "FILE")]
    captions: Option<PathBuf>,
    /// How much captions count beside differences.
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.1, requires = "captions")]
    caption_weight: f64,
    /// Share of the trained weights in the result, the rest is the base's.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    average: f64,
    /// The same seed gives the same model.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Where embeddings, checkpoints and the model go; a run that was stopped goes on there.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    sitting: Sitting,
}

/// Of so many sentences in a step there is a caption.
const CAPTIONED: usize = 4;

#[derive(Debug, Args)]
struct Sitting {
    /// Stop after this step; the same command goes on later.
    #[arg(long, value_name = "STEP")]
    until: Option<u64>,
    /// Write the model's matrices in fp16: half the size.
    #[arg(long)]
    half: bool,
    /// No progress bars.
    #[arg(short, long)]
    quiet: bool,
}

impl Sitting {
    fn session(&self) -> Session {
        Session { shows: !self.quiet, half: self.half, until: self.until }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kept {
    /// A tenth of the groups where there are ten, otherwise of the pairs.
    Pairs,
    /// Every tenth crop.
    Crops,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Turns {
    /// Quarter turns and mirror images.
    All,
    /// Quarter turns.
    Quarters,
    /// As they are.
    None,
}

impl From<Turns> for Symmetry {
    fn from(turns: Turns) -> Self {
        match turns {
            Turns::All => Self::All,
            Turns::Quarters => Self::Turns,
            Turns::None => Self::None,
        }
    }
}

/// What libraries read from the environment, once, when they start.
///
/// Batches are split over the cores; candle would split each product as well, and two schedulers on
/// the same cores take 1.3 times the time. Freed memory is kept, since the next step needs the same
/// again: a fifth of the time went into pages being cleared.
const ENVIRONMENT: [(&str, &str); 2] = [("RAYON_NUM_THREADS", "1"), ("MIMALLOC_PURGE_DELAY", "-1")];

/// Starts this program anew where the environment lacks what training wants; what is set is kept.
fn with_environment() -> anyhow::Result<()> {
    let missing: Vec<_> =
        ENVIRONMENT.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let program = std::env::current_exe().context("the path of this program")?;
    let error =
        process::Command::new(program).args(std::env::args_os().skip(1)).envs(missing).exec();
    Err(error).context("cannot start training anew with its environment")
}

/// Trains and says what came of it.
#[allow(clippy::print_stdout)]
pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    with_environment()?;
    let report = match command {
        Command::Scratch(arguments) => {
            let config = Config::open(&arguments.config)?;
            scratch::scratch(&config, &arguments.output, arguments.sitting.session())?
        }
        Command::Tune(arguments) => run_tune(arguments)?,
        Command::Text(arguments) => {
            let tuning = TextTuning {
                base: arguments.base.clone(),
                differences: arguments.differences.clone(),
                images: arguments.images.clone(),
                epochs: arguments.epochs,
                batch: arguments.batch,
                rate: arguments.rate,
                factor: arguments.factor,
                captions: arguments.captions.as_ref().map(|file| CaptionTerm {
                    file: file.clone(),
                    weight: arguments.caption_weight,
                    count: arguments.batch / CAPTIONED,
                }),
                average: arguments.average,
                seed: arguments.seed,
                ..TextTuning::default()
            };
            tune_text(&tuning, &arguments.output, arguments.sitting.session())?
        }
    };
    println!("{}: {} parameters", report.model.display(), report.parameters);
    for found in &report.validations {
        let base = report.base.iter().find(|base| base.product == found.product);
        println!("{}", told(found, base));
    }
    println!("next: pairspec model import {} -o BUNDLE", report.model.display());
    Ok(())
}

/// The figures of a product, with those of the base before them where there was one.
fn told(found: &Validation, base: Option<&Validation>) -> String {
    let figure = |of: &dyn Fn(&Validation) -> String| {
        base.map_or_else(|| of(found), |base| format!("{} -> {}", of(base), of(found)))
    };
    let percent = |of: fn(&Validation) -> f64| figure(&|it| format!("{:.1} %", 100.0 * of(it)));
    let area = |of: fn(&Validation) -> f64| figure(&|it| format!("{:.4}", of(it)));
    let differences = percent(|it| it.differences);
    if found.kind.is_nan() {
        return format!("{} unseen sentences: differences {differences}", found.crops);
    }
    format!(
        "{}: {} unseen crops: fault kind {}, AUROC sound against fault {}, requirements {}, \
         differences {differences}, sound crops called faults {}",
        found.product,
        found.crops,
        percent(|it| it.kind),
        area(|it| it.auroc),
        area(|it| it.requirements),
        percent(|it| it.false_faults)
    )
}

fn run_tune(arguments: &TuneArguments) -> anyhow::Result<Report> {
    let own = OwnMeanings::given(arguments.meanings.as_deref(), &arguments.class)?;
    let mut settings = Settings::default();
    settings.schedule.steps = arguments.steps;
    settings.schedule.warm_up = settings.schedule.warm_up.min(arguments.steps / 10);
    settings.batch.pairs = arguments.batch;
    settings.batch.lanes = arguments.lanes;
    let tuning = Tuning {
        base: arguments.base.clone(),
        manifest: arguments.manifest.clone(),
        groups: arguments.groups.clone(),
        held_out: arguments.held_out.clone(),
        split: match arguments.split {
            Kept::Pairs => Split::Pairs,
            Kept::Crops => Split::Crops,
        },
        product: arguments.product.clone(),
        symmetry: arguments.symmetry.into(),
        is_colour: arguments.colour,
        rank: arguments.rank,
        settings,
        peak: arguments.peak,
        average: arguments.average,
        micro: arguments.micro,
        seed: arguments.seed,
    };
    tune(&tuning, &own, &arguments.output, arguments.sitting.session())
}
