use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use crate::panel::canvas::Canvas;
use crate::panel::ink::{Ink, Style};
use crate::panel::layout::Space;
use crate::panel::sign::Sign;
use crate::panel::text::Text;
use crate::panel::theme::{CARD, MUTED, RULE, TEXT, Tone};

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct Row {
    pub(in crate::panel) entries: Vec<Entry>,
    /// Whether it stands out.
    pub(in crate::panel) is_marked: bool,
    pub(in crate::panel) style: Style,
}

/// One entry of a row.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct Entry {
    pub(in crate::panel) text: String,
    /// [`None`]: a caption.
    pub(in crate::panel) tone: Option<Tone>,
    pub(in crate::panel) sign: Option<Sign>,
    /// Its share of the row's width, in parts of the sum of all.
    pub(in crate::panel) share: u32,
}

impl Entry {
    /// A text in its place.
    pub(in crate::panel) fn new(text: impl Into<String>, tone: Option<Tone>, share: u32) -> Self {
        Self { text: text.into(), tone, sign: None, share }
    }

    /// With a sign before it.
    pub(in crate::panel) fn signed(self, sign: Sign) -> Self {
        Self { sign: Some(sign), ..self }
    }
}

impl Row {
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        canvas.fill(area, if self.is_marked { Tone::Busy.fill() } else { CARD });
        let mut space = Space(area);
        if !self.is_marked {
            canvas.fill(space.bottom(1, 0), RULE);
        }
        let margin = (area.size.height / 4).max(2);
        space.left(margin, 0);
        let (whole, sum) = (space.0.size.width, self.entries.iter().map(|it| it.share).sum());
        for entry in &self.entries {
            let width = whole * entry.share / u32::max(sum, 1);
            self.entry(canvas, ink, (entry, space.left(width, 0), margin));
        }
    }

    fn entry(
        &self,
        canvas: &mut Canvas,
        ink: &mut Ink,
        (entry, area, margin): (&Entry, Rectangle, u32),
    ) {
        let color = match entry.tone {
            _ if self.is_marked => Tone::Busy.on_fill(),
            None => MUTED,
            Some(Tone::Quiet) => TEXT,
            Some(tone) => tone.mark(),
        };
        let mut space = Space(area);
        space.right(margin / 2, 0);
        if let Some(sign) = entry.sign {
            let side = area.size.height * 3 / 5;
            let place = space.left(side, margin);
            let top = area.top_left.y + (area.size.height - side) as i32 / 2;
            let square = Rectangle::new(Point::new(place.top_left.x, top), Size::new(side, side));
            sign.draw(canvas, square, color);
        }
        Text::new(&entry.text, self.style, color).middle().draw(canvas, ink, space.0);
    }
}
