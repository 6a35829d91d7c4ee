use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::embed::PrecisionArgument;
use super::{CONFORMING, MISMATCH, NOT_INSPECTED, data};
use crate::clip::{Bundle, ImageEncoder, Precision};
use crate::frame::Frame;
use crate::inspect::{Inspection, Inspector, NotInspected, Opening, Reference};
use crate::manifest::Pair;
use crate::recipe::{Golden, GoldenState, Recipe, Shows, today};
use crate::verdict::{Stage, Verdict};

/// Which product, and which model where it is not the recipe's.
#[derive(Debug, Args)]
pub(crate) struct RecipeArguments {
    /// The recipe of the product [default: the bundled board recipe]
    #[arg(long, value_name = "FILE")]
    pub(crate) recipe: Option<PathBuf>,
    /// A model bundle instead of the recipe's
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Which vision file of the bundle [default: int8 where the bundle has it]
    #[arg(long)]
    precision: Option<PrecisionArgument>,
    /// Work with an int8 file that `model compare` found too far from fp32, too
    #[arg(long)]
    allow_failed_gate: bool,
}

impl RecipeArguments {
    /// Loads the recipe and what inspection needs.
    pub(crate) fn open(&self) -> anyhow::Result<Inspector> {
        let recipe = self.recipe()?;
        let precision = self.precision.map(Precision::from);
        let opening = Opening {
            bundle: self.model.clone(),
            precision,
            allow_failed_gate: self.allow_failed_gate,
        };
        Ok(Inspector::open(recipe, &opening)?)
    }

    /// Opens the bundle: the flag's or the recipe's.
    pub(crate) fn open_bundle(&self) -> anyhow::Result<Bundle> {
        Ok(Bundle::open(&self.bundle_folder()?)?)
    }

    /// Loads the image tower of a bundle in the precision asked for.
    pub(crate) fn image_encoder(&self, bundle: &Bundle) -> anyhow::Result<ImageEncoder> {
        Ok(ImageEncoder::open(bundle, self.precision.map(Precision::from))?)
    }

    /// Reads the recipe alone.
    pub(crate) fn recipe(&self) -> anyhow::Result<Recipe> {
        Ok(Recipe::open(&data::recipe(self.recipe.as_deref())?)?)
    }

    /// The folder of the bundle: the flag's or the recipe's.
    fn bundle_folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.model {
            return Ok(folder.clone());
        }
        let recipe = self.recipe()?;
        let named = recipe.bundle.clone();
        named.with_context(|| format!("recipe {:?} names no bundle; give --model", recipe.name))
    }
}

/// The recipe's golden frames, decoded when first asked for and then kept with the embeddings of
/// their crops.
pub(crate) struct GoldenFrames(Vec<GoldenFrame>);

struct GoldenFrame {
    path: PathBuf,
    golden: Golden,
    kept: OnceLock<Result<Arc<Reference>, NotInspected>>,
}

impl GoldenFrames {
    /// Those of a recipe; a file that is not there yet is no golden frame.
    pub(crate) fn of(recipe: &Recipe) -> Self {
        let known = recipe.goldens.iter().filter_map(|golden| {
            let path = golden.path.canonicalize().ok()?;
            Some(GoldenFrame { path, golden: golden.clone(), kept: OnceLock::new() })
        });
        Self(known.collect())
    }

    /// The reference in a file: the kept one if it is golden, else one for this pair alone.
    fn open(&self, path: &Path) -> Result<Arc<Reference>, NotInspected> {
        let canonical = path.canonicalize().ok();
        let known = self.0.iter().find(|known| Some(&known.path) == canonical.as_ref());
        match known {
            Some(known) => known.kept.get_or_init(|| known.open(path)).clone(),
            None => Ok(Arc::new(Reference::once(open_frame(path)?))),
        }
    }
}

impl GoldenFrame {
    /// Refuses a golden that may not be compared with: what it would say of a part is not known.
    fn open(&self, path: &Path) -> Result<Arc<Reference>, NotInspected> {
        let refused = |reason: String| {
            let reason = format!("{}: is a golden of the recipe and {reason}", path.display());
            NotInspected::new(Stage::Frame, reason)
        };
        if let Shows::Faults(ids) = &self.golden.shows {
            return Err(refused(format!("shows {}; no reference", ids.join(", "))));
        }
        match self.golden.state(today()) {
            GoldenState::InForce => Ok(Arc::new(Reference::golden(open_frame(path)?))),
            state => Err(refused(state.to_string())),
        }
    }
}

fn open_frame(path: &Path) -> Result<Frame, NotInspected> {
    Frame::open(path).map_err(|error| NotInspected::new(Stage::Frame, error))
}

/// The frames of a pair, decoded, and the milliseconds that took.
pub(crate) struct Decoded {
    pub(crate) reference: Arc<Reference>,
    pub(crate) test: Frame,
    pub(crate) milliseconds: f64,
}

/// Decodes the frames of a pair; what cannot be decoded is not inspected.
pub(crate) fn decode(
    golden: &GoldenFrames,
    reference: &Path,
    test: &Path,
) -> Result<Decoded, NotInspected> {
    let start = Instant::now();
    let (reference, test) = (golden.open(reference)?, open_frame(test)?);
    Ok(Decoded { reference, test, milliseconds: start.elapsed().as_secs_f64() * 1e3 })
}

/// Decodes and judges the pair of a manifest.
pub(crate) fn inspect(inspector: &Inspector, golden: &GoldenFrames, pair: &Pair) -> Inspection {
    match decode(golden, &pair.reference, &pair.test) {
        Ok(decoded) => inspect_decoded(inspector, &decoded),
        Err(reason) => Inspection::not_inspected(reason),
    }
}

/// Judges a decoded pair.
pub(crate) fn inspect_decoded(inspector: &Inspector, decoded: &Decoded) -> Inspection {
    let mut inspection = inspector.inspect(&decoded.reference, &decoded.test);
    inspection.timing = inspection.timing.with_decode(decoded.milliseconds);
    inspection
}

/// The exit code of one verdict.
pub(crate) fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Conforming => CONFORMING,
        Verdict::Mismatch => MISMATCH,
        Verdict::NotInspected => NOT_INSPECTED,
    }
}

/// Writes lines to standard output; a reader that went away (`| head`) is no error.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("standard output"),
    }
}

/// So many of a thing: "1 pair", "2 pairs".
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A progress bar with rate and remaining time on a terminal, nothing elsewhere.
pub(crate) fn progress(length: usize, unit: &str) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    let template = format!("{{bar:40}} {{pos}}/{{len}} {unit}, {{per_sec}}, {{eta}} left {{msg}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}
