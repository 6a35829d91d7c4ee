use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use crate::panel::canvas::Canvas;
use crate::panel::ink::{Ink, Style};
use crate::panel::layout::Space;
use crate::panel::text::Text;
use crate::panel::theme::{CARD, MUTED, RULE, TEXT, Tone};

/// A score as a bar from 0 to 1, and where its threshold is.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct Score {
    pub(in crate::panel) score: f32,
    pub(in crate::panel) threshold: f32,
    pub(in crate::panel) score_word: &'static str,
    pub(in crate::panel) limit_word: &'static str,
    pub(in crate::panel) small: Style,
    pub(in crate::panel) large: Style,
    pub(in crate::panel) margin: u32,
}

impl Score {
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        canvas.fill(area, CARD);
        let mut space = Space::inset(area, self.margin);
        let line = space.top(self.large.line_height(), self.margin / 4);
        let color = self.tone().mark();
        let halves = Space(line).columns(2, self.margin);
        self.number(canvas, ink, (halves[0], self.score_word, self.score, color));
        self.number(canvas, ink, (halves[1], self.limit_word, self.threshold, TEXT));
        self.bar(canvas, space.0);
    }

    fn tone(&self) -> Tone {
        // What is not a number is not below the threshold.
        if self.score < self.threshold { Tone::Good } else { Tone::Bad }
    }

    fn number(
        &self,
        canvas: &mut Canvas,
        ink: &mut Ink,
        (area, word, value, color): (Rectangle, &str, f32, embedded_graphics::pixelcolor::Rgb888),
    ) {
        let mut space = Space(area);
        let value = format!("{value:.2}");
        let room = self.small.width(word).min(area.size.width / 2);
        let caption = space.left(room, self.margin / 2 + 2);
        Text::new(word, self.small, MUTED).middle().draw(canvas, ink, caption);
        Text::new(value, self.large, color).middle().draw(canvas, ink, space.0);
    }

    /// The bar, and the threshold as a line across it with a foot on either side.
    fn bar(&self, canvas: &mut Canvas, area: Rectangle) {
        let Size { width, height } = area.size;
        let overhang = (height / 5).max(1);
        let inner = Rectangle::new(
            area.top_left + Size::new(0, overhang),
            Size::new(width, height.saturating_sub(2 * overhang)),
        );
        canvas.fill(inner, RULE);
        let filled = Size::new(along(self.score, width), inner.size.height);
        canvas.fill(Rectangle::new(inner.top_left, filled), self.tone().mark());
        let line = (height / 6).clamp(2, 4);
        let middle = along(self.threshold, width).min(width.saturating_sub(line)) as i32;
        let corner = area.top_left + Point::new(middle, 0);
        let outline = Rectangle::new(corner - Point::new(1, 0), Size::new(line + 2, height));
        canvas.fill(outline, CARD);
        canvas.fill(Rectangle::new(corner, Size::new(line, height)), TEXT);
    }
}

/// Where a value from 0 to 1 lies on a length; what is none of these lies at the nearer end.
pub(super) fn along(value: f32, length: u32) -> u32 {
    let value = if value.is_nan() { 1.0 } else { value.clamp(0.0, 1.0) };
    (value * length as f32).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_never_shown_as_good() {
        let style = Style::regular(12);
        let score = |score| Score {
            score,
            threshold: 0.5,
            score_word: "Score",
            limit_word: "Limit",
            small: style,
            large: style,
            margin: 4,
        };
        assert_eq!(score(0.4).tone(), Tone::Good);
        assert_eq!(score(0.5).tone(), Tone::Bad);
        assert_eq!(score(f32::NAN).tone(), Tone::Bad);
        assert_eq!((along(f32::NAN, 10), along(-1.0, 10), along(7.0, 10)), (10, 0, 10));
    }
}
