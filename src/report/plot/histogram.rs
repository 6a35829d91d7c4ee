use image::RgbImage;

use super::axes::{Axes, Tick};
use super::sheet::{Anchor, At, BLACK, BLUE, Ink, ORANGE, Sheet};

/// Powers of ten on the axis of counts.
const DECADES: [usize; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// A score histogram of 960x640 pixels: conforming against faulty units, counts on a logarithmic
/// axis so that the few units beyond the threshold show beside thousands within it.
#[derive(Debug, Clone)]
pub struct HistogramPlot<'a> {
    /// What was judged, on which units.
    pub title: &'a str,
    /// Name of the score.
    pub score: &'a str,
    /// Scores at the left end of the first and at the right end of the last bin.
    pub range: (f64, f64),
    /// Conforming units in each of the equal bins.
    pub conforming: &'a [usize],
    /// Faulty units in the same bins.
    pub faulty: &'a [usize],
    /// Where units are rejected.
    pub threshold: Option<f64>,
}

impl HistogramPlot<'_> {
    /// Draws it.
    pub fn draw(&self) -> RgbImage {
        let mut sheet = Sheet::new();
        let (good, bad) =
            (self.conforming.iter().sum::<usize>(), self.faulty.iter().sum::<usize>());
        sheet.title(self.title, &format!("{bad} faulty and {good} conforming units"));
        let highest = self.conforming.iter().chain(self.faulty).copied().max().unwrap_or(0).max(9);
        let top = level(highest) * 1.05;
        let axes =
            Axes { across: (90.0, 930.0), down: (140.0, 550.0), x: self.range, y: (0.0, top) };
        let counts: Vec<Tick> = DECADES
            .into_iter()
            .filter(|count| level(*count) <= top)
            .map(|count| (level(count), count.to_string()))
            .chain([(0.0, "0".to_owned())])
            .collect();
        axes.draw(&mut sheet, (&self.score_ticks(), &counts), (self.score, "units (logarithmic)"));
        self.bars(&mut sheet, &axes);
        axes.frame(&mut sheet);
        self.threshold(&mut sheet, &axes);
        for (x, ink, text) in [(300.0, BLUE, "conforming"), (450.0, ORANGE, "faulty")] {
            bar(&mut sheet, (x, 84.0), (x + 16.0, 100.0), ink);
            sheet.text(text, (x + 26.0, 92.0), Anchor::Left, BLACK);
        }
        sheet.finish()
    }

    fn bars(&self, sheet: &mut Sheet, axes: &Axes) {
        let bins = self.conforming.len().max(self.faulty.len());
        let (low, high) = self.range;
        for bin in 0..bins {
            let at = |share: f64| low + (high - low) * (bin as f64 + share) / bins as f64;
            let halves = [(self.conforming, 0.08, 0.5, BLUE), (self.faulty, 0.5, 0.92, ORANGE)];
            for (counts, from, to, ink) in halves {
                let count = counts.get(bin).copied().unwrap_or(0);
                if count > 0 {
                    let top = axes.place((at(from), level(count)));
                    bar(sheet, top, axes.place((at(to), 0.0)), ink);
                }
            }
        }
    }

    fn threshold(&self, sheet: &mut Sheet, axes: &Axes) {
        let Some(threshold) = self.threshold.filter(|threshold| threshold.is_finite()) else {
            return;
        };
        let (x, bottom) = axes.place((threshold, 0.0));
        let top = axes.down.0 - 18.0;
        sheet.dashes(&[(x, top), (x, bottom)], BLACK, (2.0, 7.0));
        let is_left = x < (axes.across.0 + axes.across.1) / 2.0;
        let text = format!("rejected from {threshold:.3}");
        let (anchor, x) = if is_left { (Anchor::Left, x + 6.0) } else { (Anchor::Right, x - 6.0) };
        sheet.text(&text, (x, top + 4.0), anchor, BLACK);
    }

    fn score_ticks(&self) -> Vec<Tick> {
        let (low, high) = self.range;
        let decimals = if high - low >= 0.5 { 1 } else { 3 };
        (0..=10)
            .map(|step| low + (high - low) * f64::from(step) / 10.0)
            .map(|score| (score, format!("{score:.decimals$}")))
            .collect()
    }
}

/// A bar between two corners; a bright one has an outline.
fn bar(sheet: &mut Sheet, from: At, to: At, ink: Ink) {
    let outline = if ink == ORANGE { BLACK } else { ink };
    sheet.block(from, to, outline);
    sheet.block((from.0 + 1.0, from.1 + 1.0), (to.0 - 1.0, to.1 - 1.0), ink);
}

/// Height of a count: 0 for none, and one decade more for ten times as many.
fn level(count: usize) -> f64 {
    match count {
        0 => 0.0,
        _ => (count as f64).log10() + 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot<'a>(conforming: &'a [usize], faulty: &'a [usize]) -> HistogramPlot<'a> {
        let (title, score, threshold) = ("t", "confidence", Some(0.5));
        HistogramPlot { title, score, range: (0.0, 1.0), conforming, faulty, threshold }
    }

    /// Rows of a column of the drawing that have this ink.
    fn height(drawing: &RgbImage, x: u32, ink: [u8; 3]) -> usize {
        (130..550).filter(|y| drawing.get_pixel(x, *y).0 == ink).count()
    }

    #[test]
    fn one_unit_beside_thousands_is_seen() {
        let drawing = plot(&[5_000, 1], &[1, 100]).draw();
        // Two bins of 420 px from 90, conforming units in the left half of each.
        let (blue, orange) = ([0x00, 0x72, 0xb2], [0xe6, 0x9f, 0x00]);
        let thousands = height(&drawing, 90 + 120, blue);
        let one = height(&drawing, 90 + 420 + 120, blue);
        assert!(one > 30 && thousands > 6 * one, "{one} {thousands}");
        let faulty = height(&drawing, 90 + 300, orange);
        assert!(faulty.abs_diff(one) <= 2, "but for its outline: {faulty} {one}");
    }

    #[test]
    fn a_histogram_of_nothing_is_a_plot() {
        assert_eq!(plot(&[], &[]).draw().dimensions(), (960, 640));
        let flat = HistogramPlot { range: (1.0, 1.0), ..plot(&[usize::MAX / 2], &[0, 3]) };
        HistogramPlot { threshold: Some(f64::NAN), ..flat }.draw();
    }
}
