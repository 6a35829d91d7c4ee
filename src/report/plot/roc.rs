use image::RgbImage;

use super::axes::{Axes, percent_ticks};
use super::sheet::{Anchor, At, BLACK, BLUE, PALE, Sheet, VERMILION};

/// The right panel shows false rejects up to this share: where a line works.
const ZOOM: f64 = 0.1;
/// Lower ends of the right panel to choose from.
const ZOOM_FLOORS: [f64; 4] = [0.9, 0.8, 0.5, 0.0];

/// A ROC plot of 960x640 pixels: the whole curve, and its low end where production works.
#[derive(Debug, Clone)]
pub struct RocPlot<'a> {
    /// What was judged, on which units.
    pub title: &'a str,
    /// Conforming units.
    pub conforming: usize,
    /// Faulty units.
    pub faulty: usize,
    /// At most two are told apart: the model, and what it is compared with (dashed).
    pub lines: &'a [RocLine<'a>],
    /// Shares of false rejects and of faults found with the thresholds.
    pub operating_point: Option<(f64, f64)>,
}

/// One ROC curve.
#[derive(Debug, Clone, Copy)]
pub struct RocLine<'a> {
    /// Its name in the legend, with its AUROC.
    pub label: &'a str,
    /// Shares of false rejects and of faults found, from (0, 0) to (1, 1).
    pub points: &'a [(f64, f64)],
}

impl RocPlot<'_> {
    /// Draws it.
    pub fn draw(&self) -> RgbImage {
        let mut sheet = Sheet::new();
        let counts = format!("{} faulty and {} conforming units", self.faulty, self.conforming);
        sheet.title(self.title, &counts);
        let whole =
            Axes { across: (62.0, 462.0), down: (110.0, 510.0), x: (0.0, 1.0), y: (0.0, 1.0) };
        let near = Axes { across: (530.0, 930.0), x: (0.0, ZOOM), y: (self.floor(), 1.0), ..whole };
        let names = ("false rejects, % of conforming", "faults found, %");
        whole.draw(&mut sheet, (&percent_ticks(whole.x, 5), &percent_ticks(whole.y, 5)), names);
        sheet.dashes(&[whole.place((0.0, 0.0)), whole.place((1.0, 1.0))], PALE, (1.5, 6.0));
        near.draw(
            &mut sheet,
            (&percent_ticks(near.x, 5), &percent_ticks(near.y, 5)),
            (names.0, "faults found, % (low false rejects)"),
        );
        for axes in [&whole, &near] {
            // The first line, the model, on top.
            for (index, line) in self.lines.iter().enumerate().rev() {
                stroke(&mut sheet, index, &inside(axes, line.points));
            }
            axes.frame(&mut sheet);
            if let Some(point) = self.operating_point.filter(|point| axes.contains(*point)) {
                sheet.dot(axes.place(point), 7.0, BLACK);
            }
        }
        self.legend(&mut sheet);
        sheet.finish()
    }

    /// The highest lower end that still shows the operating point, or the model at 1 %.
    fn floor(&self) -> f64 {
        let at_one_percent = || {
            let points = self.lines.first().map_or(&[][..], |line| line.points);
            points.iter().take_while(|point| point.0 <= ZOOM / 10.0).last().map(|point| point.1)
        };
        let shown = self.operating_point.map(|point| point.1).or_else(at_one_percent);
        let shown = shown.unwrap_or(0.0);
        ZOOM_FLOORS.into_iter().find(|floor| *floor < shown).unwrap_or(0.0)
    }

    fn legend(&self, sheet: &mut Sheet) {
        let mut y = 572.0;
        for (index, line) in self.lines.iter().enumerate() {
            stroke(sheet, index, &[(62.0, y), (110.0, y)]);
            sheet.text(line.label, (122.0, y), Anchor::Left, BLACK);
            y += 24.0;
        }
        if let Some((false_rejects, found)) = self.operating_point {
            sheet.dot((586.0, 572.0), 7.0, BLACK);
            let [rejects, found] = [false_rejects, found].map(|share| share * 100.0);
            let text = format!("thresholds: {found:.1} % found");
            sheet.text(&text, (602.0, 572.0), Anchor::Left, BLACK);
            let text = format!("at {rejects:.2} % false rejects");
            sheet.text(&text, (602.0, 596.0), Anchor::Left, BLACK);
        }
    }
}

fn stroke(sheet: &mut Sheet, index: usize, places: &[At]) {
    match index {
        0 => sheet.line(places, BLUE, 3.0),
        _ => sheet.dashes(places, VERMILION, (2.5, 9.0)),
    }
}

/// The part of a rising curve inside the axes, cut where it enters and leaves them.
fn inside(axes: &Axes, points: &[(f64, f64)]) -> Vec<At> {
    let mut places = Vec::new();
    for ends in points.windows(2) {
        if let Some((from, to)) = clipped(ends[0], ends[1], axes) {
            for point in [from, to] {
                let place = axes.place(point);
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
    }
    places
}

/// The part of a segment inside the axes (Liang and Barsky, 1984).
fn clipped(from: (f64, f64), to: (f64, f64), axes: &Axes) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut start, mut end) = (0.0_f64, 1.0_f64);
    let edges = [
        (-dx, from.0 - axes.x.0),
        (dx, axes.x.1 - from.0),
        (-dy, from.1 - axes.y.0),
        (dy, axes.y.1 - from.1),
    ];
    for (step, room) in edges {
        if step == 0.0 && room < 0.0 {
            return None;
        } else if step < 0.0 {
            start = start.max(room / step);
        } else if step > 0.0 {
            end = end.min(room / step);
        }
    }
    let at = |share: f64| (from.0 + dx * share, from.1 + dy * share);
    (start <= end).then(|| (at(start), at(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(operating_point: Option<(f64, f64)>) -> RgbImage {
        let bow = |power: f64| -> Vec<(f64, f64)> {
            (0..=100).map(|x| f64::from(x) / 100.0).map(|x| (x.powf(power), x)).collect()
        };
        let (model, pixels) = (bow(20.0), bow(5.0));
        let lines = [
            RocLine { label: "model", points: &model },
            RocLine { label: "plain pixel difference", points: &pixels },
        ];
        RocPlot { title: "t", conforming: 10, faulty: 20, lines: &lines, operating_point }.draw()
    }

    fn count(drawing: &RgbImage, ink: [u8; 3]) -> usize {
        drawing.pixels().filter(|pixel| pixel.0 == ink).count()
    }

    #[test]
    fn both_lines_and_the_operating_point_are_drawn() {
        let without = drawn(None);
        let with = drawn(Some((0.02, 0.9)));
        assert!(count(&without, [0x00, 0x72, 0xb2]) > 1_500);
        assert!(count(&without, [0xd5, 0x5e, 0x00]) > 500);
        // The dot at (2 %, 90 %) of the left panel, and nothing of its ink there without it.
        let place = (70, 150);
        assert_eq!(with.get_pixel(place.0, place.1).0, [0x1a; 3]);
        assert_ne!(without.get_pixel(place.0, place.1).0, [0x1a; 3]);
    }

    #[test]
    fn a_plot_of_nothing_is_a_plot() {
        let empty =
            RocPlot { title: "", conforming: 0, faulty: 0, lines: &[], operating_point: None };
        assert_eq!(empty.draw().dimensions(), (960, 640));
        let broken = [(f64::NAN, 0.0), (f64::INFINITY, f64::NAN), (-1.0, 7.0)];
        let lines = [RocLine { label: "broken", points: &broken }; 3];
        RocPlot { lines: &lines, operating_point: Some((f64::NAN, 2.0)), ..empty }.draw();
    }

    #[test]
    fn a_segment_is_cut_at_the_edges() {
        let axes = Axes { across: (0.0, 1.0), down: (0.0, 1.0), x: (0.0, 0.1), y: (0.5, 1.0) };
        assert_eq!(clipped((0.0, 0.0), (0.0, 1.0), &axes), Some(((0.0, 0.5), (0.0, 1.0))));
        assert_eq!(clipped((0.0, 0.0), (0.0, 0.4), &axes), None);
        assert_eq!(clipped((0.2, 0.6), (0.3, 0.7), &axes), None);
    }
}
