use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::common::{
    Decoded, GoldenFrames, RecipeArguments, counted, decode, exit_code, inspect_decoded, print,
};
use super::outputs::Inputs;
use super::{CONFORMING, NOT_INSPECTED};
use crate::inspect::{Inspection, Inspector, Preference, Side};
use crate::report::{InspectionJson, Page};
use crate::verdict::Verdict;
use crate::{files, region};

/// Judge one pair of frames against the spec sheet
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The reference frame (with --prefer: the first part)
    #[arg(value_name = "REF")]
    reference: PathBuf,
    /// The frame of the part under test (with --prefer: the second part)
    #[arg(value_name = "TEST")]
    test: PathBuf,
    #[command(flatten)]
    recipe: RecipeArguments,
    /// Say which of two parts fits the sheet better, and by which sentence
    #[arg(long, conflicts_with = "report")]
    prefer: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Write one self-contained HTML file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Judges the pair, prints, and gives the exit code of the verdict.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let inspector = match arguments.recipe.open() {
        Ok(inspector) => inspector,
        Err(error) if arguments.json && !arguments.prefer => {
            // Whoever reads JSON gets an answer to every pair.
            let line = serde_json::to_string(&json!({
                "verdict": Verdict::NotInspected,
                "reason": super::told(error.as_ref()),
            }))?;
            print(|out| writeln!(out, "{line}"))?;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    arguments.warn_of_one_file();
    if arguments.prefer {
        return prefer(arguments, &inspector);
    }
    if let Some(report) = &arguments.report {
        arguments.inputs(&inspector)?.check(report)?;
    }
    let golden = GoldenFrames::of(inspector.recipe());
    let decoded = decode(&golden, &arguments.reference, &arguments.test);
    let inspection = match &decoded {
        Ok(decoded) => inspect_decoded(&inspector, decoded),
        Err(reason) => Inspection::not_inspected(reason.clone()),
    };
    let json = InspectionJson::new(&inspection, &inspector);
    if arguments.json {
        let line = serde_json::to_string(&json)?;
        print(|out| writeln!(out, "{line}"))?;
    } else {
        print(|out| write_human(out, &json))?;
    }
    match (&arguments.report, &decoded) {
        (Some(path), Ok(decoded)) => write_report(path, &inspector, &inspection, decoded)?,
        (Some(path), Err(_)) => log::warn!("{}: not written, there are no frames", path.display()),
        (None, _) => {}
    }
    Ok(exit_code(json.verdict))
}

impl Arguments {
    /// A frame does not differ from itself: that says nothing of any part.
    fn warn_of_one_file(&self) {
        let [reference, test] = [&self.reference, &self.test].map(|path| path.canonicalize().ok());
        if reference.is_some() && reference == test {
            let path = self.test.display();
            log::warn!("{path}: reference and test are the same file, which nothing differs in");
        }
    }

    fn inputs(&self, inspector: &Inspector) -> anyhow::Result<Inputs> {
        let recipe = inspector.recipe();
        let frames = Inputs::new([&self.reference, &self.test]).with(&recipe.thresholds_path);
        frames.with_recipe(&self.recipe, recipe)
    }
}

/// Writes the report page of an inspection.
pub(super) fn write_report(
    path: &Path,
    inspector: &Inspector,
    inspection: &Inspection,
    decoded: &Decoded,
) -> anyhow::Result<()> {
    let reference = decoded.reference.frame();
    let map = match &inspection.measurement {
        Some(measured) => {
            let section = &inspector.recipe().region;
            Some(region::difference_map(reference, &measured.test, section)?)
        }
        None => None,
    };
    let page = Page::new(inspector, inspection, [reference, &decoded.test], map.as_ref())?;
    files::write(path, page.to_html()?.as_bytes()).context("the report")
}

/// The verdict for people: which sentence failed, where, by how much.
pub(super) fn write_human(out: &mut dyn Write, json: &InspectionJson) -> io::Result<()> {
    match json.verdict {
        Verdict::Conforming => {
            writeln!(
                out,
                "CONFORMING: {}, none against the sheet",
                match json.regions.len() {
                    1 => "1 region differs".to_owned(),
                    count => format!("{count} regions differ"),
                }
            )?;
        }
        Verdict::Mismatch => {
            let findings = json.violations.len() + json.unexplained.len();
            writeln!(out, "MISMATCH: {}", counted(findings, "finding"))?;
        }
        Verdict::NotInspected => {
            writeln!(out, "NOT INSPECTED: {}", json.reason.as_deref().unwrap_or("unknown reason"))?;
        }
    }
    for violation in &json.violations {
        let (x, y) = (violation.region.x, violation.region.y);
        let (width, height) = (violation.region.width, violation.region.height);
        writeln!(out, "  {}: \"{}\" ({})", violation.spec, violation.sentence, violation.kind)?;
        writeln!(
            out,
            "    {width}x{height} px at ({x}, {y}); score {:.3}, threshold {:.3} ({:.1} times), cosine {:+.3}",
            violation.score,
            violation.threshold,
            violation.score / violation.threshold,
            violation.cosine
        )?;
    }
    for unexplained in &json.unexplained {
        let rect = unexplained.region;
        writeln!(out, "  a difference that no sentence explains")?;
        writeln!(
            out,
            "    {}x{} px at ({}, {}); size {:.3}, best cosine {:+.3}",
            rect.width, rect.height, rect.x, rect.y, unexplained.size, unexplained.best_cosine
        )?;
    }
    if json.omitted_regions > 0 {
        let omitted = counted(json.omitted_regions, "changed region");
        writeln!(out, "  not judged beside these: {omitted}")?;
    }
    if !json.unarmed.is_empty() {
        writeln!(out, "  not armed, so never found: {}", json.unarmed.join(", "))?;
    }
    writeln!(out, "  {:.1} ms", json.timing_ms.total)
}

fn prefer(arguments: &Arguments, inspector: &Inspector) -> anyhow::Result<u8> {
    let golden = GoldenFrames::of(inspector.recipe());
    let decoded = match decode(&golden, &arguments.reference, &arguments.test) {
        Ok(decoded) => decoded,
        Err(reason) => anyhow::bail!("not compared: {reason}"),
    };
    let compared = inspector.prefer(decoded.reference.frame(), &decoded.test);
    let (found, measurement) = match compared {
        Ok(compared) => compared,
        Err(reason) => anyhow::bail!("not compared: {reason}"),
    };
    let spec = found.sentence.and_then(|index| inspector.recipe().sheet.specs.get(index));
    let id = spec.map(|spec| spec.prompt.id.as_str());
    let sentence = spec.and_then(|spec| spec.prompt.sentences.first());
    let place = found.region.and_then(|region| measurement.regions.get(region));
    let rect = place.map(|place| place.region.tight);
    if arguments.json {
        let line = json!({
            "preferred": found.preferred,
            "spec": id,
            "sentence": sentence,
            "lead": found.lead,
            "region": rect,
        });
        print(|out| writeln!(out, "{line}"))?;
    } else {
        let paths = [&arguments.reference, &arguments.test];
        print(|out| writeln!(out, "{}", preference_text(&found, paths, id.zip(sentence))))?;
    }
    Ok(if found.preferred.is_some() { CONFORMING } else { NOT_INSPECTED })
}

fn preference_text(
    found: &Preference,
    [a, b]: [&PathBuf; 2],
    spec: Option<(&str, &String)>,
) -> String {
    let reason = spec.map_or("no region differs".to_owned(), |(id, sentence)| {
        format!("{id}: \"{sentence}\", lead {:.3}", found.lead)
    });
    match found.preferred {
        Some(Side::A) => format!("{} fits better ({reason})", a.display()),
        Some(Side::B) => format!("{} fits better ({reason})", b.display()),
        None => format!("cannot be told apart ({reason})"),
    }
}
