use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::common::{GoldenFrames, decode, inspect_decoded, print};
use super::inspect::{write_human, write_report};
use super::{CONFORMING, MISMATCH, data};
use crate::inspect::{Inspection, Inspector, Opening};
use crate::manifest::{self, Label, Pair};
use crate::recipe::Recipe;
use crate::report::InspectionJson;
use crate::verdict::Verdict;

/// The pairs, recipe and sheet of the demo, below a data folder.
const DEMO: &str = "models/default/demo";

/// Judge the bundled pairs with the bundled model; exit 0 when every verdict is as expected
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to write one HTML report per pair
    #[arg(long, value_name = "DIR", default_value = "pairspec-demo")]
    out: PathBuf,
}

/// Judges every bundled pair and compares with what the manifest says.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let folder = data::bundled(DEMO)?;
    let recipe = Recipe::open(&folder.join("recipe.toml"))?;
    let inspector = Inspector::open(recipe, &Opening::default())?;
    let pairs = manifest::open(&folder.join("manifest.csv"))?;
    fs::create_dir_all(&arguments.out)
        .with_context(|| format!("{}: cannot be created", arguments.out.display()))?;
    let mut surprises = 0;
    for pair in &pairs {
        let page = arguments.out.join(format!("{}.html", pair.id));
        surprises += usize::from(!judge(&inspector, pair, &page)?);
    }
    let judged = pairs.len();
    print(|out| {
        writeln!(
            out,
            "{} of {judged} verdicts as expected; reports in {}",
            judged - surprises,
            arguments.out.display()
        )?;
        writeln!(
            out,
            "next: `pairspec recipe init my-product`, then photograph, calibrate and inspect your own parts"
        )
    })?;
    Ok(if surprises == 0 { CONFORMING } else { MISMATCH })
}

/// Judges one pair, prints and writes its page; whether the verdict is the expected one.
fn judge(inspector: &Inspector, pair: &Pair, page: &Path) -> anyhow::Result<bool> {
    let golden = GoldenFrames::of(inspector.recipe());
    let decoded = decode(&golden, &pair.reference, &pair.test);
    let inspection = match &decoded {
        Ok(decoded) => inspect_decoded(inspector, decoded),
        Err(reason) => Inspection::not_inspected(reason.clone()),
    };
    let json = InspectionJson::new(&inspection, inspector);
    if let Ok(decoded) = &decoded {
        write_report(page, inspector, &inspection, decoded)?;
    }
    let expected = is_expected(pair, &json);
    print(|out| {
        write!(out, "{}: ", pair.id)?;
        write_human(out, &json)?;
        if expected { Ok(()) } else { writeln!(out, "  NOT AS EXPECTED: {}", expectation(pair)) }
    })?;
    Ok(expected)
}

fn is_expected(pair: &Pair, json: &InspectionJson) -> bool {
    match &pair.label {
        None => false,
        Some(Label::Conforming) => json.verdict == Verdict::Conforming,
        Some(Label::Faults(ids)) => {
            let found = |id: &String| json.violations.iter().any(|violation| violation.spec == *id);
            json.verdict == Verdict::Mismatch && ids.iter().all(found)
        }
    }
}

fn expectation(pair: &Pair) -> String {
    match &pair.label {
        None => "the manifest does not say what is expected".to_owned(),
        Some(Label::Conforming) => "expected conforming".to_owned(),
        Some(Label::Faults(ids)) => format!("expected {}", ids.join(", ")),
    }
}
