use embedded_graphics::pixelcolor::{Rgb888, RgbColor};

/// Behind everything.
pub(super) const GROUND: Rgb888 = Rgb888::new(0x10, 0x14, 0x19);
/// Behind one group of facts.
pub(super) const CARD: Rgb888 = Rgb888::new(0x1c, 0x23, 0x2b);
/// A line in a card, the ground of a bar.
pub(super) const RULE: Rgb888 = Rgb888::new(0x35, 0x40, 0x4c);
/// Behind a picture.
pub(super) const PANE: Rgb888 = Rgb888::new(0x06, 0x08, 0x0a);
/// Values.
pub(super) const TEXT: Rgb888 = Rgb888::new(0xf1, 0xf4, 0xf7);
/// Captions.
pub(super) const MUTED: Rgb888 = Rgb888::new(0xa6, 0xb3, 0xc0);
/// A mark on a dark ground: it was exceeded.
pub(super) const RED_MARK: Rgb888 = Rgb888::new(0xff, 0x6b, 0x61);
/// A mark on a dark ground: as it should be.
pub(super) const GREEN_MARK: Rgb888 = Rgb888::new(0x4f, 0xd1, 0x7a);
/// A mark on a dark ground: attention.
pub(super) const AMBER_MARK: Rgb888 = Rgb888::new(0xff, 0xc4, 0x2e);
/// A mark on a dark ground: chosen.
pub(super) const BLUE_MARK: Rgb888 = Rgb888::new(0x7d, 0xb9, 0xff);

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing yet.
    Quiet,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Somebody should look.
    Attention,
    /// Something is going on.
    Busy,
}

/// All tones.
#[cfg(test)]
pub(super) const TONES: [Tone; 5] =
    [Tone::Quiet, Tone::Good, Tone::Bad, Tone::Attention, Tone::Busy];

impl Tone {
    /// The filled ground of a band or a button.
    pub(super) fn fill(self) -> Rgb888 {
        match self {
            Self::Quiet => Rgb888::new(0x3a, 0x45, 0x52),
            Self::Good => Rgb888::new(0x13, 0x73, 0x3a),
            Self::Bad => Rgb888::new(0xc0, 0x21, 0x21),
            Self::Attention => Rgb888::new(0xf5, 0xb8, 0x16),
            Self::Busy => Rgb888::new(0x1d, 0x5d, 0xb8),
        }
    }

    /// Text and signs on [`Tone::fill`].
    pub(super) fn on_fill(self) -> Rgb888 {
        match self {
            Self::Attention => Rgb888::new(0x14, 0x10, 0x02),
            _ => Rgb888::WHITE,
        }
    }

    /// Text and marks in this tone on a dark ground.
    pub(super) fn mark(self) -> Rgb888 {
        match self {
            Self::Quiet => MUTED,
            Self::Good => GREEN_MARK,
            Self::Bad => RED_MARK,
            Self::Attention => AMBER_MARK,
            Self::Busy => BLUE_MARK,
        }
    }
}

/// From `under` (0) to `over` (255).
pub(super) fn blend(under: Rgb888, over: Rgb888, coverage: u8) -> Rgb888 {
    let mix = |under: u8, over: u8| {
        let coverage = u32::from(coverage);
        let sum = u32::from(under) * (255 - coverage) + u32::from(over) * coverage + 127;
        // At most 255: the weights add up to 255.
        (sum / 255) as u8
    };
    Rgb888::new(mix(under.r(), over.r()), mix(under.g(), over.g()), mix(under.b(), over.b()))
}

/// How far two colours are apart, 1 to 21 (WCAG 2.1, contrast ratio).
#[cfg(test)]
pub(super) fn contrast(one: Rgb888, other: Rgb888) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// WCAG 2.1, relative luminance of sRGB.
#[cfg(test)]
fn luminance(color: Rgb888) -> f64 {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
}

#[cfg(test)]
mod tests {
    use embedded_graphics::pixelcolor::Rgb565;

    use super::*;

    const LEAST: f64 = 4.5;

    #[test]
    fn black_on_white_has_the_contrast_of_the_standard() {
        assert!((contrast(Rgb888::BLACK, Rgb888::WHITE) - 21.0).abs() < 1e-9);
        assert!((contrast(Rgb888::new(0x77, 0x77, 0x77), Rgb888::WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_text_can_be_read_on_every_ground_it_stands_on() {
        let grounds = [GROUND, CARD, PANE];
        let marks = TONES.map(Tone::mark);
        for ground in grounds {
            for color in [TEXT, MUTED].into_iter().chain(marks) {
                let found = contrast(color, ground);
                assert!(found >= LEAST, "{color:?} on {ground:?}: {found:.2}");
            }
        }
        for tone in TONES {
            let found = contrast(tone.on_fill(), tone.fill());
            assert!(found >= LEAST, "{tone:?}: {found:.2}");
        }
    }

    #[test]
    fn the_contrast_is_kept_in_sixteen_bits() {
        let coarse = |color: Rgb888| Rgb888::from(Rgb565::from(color));
        for tone in TONES {
            assert!(contrast(coarse(tone.on_fill()), coarse(tone.fill())) >= LEAST, "{tone:?}");
            assert!(contrast(coarse(tone.mark()), coarse(CARD)) >= LEAST, "{tone:?}");
        }
        assert!(contrast(coarse(MUTED), coarse(CARD)) >= LEAST);
    }

    #[test]
    fn a_blend_ends_at_its_colours() {
        assert_eq!(blend(GROUND, TEXT, 0), GROUND);
        assert_eq!(blend(GROUND, TEXT, 255), TEXT);
    }
}
