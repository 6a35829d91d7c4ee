use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use super::common::{RecipeArguments, print};
use super::specs::{encode_one, warn_of_prompts};
use super::{CONFORMING, NOT_INSPECTED};
use crate::align::{self, PhotoConfig, PhotoProfile};
use crate::clip::TextEncoder;
use crate::frame::Frame;
use crate::inspect;
use crate::spec::{ClassList, embed};

/// Tell similar classes apart (comparative prompting); 2 when they are too close
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// TOML with [[class]] entries and a margin
    #[arg(value_name = "CLASSES.toml")]
    classes: PathBuf,
    /// The image
    image: PathBuf,
    #[command(flatten)]
    recipe: RecipeArguments,
    /// Least lead in cosine of the best class [default: the file's]
    #[arg(long)]
    margin: Option<f32>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Names the class whose sentences describe the image best, if its lead reaches the margin.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let list = ClassList::open(&arguments.classes)?;
    let margin = arguments.margin.unwrap_or(list.margin);
    anyhow::ensure!((0.0..=2.0).contains(&margin), "--margin {margin}: expected 0 to 2");
    let bundle = arguments.recipe.open_bundle()?;
    let text = TextEncoder::open(&bundle, None)?;
    warn_of_prompts((&bundle, &text), "class", &list.prompts());
    let vectors = embed(&list.prompts(), |sentence| encode_one(&text, sentence))?;
    drop(text);
    let frame = Frame::open(&arguments.image)?;
    // Whatever a recipe would say: on a blank image nothing can be told apart.
    let faults = align::check(&align::measure(&frame, PhotoProfile::Auto), &PhotoConfig::default());
    if let Some(fault) = faults.first() {
        bail!("{}: {}", arguments.image.display(), fault.message);
    }
    let encoder = arguments.recipe.image_encoder(&bundle)?;
    let embedding = encoder.encode_frames(&[&frame])?.pop().context("no embedding")?;
    let standings = inspect::identify(embedding.values(), &vectors)?;
    let [best, second] = standings.first_chunk::<2>().context("fewer than two classes")?;
    let lead = best.cosine - second.cosine;
    let decided = lead >= margin;
    let id = |class: usize| list.classes[class].prompt.id.as_str();
    if arguments.json {
        let all: Vec<_> = standings
            .iter()
            .map(|it| serde_json::json!({ "class": id(it.class), "cosine": it.cosine }))
            .collect();
        let class = decided.then(|| id(best.class));
        let line =
            serde_json::json!({ "class": class, "lead": lead, "margin": margin, "standings": all });
        print(|out| writeln!(out, "{line}"))?;
    } else {
        let name = if decided { id(best.class) } else { "undecided" };
        print(|out| {
            writeln!(out, "{name} (lead {lead:.4}, margin {margin:.4})")?;
            standings
                .iter()
                .try_for_each(|it| writeln!(out, "  {:+.4}  {}", it.cosine, id(it.class)))
        })?;
    }
    Ok(if decided { CONFORMING } else { NOT_INSPECTED })
}
