use std::convert::Infallible;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::ascii::{FONT_9X15, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use embedded_graphics::{Drawable, Pixel};
use image::{Rgb, RgbImage};

/// Width and height of a plot, in pixels.
pub(super) const SIZE: (u32, u32) = (960, 640);

/// Text, frames and what must stand out.
pub(super) const BLACK: Ink = [0x1a; 3];
/// Text of less weight.
pub(super) const GREY: Ink = [0x55; 3];
/// Grid lines.
pub(super) const PALE: Ink = [0xdd; 3];
/// The model, and conforming units.
pub(super) const BLUE: Ink = [0x00, 0x72, 0xb2];
/// What the model is compared with.
pub(super) const VERMILION: Ink = [0xd5, 0x5e, 0x00];
/// Faulty units; twice as bright as the blue, and outlined.
pub(super) const ORANGE: Ink = [0xe6, 0x9f, 0x00];
const WHITE: Ink = [0xff; 3];

/// Red, green and blue.
pub(super) type Ink = [u8; 3];

/// A place in pixels from the top left.
pub(super) type At = (f32, f32);

/// A white sheet to draw on; what lies outside it is left out.
pub(super) struct Sheet(RgbImage);

/// Which side of a text its place is.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Left,
    Centre,
    Right,
}

impl Sheet {
    pub(super) fn new() -> Self {
        Self(RgbImage::from_pixel(SIZE.0, SIZE.1, Rgb(WHITE)))
    }

    /// A line through places, `width` pixels wide.
    pub(super) fn line(&mut self, places: &[At], ink: Ink, width: f32) {
        self.strokes(&[places.to_vec()], ink, width);
    }

    /// A line of dashes, each `dash` pixels long and as far apart.
    pub(super) fn dashes(&mut self, places: &[At], ink: Ink, (width, dash): (f32, f32)) {
        self.strokes(&dashed(places, dash), ink, width);
    }

    /// A filled rectangle between its top left and bottom right corners.
    pub(super) fn block(&mut self, from: At, to: At, ink: Ink) {
        for y in between(from.1 + 0.5, to.1 - 0.5, SIZE.1) {
            for x in between(from.0 + 0.5, to.0 - 0.5, SIZE.0) {
                self.0.put_pixel(x, y, Rgb(ink));
            }
        }
    }

    /// A filled circle with a white rim, so that it stands out from lines below it.
    pub(super) fn dot(&mut self, centre: At, radius: f32, ink: Ink) {
        self.line(&[centre, centre], WHITE, 2.0 * radius + 3.0);
        self.line(&[centre, centre], ink, 2.0 * radius);
    }

    /// Text centred on the height of its place.
    pub(super) fn text(&mut self, text: &str, at: At, anchor: Anchor, ink: Ink) {
        self.letters(text, at, anchor, (&FONT_9X15, ink));
    }

    /// The title and a line below it, cut where the sheet ends.
    pub(super) fn title(&mut self, title: &str, below: &str) {
        self.letters(title, (20.0, 26.0), Anchor::Left, (&FONT_10X20, BLACK));
        self.letters(below, (20.0, 50.0), Anchor::Left, (&FONT_9X15, GREY));
    }

    /// The plot.
    pub(super) fn finish(self) -> RgbImage {
        self.0
    }

    /// Round-ended lines with smooth edges: ink covers a pixel by its distance from the line.
    fn strokes(&mut self, pieces: &[Vec<At>], ink: Ink, width: f32) {
        let reach = width / 2.0 + 0.5;
        let mut cover = vec![0.0_f32; (SIZE.0 * SIZE.1) as usize];
        for ends in pieces.iter().flat_map(|piece| piece.windows(2)) {
            let (from, to) = (ends[0], ends[1]);
            let rows = between(from.1.min(to.1) - reach, from.1.max(to.1) + reach, SIZE.1);
            for y in rows {
                for x in between(from.0.min(to.0) - reach, from.0.max(to.0) + reach, SIZE.0) {
                    let place = (x as f32 + 0.5, y as f32 + 0.5);
                    let covered = (reach - distance(place, from, to)).clamp(0.0, 1.0);
                    let pixel = &mut cover[(y * SIZE.0 + x) as usize];
                    *pixel = pixel.max(covered);
                }
            }
        }
        for (pixel, cover) in self.0.pixels_mut().zip(cover).filter(|(_, cover)| *cover > 0.0) {
            for (below, above) in pixel.0.iter_mut().zip(ink) {
                let mixed = f32::from(*below) * (1.0 - cover) + f32::from(above) * cover;
                *below = mixed.round() as u8;
            }
        }
    }

    fn letters(&mut self, text: &str, at: At, anchor: Anchor, (font, ink): (&MonoFont<'_>, Ink)) {
        let style = TextStyleBuilder::new()
            .alignment(match anchor {
                Anchor::Left => Alignment::Left,
                Anchor::Centre => Alignment::Center,
                Anchor::Right => Alignment::Right,
            })
            .baseline(Baseline::Middle)
            .build();
        let at = Point::new(at.0.round() as i32, at.1.round() as i32);
        let most = (SIZE.0 / font.character_size.width) as usize;
        let text: String = text.chars().take(most).collect();
        let letters = MonoTextStyle::new(font, Rgb888::new(ink[0], ink[1], ink[2]));
        let Ok(_) = Text::with_text_style(&text, at, letters, style).draw(self);
    }
}

impl OriginDimensions for Sheet {
    fn size(&self) -> Size {
        Size::new(SIZE.0, SIZE.1)
    }
}

impl DrawTarget for Sheet {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(Point { x, y }, ink) in pixels {
            // A negative coordinate becomes too large for any image.
            if let Some(pixel) = self.0.get_pixel_mut_checked(x as u32, y as u32) {
                pixel.0 = [ink.r(), ink.g(), ink.b()];
            }
        }
        Ok(())
    }
}

/// Pixels that a stretch touches, of `size` there are.
fn between(from: f32, to: f32, size: u32) -> std::ops::Range<u32> {
    // Casts of what is negative, too large or no number give the nearest end or 0.
    from.floor() as u32..(to.floor() as u32).saturating_add(1).min(size)
}

fn distance(place: At, from: At, to: At) -> f32 {
    let along = (to.0 - from.0, to.1 - from.1);
    let aside = (place.0 - from.0, place.1 - from.1);
    let square = along.0 * along.0 + along.1 * along.1;
    let share = (aside.0 * along.0 + aside.1 * along.1) / square;
    // Both ends at one place give 0 / 0.
    let share = if square > 0.0 { share.clamp(0.0, 1.0) } else { 0.0 };
    (aside.0 - share * along.0).hypot(aside.1 - share * along.1)
}

/// Pieces of a line that are drawn where every second stretch of `dash` pixels is left out.
fn dashed(places: &[At], dash: f32) -> Vec<Vec<At>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<At> = places.first().map(|at| vec![*at]).unwrap_or_default();
    let (mut left, mut is_drawn) = (dash, true);
    for ends in places.windows(2) {
        let (mut from, to) = (ends[0], ends[1]);
        loop {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let length = dx.hypot(dy);
            // Not-a-number ends the stretch too.
            if !matches!(length.partial_cmp(&left), Some(std::cmp::Ordering::Greater)) {
                left -= length;
                piece.push(to);
                break;
            }
            from = (from.0 + dx * left / length, from.1 + dy * left / length);
            piece.push(from);
            let done = std::mem::replace(&mut piece, vec![from]);
            if is_drawn {
                pieces.push(done);
            }
            (left, is_drawn) = (dash, !is_drawn);
        }
    }
    if is_drawn && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_half_of_a_line_around_its_corner() {
        let pieces = dashed(&[(0.0, 0.0), (25.0, 0.0), (25.0, 25.0)], 10.0);
        let length: f32 = pieces
            .iter()
            .flat_map(|piece| piece.windows(2))
            .map(|ends| (ends[1].0 - ends[0].0).hypot(ends[1].1 - ends[0].1))
            .sum();
        assert_eq!((pieces.len(), length), (3, 30.0));
        assert_eq!(pieces[1], [(20.0, 0.0), (25.0, 0.0), (25.0, 5.0)]);
        assert!(dashed(&[], 10.0).is_empty());
    }

    #[test]
    fn what_lies_outside_the_sheet_is_left_out() {
        let mut sheet = Sheet::new();
        sheet.line(&[(-50.0, -50.0), (5.0, 5.0), (2000.0, 5.0)], BLACK, 2.0);
        sheet.dot((960.0, 640.0), 5.0, BLUE);
        sheet.text("far away", (955.0, 700.0), Anchor::Left, BLACK);
        let drawing = sheet.finish();
        assert_eq!(drawing.dimensions(), SIZE);
        assert!(drawing.get_pixel(500, 5).0 < [128; 3]);
    }
}
