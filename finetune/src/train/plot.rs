use std::collections::BTreeMap;
use std::path::Path;

use pairspec::files;
use pairspec::report::{Curve, CurvesPlot, Panel, png};
use serde_json::Value;

/// A log of a million steps is smaller.
pub(super) const MAX_BYTES: u64 = 256 << 20;
/// Points of the smoothed loss.
const POINTS: usize = 200;
/// Lower end of the shares that are shown: below it a model is no good.
const FLOOR: f64 = 0.4;

/// Draws the losses and the validations of a run into `training.png`, one picture per product.
///
/// # Errors
/// A log that cannot be read, a picture that cannot be written.
pub(super) fn write(losses: &Path, validations: &Path, folder: &Path) -> anyhow::Result<()> {
    let loss = smoothed(&read_losses(&files::read_text(losses, MAX_BYTES)?));
    let lines = entries(&files::read_text(validations, MAX_BYTES)?);
    let mut products: Vec<String> = lines.iter().filter_map(product).collect();
    products.sort_unstable();
    products.dedup();
    for name in products {
        let of = |key: &str| {
            let points = lines.iter().filter(|line| product(line).as_ref() == Some(&name));
            points
                .filter_map(|line| {
                    Some((line["step"].as_f64()?, line["validation"][key].as_f64()?))
                })
                .collect::<Vec<_>>()
        };
        let (kind, auroc, requirements) = (of("kind"), of("auroc"), of("requirements"));
        let differences = of("differences");
        let plot = CurvesPlot {
            title: &format!("training: {name}"),
            below: "pairs that were not trained with",
            across: "step",
            panels: [
                Panel {
                    up: "loss, nats",
                    range: None,
                    curves: &[Curve { label: "loss of all terms, mean", points: &loss }],
                },
                Panel {
                    up: "share",
                    range: Some((FLOOR, 1.0)),
                    curves: &[
                        Curve { label: "right fault kind", points: &kind },
                        Curve { label: "AUROC sound against fault", points: &auroc },
                        Curve { label: "AUROC of requirements", points: &requirements },
                        Curve { label: "differences toward their sentence", points: &differences },
                    ],
                },
            ],
        };
        files::write(&folder.join(format!("training-{name}.png")), &png(&plot.draw())?)?;
    }
    Ok(())
}

/// Validations in the order of their steps; lines that a kill cut short are left out, of a repeated
/// step the last counts.
pub(super) fn entries(text: &str) -> Vec<Value> {
    let mut last: BTreeMap<(u64, String), Value> = BTreeMap::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if let (Some(step), Some(product)) = (line["step"].as_u64(), product(&line)) {
            last.insert((step, product), line);
        }
    }
    last.into_values().collect()
}

fn product(line: &Value) -> Option<String> {
    line["validation"]["product"].as_str().map(str::to_owned)
}

/// Step and loss; lines that a kill cut short are left out, of a repeated step the last counts.
fn read_losses(text: &str) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',').map(str::parse::<f64>);
        if let (Some(Ok(step)), Some(Ok(loss)), 2) =
            (fields.next(), fields.next(), fields.flatten().count())
        {
            while points.last().is_some_and(|last| last.0 >= step) {
                points.pop();
            }
            points.push((step, loss));
        }
    }
    points
}

/// Means of stretches of equal length.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let stretch = points.len().div_ceil(POINTS).max(1);
    let mean = |points: &[(f64, f64)]| {
        let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / points.len() as f64, sum.1 / points.len() as f64)
    };
    points.chunks(stretch).map(mean).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn steps_taken_twice_count_once_and_cut_lines_do_not() {
        let text = "step,loss,gradient,rate\n0,3,1,1\n1,2,1,1\n1,5,1,1\n2,1,1,1\n3,0.";
        assert_eq!(read_losses(text), [(0.0, 3.0), (1.0, 5.0), (2.0, 1.0)]);
    }

    #[test]
    fn validations_cut_short_are_left_out_and_repeated_ones_count_once() {
        let line = |step: u64, kind: f64| {
            format!(r#"{{"step":{step},"validation":{{"product":"board","kind":{kind}}}}}"#)
        };
        let cut = &line(9, 0.9)[..20];
        let text =
            [&line(1, 0.5), &line(2, 0.6), cut, &line(2, 0.7), &line(3, 0.8), cut].join("\n");
        let kept: Vec<(u64, f64)> = entries(&text)
            .iter()
            .map(|line| {
                (line["step"].as_u64().unwrap(), line["validation"]["kind"].as_f64().unwrap())
            })
            .collect();
        assert_eq!(kept, [(1, 0.5), (2, 0.7), (3, 0.8)]);
    }

    #[test]
    fn a_run_is_drawn_per_product() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let losses = file("losses.csv", "step,loss,gradient,rate\n0,3,1,1\n1,2,1,1\n");
        let line = r#"{"step":1,"validation":{"product":"board","kind":0.5,"auroc":0.9}}"#;
        let validations = file("validations.jsonl", &format!("{line}\n"));
        write(&losses, &validations, folder.path()).unwrap();
        let picture = image::open(folder.path().join("training-board.png")).unwrap();
        assert_eq!((picture.width(), picture.height()), (960, 640));
    }
}
