use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use super::CONFORMING;
use super::common::{print, progress};
use crate::clip::Bundle;
use crate::frame::Frame;
use crate::manifest::{self, Pair};
use crate::quantize::{self, Method, Options, Quantized};
use crate::recipe::Recipe;
use crate::{align, files, region};

/// Fewer samples than this make ranges by chance.
const FEW: usize = 16;
/// A layer that loses more than this is worth its time in f32.
const LOW_DB: f64 = 20.0;
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Make an int8 tower from the fp32 one and images (or texts) of the product
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The bundle with the fp32 tower
    bundle: PathBuf,
    /// Folder of images, or a manifest of pairs
    #[arg(long, value_name = "DIR|MANIFEST", required_unless_present = "texts")]
    images: Option<PathBuf>,
    /// With a manifest: the crops that inspection by this recipe would embed, not whole frames
    #[arg(long, value_name = "FILE", requires = "images")]
    recipe: Option<PathBuf>,
    /// Which tower
    #[arg(long, default_value = "image")]
    tower: Tower,
    /// One text per line, for the text tower
    #[arg(long, value_name = "FILE", required_if_eq("tower", "text"))]
    texts: Option<PathBuf>,
    /// How the end of an activation's range is chosen
    #[arg(long, default_value = "minmax")]
    method: MethodName,
    /// Move this much of outlier channels' range into the weights, such as 0.5
    #[arg(long, value_name = "STRENGTH")]
    smooth: Option<f32>,
    /// Leave this layer in f32; may be given again
    #[arg(long, value_name = "NAME")]
    keep_float: Vec<String>,
    /// Use at most this many images or texts, evenly spread
    #[arg(long, default_value_t = 256)]
    most: usize,
    /// Where the new bundle appears
    #[arg(short, long)]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tower {
    Image,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodName {
    Minmax,
    Percentile,
    Entropy,
    Mse,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let bundle = Bundle::open(&arguments.bundle)?;
    let options = Options {
        method: match arguments.method {
            MethodName::Minmax => Method::MinMax,
            MethodName::Percentile => Method::Percentile,
            MethodName::Entropy => Method::Entropy,
            MethodName::Mse => Method::Mse,
        },
        smooth: arguments.smooth,
        keep_float: arguments.keep_float.clone(),
    };
    let bar = progress(0, "runs");
    let mut report = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let (found, count) = match arguments.tower {
        Tower::Image => {
            let frames = arguments.frames()?;
            (quantize::quantize_images(&bundle, &frames, &options, &mut report)?, frames.len())
        }
        Tower::Text => {
            let texts = arguments.lines()?;
            (quantize::quantize_texts(&bundle, &texts, &options, &mut report)?, texts.len())
        }
    };
    bar.finish_and_clear();
    if count < FEW {
        log::warn!("ranges come from {count} samples alone; some dozens make them representative");
    }
    let written = found.write(&bundle, &arguments.output)?;
    print_layers(&found, count, &written)?;
    Ok(CONFORMING)
}

impl Arguments {
    fn frames(&self) -> anyhow::Result<Vec<Frame>> {
        let path = self.images.as_deref().context("--images is needed for the image tower")?;
        let frames = if path.is_dir() {
            ensure!(self.recipe.is_none(), "--recipe needs a manifest of pairs, not a folder");
            let paths = self.spread(images_in(path)?);
            paths.iter().map(|path| Frame::open(path)).collect::<Result<_, _>>()?
        } else {
            let pairs = manifest::open(path)?;
            match &self.recipe {
                Some(recipe) => crops(&self.spread(pairs), &Recipe::open(recipe)?)?,
                None => {
                    let each = pairs.into_iter().flat_map(|pair| [pair.reference, pair.test]);
                    let paths = self.spread(each.collect());
                    paths.iter().map(|path| Frame::open(path)).collect::<Result<_, _>>()?
                }
            }
        };
        Ok(self.spread(frames))
    }

    fn lines(&self) -> anyhow::Result<Vec<String>> {
        let path = self.texts.as_deref().context("--texts is needed for the text tower")?;
        let text = files::read_text(path, MAX_TEXT_BYTES)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(self.spread(lines.map(str::to_owned).collect()))
    }

    /// At most so many, from first to last.
    fn spread<T>(&self, items: Vec<T>) -> Vec<T> {
        let (count, most) = (items.len(), self.most.max(1));
        if count <= most {
            return items;
        }
        let chosen = |index: &usize| (index + 1) * most / count > index * most / count;
        let each = items.into_iter().enumerate();
        each.filter(|(index, _)| chosen(index)).map(|(_, item)| item).collect()
    }
}

fn images_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_image = |path: &PathBuf| {
        let extension = path.extension().map(|it| it.to_ascii_lowercase());
        extension.is_some_and(|it| ["png", "jpg", "jpeg"].iter().any(|known| it == *known))
    };
    let mut paths = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        paths.push(entry.with_context(|| folder.display().to_string())?.path());
    }
    paths.retain(is_image);
    paths.sort();
    Ok(paths)
}

/// The crops of both frames of every pair that can be registered.
fn crops(pairs: &[Pair], recipe: &Recipe) -> anyhow::Result<Vec<Frame>> {
    let mut crops = Vec::new();
    for pair in pairs {
        let (reference, test) = (Frame::open(&pair.reference)?, Frame::open(&pair.test)?);
        let aligned = match align::align(&reference, &test, &recipe.align) {
            Ok(aligned) => aligned,
            Err(error) => {
                log::warn!("{}: not used: {error}", pair.id);
                continue;
            }
        };
        let found = region::regions(&reference, &aligned.test, aligned.overlap, &recipe.region)?;
        for region in &found.regions {
            crops.push(reference.crop(region.crop)?);
            crops.push(aligned.test.crop(region.crop)?);
        }
    }
    Ok(crops)
}

fn print_layers(found: &Quantized, count: usize, written: &Bundle) -> anyhow::Result<()> {
    let width = found.layers.iter().map(|layer| layer.name.len()).max().unwrap_or_default();
    let mut low: Vec<_> = found.layers.iter().filter(|it| it.signal_to_noise_db < LOW_DB).collect();
    low.sort_by(|a, b| a.signal_to_noise_db.total_cmp(&b.signal_to_noise_db));
    print(|out| {
        writeln!(out, "{:<width$}  SNR dB  largest input", "layer")?;
        for layer in &found.layers {
            let (name, ratio) = (&layer.name, layer.signal_to_noise_db);
            writeln!(out, "{name:<width$}  {ratio:>6.1}  {:>13.4}", layer.largest)?;
        }
        for (name, reason) in &found.kept {
            writeln!(out, "{name:<width$}   float  {reason}")?;
        }
        for layer in low {
            let (name, ratio) = (&layer.name, layer.signal_to_noise_db);
            writeln!(out, "best kept in float ({ratio:.1} dB): --keep-float {name}")?;
        }
        let place = written.folder().display();
        let (layers, kept) = (found.layers.len(), found.kept.len());
        writeln!(
            out,
            "{place}: {layers} int8 layers, {kept} in float, {} smoothed, from {count} samples",
            found.smoothed
        )
    })
}
