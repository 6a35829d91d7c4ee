use std::sync::Arc;

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;
use image::GrayImage;

use super::canvas::Canvas;
use super::ink::{Ink, Style};
use super::text::{Text, write};
use super::theme::{MUTED, PANE, TEXT, Tone, blend};
use super::{FaultBox, scene::Part};
use crate::frame::{Frame, Rect};

/// A frame in a box, with the boxes of faults over it.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    /// What is shown.
    pub(super) content: Content,
    /// Where the faults are, in pixels of the frame.
    pub(super) boxes: Vec<FaultBox>,
    /// Whether boxes carry their labels.
    pub(super) is_labelled: bool,
    /// Stands there when there is no frame.
    pub(super) no_frame: &'static str,
    /// Of the labels.
    pub(super) style: Style,
}

/// The pixels of a picture.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Nothing.
    Nothing,
    /// A frame.
    Frame(Arc<Frame>),
    /// The absolute difference of two frames.
    Between(Arc<Frame>, Arc<Frame>),
    /// A map from 0 (alike) to 255.
    Map(Arc<Frame>),
}

impl PartialEq for Picture {
    /// Frames are the same when they are the same object: comparing pixels would cost a redraw.
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.content, &other.content) {
            (Content::Nothing, Content::Nothing) => true,
            (Content::Frame(one), Content::Frame(other))
            | (Content::Map(one), Content::Map(other)) => Arc::ptr_eq(one, other),
            (Content::Between(a, b), Content::Between(c, d)) => {
                Arc::ptr_eq(a, c) && Arc::ptr_eq(b, d)
            }
            _ => false,
        };
        same && (self.is_labelled, self.style) == (other.is_labelled, other.style)
            && (self.no_frame, &self.boxes) == (other.no_frame, &other.boxes)
    }
}

impl Content {
    /// The map of a part: its own, or the absolute difference of frames of one size.
    pub(super) fn difference(part: &Part) -> Self {
        match (&part.difference, &part.reference, &part.test) {
            (Some(map), ..) => Self::Map(map.clone()),
            (None, Some(reference), Some(test)) if reference.bounds() == test.bounds() => {
                Self::Between(reference.clone(), test.clone())
            }
            _ => Self::Nothing,
        }
    }

    /// A frame, if there is one.
    pub(super) fn of(frame: Option<&Arc<Frame>>) -> Self {
        frame.map_or(Self::Nothing, |frame| Self::Frame(frame.clone()))
    }

    fn bounds(&self) -> Option<Rect> {
        match self {
            Self::Nothing => None,
            Self::Frame(frame) | Self::Map(frame) | Self::Between(frame, _) => Some(frame.bounds()),
        }
    }
}

impl Picture {
    /// Draws the frame as large as it fits, in the middle.
    pub(super) fn draw(&self, canvas: &mut Canvas, ink: &mut Ink) {
        let area = canvas.area();
        canvas.fill(area, PANE);
        let Some(bounds) = self.content.bounds() else {
            let text = Text::new(self.no_frame, self.style, MUTED).centred().middle();
            text.draw(canvas, ink, area);
            return;
        };
        let place = fitted(bounds, area);
        match &self.content {
            Content::Nothing => {}
            Content::Frame(frame) => paint(canvas, place, &scaled(frame, place.size), grey),
            Content::Map(frame) => paint(canvas, place, &scaled(frame, place.size), heat),
            Content::Between(one, other) => {
                let (one, other) = (scaled(one, place.size), scaled(other, place.size));
                let apart: Vec<u8> = one.iter().zip(&other).map(|(a, b)| a.abs_diff(*b)).collect();
                paint(canvas, place, &apart, heat);
            }
        }
        for fault in &self.boxes {
            self.mark(canvas, ink, fault, (bounds, place));
        }
    }

    /// Draws one box and, where it is asked for, its label above or below.
    fn mark(
        &self,
        canvas: &mut Canvas,
        ink: &mut Ink,
        fault: &FaultBox,
        (bounds, place): (Rect, Rectangle),
    ) {
        let area = on_screen(fault.area, bounds, place);
        let (edge, dark) = (Tone::Bad.fill(), PANE);
        let line = (place.size.width / 100).clamp(1, 3);
        canvas.frame(grown(area, line + 1), line + 2, dark);
        canvas.frame(grown(area, line), line, blend(edge, TEXT, 40));
        if self.is_labelled && !fault.label.is_empty() {
            self.tag(canvas, ink, &fault.label, grown(area, line + 1));
        }
    }

    fn tag(&self, canvas: &mut Canvas, ink: &mut Ink, label: &str, around: Rectangle) {
        let whole = canvas.area();
        let style = self.style;
        let text = shortened(label, style, whole.size.width.saturating_sub(8));
        let size = Size::new(style.width(&text) + 8, style.line_height());
        let above = around.top_left.y - size.height as i32;
        let below = around.top_left.y + around.size.height as i32;
        let y = if above >= 0 { above } else { below };
        let right = whole.size.width as i32 - size.width as i32;
        let x = around.top_left.x.min(right).max(0);
        canvas.fill(Rectangle::new(Point::new(x, y), size), Tone::Bad.fill());
        let base = y + (size.height as i32 + style.cap_height() as i32) / 2;
        write(canvas, ink, (&text, style, Tone::Bad.on_fill()), (x as f32 + 4.0, base));
    }
}

/// A text on one line that ends in an ellipsis where it does not fit.
fn shortened(text: &str, style: Style, width: u32) -> String {
    if style.width(text) <= width {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while !kept.is_empty() && style.width(&kept) + style.width("\u{2026}") > width {
        kept.pop();
    }
    kept + "\u{2026}"
}

/// The largest rectangle of a frame's proportions in an area, in its middle.
fn fitted(bounds: Rect, area: Rectangle) -> Rectangle {
    let (columns, rows) = (u64::from(bounds.width.max(1)), u64::from(bounds.height.max(1)));
    let (width, height) = (u64::from(area.size.width), u64::from(area.size.height));
    let (width, height) = if width * rows <= height * columns {
        (width, (width * rows / columns).max(1))
    } else {
        ((height * columns / rows).max(1), height)
    };
    // Neither is more than the area's.
    let size = Size::new(width as u32, height as u32);
    let slack = area.size.saturating_sub(size);
    let corner = Point::new((slack.width / 2) as i32, (slack.height / 2) as i32);
    Rectangle::new(area.top_left + corner, size)
}

/// Where a rectangle of the frame is on the screen; cut at the frame's edges, at least 1 pixel.
fn on_screen(fault: Rect, bounds: Rect, place: Rectangle) -> Rectangle {
    let fault = fault.intersection(&bounds);
    let scale = |value: u32, of: u32, to: u32| {
        // Below 2^64: both factors are below 2^32; at most `to`, for value is at most `of`.
        (u64::from(value) * u64::from(to) / u64::from(of.max(1))) as u32
    };
    let Size { width, height } = place.size;
    let (left, right) =
        (scale(fault.x, bounds.width, width), scale(fault.right(), bounds.width, width));
    let (top, bottom) =
        (scale(fault.y, bounds.height, height), scale(fault.bottom(), bounds.height, height));
    let corner = place.top_left + Point::new(left as i32, top as i32);
    Rectangle::new(
        corner,
        Size::new((right - left.min(right)).max(1), (bottom - top.min(bottom)).max(1)),
    )
}

fn grown(area: Rectangle, by: u32) -> Rectangle {
    Rectangle::new(area.top_left - Size::new(by, by), area.size + Size::new(2 * by, 2 * by))
}

fn grey(value: u8) -> Rgb888 {
    Rgb888::new(value, value, value)
}

/// Black through blue and amber to white: brighter is further apart, also without colours.
fn heat(value: u8) -> Rgb888 {
    const STOPS: [(u8, Rgb888); 4] = [
        (0, PANE),
        (80, Rgb888::new(0x1b, 0x3f, 0x7a)),
        (170, Rgb888::new(0xe0, 0x8a, 0x1c)),
        (255, Rgb888::new(0xff, 0xf6, 0xd8)),
    ];
    let pair = STOPS.windows(2).find(|pair| value <= pair[1].0).unwrap_or(&STOPS[2..]);
    let (from, to) = (pair[0], pair[1]);
    let share = u32::from(value - from.0) * 255 / u32::from(to.0 - from.0);
    blend(from.1, to.1, share as u8)
}

fn paint(canvas: &mut Canvas, place: Rectangle, values: &[u8], color: impl Fn(u8) -> Rgb888) {
    let columns = place.size.width.max(1) as usize;
    for (row, values) in values.chunks(columns).enumerate() {
        for (column, &value) in values.iter().enumerate() {
            canvas.set(place.top_left + Point::new(column as i32, row as i32), color(value));
        }
    }
}

/// A frame at another size: means of what falls into a pixel, the nearest pixel when enlarged.
///
/// Values are in 64 steps, which a screen of 16 bits can show.
fn scaled(frame: &Frame, size: Size) -> Vec<u8> {
    let luma = frame.luma();
    let columns = spans(luma.width(), size.width);
    let rows = spans(luma.height(), size.height);
    let mut sums = vec![0_u32; columns.len()];
    let mut out = Vec::with_capacity(columns.len() * rows.len());
    for &(top, bottom) in &rows {
        sums.fill(0);
        for y in top..bottom {
            add_row(&luma, y, &columns, &mut sums);
        }
        out.extend(columns.iter().zip(&sums).map(|(&(left, right), &sum)| {
            let count = (right - left) as u32 * (bottom - top) as u32;
            // A mean of bytes is a byte.
            (sum / count.max(1)) as u8 & 0xfc
        }));
    }
    out
}

fn add_row(luma: &GrayImage, y: usize, columns: &[(usize, usize)], sums: &mut [u32]) {
    let width = luma.width() as usize;
    let row = &luma.as_raw()[y * width..(y + 1) * width];
    for (&(left, right), sum) in columns.iter().zip(sums) {
        *sum += row[left..right].iter().map(|&value| u32::from(value)).sum::<u32>();
    }
}

/// Which source pixels fall into each of `to` pixels: at least one.
fn spans(from: u32, to: u32) -> Vec<(usize, usize)> {
    let (from, to) = (from.max(1) as usize, to as usize);
    let start = |index: usize| index * from / to.max(1);
    (0..to).map(|index| (start(index), start(index + 1).max(start(index) + 1).min(from))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use embedded_graphics::pixelcolor::RgbColor;
    use image::Luma;

    use super::*;
    use crate::frame::Pixels;

    fn frame(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Arc<Frame> {
        let image = GrayImage::from_fn(width, height, |x, y| Luma([value(x, y)]));
        Arc::new(Frame::new(Pixels::Gray(image), 8, "test").unwrap())
    }

    fn picture(content: Content) -> Picture {
        let (boxes, style) = (Vec::new(), Style::regular(12));
        Picture { content, boxes, is_labelled: true, no_frame: "no frame", style }
    }

    fn drawn(picture: &Picture, width: u32, height: u32) -> Canvas {
        let (mut canvas, mut ink) = (Canvas::default(), Ink::default());
        canvas.clear(Size::new(width, height), Rgb888::RED);
        picture.draw(&mut canvas, &mut ink);
        canvas
    }

    #[test]
    fn a_smaller_picture_has_the_means_and_a_larger_one_the_nearest() {
        let checks = frame(4, 2, |x, y| if (x + y) % 2 == 0 { 0 } else { 200 });
        assert_eq!(scaled(&checks, Size::new(2, 1)), [100, 100]);
        let two = frame(2, 1, |x, _| (x * 252) as u8);
        assert_eq!(scaled(&two, Size::new(4, 2)), [0, 0, 252, 252, 0, 0, 252, 252]);
        assert_eq!(spans(3, 7).len(), 7);
        assert!(spans(3, 7).iter().all(|(left, right)| left < right && *right <= 3));
    }

    #[test]
    fn every_source_pixel_counts_once_in_a_smaller_picture() {
        for (from, to) in [(640, 256), (100, 99), (7, 3)] {
            let spans = spans(from, to);
            assert_eq!(
                spans.iter().map(|(left, right)| right - left).sum::<usize>(),
                from as usize
            );
        }
    }

    #[test]
    fn a_frame_keeps_its_proportions_and_stands_in_the_middle() {
        let area = Rectangle::new(Point::zero(), Size::new(100, 100));
        let place = fitted(Rect::new(0, 0, 1280, 720), area);
        assert_eq!(place, Rectangle::new(Point::new(0, 22), Size::new(100, 56)));
        let tall = fitted(Rect::new(0, 0, 10, 4000), area);
        assert_eq!(tall.size, Size::new(1, 100));
    }

    #[test]
    fn boxes_are_where_the_fault_is_and_outside_frames_they_do_not_panic() {
        let bounds = Rect::new(0, 0, 100, 100);
        let place = Rectangle::new(Point::new(10, 0), Size::new(50, 50));
        let found = on_screen(Rect::new(20, 40, 10, 10), bounds, place);
        assert_eq!(found, Rectangle::new(Point::new(20, 20), Size::new(5, 5)));
        let mut wild = picture(Content::Frame(frame(100, 100, |_, _| 0)));
        for area in [Rect::new(u32::MAX, 0, 5, 5), Rect::new(90, 90, u32::MAX, 1)] {
            wild.boxes.push(FaultBox { area, label: "x".repeat(300) });
        }
        drawn(&wild, 60, 40);
    }

    #[test]
    fn a_label_never_leaves_the_picture() {
        let mut labelled = picture(Content::Frame(frame(100, 100, |_, _| 0)));
        let label = "Open trace".to_owned();
        labelled.boxes.push(FaultBox { area: Rect::new(96, 0, 4, 4), label });
        let canvas = drawn(&labelled, 100, 100);
        let red = Tone::Bad.fill();
        let columns: Vec<usize> = canvas.pixels()[30 * 100 - 1500..30 * 100]
            .iter()
            .enumerate()
            .filter(|(_, pixel)| **pixel == red)
            .map(|(index, _)| index % 100)
            .collect();
        assert!(columns.iter().min() > Some(&10) && columns.iter().max() == Some(&99));
    }

    #[test]
    fn the_difference_of_frames_is_dark_where_they_are_alike() {
        let one = frame(8, 8, |_, _| 100);
        let other = frame(8, 8, |x, _| if x < 4 { 100 } else { 255 });
        let canvas = drawn(&picture(Content::Between(one, other)), 8, 8);
        assert_eq!(canvas.pixels()[0], PANE);
        assert!(canvas.pixels()[7].r() > 100);
    }

    #[test]
    fn the_same_frames_are_the_same_picture_and_equal_ones_are_not() {
        let (one, other) = (frame(2, 2, |_, _| 1), frame(2, 2, |_, _| 1));
        let first = picture(Content::Frame(one.clone()));
        assert!(first == picture(Content::Frame(one)));
        assert!(first != picture(Content::Frame(other)));
    }

    #[test]
    fn heat_grows_brighter_all_the_way() {
        let brightness = |value| {
            let color = heat(value);
            u32::from(color.r()) + u32::from(color.g()) + u32::from(color.b())
        };
        assert!((1..=255).all(|value| brightness(value) >= brightness(value - 1)));
        assert!(brightness(255) > 600);
    }
}
