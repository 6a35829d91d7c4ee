use crate::panel::canvas::Canvas;
use crate::panel::ink::{Ink, Style};
use crate::panel::layout::Space;
use crate::panel::text::{LEAST_EM, Text};
use crate::panel::theme::{CARD, MUTED, RULE, TEXT, Tone};

/// A value with its caption above.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct Cell {
    pub(in crate::panel) caption: &'static str,
    pub(in crate::panel) value: String,
    /// Of the value; [`Tone::Quiet`] writes it plainly.
    pub(in crate::panel) tone: Tone,
    pub(in crate::panel) small: Style,
    pub(in crate::panel) large: Style,
}

impl Cell {
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        canvas.fill(area, CARD);
        let mut space = Space(area);
        let margin = (area.size.width / 16).max(2);
        space.left(margin, 0);
        space.right(margin, 0);
        let used = self.small.line_height() + self.large.line_height();
        space.top(area.size.height.saturating_sub(used) / 2, 0);
        let caption = space.top(self.small.line_height(), 0);
        Text::new(self.caption, self.small, MUTED).draw(canvas, ink, caption);
        let color = if self.tone == Tone::Quiet { TEXT } else { self.tone.mark() };
        let value = space.top(self.large.line_height(), 0);
        Text::new(&self.value, self.large, color).least(self.large.em / 2).draw(canvas, ink, value);
    }
}

/// A button.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct Key {
    pub(in crate::panel) word: &'static str,
    pub(in crate::panel) is_enabled: bool,
    pub(in crate::panel) style: Style,
}

impl Key {
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        let (ground, color) = if self.is_enabled { (RULE, TEXT) } else { (CARD, MUTED) };
        canvas.fill(area, ground);
        if self.is_enabled {
            let mut space = Space(area);
            let edge = space.bottom((area.size.height / 16).max(2), 0);
            canvas.fill(edge, Tone::Busy.mark());
        }
        // Narrow keys need every column for their word.
        let mut inner = Space(area);
        inner.left(1, 0);
        inner.right(1, 0);
        let word = Text::new(self.word, self.style, color).least(LEAST_EM);
        word.centred().middle().draw(canvas, ink, inner.0);
    }
}
