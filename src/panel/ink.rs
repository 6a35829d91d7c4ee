use std::collections::HashMap;
use std::rc::Rc;

use super::face::{self, Bitmap, Face};

/// So many bytes of coverage are kept in each of two generations.
const GENERATION_BYTES: usize = 512 << 10;
/// What an entry costs beside its coverage.
const ENTRY_BYTES: usize = 96;
/// Up to this size, in pixels, glyphs are placed at quarters of a pixel.
const FINE_EM: u32 = 28;

/// One way to write: a face at a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Style {
    /// The weight.
    pub(super) face: Face,
    /// Pixels of one em.
    pub(super) em: u32,
}

/// Draws glyphs and keeps those that were drawn lately.
///
/// What it keeps is bounded: when the young generation is full it becomes the old one, and what the
/// old one held and nobody asked for again is gone.
#[derive(Debug, Default)]
pub(super) struct Ink {
    young: HashMap<Key, Rc<Bitmap>>,
    old: HashMap<Key, Rc<Bitmap>>,
    young_bytes: usize,
    /// Characters that no face has, as often as they were drawn.
    pub(super) unknown: u64,
    /// Texts that did not fit and end in an ellipsis.
    pub(super) cut: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    style: Style,
    character: char,
    /// Quarters of a pixel to the right, 0 to 3.
    quarter: u8,
}

impl Style {
    pub(super) fn regular(em: u32) -> Self {
        Self { face: Face::Regular, em }
    }

    pub(super) fn bold(em: u32) -> Self {
        Self { face: Face::Bold, em }
    }

    /// The same face at another size.
    pub(super) fn sized(self, em: u32) -> Self {
        Self { em, ..self }
    }

    /// From one baseline to the next, in pixels.
    pub(super) fn line_height(self) -> u32 {
        (self.em as f32 * 1.3).round() as u32
    }

    /// Height of a capital, in pixels.
    pub(super) fn cap_height(self) -> u32 {
        (self.em as f32 * face::CAP_HEIGHT_EM).round() as u32
    }

    /// From one pen position to the next, in pixels.
    pub(super) fn advance(self, character: char) -> f32 {
        face::advance_em(self.face, character) * self.em as f32
    }

    /// Columns that a text takes on one line.
    pub(super) fn width(self, text: &str) -> u32 {
        text.chars().map(|character| self.advance(character)).sum::<f32>().ceil() as u32
    }
}

impl Ink {
    /// The coverage of a character for a pen at `x`, and the whole pixel to draw it from.
    pub(super) fn glyph(&mut self, style: Style, character: char, x: f32) -> (Rc<Bitmap>, i32) {
        if !face::has(style.face, character) {
            self.unknown += 1;
        }
        let (whole, quarter) = if style.em <= FINE_EM {
            let quarters = (x * 4.0).round() as i32;
            (quarters.div_euclid(4), quarters.rem_euclid(4) as u8)
        } else {
            (x.round() as i32, 0)
        };
        (self.cached(Key { style, character, quarter }), whole)
    }

    /// Bytes that are kept.
    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> usize {
        let all = self.young.values().chain(self.old.values());
        all.map(|bitmap| bitmap.coverage.len() + ENTRY_BYTES).sum()
    }

    fn cached(&mut self, key: Key) -> Rc<Bitmap> {
        if let Some(bitmap) = self.young.get(&key) {
            return bitmap.clone();
        }
        let bitmap = self.old.remove(&key).unwrap_or_else(|| {
            let shift = f32::from(key.quarter) / 4.0;
            Rc::new(face::rasterise(key.style.face, key.character, (key.style.em as f32, shift)))
        });
        let bytes = bitmap.coverage.len() + ENTRY_BYTES;
        if self.young_bytes + bytes > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        self.young.insert(key, bitmap.clone());
        bitmap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_whatever_is_written() {
        let mut ink = Ink::default();
        for (step, code) in (0x4e00_u32..0x5600).enumerate() {
            let character = char::from_u32(code).unwrap_or('?');
            ink.glyph(Style::bold(40 + step as u32 % 50), character, 0.0);
        }
        assert!(ink.kept_bytes() <= 2 * GENERATION_BYTES + (200 << 10), "{}", ink.kept_bytes());
        assert!(ink.kept_bytes() > GENERATION_BYTES / 2);
    }

    #[test]
    fn a_glyph_that_is_drawn_again_is_the_same_one() {
        let mut ink = Ink::default();
        let (first, _) = ink.glyph(Style::bold(20), 'A', 3.0);
        let (second, x) = ink.glyph(Style::bold(20), 'A', 7.0);
        assert!(Rc::ptr_eq(&first, &second));
        assert_eq!(x, 7);
    }

    #[test]
    fn positions_left_of_zero_keep_their_quarter() {
        let mut ink = Ink::default();
        assert_eq!(ink.glyph(Style::bold(20), 'A', -0.25).1, -1);
        assert_eq!(ink.glyph(Style::bold(20), 'A', -0.1).1, 0);
    }

    #[test]
    fn unknown_characters_are_counted() {
        let mut ink = Ink::default();
        ink.glyph(Style::bold(20), '\u{1f600}', 0.0);
        ink.glyph(Style::bold(20), 'A', 0.0);
        assert_eq!(ink.unknown, 1);
    }
}
