//! Widgets: each fills one area of the screen from facts of its own, and nothing else.
//!
//! Owns how a fact looks. A widget that equals the one drawn before it needs no pixel: that is
//! what redrawing changed areas alone rests on. It does not know where on the screen it stands.

mod band;
mod cells;
mod chart;
mod list;
mod score;

use std::cell::RefCell;
use std::marker::PhantomData;

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::pixelcolor::{PixelColor, Rgb888};
use embedded_graphics::primitives::Rectangle;

pub(super) use band::{Band, Header};
pub(super) use cells::{Cell, Key};
pub(super) use chart::{Chart, DriftRow};
pub(super) use list::{Entry, Row};
pub(super) use score::Score;

use super::canvas::Canvas;
use super::ink::Ink;
use super::layout::Space;
use super::picture::Picture;
use super::text::Text;
use super::theme::{CARD, GROUND};

/// One thing on the screen.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Widget {
    /// Station, recipe, clock and health.
    Header(Header),
    /// A word, a sign and a colour.
    Band(Band),
    /// A frame with boxes.
    Picture(Picture),
    /// A text without a card.
    Caption(Text),
    /// Texts below each other on a card, with the margin given.
    Card(Vec<Text>, u32),
    /// A score against its threshold.
    Score(Score),
    /// A value with its caption.
    Cell(Cell),
    /// A row of a table.
    Row(Row),
    /// Scores over time.
    Chart(Chart),
    /// A condition over time.
    Drift(DriftRow),
    /// A button.
    Key(Key),
}

/// What drawing needs beside the widget: the area being composed, and the glyphs.
#[derive(Debug, Default)]
pub(super) struct Pen {
    pub(super) canvas: Canvas,
    pub(super) ink: Ink,
}

/// A widget with its area.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) area: Rectangle,
    pub(super) widget: Widget,
}

impl Placed {
    /// This widget as something to draw with `pen`, in the colours of any target.
    pub(super) fn view<'a, C>(&'a self, pen: &'a RefCell<Pen>) -> View<'a, C> {
        View { placed: self, pen, color: PhantomData }
    }
}

/// A widget that can be drawn on any target: it is composed, then written once, row by row.
#[derive(Debug)]
pub(super) struct View<'a, C> {
    placed: &'a Placed,
    pen: &'a RefCell<Pen>,
    color: PhantomData<C>,
}

impl<C: PixelColor + From<Rgb888>> Drawable for View<'_, C> {
    type Color = C;
    type Output = ();

    fn draw<D: DrawTarget<Color = C>>(&self, target: &mut D) -> Result<(), D::Error> {
        let mut pen = self.pen.borrow_mut();
        let area = self.placed.area;
        pen.canvas.clear(area.size, GROUND);
        self.placed.widget.compose(&mut pen);
        target.fill_contiguous(&area, pen.canvas.pixels().iter().map(|&color| C::from(color)))
    }
}

impl Widget {
    fn compose(&self, Pen { canvas, ink }: &mut Pen) {
        let area = canvas.area();
        match self {
            Self::Header(header) => header.draw(canvas, ink),
            Self::Band(band) => band.draw(canvas, ink),
            Self::Picture(picture) => picture.draw(canvas, ink),
            Self::Caption(text) => {
                text.draw(canvas, ink, area);
            }
            Self::Card(texts, margin) => card(texts, *margin, (canvas, ink)),
            Self::Score(score) => score.draw(canvas, ink),
            Self::Cell(cell) => cell.draw(canvas, ink),
            Self::Row(row) => row.draw(canvas, ink),
            Self::Chart(chart) => chart.draw(canvas, ink),
            Self::Drift(row) => row.draw(canvas, ink),
            Self::Key(key) => key.draw(canvas, ink),
        }
    }
}

/// Writes texts below each other, each into what those before it left.
fn card(texts: &[Text], margin: u32, (canvas, ink): (&mut Canvas, &mut Ink)) {
    let area = canvas.area();
    canvas.fill(area, CARD);
    let mut space = Space::inset(area, margin);
    for text in texts {
        let height = text.draw(canvas, ink, space.0);
        space.top(height, margin / 3);
    }
}
