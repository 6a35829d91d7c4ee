use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use pairspec::calibrate::{Auroc, Proportion};
use pairspec_finetune::describe::OwnMeanings;
use pairspec_finetune::evaluate::{Comparative, Evaluation, Question, evaluate};

/// What a bundle understands of labelled pairs: the protocols of the PC-CLIP paper.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The model bundle, with both towers.
    bundle: PathBuf,
    /// Pairs with boxes.
    manifest: PathBuf,
    /// Groups to use, separated by commas [default: all]; every other one chooses what is compared.
    #[arg(long, value_delimiter = ',', value_name = "GROUPS")]
    groups: Vec<String>,
    /// What the pairs show: board, label, cap, or a word of your own.
    #[arg(long, default_value = "board")]
    product: String,
    /// Keep the colours of frames.
    #[arg(long)]
    colour: bool,
    /// Sentences of your own classes, a TOML file as for `describe`.
    #[arg(long, value_name = "FILE")]
    meanings: Option<PathBuf>,
    /// Sentences of one class: `NAME=one sentence|another`.
    #[arg(long, value_name = "CLASS")]
    class: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
#[allow(clippy::print_stdout)]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let own = OwnMeanings::given(arguments.meanings.as_deref(), &arguments.class)?;
    let question = Question {
        bundle: arguments.bundle.clone(),
        manifest: arguments.manifest.clone(),
        groups: arguments.groups.clone(),
        product: arguments.product.clone(),
        is_colour: arguments.colour,
        precision: None,
    };
    let bar = ProgressBar::new_spinner().with_message("pairs cut");
    let found = evaluate(&question, &own, &|done| bar.set_position(done))?;
    bar.finish_and_clear();
    if arguments.json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        print!("{}", render(&found));
    }
    Ok(())
}

fn render(found: &Evaluation) -> String {
    let mut lines = vec![
        format!(
            "{} crops with a fault, {} sound; {} pairs not registered",
            found.faults, found.sound, found.refused
        ),
        "[95 % bounds], crops taken as independent".to_owned(),
        String::new(),
        format!("difference classification   {}", percent(&found.differences.faults)),
        format!("  away from requirements    {}", percent(&found.differences.requirements)),
        format!("kind of fault               {}", percent(&found.kind)),
        format!("fault against sound, AUROC  {}", area(found.auroc)),
        format!("zero-shot, test frame alone {}", percent(&found.zero_shot)),
    ];
    lines.extend(compared(found.comparative.as_ref()));
    if let Some(analogies) = &found.analogies {
        let chance = 100.0 / found.classes.len().max(1) as f64;
        lines.push(format!("analogies (chance {chance:.0} %)     {}", percent(analogies)));
    }
    let header = ["class", "kind", "requirement", "ranking, frames", "ranking, differences"];
    lines.push(format!(
        "\n{:12} {:24} {:24} {:24} {}",
        header[0], header[1], header[2], header[3], header[4]
    ));
    for class in &found.classes {
        lines.push(format!(
            "{:12} {:24} {:24} {:24} {}",
            class.class,
            percent(&class.kind),
            area(class.requirement),
            area(class.ranking.frames),
            area(class.ranking.differences)
        ));
    }
    lines.join("\n") + "\n"
}

fn compared(comparative: Option<&Comparative>) -> Vec<String> {
    let Some(found) = comparative else {
        return vec!["comparative prompting       nothing is confused".to_owned()];
    };
    let name = |name: &String| if name.is_empty() { "sound" } else { name }.to_owned();
    let pairs: Vec<String> =
        found.pairs.iter().map(|[a, b]| format!("{}/{}", name(a), name(b))).collect();
    vec![
        format!("confused, plain captions    {}", percent(&found.before)),
        format!(
            "  comparative, weight {:.2}  {}  ({})",
            found.weight,
            percent(&found.after),
            pairs.join(", ")
        ),
    ]
}

fn percent(share: &Proportion) -> String {
    let Some(rate) = share.rate() else { return "-".to_owned() };
    format!("{:.1} % [{:.1}, {:.1}]", 100.0 * rate, 100.0 * share.lower(), 100.0 * share.upper())
}

fn area(auroc: Option<Auroc>) -> String {
    auroc.map_or("-".to_owned(), |auroc| {
        format!("{:.4} [{:.4}, {:.4}]", auroc.value, auroc.lower, auroc.upper)
    })
}
