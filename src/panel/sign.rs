use embedded_graphics::geometry::Point;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;

use super::canvas::Canvas;

/// A shape that says the same as the word beside it and the colour behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A disc with a tick.
    Tick,
    /// An octagon with a cross.
    Cross,
    /// A triangle with an exclamation mark.
    Warning,
    /// A disc with two bars.
    Pause,
    /// A square on its corner with an exclamation mark.
    Fault,
    /// A disc with three dots.
    Dots,
    /// A disc with an arrow to the right.
    Arrow,
}

/// Samples along each side of a pixel.
const SAMPLES: i32 = 4;

impl Sign {
    /// Draws the sign as large as `area` allows, in its middle.
    pub(super) fn draw(self, canvas: &mut Canvas, area: Rectangle, color: Rgb888) {
        let side = area.size.width.min(area.size.height) as i32;
        let corner = area.top_left
            + Point::new((area.size.width as i32 - side) / 2, (area.size.height as i32 - side) / 2);
        for y in 0..side {
            for x in 0..side {
                canvas.lay(corner + Point::new(x, y), color, self.coverage((x, y), side));
            }
        }
    }

    /// How much of a pixel is inside, 0 to 255.
    fn coverage(self, (x, y): (i32, i32), side: i32) -> u8 {
        let place = |pixel: i32, sample: i32| {
            let middle = (pixel * SAMPLES + sample) as f32 + 0.5;
            middle / (side * SAMPLES) as f32 * 2.0 - 1.0
        };
        let samples = (0..SAMPLES * SAMPLES)
            .filter(|sample| self.has(place(x, sample % SAMPLES), place(y, sample / SAMPLES)));
        // At most 16 of 16.
        (samples.count() as u32 * 255 / (SAMPLES * SAMPLES) as u32) as u8
    }

    /// Whether a point belongs to the sign; both coordinates from -1 to 1, down is positive.
    fn has(self, x: f32, y: f32) -> bool {
        let disc = x * x + y * y <= 1.0;
        let stroke = |ends: &[(f32, f32)], half: f32| {
            ends.windows(2).any(|pair| distance((x, y), pair[0], pair[1]) <= half)
        };
        let exclaims = |top: f32, bottom: f32, dot: f32| {
            stroke(&[(0.0, top), (0.0, bottom)], 0.11) || stroke(&[(0.0, dot), (0.0, dot)], 0.13)
        };
        match self {
            Self::Tick => disc && !stroke(&[(-0.45, 0.05), (-0.12, 0.4), (0.48, -0.32)], 0.13),
            Self::Cross => {
                // A regular octagon reaches 1 + 1/sqrt(2) less than a square to its corners.
                let octagon = x.abs() <= 0.96 && y.abs() <= 0.96 && x.abs() + y.abs() <= 1.36;
                let crossed = stroke(&[(-0.4, -0.4), (0.4, 0.4)], 0.13)
                    || stroke(&[(-0.4, 0.4), (0.4, -0.4)], 0.13);
                octagon && !crossed
            }
            Self::Warning => {
                let triangle = stroke(&[(-0.86, 0.82), (0.86, 0.82), (0.0, -0.78)], 0.14)
                    || stroke(&[(0.0, -0.78), (-0.86, 0.82)], 0.14)
                    || ((-0.78..=0.82).contains(&y) && x.abs() <= (y + 0.78) / 1.6 * 0.86);
                triangle && !exclaims(-0.2, 0.28, 0.62)
            }
            Self::Pause => {
                let bars = y.abs() <= 0.42 && (0.12..=0.45).contains(&x.abs());
                disc && !bars
            }
            Self::Fault => x.abs() + y.abs() <= 1.0 && !exclaims(-0.42, 0.12, 0.46),
            Self::Dots => {
                let dot = |at: f32| stroke(&[(at, 0.0), (at, 0.0)], 0.14);
                disc && !(dot(-0.45) || dot(0.0) || dot(0.45))
            }
            Self::Arrow => {
                let arrow = stroke(&[(-0.5, 0.0), (0.45, 0.0)], 0.12)
                    || stroke(&[(0.1, -0.38), (0.48, 0.0), (0.1, 0.38)], 0.12);
                disc && !arrow
            }
        }
    }
}

/// From a point to a stretch between two points.
fn distance((x, y): (f32, f32), (ax, ay): (f32, f32), (bx, by): (f32, f32)) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { ((x - ax) * dx + (y - ay) * dy) / length } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    let (ex, ey) = (x - ax - along * dx, y - ay - along * dy);
    (ex * ex + ey * ey).sqrt()
}

#[cfg(test)]
mod tests {
    use embedded_graphics::geometry::Size;
    use embedded_graphics::pixelcolor::RgbColor;

    use super::*;

    const SIGNS: [Sign; 7] =
        [Sign::Tick, Sign::Cross, Sign::Warning, Sign::Pause, Sign::Fault, Sign::Dots, Sign::Arrow];

    fn pattern(sign: Sign, side: u32) -> String {
        let mut canvas = Canvas::default();
        canvas.clear(Size::new(side, side), Rgb888::BLACK);
        let area = canvas.area();
        sign.draw(&mut canvas, area, Rgb888::WHITE);
        let rows = canvas.pixels().chunks(side as usize).map(|row| {
            row.iter().map(|pixel| if pixel.r() > 127 { '#' } else { '.' }).collect::<String>()
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_disc_with_two_bars_is_a_pause() {
        let expected = "\
            ....####....\n\
            ..########..\n\
            .##########.\n\
            .###.##.###.\n\
            ###..##..###\n\
            ###..##..###\n\
            ###..##..###\n\
            ###..##..###\n\
            .###.##.###.\n\
            .##########.\n\
            ..########..\n\
            ....####....";
        assert_eq!(pattern(Sign::Pause, 12), expected);
    }

    #[test]
    fn every_sign_has_a_shape_of_its_own_even_small() {
        let patterns = SIGNS.map(|sign| pattern(sign, 14));
        for (index, one) in patterns.iter().enumerate() {
            for other in &patterns[index + 1..] {
                let differing = one.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count();
                assert!(differing >= 10, "{one}\n\n{other}");
            }
        }
    }

    #[test]
    fn the_outlines_of_the_verdicts_differ_without_what_is_inside() {
        let width_at = |sign: Sign, row: usize| {
            let text = pattern(sign, 40);
            text.lines().nth(row).map(|line| line.trim_matches('.').len())
        };
        assert!(width_at(Sign::Warning, 6) < width_at(Sign::Cross, 6));
        assert!(width_at(Sign::Tick, 1) < width_at(Sign::Cross, 1));
    }
}
