use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::CONFORMING;
use super::specs::warn_of_texts;
use crate::clip::{Bundle, Embedding, ImageEncoder, Precision, TextEncoder};
use crate::frame::Frame;

/// Print embeddings of images or texts, the raw projected values.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Embed image files
    Image(Images),
    /// Embed texts given as arguments
    Text(Texts),
}

#[derive(Debug, Args)]
struct Images {
    #[command(flatten)]
    common: Common,
    /// Image files
    #[arg(required = true, value_name = "IMAGE")]
    inputs: Vec<String>,
}

#[derive(Debug, Args)]
struct Texts {
    #[command(flatten)]
    common: Common,
    /// Texts, each one argument
    #[arg(required = true, value_name = "TEXT")]
    inputs: Vec<String>,
}

#[derive(Debug, Args)]
struct Common {
    /// The bundle to use
    #[arg(short, long)]
    model: PathBuf,
    /// int8 or fp32; by default the faster image tower and the more accurate text tower
    #[arg(long)]
    precision: Option<PrecisionArgument>,
    /// One JSON object per input: {"input", "embedding"}
    #[arg(long)]
    json: bool,
}

/// The precisions by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionArgument {
    Int8,
    Fp32,
}

impl From<PrecisionArgument> for Precision {
    fn from(argument: PrecisionArgument) -> Self {
        match argument {
            PrecisionArgument::Int8 => Self::Int8,
            PrecisionArgument::Fp32 => Self::Fp32,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    input: &'a str,
    embedding: &'a [f32],
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.what {
        What::Image(inputs) => {
            let bundle = Bundle::open(&inputs.common.model)?;
            let encoder =
                ImageEncoder::open(&bundle, inputs.common.precision.map(Precision::from))?;
            each(&inputs.common, &inputs.inputs, |input| {
                let frame = Frame::open(Path::new(input))?;
                Ok(encoder.encode_frames(&[&frame])?)
            })
        }
        What::Text(inputs) => {
            let bundle = Bundle::open(&inputs.common.model)?;
            let encoder = TextEncoder::open(&bundle, inputs.common.precision.map(Precision::from))?;
            let named: Vec<String> = inputs.inputs.iter().map(|it| format!("{it:?}")).collect();
            let texts = named.iter().zip(&inputs.inputs);
            let texts = texts.map(|(name, text)| (name.as_str(), vec![text.as_str()]));
            warn_of_texts((&bundle, &encoder), texts);
            each(&inputs.common, &inputs.inputs, |input| Ok(encoder.encode(&[input])?))
        }
    }
}

fn each(
    arguments: &Common,
    inputs: &[String],
    encode: impl Fn(&str) -> anyhow::Result<Vec<Embedding>>,
) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    for input in inputs {
        let found = encode(input).with_context(|| format!("{input:?} not embedded"))?;
        for embedding in found {
            let line = Line { input, embedding: embedding.values() };
            if arguments.json {
                writeln!(out, "{}", serde_json::to_string(&line)?)?;
            } else {
                let values: Vec<String> = line.embedding.iter().map(f32::to_string).collect();
                writeln!(out, "{input}\t{}", values.join(" "))?;
            }
        }
    }
    Ok(CONFORMING)
}
