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

pub(super) use band::{Band, Header, Line};
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
    /// Station, recipe and health.
    Header(Header),
    /// A word, a sign and a colour.
    Band(Band),
    /// One line of what is told beside the screen.
    Line(Line),
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
            Self::Line(line) => line.draw(canvas, ink),
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

/// Writes texts below each other; all become smaller together until they fit.
fn card(texts: &[Text], margin: u32, (canvas, ink): (&mut Canvas, &mut Ink)) {
    let area = canvas.area();
    canvas.fill(area, CARD);
    let mut space = Space::inset(area, margin);
    let gap = margin / 3;
    let height = |texts: &[Text]| {
        let lines = texts.iter().map(|text| text.height(space.0.size.width));
        lines.sum::<u32>() + gap * (texts.len() as u32).saturating_sub(1)
    };
    let most = texts.iter().map(|text| text.style.em - text.least_em).max().unwrap_or(0);
    let smaller = |by: u32| texts.iter().map(|text| text.smaller(by)).collect::<Vec<Text>>();
    let by = (0..most).find(|by| height(&smaller(*by)) <= space.0.size.height).unwrap_or(most);
    for text in smaller(by) {
        let height = text.draw(canvas, ink, space.0);
        space.top(height, gap);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use embedded_graphics::geometry::{Point, Size};
    use embedded_graphics::mock_display::MockDisplay;
    use embedded_graphics::pixelcolor::Rgb565;
    use embedded_graphics::prelude::PointsIter;

    use super::*;
    use crate::panel::ink::Style;
    use crate::panel::sign::Sign;
    use crate::panel::theme::{TEXT, Tone};

    fn widgets() -> Vec<Widget> {
        let (small, large) = (Style::regular(11), Style::bold(14));
        let text = Text::new("Open trace", small, TEXT);
        vec![
            Widget::Caption(text.clone()),
            Widget::Card(vec![text.clone(), text], 4),
            Widget::Band(Band {
                tone: Tone::Bad,
                sign: Sign::Cross,
                word: "FAIL".to_owned(),
                detail: None,
                style: large,
            }),
            Widget::Cell(Cell {
                caption: "Parts",
                value: "12".to_owned(),
                tone: Tone::Quiet,
                small,
                large,
            }),
            Widget::Score(Score {
                score: 0.9,
                threshold: 0.5,
                score_word: "Score",
                limit_word: "Limit",
                small,
                large,
                margin: 3,
            }),
            Widget::Key(Key { word: "Hold", is_enabled: true, style: large }),
            Widget::Row(Row {
                entries: vec![Entry::new("Board 1", None, 1)],
                is_marked: true,
                style: small,
            }),
            Widget::Chart(Chart {
                scores: Vec::new(),
                caption: "Score",
                limit_word: "Limit",
                no_values: "none",
                small,
                margin: 3,
            }),
        ]
    }

    #[test]
    fn a_widget_writes_every_pixel_of_its_area_once_and_no_other() {
        let pen = RefCell::new(Pen::default());
        let area = Rectangle::new(Point::new(3, 5), Size::new(60, 40));
        for widget in widgets() {
            // A mock display panics on a pixel that is written twice or outside.
            let mut display = MockDisplay::<Rgb565>::new();
            Placed { area, widget: widget.clone() }.view(&pen).draw(&mut display).unwrap();
            assert_eq!(display.affected_area(), area, "{widget:?}");
            let untouched = area.points().find(|at| display.get_pixel(*at).is_none());
            assert_eq!(untouched, None, "{widget:?}");
        }
    }

    #[test]
    fn widgets_that_differ_in_one_fact_look_different() {
        let pen = RefCell::new(Pen::default());
        let area = Rectangle::new(Point::zero(), Size::new(64, 32));
        let drawn = |score: f32, tone: Tone| {
            let (small, large) = (Style::regular(11), Style::bold(14));
            let (score_word, limit_word, margin) = ("S", "L", 2);
            let score =
                Score { score, threshold: 0.5, score_word, limit_word, small, large, margin };
            let cell = Cell { caption: "Parts", value: "1".to_owned(), tone, small, large };
            [Widget::Score(score), Widget::Cell(cell)].map(|widget| {
                let mut display = MockDisplay::<Rgb888>::new();
                Placed { area, widget }.view(&pen).draw(&mut display).unwrap();
                display
            })
        };
        let (one, other) = (drawn(0.20, Tone::Good), drawn(0.21, Tone::Bad));
        assert!(one[0] != other[0] && one[1] != other[1]);
        assert!(one == drawn(0.20, Tone::Good));
    }

    #[test]
    fn texts_of_a_card_become_smaller_together_before_one_is_cut() {
        let (mut canvas, mut ink) = (Canvas::default(), Ink::default());
        let text = |em: u32| Text::new("Check lens and light.", Style::regular(em), TEXT).least(11);
        canvas.clear(Size::new(150, 64), GROUND);
        card(&[text(22), text(22), text(22)], 3, (&mut canvas, &mut ink));
        assert_eq!(ink.cut, 0);
        canvas.clear(Size::new(150, 30), GROUND);
        card(&[text(22), text(22), text(22)], 3, (&mut canvas, &mut ink));
        assert!(ink.cut > 0);
    }
}
