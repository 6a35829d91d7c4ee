use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;

use super::common::{GoldenFrames, decode, print, progress};
use super::parallel::in_order;
use super::{CONFORMING, MISMATCH, data};
use crate::clip::{Bundle, FileName, Precision};
use crate::inspect::{Inspector, MeasuredRegion, Measurement, NotInspected, Opening};
use crate::manifest::{self, Pair};
use crate::quantize::{Agreement, Compared};
use crate::recipe::Recipe;
use crate::verdict::{Thresholds, Verdict};

/// A bundle with both precisions, and pairs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The bundle, with vision.onnx and vision.int8.onnx; the result is written into it
    bundle: PathBuf,
    /// CSV with pair_id,ref_path,test_path
    manifest: PathBuf,
    /// The recipe, with thresholds calibrated on fp32 [default: the bundled board recipe]
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
}

/// What a precision measured of a pair, unless int8 failed where fp32 did not, and its verdict.
type Found = (Option<Measurement>, Verdict);

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let pairs = manifest::open(&arguments.manifest)?;
    let [fp32, int8] = [arguments.open(Precision::Fp32)?, arguments.open(Precision::Int8)?];
    let thresholds = fp32.thresholds().map_err(|reason| anyhow!("{reason}"))?;
    let golden = [GoldenFrames::of(fp32.recipe()), GoldenFrames::of(int8.recipe())];
    let bar = progress(pairs.len(), "pairs");
    let mut agreement = Agreement::default();
    in_order(
        &pairs,
        |pair| both([&fp32, &int8], &golden, pair, thresholds),
        |_, found| {
            add(&mut agreement, &found);
            bar.inc(1);
            Ok::<(), anyhow::Error>(())
        },
    )?;
    bar.finish_and_clear();
    let gates = agreement.gates(FileName::VisionInt8)?;
    let passed = gates.iter().all(|gate| gate.passed);
    print(|out| {
        for (gate, values) in gates.iter().zip(agreement.means()) {
            let verdict = if gate.passed { "passed" } else { "FAILED" };
            let (name, value, limit) = (&gate.name, gate.value, gate.limit);
            let (least, count) = (values.least, values.count);
            writeln!(
                out,
                "{verdict}  {name}: {value:.5} (limit {limit}, least {least:.5}, {count})"
            )?;
        }
        let (compared, skipped) = (agreement.means()[2].count, agreement.skipped());
        writeln!(out, "{compared} pairs compared, {skipped} that fp32 does not inspect left out")
    })?;
    Bundle::open(&arguments.bundle)?.with_gates(FileName::VisionInt8, gates)?;
    Ok(if passed { CONFORMING } else { MISMATCH })
}

impl Arguments {
    fn open(&self, precision: Precision) -> anyhow::Result<Inspector> {
        let recipe = Recipe::open(&data::recipe(self.recipe.as_deref())?)?;
        let opening = Opening {
            bundle: Some(self.bundle.clone()),
            precision: Some(precision),
            allow_failed_gate: true,
        };
        Ok(Inspector::open(recipe, &opening)?)
    }
}

/// A pair under both precisions and the fp32 thresholds; or why fp32 does not inspect it.
fn both(
    [fp32, int8]: [&Inspector; 2],
    golden: &[GoldenFrames; 2],
    pair: &Pair,
    thresholds: &Thresholds,
) -> Result<[Found; 2], String> {
    let judge = |inspector: &Inspector, golden: &GoldenFrames| {
        let decoded = decode(golden, &pair.reference, &pair.test)?;
        let measured = inspector.measure(&decoded.reference, &decoded.test)?;
        let decision = inspector.decide(&measured, thresholds);
        let verdict = decision.map_or(Verdict::NotInspected, |decision| decision.verdict);
        Ok((Some(measured), verdict))
    };
    let of_fp32 =
        judge(fp32, &golden[0]).map_err(|reason: NotInspected| format!("{}: {reason}", pair.id))?;
    let of_int8 = judge(int8, &golden[1]).unwrap_or((None, Verdict::NotInspected));
    Ok([of_fp32, of_int8])
}

fn add(agreement: &mut Agreement, found: &Result<[Found; 2], String>) {
    let [(fp32, verdict), (int8, int8_verdict)] = match found {
        Ok(found) => found,
        Err(reason) => return agreement.skip(reason),
    };
    let each = regions(fp32).iter().zip(regions(int8));
    agreement.add(&Compared {
        regions: each.map(|(fp32, int8)| [&fp32.embeddings, &int8.embeddings]).collect(),
        is_mismatch: *verdict == Verdict::Mismatch,
        same_verdict: verdict == int8_verdict,
    });
}

fn regions(found: &Option<Measurement>) -> &[MeasuredRegion] {
    found.as_ref().map_or(&[], |measured| &measured.regions)
}
