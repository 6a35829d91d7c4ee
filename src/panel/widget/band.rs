use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use crate::panel::canvas::Canvas;
use crate::panel::ink::{Ink, Style};
use crate::panel::layout::Space;
use crate::panel::sign::Sign;
use crate::panel::text::Text;
use crate::panel::theme::{CARD, MUTED, TEXT, Tone};

/// What is read from afar: a colour, a sign and a word that say the same.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct Band {
    pub(in crate::panel) tone: Tone,
    pub(in crate::panel) sign: Sign,
    pub(in crate::panel) word: String,
    /// Stands at the right.
    pub(in crate::panel) detail: Option<String>,
    /// Of the word.
    pub(in crate::panel) style: Style,
}

impl Band {
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        let Size { width, height } = area.size;
        canvas.fill(area, self.tone.fill());
        let color = self.tone.on_fill();
        let margin = height / 8;
        let mut space = Space(area);
        space.left(margin, 0);
        space.right(margin, 0);
        let side = height * 3 / 4;
        let sign = space.left(side, margin);
        self.sign.draw(canvas, sign, color);
        if let Some(detail) = &self.detail {
            let style = self.style.sized(self.style.em * 5 / 12);
            let room = style.width(detail).min(width / 4);
            let text = Text::new(detail, style, color).right().middle();
            text.draw(canvas, ink, space.right(room, margin));
        }
        let word = Text::new(&self.word, self.style, color).least(self.style.em / 4).middle();
        word.draw(canvas, ink, space.0);
    }
}

/// What is told beside the screen: what is the matter, then why.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct Line {
    pub(in crate::panel) tone: Tone,
    pub(in crate::panel) sign: Sign,
    pub(in crate::panel) headline: String,
    pub(in crate::panel) detail: String,
    /// Of the headline.
    pub(in crate::panel) large: Style,
    /// Of the detail.
    pub(in crate::panel) small: Style,
    /// Of the line with the headline.
    pub(in crate::panel) line_height: u32,
}

impl Line {
    /// With this width: a second line where sign, headline and detail have no room in one.
    pub(in crate::panel) fn height(&self, width: u32) -> u32 {
        self.line_height + self.second_line(width)
    }

    /// The height of the detail below the headline, 0 where it stands beside it.
    fn second_line(&self, width: u32) -> u32 {
        let texts = self.large.width(&self.headline) + self.small.width(&self.detail);
        let needed = texts + self.line_height * 3 / 4 + 5 * self.margin();
        if self.detail.is_empty() || needed <= width {
            return 0;
        }
        self.small.line_height() + self.margin() / 2
    }

    fn margin(&self) -> u32 {
        self.line_height / 4
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        canvas.fill(area, self.tone.fill());
        let color = self.tone.on_fill();
        let margin = self.margin();
        let mut space = Space(area);
        space.left(margin, 0);
        space.right(margin, 0);
        let second_line = self.second_line(area.size.width);
        let below = space.bottom(second_line, 0);
        let height = space.0.size.height;
        let side = height * 3 / 4;
        let sign = space.left(side, margin);
        let top = area.top_left.y + (height - side) as i32 / 2;
        let sign = Rectangle::new(Point::new(sign.top_left.x, top), Size::new(side, side));
        self.sign.draw(canvas, sign, color);
        let mut line = space;
        let room = self.large.width(&self.headline).min(line.0.size.width);
        let headline = line.left(room, margin * 2);
        Text::new(&self.headline, self.large, color).middle().draw(canvas, ink, headline);
        if self.detail.is_empty() {
            return;
        }
        let detail = Text::new(&self.detail, self.small, color);
        if second_line > 0 {
            let mut below = Space(below);
            below.left(side + margin, 0);
            detail.draw(canvas, ink, below.0);
        } else {
            detail.middle().draw(canvas, ink, line.0);
        }
    }
}

/// Where one is: station and recipe; and how the station is.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::panel) struct Header {
    pub(in crate::panel) station: String,
    pub(in crate::panel) recipe: String,
    pub(in crate::panel) health: &'static str,
    pub(in crate::panel) tone: Tone,
    pub(in crate::panel) sign: Sign,
    pub(in crate::panel) title: Style,
    pub(in crate::panel) caption: Style,
}

impl Header {
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        canvas.fill(area, CARD);
        let margin = area.size.height / 4;
        let mut space = Space(area);
        space.left(margin, 0);
        self.chip(canvas, ink, (&mut space, margin));
        let station = self.title.width(&self.station).min(space.0.size.width * 3 / 5);
        let room = space.left(station, margin);
        Text::new(&self.station, self.title, TEXT).middle().draw(canvas, ink, room);
        let style = self.title.sized(self.title.em * 9 / 10);
        let recipe = Style { face: self.caption.face, ..style };
        Text::new(&self.recipe, recipe, MUTED).middle().draw(canvas, ink, space.0);
    }

    /// The station's health at the right edge.
    fn chip(&self, canvas: &mut Canvas, ink: &mut Ink, (space, margin): (&mut Space, u32)) {
        let height = space.0.size.height;
        let side = height * 11 / 20;
        let width = self.title.width(self.health) + side + margin * 3;
        let chip = space.right(width.min(space.0.size.width / 2), margin);
        canvas.fill(chip, self.tone.fill());
        let mut inner = Space(chip);
        inner.left(margin, 0);
        let top = chip.top_left.y + (height - side) as i32 / 2;
        let sign = inner.left(side, margin / 2 + 1);
        let sign = Rectangle::new(Point::new(sign.top_left.x, top), Size::new(side, side));
        self.sign.draw(canvas, sign, self.tone.on_fill());
        Text::new(self.health, self.title, self.tone.on_fill()).middle().draw(canvas, ink, inner.0);
    }
}
