use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::common::{GoldenFrames, RecipeArguments, counted, inspect, print, progress};
use super::outputs::Inputs;
use super::parallel::in_order;
use super::{CONFORMING, MISMATCH, NOT_INSPECTED};
use crate::files;
use crate::inspect::Inspector;
use crate::manifest::{self, Pair};
use crate::report::{BatchLine, InspectionJson};
use crate::verdict::Verdict;

/// Judge every pair of a manifest, one JSON line each
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// CSV with pair_id,ref_path,test_path
    manifest: PathBuf,
    #[command(flatten)]
    recipe: RecipeArguments,
    /// Write the lines here, whole or not at all, instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How many pairs ended how.
#[derive(Default)]
struct Counts {
    conforming: usize,
    mismatch: usize,
    not_inspected: Vec<String>,
}

/// Judges all pairs; 2 if any was not inspected, else 1 if any is a mismatch.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let pairs = manifest::open(&arguments.manifest)?;
    let inspector = arguments.recipe.open()?;
    let mut counts = Counts::default();
    match &arguments.out {
        Some(path) => {
            let recipe = inspector.recipe();
            let inputs = Inputs::new([&arguments.manifest, &recipe.thresholds_path]);
            inputs.with_frames(&pairs).with_recipe(&arguments.recipe, recipe)?.check(path)?;
            files::write_with(path, |out| judge_all(&inspector, &pairs, out, &mut counts))?
        }
        None => print(|out| judge_all(&inspector, &pairs, out, &mut counts))?,
    }
    counts.report();
    Ok(counts.exit_code(pairs.len()))
}

fn judge_all(
    inspector: &Inspector,
    pairs: &[Pair],
    out: &mut dyn Write,
    counts: &mut Counts,
) -> io::Result<()> {
    let golden = GoldenFrames::of(inspector.recipe());
    let bar = progress(pairs.len(), "pairs");
    in_order(
        pairs,
        |pair| InspectionJson::new(&inspect(inspector, &golden, pair), inspector),
        |index, json| {
            let pair = &pairs[index];
            counts.add(pair, &json);
            serde_json::to_writer(&mut *out, &BatchLine { pair_id: &pair.id, inspection: &json })?;
            bar.inc(1);
            out.write_all(b"\n")
        },
    )?;
    bar.finish_and_clear();
    Ok(())
}

impl Counts {
    fn add(&mut self, pair: &Pair, json: &InspectionJson) {
        match json.verdict {
            Verdict::Conforming => self.conforming += 1,
            Verdict::Mismatch => self.mismatch += 1,
            Verdict::NotInspected => {
                let reason = json.reason.as_deref().unwrap_or("unknown reason");
                self.not_inspected.push(format!("{}: {reason}", pair.id));
            }
        }
    }

    fn report(&self) {
        const SHOWN: usize = 10;
        for pair in self.not_inspected.iter().take(SHOWN) {
            log::warn!("not inspected: {pair}");
        }
        if self.not_inspected.len() > SHOWN {
            log::warn!("not inspected: {} more", self.not_inspected.len() - SHOWN);
        }
        let total = self.conforming + self.mismatch + self.not_inspected.len();
        log::warn!(
            "{}: {} conforming, {} mismatch, {} not inspected",
            counted(total, "pair"),
            self.conforming,
            self.mismatch,
            self.not_inspected.len()
        );
    }

    /// A reader that went away (`| head`) stops the work: what was left out is not inspected.
    fn exit_code(&self, pairs: usize) -> u8 {
        match self.mismatch {
            mismatch if self.conforming + mismatch < pairs => NOT_INSPECTED,
            0 => CONFORMING,
            _ => MISMATCH,
        }
    }
}
