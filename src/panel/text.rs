use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;

use super::canvas::Canvas;
use super::face;
use super::ink::{Ink, Style};
use super::wrap::wrap;

/// Stands where a text was cut.
const ELLIPSIS: char = '\u{2026}';

/// A text in a box: wrapped, made smaller until it fits, and only then cut with an ellipsis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// What is written.
    pub(super) text: String,
    /// The face, and the size it has if there is room.
    pub(super) style: Style,
    /// The least size, in pixels of one em.
    pub(super) least_em: u32,
    /// Its colour.
    pub(super) color: Rgb888,
    /// Where lines stand.
    pub(super) align: Align,
    /// Where the lines together stand.
    pub(super) anchor: Anchor,
}

/// Where a line stands between left and right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// Where lines stand between top and bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Top,
    Middle,
}

/// A text as it is drawn.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fitted {
    pub(super) lines: Vec<String>,
    pub(super) em: u32,
    pub(super) is_cut: bool,
}

impl Text {
    /// On one line or more from the top left, down to three quarters of its size.
    pub(super) fn new(text: impl Into<String>, style: Style, color: Rgb888) -> Self {
        let least_em = (style.em * 3 / 4).max(LEAST_EM).min(style.em);
        let (align, anchor) = (Align::Left, Anchor::Top);
        Self { text: text.into(), style, least_em, color, align, anchor }
    }

    /// With another least size.
    pub(super) fn least(self, least_em: u32) -> Self {
        Self { least_em: least_em.max(LEAST_EM).min(self.style.em), ..self }
    }

    /// Lines in the middle between left and right.
    pub(super) fn centred(self) -> Self {
        Self { align: Align::Centre, ..self }
    }

    /// Lines that end at the right.
    pub(super) fn right(self) -> Self {
        Self { align: Align::Right, ..self }
    }

    /// In the middle between top and bottom.
    pub(super) fn middle(self) -> Self {
        Self { anchor: Anchor::Middle, ..self }
    }

    /// The same, `by` pixels of an em smaller but not below its least size.
    pub(super) fn smaller(&self, by: u32) -> Self {
        let em = self.style.em.saturating_sub(by).max(self.least_em);
        Self { style: self.style.sized(em), ..self.clone() }
    }

    /// How high it is in a box of this width without becoming smaller.
    pub(super) fn height(&self, width: u32) -> u32 {
        let lines = wrap(&self.text, width as f32, |it| self.style.advance(it));
        lines.len() as u32 * self.style.line_height()
    }

    /// Breaks the text for a box.
    pub(super) fn fit(&self, size: Size) -> Fitted {
        let mut em = self.style.em;
        loop {
            let style = self.style.sized(em);
            let lines = wrap(&self.text, size.width as f32, |it| style.advance(it));
            let is_broken_word =
                lines.len() > 1 && em > self.least_em && breaks_words(&lines, self);
            if lines.len() <= lines_in(size, style) && !is_broken_word {
                return Fitted { lines, em, is_cut: false };
            }
            if em <= self.least_em {
                return cut(lines, style, size);
            }
            em = (em - 1 - em / 24).max(self.least_em);
        }
    }

    /// Draws the text into `area`; gives the height that it took.
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink, area: Rectangle) -> u32 {
        let Fitted { lines, em, is_cut } = self.fit(area.size);
        ink.cut += u64::from(is_cut);
        let style = self.style.sized(em);
        let height = style.line_height() * lines.len() as u32;
        // Negative where a line stands higher than its box: capitals may still fit.
        let slack = area.size.height as i32 - height as i32;
        let top = match self.anchor {
            Anchor::Top => area.top_left.y + slack.min(0).div_euclid(2),
            Anchor::Middle => area.top_left.y + slack.div_euclid(2),
        };
        let first = top + baseline(style, &self.text);
        for (index, line) in lines.iter().enumerate() {
            let y = first + index as i32 * style.line_height() as i32;
            let slack = area.size.width as f32 - style.width(line) as f32;
            let x = area.top_left.x as f32
                + match self.align {
                    Align::Left => 0.0,
                    Align::Centre => slack / 2.0,
                    Align::Right => slack,
                };
            write(canvas, ink, (line, style, self.color), (x, y));
        }
        height
    }
}

/// The smallest em, in pixels, in which kanji can still be told apart.
pub(super) const LEAST_EM: u32 = 11;

/// Draws a line of text from a pen position on its baseline.
pub(super) fn write(
    canvas: &mut Canvas,
    ink: &mut Ink,
    (line, style, color): (&str, Style, Rgb888),
    (mut x, y): (f32, i32),
) {
    for character in line.chars() {
        let (bitmap, whole) = ink.glyph(style, character, x);
        if bitmap.width > 0 {
            for (row, coverage) in bitmap.coverage.chunks(bitmap.width).enumerate() {
                for (column, &amount) in coverage.iter().enumerate() {
                    let at = Point::new(
                        whole + bitmap.left + column as i32,
                        y + bitmap.top + row as i32,
                    );
                    canvas.lay(at, color, amount);
                }
            }
        }
        x += style.advance(character);
    }
}

/// From the top of a line to its baseline: the line's letters stand in its middle.
fn baseline(style: Style, text: &str) -> i32 {
    let above = if text.is_ascii() { face::CAP_HEIGHT_EM } else { face::ABOVE_EM };
    let below = if text.is_ascii() { 0.0 } else { 0.12 };
    let em = style.em as f32;
    ((style.line_height() as f32 + (above - below) * em) / 2.0).round() as i32
}

/// Lines that a box has room for: the last one needs no distance to a next.
fn lines_in(size: Size, style: Style) -> usize {
    let least = (style.em as f32 * (face::ABOVE_EM + face::BELOW_EM)).floor() as u32;
    if size.height < least {
        return usize::from(size.height >= style.em);
    }
    ((size.height - least) / style.line_height()) as usize + 1
}

/// Whether a word of Latin letters was broken, which a smaller size may avoid.
fn breaks_words(lines: &[String], text: &Text) -> bool {
    let joined: usize = lines.iter().map(|line| line.split_whitespace().count()).sum();
    text.text.is_ascii()
        && joined > text.text.split_whitespace().count()
        && !text.text.contains(['-', '/'])
}

/// Keeps the lines that fit; the last of them ends in an ellipsis.
fn cut(mut lines: Vec<String>, style: Style, size: Size) -> Fitted {
    // Where there is no room at all, an ellipsis still says that something is missing.
    let room = lines_in(size, style);
    if lines.len() > room {
        lines.truncate(room.max(1));
        if let Some(last) = lines.last_mut() {
            let ellipsis = style.advance(ELLIPSIS);
            let fits = |text: &str| {
                text.chars().map(|it| style.advance(it)).sum::<f32>() + ellipsis
                    <= size.width as f32
            };
            while !last.is_empty() && !fits(last) {
                last.pop();
            }
            while last.ends_with(char::is_whitespace) {
                last.pop();
            }
            last.push(ELLIPSIS);
        }
        return Fitted { lines, em: style.em, is_cut: true };
    }
    Fitted { lines, em: style.em, is_cut: false }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::pixelcolor::RgbColor;

    use super::*;

    fn text(text: &str) -> Text {
        Text::new(text, Style::regular(20), Rgb888::WHITE)
    }

    #[test]
    fn what_fits_keeps_its_size() {
        let fitted = text("Score").fit(Size::new(200, 26));
        assert_eq!(fitted, Fitted { lines: vec!["Score".to_owned()], em: 20, is_cut: false });
    }

    #[test]
    fn what_does_not_fit_becomes_smaller_before_it_is_cut() {
        let long = text("Check the camera's cable and power.");
        let fitted = long.fit(Size::new(290, 26));
        assert!(fitted.em < 20 && !fitted.is_cut, "{fitted:?}");
        let fitted = long.fit(Size::new(120, 26));
        assert!(fitted.em == 15 && fitted.is_cut, "{fitted:?}");
        assert!(fitted.lines[0].ends_with(ELLIPSIS));
        assert!(Style::regular(15).width(&fitted.lines[0]) <= 120);
    }

    #[test]
    fn five_hundred_characters_fit_or_say_that_they_were_cut() {
        for sentence in ["there is a bridge of copper ".repeat(18), "\u{9285}".repeat(500)] {
            for width in [60, 140, 300, 780] {
                let size = Size::new(width, 90);
                let fitted = text(&sentence).fit(size);
                let drawn: usize = fitted.lines.iter().map(|line| line.chars().count()).sum();
                assert!(fitted.is_cut || drawn + fitted.lines.len() >= 500, "{width}");
                let style = Style::regular(fitted.em);
                assert!(fitted.lines.iter().all(|line| style.width(line) <= width + 1));
                assert!(fitted.lines.len() <= lines_in(size, style));
            }
        }
    }

    #[test]
    fn a_box_too_small_for_anything_gets_an_ellipsis_and_no_panic() {
        for (width, height) in [(0, 0), (1, 1), (5, 3), (3, 100), (100, 2)] {
            let fitted = text("Open trace").fit(Size::new(width, height));
            assert!(fitted.is_cut || fitted.lines.len() <= 10, "{width}x{height} {fitted:?}");
        }
    }

    #[test]
    fn cut_texts_and_letters_outside_are_counted_and_never_panic() {
        let (mut canvas, mut ink) = (Canvas::default(), Ink::default());
        canvas.clear(Size::new(40, 20), Rgb888::BLACK);
        let area = canvas.area();
        text("There is no room for this").draw(&mut canvas, &mut ink, area);
        assert_eq!(ink.cut, 1);
        assert!(canvas.pixels().iter().any(|&pixel| pixel != Rgb888::BLACK));
    }

    #[test]
    fn lines_stand_where_they_are_aligned() {
        let first_column = |text: Text| {
            let (mut canvas, mut ink) = (Canvas::default(), Ink::default());
            canvas.clear(Size::new(200, 30), Rgb888::BLACK);
            let area = canvas.area();
            text.draw(&mut canvas, &mut ink, area);
            (0..200)
                .find(|x| (0..30).any(|y| canvas.pixels()[(y * 200 + x) as usize] != Rgb888::BLACK))
        };
        let [left, centre, right] =
            [text("HH"), text("HH").centred(), text("HH").right()].map(first_column);
        assert!(left < Some(4) && centre > Some(80) && centre < Some(92) && right > Some(165));
    }
}
