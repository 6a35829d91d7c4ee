use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use super::ink::Style;
use super::text::LEAST_EM;

/// How a screen is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Wider than high: pictures left, facts right.
    Landscape,
    /// Higher than wide: pictures above, facts below.
    Portrait,
    /// Too small for everything, as 320x240: one picture and the fewest facts.
    Compact,
}

/// Sizes on a screen; all lengths are those of a screen of 800x480 (480x800) scaled to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Metrics {
    /// Of the screen.
    pub(super) size: Size,
    /// Its layout.
    pub(super) class: Class,
    scale: f32,
}

/// The screen that lengths are given for; portrait ones are turned.
const WIDTH: f32 = 800.0;
const HEIGHT: f32 = 480.0;
/// Screens that are less wide than the one above may use as much of their width.
const NARROWER: f32 = 1.15;
/// Below this scale the compact layout is used.
const COMPACT_BELOW: f32 = 0.6;

/// Of a verdict, on 800x480: its capitals are 63 pixels high, which is 12.0 mm on 7 inches.
const VERDICT_EM: u32 = 86;

impl Metrics {
    pub(super) fn of(size: Size) -> Self {
        let (width, height) = (size.width as f32, size.height as f32);
        let is_portrait = height > width;
        let (long, short) = if is_portrait { (height, width) } else { (width, height) };
        let scale = (long / WIDTH * NARROWER).min(short / HEIGHT);
        let class = match (scale < COMPACT_BELOW, is_portrait) {
            (true, _) => Class::Compact,
            (false, true) => Class::Portrait,
            (false, false) => Class::Landscape,
        };
        Self { size, class, scale }
    }

    /// A length of the screen of 800x480 here; never 0.
    pub(super) fn px(&self, length: u32) -> u32 {
        ((length as f32 * self.scale).round() as u32).max(1)
    }

    /// Between areas.
    pub(super) fn gap(&self) -> u32 {
        self.px(8).max(3)
    }

    /// Whether pictures stand above the facts.
    pub(super) fn is_tall(&self) -> bool {
        self.size.height > self.size.width
    }

    /// Names of things.
    pub(super) fn caption(&self) -> Style {
        Style::regular(self.px(15).max(LEAST_EM))
    }

    /// Sentences.
    pub(super) fn body(&self) -> Style {
        Style::regular(self.px(18).max(12))
    }

    /// Values, and labels of sentences.
    pub(super) fn strong(&self) -> Style {
        Style::bold(self.px(24).max(14))
    }

    /// Names in the header and on buttons.
    pub(super) fn title(&self) -> Style {
        Style::bold(self.px(19).max(12))
    }

    /// The word that is read from afar.
    pub(super) fn verdict(&self) -> Style {
        Style::bold(self.px(VERDICT_EM))
    }

    pub(super) fn header_height(&self) -> u32 {
        self.title().line_height() + self.px(10)
    }

    pub(super) fn band_height(&self) -> u32 {
        self.px(92)
    }

    /// A finger needs 9 mm, 47 pixels of 800x480 on 7 inches.
    pub(super) fn bar_height(&self) -> u32 {
        self.px(48).max(32)
    }

    /// A caption and a value below it.
    pub(super) fn cell_height(&self) -> u32 {
        self.caption().line_height() + self.strong().line_height()
    }
}

/// What is left of an area while pieces are cut from its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space(pub(super) Rectangle);

impl Space {
    /// An area less `margin` on each side.
    pub(super) fn inset(area: Rectangle, margin: u32) -> Self {
        let margin = margin.min(area.size.width / 2).min(area.size.height / 2);
        let size = area.size.saturating_sub(Size::new(2 * margin, 2 * margin));
        Self(Rectangle::new(area.top_left + Size::new(margin, margin), size))
    }

    /// Takes `height` from the top, and `gap` after it.
    pub(super) fn top(&mut self, height: u32, gap: u32) -> Rectangle {
        let Rectangle { top_left, size } = self.0;
        let height = height.min(size.height);
        let taken = (height + gap).min(size.height);
        self.0 = rectangle(top_left + Size::new(0, taken), size.width, size.height - taken);
        rectangle(top_left, size.width, height)
    }

    /// Takes `height` from the bottom, and `gap` before it.
    pub(super) fn bottom(&mut self, height: u32, gap: u32) -> Rectangle {
        let Rectangle { top_left, size } = self.0;
        let height = height.min(size.height);
        let taken = (height + gap).min(size.height);
        self.0 = rectangle(top_left, size.width, size.height - taken);
        rectangle(top_left + Size::new(0, size.height - height), size.width, height)
    }

    /// Takes `width` from the left, and `gap` after it.
    pub(super) fn left(&mut self, width: u32, gap: u32) -> Rectangle {
        let Rectangle { top_left, size } = self.0;
        let width = width.min(size.width);
        let taken = (width + gap).min(size.width);
        self.0 = rectangle(top_left + Size::new(taken, 0), size.width - taken, size.height);
        rectangle(top_left, width, size.height)
    }

    /// Takes `width` from the right, and `gap` before it.
    pub(super) fn right(&mut self, width: u32, gap: u32) -> Rectangle {
        let Rectangle { top_left, size } = self.0;
        let width = width.min(size.width);
        let taken = (width + gap).min(size.width);
        self.0 = rectangle(top_left, size.width - taken, size.height);
        rectangle(top_left + Size::new(size.width - width, 0), width, size.height)
    }

    /// So many columns of equal width; their edges are where pixels are, so some are 1 wider.
    pub(super) fn columns(self, count: u32, gap: u32) -> Vec<Rectangle> {
        let Rectangle { top_left, size } = self.0;
        spread(size.width, count, gap)
            .map(|(at, width)| rectangle(top_left + Size::new(at, 0), width, size.height))
            .collect()
    }

    /// So many rows of equal height.
    pub(super) fn rows(self, count: u32, gap: u32) -> Vec<Rectangle> {
        let Rectangle { top_left, size } = self.0;
        spread(size.height, count, gap)
            .map(|(at, height)| rectangle(top_left + Size::new(0, at), size.width, height))
            .collect()
    }
}

fn rectangle(top_left: Point, width: u32, height: u32) -> Rectangle {
    Rectangle::new(top_left, Size::new(width, height))
}

/// Where each of `count` pieces of a length begins, and how long it is.
fn spread(length: u32, count: u32, gap: u32) -> impl Iterator<Item = (u32, u32)> {
    let count = count.max(1);
    let usable = length.saturating_sub(gap * (count - 1));
    (0..count).map(move |index| {
        let (start, end) = (usable * index / count, usable * (index + 1) / count);
        (start + index * gap, end - start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_twelve_millimetres_high_on_seven_inches() {
        let metrics = Metrics::of(Size::new(800, 480));
        let dots_per_mm = f64::from(800 * 800 + 480 * 480).sqrt() / (7.0 * 25.4);
        let height_mm = f64::from(metrics.verdict().cap_height()) / dots_per_mm;
        assert!((12.0..12.5).contains(&height_mm), "{height_mm:.2} mm");
    }

    #[test]
    fn screens_have_the_layout_of_their_class() {
        for (width, height, class) in [
            (320, 240, Class::Compact),
            (240, 320, Class::Compact),
            (480, 320, Class::Landscape),
            (320, 480, Class::Portrait),
            (640, 480, Class::Landscape),
            (800, 480, Class::Landscape),
            (480, 800, Class::Portrait),
            (1280, 800, Class::Landscape),
            (800, 1280, Class::Portrait),
        ] {
            assert_eq!(Metrics::of(Size::new(width, height)).class, class, "{width}x{height}");
        }
    }

    #[test]
    fn pieces_lie_side_by_side_and_fill_the_space() {
        let all = Rectangle::new(Point::new(3, 5), Size::new(101, 50));
        let mut space = Space(all);
        let top = space.top(10, 2);
        let left = space.left(20, 4);
        assert_eq!(top, Rectangle::new(Point::new(3, 5), Size::new(101, 10)));
        assert_eq!(left, Rectangle::new(Point::new(3, 17), Size::new(20, 38)));
        assert_eq!(space.0, Rectangle::new(Point::new(27, 17), Size::new(77, 38)));
        let columns = space.columns(3, 4);
        let widths: u32 = columns.iter().map(|column| column.size.width).sum();
        assert_eq!(widths + 2 * 4, 77);
        assert_eq!(columns[2].top_left.x + columns[2].size.width as i32, 104);
    }

    #[test]
    fn more_than_there_is_cannot_be_taken() {
        let mut space = Space(Rectangle::new(Point::zero(), Size::new(10, 10)));
        assert_eq!(space.top(99, 9).size.height, 10);
        assert_eq!(space.bottom(5, 5).size.height, 0);
        assert_eq!(space.left(4, 9).size.width, 4);
        assert_eq!(space.right(4, 9).size.width, 0);
        assert_eq!(space.columns(0, 5).len(), 1);
    }
}
