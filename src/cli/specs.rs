use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::CONFORMING;
use super::common::{counted, print};
use super::outputs::Inputs;
use crate::clip::{Bundle, FileName, TextEncoder};
use crate::spec::{Cache, ClassList, Prompt, Sheet, embed};

/// Spec sheets: cached text embeddings
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Embed the sentences of a spec sheet or class list, so that inspection needs no text tower
    Embed {
        /// The TOML file with [[spec]] or [[class]] entries
        sheet: PathBuf,
        /// The model bundle
        #[arg(long, value_name = "DIR")]
        model: PathBuf,
        /// The cache to write [default: the sheet's name with .cache]
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let Command::Embed { sheet, model, out } = &arguments.command;
    let bundle = Bundle::open(model)?;
    let out = out.clone().unwrap_or_else(|| sheet.with_extension("cache"));
    Inputs::new([sheet]).with_folder(model).check(&out)?;
    let owned = prompts_of(sheet)?;
    let prompts: Vec<&Prompt> = owned.iter().collect();
    let cache = embed_prompts(&bundle, &prompts)?;
    cache.save(&out)?;
    let (sentences, dimension) = (counted(prompts.len(), "sentence"), cache.dimension());
    print(|stdout| writeln!(stdout, "{}: {sentences} of {dimension} values", out.display()))?;
    Ok(CONFORMING)
}

/// Embeds prompts with a bundle's text tower, warning of words the model never saw in training.
pub(super) fn embed_prompts(bundle: &Bundle, prompts: &[&Prompt]) -> anyhow::Result<Cache> {
    let encoder = TextEncoder::open(bundle, None)?;
    warn_of_prompts((bundle, &encoder), "spec", prompts);
    let vectors = embed(prompts, |text| encode_one(&encoder, text))?;
    let tokenizer = bundle.sha256(FileName::Tokenizer).context("the bundle has no tokenizer")?;
    let sums = [encoder.sha256().to_owned(), tokenizer.to_owned()];
    Ok(Cache::new(prompts, &vectors, sums)?)
}

/// The raw embedding of one text.
pub(super) fn encode_one(encoder: &TextEncoder, text: &str) -> anyhow::Result<Vec<f32>> {
    let mut embeddings = encoder.encode(&[text])?;
    let embedding = embeddings.pop().context("the text tower returned nothing")?;
    Ok(embedding.into_values())
}

/// The prompts of a sheet or a class list, whichever the file is.
fn prompts_of(path: &Path) -> anyhow::Result<Vec<Prompt>> {
    let text = crate::files::read_text(path, 4 << 20)?;
    let name = path.display().to_string();
    let has_classes = text.lines().any(|line| line.trim_start().starts_with("[[class]]"));
    let prompts = if has_classes {
        let list = ClassList::parse(&text, &name)?;
        list.classes.into_iter().map(|class| class.prompt).collect()
    } else {
        let sheet = Sheet::parse(&text, &name)?;
        sheet.specs.into_iter().map(|spec| spec.prompt).collect()
    };
    Ok(prompts)
}

/// [`warn_of_texts`] for prompts, which are named by their ids.
pub(super) fn warn_of_prompts(model: (&Bundle, &TextEncoder), subject: &str, prompts: &[&Prompt]) {
    let names: Vec<String> =
        prompts.iter().map(|prompt| format!("{subject} {:?}", prompt.id)).collect();
    let texts = prompts.iter().map(|prompt| prompt.texts().collect());
    warn_of_texts(model, names.iter().map(String::as_str).zip(texts));
}

/// Warns of what a model makes nothing of: words that it never saw in training, and the ends of
/// texts longer than it takes.
pub(super) fn warn_of_texts<'a>(
    (bundle, encoder): (&Bundle, &TextEncoder),
    texts: impl Iterator<Item = (&'a str, Vec<&'a str>)>,
) {
    let vocabulary = bundle.manifest().training_vocabulary.as_ref();
    let known: Option<BTreeSet<&str>> =
        vocabulary.map(|words| words.iter().map(String::as_str).collect());
    for (name, texts) in texts {
        let foreign = known.as_ref().map(|known| foreign_words(known, &texts)).unwrap_or_default();
        if !foreign.is_empty() {
            log::warn!(
                "{name}: the model never saw {} in training; rephrase, or fine-tune a model on such sentences",
                foreign.into_iter().collect::<Vec<_>>().join(", ")
            );
        }
        for text in texts {
            // A text that has no tokens at all is refused when it is encoded.
            let tokens = encoder.tokenizer().encode(text, usize::MAX).map_or(0, |ids| ids.len());
            let most = encoder.context();
            if tokens > most {
                let start: String = text.chars().take(40).collect();
                log::warn!(
                    "{name}: {start:?}... is {tokens} tokens long, {most} fit and the rest is not read; shorten it"
                );
            }
        }
    }
}

fn foreign_words(known: &BTreeSet<&str>, texts: &[&str]) -> BTreeSet<String> {
    let words = texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    words
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !known.contains(word.as_str()))
        .collect()
}
