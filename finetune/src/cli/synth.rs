use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use pairspec_finetune::synth::{self, Config, Renderer};

/// Render pairs of line-camera frames with captions and boxes, by a seed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The product.
    #[arg(long, value_enum, default_value = "board")]
    kind: Kind,
    /// The camera, or several separated by commas, from which each pair draws.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "STYLES",
        default_value = "binary"
    )]
    style: Vec<Style>,
    /// How many pairs.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pairs: u64,
    /// The same seed gives the same pairs.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Share of pairs without any fault, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    conforming_share: f32,
    /// Faults of a pair that has any, at most.
    #[arg(long, value_name = "N", default_value_t = Config::default().faults.1)]
    most_faults: usize,
    /// Side of the frames, pixels.
    #[arg(long, value_name = "PIXELS", default_value_t = 640)]
    size: usize,
    /// Strength of benign differences: 0 none, 1 as in real pairs, at most 2.
    #[arg(long, value_name = "STRENGTH", default_value_t = 1.0)]
    benign: f32,
    /// A new or empty folder for manifest.csv and the frames.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Board,
    Label,
    Cap,
    Mixed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Style {
    Binary,
    Grey,
    Colour,
    Mixed,
}

impl Kind {
    fn kinds(self) -> Vec<synth::Kind> {
        match self {
            Self::Board => vec![synth::Kind::Board],
            Self::Label => vec![synth::Kind::Label],
            Self::Cap => vec![synth::Kind::Cap],
            Self::Mixed => vec![synth::Kind::Board, synth::Kind::Label, synth::Kind::Cap],
        }
    }
}

impl Style {
    fn styles(self) -> Vec<synth::Style> {
        match self {
            Self::Binary => vec![synth::Style::Binary],
            Self::Grey => vec![synth::Style::Grey],
            Self::Colour => vec![synth::Style::Colour],
            Self::Mixed => vec![synth::Style::Binary, synth::Style::Grey, synth::Style::Colour],
        }
    }
}

/// Renders the pairs and says where their manifest is.
#[allow(clippy::print_stdout)]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config {
        size: arguments.size,
        kinds: arguments.kind.kinds(),
        styles: arguments.style.iter().flat_map(|style| style.styles()).collect(),
        faults: (1, arguments.most_faults),
        conforming_share: arguments.conforming_share,
        benign: arguments.benign,
        ..Config::default()
    };
    anyhow::ensure!(arguments.pairs > 0, "--pairs: 0, expected at least 1");
    let renderer = Renderer::new(arguments.seed, config)?;
    let bar = ProgressBar::new(arguments.pairs).with_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} pairs, {per_sec}, {eta} left",
    )?);
    let written = synth::write(&renderer, arguments.pairs, &arguments.output, &|| bar.inc(1));
    bar.finish_and_clear();
    println!("{}: {} pairs", written?.display(), arguments.pairs);
    Ok(())
}
