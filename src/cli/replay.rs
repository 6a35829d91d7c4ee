use std::path::PathBuf;

use clap::Args;

use super::common::{counted, print};
use super::{CONFORMING, MISMATCH, NOT_INSPECTED, data};
use crate::station::{self, Difference, Replayed, Skipped};

/// Differences that are told one by one.
const SHOWN: usize = 50;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder of the journal
    journal: PathBuf,
    /// The recipe that judged the parts [default: the bundled board recipe]
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// At most so many parts, the newest of those that can be judged again
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Judges again, prints, and tells by the exit code: 0 all equal, 1 a difference, 2 nothing was
/// judged.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let recipe = data::recipe(arguments.recipe.as_deref())?;
    let replayed = station::replay(&arguments.journal, &recipe, arguments.limit)?;
    if arguments.json {
        let text = serde_json::to_string(&replayed)?;
        print(|out| writeln!(out, "{text}"))?;
    } else {
        let text = told(&replayed);
        print(|out| write!(out, "{text}"))?;
    }
    Ok(match (replayed.compared, replayed.different.len()) {
        (0, _) => NOT_INSPECTED,
        (_, 0) => CONFORMING,
        _ => MISMATCH,
    })
}

fn told(replayed: &Replayed) -> String {
    let shown = replayed.different.iter().take(SHOWN).map(difference);
    let mut text: String = shown.collect();
    if replayed.different.len() > SHOWN {
        text += &format!("and {} more that differ\n", replayed.different.len() - SHOWN);
    }
    text.extend(replayed.skipped.iter().map(skipped));
    let Replayed { compared, equal, different, largest, .. } = replayed;
    let parts = counted(usize::try_from(*compared).unwrap_or(usize::MAX), "part");
    let different = different.len();
    text += &match compared {
        0 => "nothing could be judged again\n".to_owned(),
        _ => format!(
            "{parts} judged again: {equal} equal, {different} different; scores within {largest:.6}\n"
        ),
    };
    text
}

fn difference(part: &Difference) -> String {
    let score = |score: Option<f32>| score.map_or("none".to_owned(), |it| format!("{it:.4}"));
    let scores = part.scores.iter().map(|change| {
        format!("; {} {}, now {}", change.spec, score(change.recorded), score(change.found))
    });
    let scores: String = scores.collect();
    format!("part {}: {}, now {}{scores}\n", part.number, part.recorded, part.found)
}

fn skipped(skipped: &Skipped) -> String {
    let numbers: Vec<String> = skipped.first.iter().map(u64::to_string).collect();
    let more = if skipped.parts > numbers.len() as u64 { ", ..." } else { "" };
    let parts = counted(usize::try_from(skipped.parts).unwrap_or(usize::MAX), "part");
    format!("not judged again: {parts} ({}{more}): {}\n", numbers.join(", "), skipped.reason)
}
