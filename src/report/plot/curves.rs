use image::RgbImage;

use super::axes::{Axes, Tick};
use super::sheet::{Anchor, BLACK, BLUE, ORANGE, Sheet, VERMILION};

/// Ticks on each axis beside that at its lower end.
const TICKS: u32 = 5;
/// Lines that are told apart.
const INKS: usize = 3;

/// Two panels of 960x640 pixels with curves over the same quantity, as training logs.
#[derive(Debug, Clone)]
pub struct CurvesPlot<'a> {
    /// What was measured.
    pub title: &'a str,
    /// On what.
    pub below: &'a str,
    /// What runs from left to right.
    pub across: &'a str,
    /// The left and the right panel.
    pub panels: [Panel<'a>; 2],
}

/// One panel.
#[derive(Debug, Clone)]
pub struct Panel<'a> {
    /// What runs upward.
    pub up: &'a str,
    /// Ends of the upward axis; from the curves' own values if `None`.
    pub range: Option<(f64, f64)>,
    /// At most three are told apart; values that are not finite are left out.
    pub curves: &'a [Curve<'a>],
}

/// One curve.
#[derive(Debug, Clone, Copy)]
pub struct Curve<'a> {
    /// Its name in the legend.
    pub label: &'a str,
    /// From left to right.
    pub points: &'a [(f64, f64)],
}

impl CurvesPlot<'_> {
    /// Draws it.
    pub fn draw(&self) -> RgbImage {
        let mut sheet = Sheet::new();
        sheet.title(self.title, self.below);
        for (panel, across) in self.panels.iter().zip([(62.0, 462.0), (530.0, 930.0)]) {
            panel.draw(&mut sheet, across, self.across);
        }
        sheet.finish()
    }
}

impl Panel<'_> {
    fn draw(&self, sheet: &mut Sheet, across: (f32, f32), name: &str) {
        let points = || self.curves.iter().flat_map(|curve| curve.points.iter().copied());
        let x = range(points().map(|point| point.0));
        let y = self.range.unwrap_or_else(|| range(points().map(|point| point.1)));
        let axes = Axes { across, down: (110.0, 510.0), x, y };
        axes.draw(sheet, (&ticks(x), &ticks(y)), (name, self.up));
        for (index, curve) in self.curves.iter().enumerate().rev() {
            let inside = curve.points.iter().filter(|point| axes.contains(**point));
            let places: Vec<_> = inside.map(|point| axes.place(*point)).collect();
            stroke(sheet, index, &places);
        }
        axes.frame(sheet);
        for (index, curve) in self.curves.iter().enumerate() {
            let y = 568.0 + 24.0 * index as f32;
            stroke(sheet, index, &[(across.0, y), (across.0 + 40.0, y)]);
            sheet.text(curve.label, (across.0 + 50.0, y), Anchor::Left, BLACK);
        }
    }
}

fn stroke(sheet: &mut Sheet, index: usize, places: &[(f32, f32)]) {
    match index % INKS {
        0 => sheet.line(places, BLUE, 2.5),
        1 => sheet.dashes(places, VERMILION, (2.5, 9.0)),
        _ => sheet.line(places, ORANGE, 1.5),
    }
}

/// From the least to the largest finite value; one unit wide where they are one.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match (low.is_finite(), high > low) {
        (false, _) => (0.0, 1.0),
        (true, false) => (low - 0.5, low + 0.5),
        (true, true) => (low, high),
    }
}

fn ticks((low, high): (f64, f64)) -> Vec<Tick> {
    let step = (high - low) / f64::from(TICKS);
    let digits =
        if step >= 5.0 { 0 } else { (1.0 - step.log10().floor()).clamp(0.0, 4.0) as usize };
    (0..=TICKS)
        .map(|index| low + step * f64::from(index))
        .map(|value| (value, format!("{value:.digits$}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_drawn_inside_their_panels() {
        let falling: Vec<(f64, f64)> =
            (0..100).map(|x| (f64::from(x), 3.0 / (1.0 + f64::from(x)))).collect();
        let broken = [(0.0, f64::NAN), (50.0, 0.5), (99.0, 0.9)];
        let plot = CurvesPlot {
            title: "loss",
            below: "100 steps",
            across: "step",
            panels: [
                Panel {
                    up: "loss",
                    range: None,
                    curves: &[Curve { label: "loss", points: &falling }],
                },
                Panel {
                    up: "share",
                    range: Some((0.0, 1.0)),
                    curves: &[Curve { label: "right", points: &broken }],
                },
            ],
        };
        let drawn = plot.draw();
        let blue = |from: u32, to: u32| {
            let inside = drawn
                .enumerate_pixels()
                .filter(|(x, y, _)| (from..to).contains(x) && (110..510).contains(y));
            inside.filter(|(_, _, pixel)| pixel.0 == BLUE).count()
        };
        assert!(blue(62, 462) > 300 && blue(530, 930) > 100);
    }

    #[test]
    fn ranges_of_nothing_and_of_one_value_have_a_width() {
        assert_eq!(range([f64::NAN].into_iter()), (0.0, 1.0));
        assert_eq!(range([2.0, 2.0].into_iter()), (1.5, 2.5));
        assert_eq!(ticks((0.0, 1.0))[1].1, "0.20");
        assert_eq!(ticks((0.0, 1000.0))[5].1, "1000");
    }
}
