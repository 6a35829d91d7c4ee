use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, GlyphId, point};

/// A weight of the panel's font, Noto Sans CJK JP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Face {
    /// Sentences and captions.
    Regular,
    /// Verdicts, titles and numbers.
    Bold,
}

/// Height of a Latin capital in em: `OS/2.sCapHeight` 733 of 1000 units.
pub(super) const CAP_HEIGHT_EM: f32 = 0.733;
/// Height of a Chinese character above the baseline in em.
pub(super) const ABOVE_EM: f32 = 0.88;
/// What stands below the baseline in em.
pub(super) const BELOW_EM: f32 = 0.25;
/// The box with a cross that every face has for what it lacks.
const REPLACEMENT: GlyphId = GlyphId(0);
/// How much wider strokes become where a bold character is made of a regular one, in em: half of what gives 300
/// common kanji the ink of the bold face, for more fills the gaps of dense ones.
const BOLDER_EM: f32 = 1.0 / 32.0;

static REGULAR: LazyLock<FontRef<'static>> =
    LazyLock::new(|| parsed(include_bytes!("font/regular.otf")));
static BOLD: LazyLock<FontRef<'static>> = LazyLock::new(|| parsed(include_bytes!("font/bold.otf")));

/// The coverage of one glyph.
#[derive(Debug, Clone, Default)]
pub(super) struct Bitmap {
    /// From the pen to the first column.
    pub(super) left: i32,
    /// From the baseline to the first row, negative above it.
    pub(super) top: i32,
    /// Columns.
    pub(super) width: usize,
    /// Row by row, 0 to 255.
    pub(super) coverage: Vec<u8>,
}

/// Whether a face has a character.
pub(super) fn has(face: Face, character: char) -> bool {
    source(face, character).id != REPLACEMENT
}

/// Whether a bold character is made of the regular one.
#[cfg(test)]
pub(super) fn is_made_bolder(character: char) -> bool {
    source(Face::Bold, character).bolder
}

/// From one pen position to the next, in em.
pub(super) fn advance_em(face: Face, character: char) -> f32 {
    let Source { font, id, .. } = source(face, character);
    font.h_advance_unscaled(id) / units_per_em(font)
}

/// The coverage of a character `em` pixels large, `shift` pixels to the right of a whole pixel.
pub(super) fn rasterise(face: Face, character: char, (em, shift): (f32, f32)) -> Bitmap {
    let Source { font, id, bolder } = source(face, character);
    // ab_glyph scales by ascent minus descent, the faces are drawn in em.
    let scale = em * font.height_unscaled() / units_per_em(font);
    let wider = if bolder { em * BOLDER_EM } else { 0.0 };
    let position = point(shift - wider / 2.0, 0.0);
    let Some(outline) = font.outline_glyph(Glyph { id, scale: scale.into(), position }) else {
        return Bitmap::default();
    };
    let bounds = outline.px_bounds();
    let more = wider.ceil() as usize;
    let (width, height) = (bounds.width() as usize + more, bounds.height() as usize);
    let mut coverage = vec![0; width * height];
    outline.draw(|x, y, amount| {
        // Each pixel darkens those to its right, the last by what is left of the width.
        for step in 0..=more {
            let share = (wider - step as f32 + 1.0).clamp(0.0, 1.0);
            if let Some(pixel) = coverage.get_mut(y as usize * width + x as usize + step) {
                *pixel = levels(amount * share).max(*pixel);
            }
        }
    });
    Bitmap { left: bounds.min.x as i32, top: bounds.min.y as i32, width, coverage }
}

/// Sixteen steps: more cannot be told apart on a screen, and rounding does not show in them.
fn levels(amount: f32) -> u8 {
    // 0 to 15 after the clamp.
    (amount.clamp(0.0, 1.0) * 15.0).round() as u8 * 17
}

/// What a character is drawn from.
struct Source {
    font: &'static FontRef<'static>,
    id: GlyphId,
    /// Whether its strokes must be made wider.
    bolder: bool,
}

/// The face itself, or in the place of a bold character that it lacks the regular one: the bold face has the
/// common kanji only, of which the panel's own words are.
fn source(face: Face, character: char) -> Source {
    let of = |font: &'static FontRef<'static>, bolder| Source {
        font,
        id: font.glyph_id(character),
        bolder,
    };
    if face == Face::Regular {
        return of(&REGULAR, false);
    }
    let own = of(&BOLD, false);
    if own.id != REPLACEMENT {
        return own;
    }
    let regular = of(&REGULAR, true);
    if regular.id == REPLACEMENT { own } else { regular }
}

fn units_per_em(font: &FontRef<'_>) -> f32 {
    font.units_per_em().unwrap_or(1_000.0)
}

#[allow(clippy::expect_used)]
fn parsed(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the faces are part of the program and tests draw them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_are_small_enough() {
        let bytes =
            include_bytes!("font/regular.otf").len() + include_bytes!("font/bold.otf").len();
        assert!(bytes <= 5 << 19, "{bytes}");
    }

    #[test]
    fn kanji_of_both_levels_kana_and_latin_are_there() {
        // The first and last of JIS X 0208's two levels of kanji, katakana in both widths, signs.
        for character in
            "\u{4e9c}\u{8155}\u{5f0c}\u{7199}\u{3042}\u{3093}\u{30a2}\u{30f3}\u{ff71}\u{ff9d}Az09%.\
            \u{3a9}\u{3bc}\u{b1}\u{2103}\u{2460}\u{339c}"
                .chars()
        {
            assert!(has(Face::Regular, character) && has(Face::Bold, character), "{character}");
        }
    }

    #[test]
    fn a_rare_kanji_is_bolder_than_regular_and_legible() {
        // A kanji of both faces, one of the regular face alone.
        const RARE: char = '\u{7199}';
        let common = '\u{8155}';
        assert!(!is_made_bolder(common) && is_made_bolder(RARE));
        for em in [14.0, 24.0, 92.0] {
            let ink = |face, character| {
                let bitmap = rasterise(face, character, (em, 0.0));
                bitmap.coverage.iter().map(|&amount| f64::from(amount)).sum::<f64>()
            };
            let gain = |character| ink(Face::Bold, character) / ink(Face::Regular, character);
            let (common, rare) = (gain(common), gain(RARE));
            assert!((1.3..1.8).contains(&common), "{em}: {common}");
            assert!((1.1..1.5).contains(&rare) && rare < common, "{em}: {rare}");
            let bitmap = rasterise(Face::Bold, RARE, (em, 0.0));
            assert!((bitmap.left + bitmap.width as i32) as f32 <= em + 1.0, "{em}");
        }
    }

    #[test]
    fn what_is_not_there_is_drawn_as_a_box() {
        for face in [Face::Regular, Face::Bold] {
            let drawn = |character| rasterise(face, character, (20.0, 0.0));
            let (unknown, other) = (drawn('\u{1f600}'), drawn('\u{10ffff}'));
            assert_eq!(unknown.coverage, other.coverage);
            assert!(unknown.coverage.iter().filter(|&&amount| amount > 0).count() > 40);
        }
    }

    #[test]
    fn a_capital_is_as_high_as_the_font_says() {
        let bitmap = rasterise(Face::Bold, 'H', (100.0, 0.0));
        let height = bitmap.coverage.len() / bitmap.width;
        assert!(height.abs_diff((CAP_HEIGHT_EM * 100.0) as usize) <= 2, "{height}");
        assert!((bitmap.top + height as i32).abs() <= 1);
    }

    #[test]
    fn a_kanji_is_one_em_wide() {
        assert_eq!(advance_em(Face::Regular, '\u{6771}'), 1.0);
    }
}
