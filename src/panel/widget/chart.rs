use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use super::score::along;
use crate::panel::canvas::Canvas;
use crate::panel::ink::{Ink, Style};
use crate::panel::layout::Space;
use crate::panel::scene::{TREND_PARTS, TrendScore};
use crate::panel::sign::Sign;
use crate::panel::text::Text;
use crate::panel::theme::{CARD, MUTED, RULE, TEXT, Tone};

/// The last scores against their thresholds.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct Chart {
    /// Oldest first, at most [`TREND_PARTS`].
    pub(in crate::panel) scores: Vec<TrendScore>,
    pub(in crate::panel) caption: &'static str,
    pub(in crate::panel) limit_word: &'static str,
    pub(in crate::panel) no_values: &'static str,
    pub(in crate::panel) small: Style,
    pub(in crate::panel) margin: u32,
}

impl Chart {
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        canvas.fill(area, CARD);
        let mut space = Space::inset(area, self.margin);
        let line = self.small.line_height();
        self.legend(canvas, ink, space.top(line, self.margin / 2));
        let plot = self.axis(canvas, ink, space);
        if self.scores.is_empty() {
            let text = Text::new(self.no_values, self.small, MUTED).centred().middle();
            text.draw(canvas, ink, plot);
            return;
        }
        let radius = (plot.size.height / 90).max(2) as i32;
        for (index, score) in self.scores.iter().rev().take(TREND_PARTS).enumerate() {
            self.threshold(canvas, plot, (index, score.threshold));
            point(canvas, plot, (index, score, radius));
        }
    }

    fn legend(&self, canvas: &mut Canvas, ink: &mut Ink, area: Rectangle) {
        let mut space = Space(area);
        let width = self.small.width(self.limit_word);
        let limit = space.right(width, self.margin / 2);
        Text::new(self.limit_word, self.small, MUTED).middle().draw(canvas, ink, limit);
        let stroke = space.right(self.small.em * 2, self.margin);
        let middle = stroke.top_left.y + stroke.size.height as i32 / 2;
        let corner = Point::new(stroke.top_left.x, middle);
        canvas.fill(Rectangle::new(corner, Size::new(stroke.size.width, 2)), threshold_color());
        let text = format!("{} ({})", self.caption, self.scores.len().min(TREND_PARTS));
        Text::new(text, self.small, TEXT).middle().draw(canvas, ink, space.0);
    }

    /// Draws the scale; gives where values are drawn.
    fn axis(&self, canvas: &mut Canvas, ink: &mut Ink, mut space: Space) -> Rectangle {
        let line = self.small.line_height();
        let labels = space.left(self.small.width("0.0"), self.margin / 2);
        // Labels reach half a line over the ends of the scale.
        space.top(line / 2, 0);
        space.bottom(line / 2, 0);
        let plot = space.0;
        for step in 0..=4_u32 {
            let value = step as f32 / 4.0;
            let y = row_of(plot, value);
            let corner = Point::new(plot.top_left.x, y);
            canvas.fill(Rectangle::new(corner, Size::new(plot.size.width, 1)), RULE);
            if step % 2 == 0 {
                let top = Point::new(labels.top_left.x, y - line as i32 / 2);
                let place = Rectangle::new(top, Size::new(labels.size.width, line));
                let text = Text::new(format!("{value:.1}"), self.small, MUTED).right().middle();
                text.draw(canvas, ink, place);
            }
        }
        plot
    }

    fn threshold(&self, canvas: &mut Canvas, plot: Rectangle, (index, value): (usize, f32)) {
        let (left, right) = columns_of(plot, index);
        let corner = Point::new(left, row_of(plot, value));
        let size = Size::new((right - left).max(1) as u32, 2);
        canvas.fill(Rectangle::new(corner, size), threshold_color());
    }
}

/// One condition of the photos.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct DriftRow {
    pub(in crate::panel) name: &'static str,
    /// Oldest first.
    pub(in crate::panel) values: Vec<f32>,
    pub(in crate::panel) limits: Option<(f32, f32)>,
    /// Stands for the value.
    pub(in crate::panel) value_word: Option<&'static str>,
    pub(in crate::panel) tone: Tone,
    pub(in crate::panel) sign: Sign,
    pub(in crate::panel) no_values: &'static str,
    pub(in crate::panel) small: Style,
    pub(in crate::panel) large: Style,
    pub(in crate::panel) margin: u32,
}

impl DriftRow {
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        canvas.fill(area, CARD);
        let mut space = Space::inset(area, self.margin);
        let line = space.top(self.large.line_height(), self.margin / 4);
        let mut line = Space(line);
        let side = self.large.em;
        let sign = line.left(side, self.margin);
        self.sign.draw(canvas, sign, self.tone.mark());
        let value = match (self.value_word, self.values.last()) {
            (Some(word), _) => word.to_owned(),
            (None, Some(value)) => format!("{value:.2}"),
            (None, None) => self.no_values.to_owned(),
        };
        let room = self.large.width(&value).min(line.0.size.width / 2);
        let place = line.right(room, self.margin);
        Text::new(value, self.large, self.tone.mark()).right().middle().draw(canvas, ink, place);
        Text::new(self.name, self.small, TEXT).middle().draw(canvas, ink, line.0);
        self.course(canvas, space.0);
    }

    /// The values between the limits, which are lines; between their own ends where there are none.
    fn course(&self, canvas: &mut Canvas, plot: Rectangle) {
        let (low, high) = self.limits.unwrap_or_else(|| ends(&self.values));
        let reach = (high - low).abs().max(f32::EPSILON);
        // The limits stand a quarter of their distance away from the ends.
        let scaled = |value: f32| (value - low) / reach / 1.5 + 1.0 / 6.0;
        for limit in self.limits.iter().flat_map(|(low, high)| [*low, *high]) {
            let corner = Point::new(plot.top_left.x, row_of(plot, scaled(limit)));
            let dash = (self.margin / 2).max(2);
            for x in (0..plot.size.width).step_by(2 * dash as usize) {
                let width = dash.min(plot.size.width - x);
                let at = corner + Point::new(x as i32, 0);
                canvas.fill(Rectangle::new(at, Size::new(width, 1)), MUTED);
            }
        }
        for (index, value) in self.values.iter().rev().take(TREND_PARTS).enumerate() {
            let (left, right) = columns_of(plot, index);
            let corner = Point::new(left, row_of(plot, scaled(*value)) - 1);
            let size = Size::new((right - left).max(2) as u32, 2);
            canvas.fill(Rectangle::new(corner, size), self.tone.mark());
        }
    }
}

fn ends(values: &[f32]) -> (f32, f32) {
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if least <= most { (least, most) } else { (0.0, 1.0) }
}

fn threshold_color() -> embedded_graphics::pixelcolor::Rgb888 {
    Tone::Attention.mark()
}

/// A disc for what is below its threshold, a cross for what is not, a stroke at the bottom for what
/// was not inspected: colour is not all that tells them apart.
fn point(canvas: &mut Canvas, plot: Rectangle, (index, value, radius): (usize, &TrendScore, i32)) {
    let (left, right) = columns_of(plot, index);
    let x = (left + right) / 2;
    let Some(score) = value.score else {
        let corner = Point::new(x, row_of(plot, 0.0) - 2 * radius);
        let size = Size::new(2, 2 * radius as u32);
        return canvas.fill(Rectangle::new(corner, size), Tone::Attention.mark());
    };
    let is_below = score < value.threshold;
    let y = row_of(plot, score);
    let reach = if is_below { radius } else { radius + 2 };
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let is_inside = if is_below {
                dx * dx + dy * dy <= radius * radius
            } else {
                (dx.abs() - dy.abs()).abs() <= 1
            };
            if is_inside {
                let tone = if is_below { Tone::Good } else { Tone::Bad };
                canvas.set(Point::new(x + dx, y + dy), tone.mark());
            }
        }
    }
}

/// The columns of a part, the newest being 0 and at the right end.
fn columns_of(plot: Rectangle, index: usize) -> (i32, i32) {
    let width = plot.size.width as usize;
    let from_right = |index: usize| (width * index.min(TREND_PARTS) / TREND_PARTS) as i32;
    let end = plot.top_left.x + width as i32;
    (end - from_right(index + 1), end - from_right(index))
}

fn row_of(plot: Rectangle, value: f32) -> i32 {
    let height = plot.size.height.saturating_sub(1);
    plot.top_left.y + (height - along(value, height)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_part_is_at_the_right_end_and_the_last_at_the_left() {
        let plot = Rectangle::new(Point::new(10, 0), Size::new(400, 101));
        assert_eq!(columns_of(plot, 0), (408, 410));
        assert_eq!(columns_of(plot, TREND_PARTS - 1), (10, 12));
        assert_eq!(columns_of(plot, usize::MAX - 1), (10, 10));
        assert_eq!((row_of(plot, 0.0), row_of(plot, 1.0)), (100, 0));
    }
}
