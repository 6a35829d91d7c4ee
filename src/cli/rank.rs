use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;

use super::CONFORMING;
use super::common::{RecipeArguments, print};
use super::specs::{encode_one, warn_of_prompts, warn_of_texts};
use crate::clip::{Bundle, TextEncoder};
use crate::diff;
use crate::frame::Frame;
use crate::spec::{Prompt, Sheet, embed};

/// Order images by an attribute sentence, strongest first
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A sentence, or a spec sheet whose sentences rank one after the other
    #[arg(value_name = "SENTENCE|SHEET")]
    attribute: String,
    /// The images
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// The model bundle [default: the recipe's]
    #[command(flatten)]
    recipe: RecipeArguments,
    /// Print one JSON object per sentence
    #[arg(long)]
    json: bool,
}

/// Ranks the images by the cosine of their embeddings with each sentence's.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let owned = attribute(&arguments.attribute)?;
    let bundle = arguments.recipe.open_bundle()?;
    let prompts: Vec<&Prompt> = owned.iter().collect();
    let text = TextEncoder::open(&bundle, None)?;
    if is_sheet(&arguments.attribute) {
        warn_of_prompts((&bundle, &text), "spec", &prompts);
    } else {
        let name = format!("{:?}", arguments.attribute);
        warn_of_texts((&bundle, &text), [(name.as_str(), vec![&*arguments.attribute])].into_iter());
    }
    let sentences = embed(&prompts, |sentence| encode_one(&text, sentence))?;
    drop(text);
    let images = unit_embeddings(&bundle, arguments)?;
    for (prompt, sentence) in prompts.iter().zip(&sentences) {
        let mut ranked: Vec<(&Path, f32)> = arguments
            .images
            .iter()
            .zip(&images)
            .map(|(path, image)| (path.as_path(), diff::dot(image, sentence)))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        write_ranking(prompt, &ranked, arguments.json)?;
    }
    Ok(CONFORMING)
}

/// A file with a sheet in it, else the text itself.
fn attribute(text: &str) -> anyhow::Result<Vec<Prompt>> {
    if is_sheet(text) {
        let sheet = Sheet::open(Path::new(text))?;
        return Ok(sheet.specs.into_iter().map(|spec| spec.prompt).collect());
    }
    ensure!(!text.trim().is_empty(), "{text:?}: no sentence to rank by");
    let sentences = vec![text.to_owned()];
    Ok(vec![Prompt { id: "sentence".to_owned(), sentences, comparative: None }])
}

fn is_sheet(text: &str) -> bool {
    Path::new(text).extension().is_some_and(|extension| extension == "toml")
}

fn unit_embeddings(bundle: &Bundle, arguments: &Arguments) -> anyhow::Result<Vec<Vec<f32>>> {
    let encoder = arguments.recipe.image_encoder(bundle)?;
    let mut units = Vec::with_capacity(arguments.images.len());
    for path in &arguments.images {
        let frame = Frame::open(path)?;
        let embedding = encoder.encode_frames(&[&frame])?.pop().context("no embedding")?;
        let mut unit = embedding.into_values();
        diff::normalise(&mut unit, "ranked").with_context(|| path.display().to_string())?;
        units.push(unit);
    }
    Ok(units)
}

fn write_ranking(prompt: &Prompt, ranked: &[(&Path, f32)], json: bool) -> anyhow::Result<()> {
    let sentence = prompt.sentences.join(" / ");
    if json {
        let order: Vec<_> = ranked
            .iter()
            .map(|(path, cosine)| serde_json::json!({ "image": path, "cosine": cosine }))
            .collect();
        let line = serde_json::json!({ "id": prompt.id, "sentence": sentence, "ranking": order });
        return print(|out| writeln!(out, "{line}"));
    }
    print(|out| {
        writeln!(out, "\"{sentence}\"")?;
        ranked.iter().enumerate().try_for_each(|(rank, (path, cosine))| {
            writeln!(out, "{:4}  {cosine:+.4}  {}", rank + 1, path.display())
        })
    })
}
