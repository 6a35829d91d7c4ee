use super::raster::{BAND, DepthField, Point, SmoothField};
use crate::dice::Dice;

/// Pixels between the nodes of a warp.
const NODE_STEP: usize = 32;

/// How far a product reaches beyond the frame on each side, pixels: more than any movement.
pub(crate) const MARGIN: usize = 20;

/// One exposure of a product: where each pixel looks, and how contours come out.
///
/// A line camera scans row after row while the product moves: each row is a little off sideways, each
/// column a little off lengthwise, and both drift. Two exposures of one product share nothing of
/// this.
#[derive(Debug, Clone)]
pub(crate) struct Exposure {
    size: usize,
    nodes: Vec<Point>,
    rows: Vec<f32>,
    columns: Vec<f32>,
    growth: SmoothField,
    wobble: SmoothField,
    fine: f32,
    drill_shift: Point,
}

/// How large the differences are that two exposures of a sound product may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    /// Of the position of the whole frame, pixels.
    shift: f32,
    /// Of the angle of the whole frame, radians.
    rotation: f32,
    /// Of the position from place to place, pixels.
    warp: f32,
    /// Of the position from row to row, pixels.
    jitter: f32,
    /// Of the contour from place to place, pixels.
    growth: f32,
    /// Of the contour along itself, pixels.
    ripple: f32,
    /// Of each contour pixel for itself, pixels.
    fine: f32,
    /// Of the holes against the copper, pixels.
    drill: f32,
}

impl Tolerance {
    /// Of one product, drawn at random; everything in proportion to `strength`.
    ///
    /// The ranges are those measured between the reference and test frames of real line-camera pairs.
    pub(crate) fn random(dice: &mut Dice, strength: f32) -> Self {
        let warped =
            if dice.chance(0.7) { dice.log_between(0.1, 0.6) } else { dice.between(0.6, 1.8) };
        Self {
            shift: strength * if dice.chance(0.75) { 0.5 } else { 2.0 },
            rotation: strength * 0.0014,
            warp: strength * warped,
            jitter: strength * dice.between(0.0, 0.2),
            growth: strength * dice.between(0.05, 0.35),
            ripple: strength * dice.between(0.03, 0.3),
            fine: strength * dice.between(0.02, 0.16),
            drill: strength * if dice.chance(0.3) { dice.between(0.5, 1.6) } else { 0.2 },
        }
    }
}

impl Exposure {
    /// Of a product that reaches [`MARGIN`] beyond a frame of `size` pixels; `moved` is false for the
    /// frame that the position of the other is measured from.
    pub(crate) fn new(dice: &mut Dice, size: usize, tolerance: &Tolerance, moved: bool) -> Self {
        let share = if moved { 1.0 } else { 0.0 };
        let placed = Placement {
            shift: Point::new(
                dice.normal(tolerance.shift * share),
                dice.normal(tolerance.shift * share),
            ),
            angle: dice.normal(tolerance.rotation * share),
            scale: 1.0 + dice.normal(tolerance.rotation * share * 0.5),
        };
        let step = dice.log_between(60.0, 260.0);
        let across =
            [(); 2].map(|()| SmoothField::new(dice, size + 64, step, tolerance.warp * share));
        let (dx, dy) = (dice.log_between(12.0, 80.0), dice.log_between(12.0, 80.0));
        Self {
            size,
            nodes: nodes(size, &placed, &across),
            rows: line(dice, size, dx, tolerance.jitter),
            columns: line(dice, size, dy, tolerance.jitter),
            growth: SmoothField::new(dice, size, 170.0, tolerance.growth),
            wobble: {
                let step = dice.log_between(7.0, 30.0);
                SmoothField::new(dice, size, step, tolerance.ripple)
            },
            fine: tolerance.fine,
            drill_shift: Point::new(dice.normal(tolerance.drill), dice.normal(tolerance.drill)),
        }
    }

    /// Where the drill went against the copper, pixels.
    pub(crate) fn drill_shift(&self) -> Point {
        self.drill_shift
    }

    /// Where in the frame a point of the product is seen, within a pixel.
    pub(crate) fn shown(&self, point: Point) -> Point {
        let per_row = self.size / NODE_STEP + 2;
        let cell = |value: f32| ((value - MARGIN as f32) / NODE_STEP as f32).round();
        let cell = |value: f32| cell(value).clamp(0.0, per_row as f32 - 1.0) as usize;
        let (column, row) = (cell(point.x), cell(point.y));
        let looks = self.nodes[row * per_row + column];
        let at = Point::new((column * NODE_STEP) as f32, (row * NODE_STEP) as f32);
        // The node looks at `looks` from `at`; near it the movement is the same.
        point.along(looks.to(at), 1.0)
    }

    /// The contours of a product as this exposure shows them; `[size, size]`.
    pub(crate) fn contours(&self, product: &DepthField) -> DepthField {
        let mut seen = DepthField::new(self.size, self.size, false);
        let per_row = self.size / NODE_STEP + 2;
        for y in 0..self.size {
            let (node, part) = (y / NODE_STEP, (y % NODE_STEP) as f32 / NODE_STEP as f32);
            let row = seen.row_mut(y);
            for (column, chunk) in row.chunks_mut(NODE_STEP).enumerate() {
                let at = |dx: usize| {
                    let index = node * per_row + column + dx;
                    let (above, below) = (self.nodes[index], self.nodes[index + per_row]);
                    above.along(above.to(below), part)
                };
                let (from, to) = (at(0), at(1));
                let slope = (from.to(to).x / NODE_STEP as f32, from.to(to).y / NODE_STEP as f32);
                for (index, depth) in chunk.iter_mut().enumerate() {
                    let x = column * NODE_STEP + index;
                    let sx = from.x + slope.0 * index as f32 + self.rows[y];
                    let sy = from.y + slope.1 * index as f32 + self.columns[x];
                    let straight = sample(product, sx, sy);
                    *depth = if straight.abs() < BAND {
                        straight
                            + self.growth.at(x as f32, y as f32)
                            + self.wobble.at(x as f32, y as f32)
                    } else {
                        straight
                    };
                }
            }
        }
        seen
    }

    /// Roughens contours pixel by pixel, as sensor noise before a threshold does.
    pub(crate) fn roughen(&self, dice: &mut Dice, contours: &mut DepthField) {
        // Noise is never beyond 3.5 deviations.
        let reach = 3.5 * self.fine;
        for y in 0..self.size {
            for depth in contours.row_mut(y) {
                if depth.abs() < reach {
                    *depth += dice.normal(self.fine);
                }
            }
        }
    }
}

struct Placement {
    shift: Point,
    angle: f32,
    scale: f32,
}

fn nodes(size: usize, placed: &Placement, across: &[SmoothField; 2]) -> Vec<Point> {
    let centre = size as f32 / 2.0;
    let per_row = size / NODE_STEP + 2;
    (0..per_row * per_row)
        .map(|index| {
            let x = (index % per_row * NODE_STEP) as f32;
            let y = (index / per_row * NODE_STEP) as f32;
            let turned = Point::new((x - centre) * placed.scale, (y - centre) * placed.scale)
                .turned(placed.angle);
            let middle = centre + MARGIN as f32;
            Point::new(
                middle + turned.x + placed.shift.x + across[0].at(x, y),
                middle + turned.y + placed.shift.y + across[1].at(x, y),
            )
        })
        .collect()
}

/// A smooth random line with a little unevenness from value to value.
fn line(dice: &mut Dice, size: usize, step: f32, deviation: f32) -> Vec<f32> {
    let count = (size as f32 / step) as usize + 2;
    let coarse: Vec<f32> = (0..count).map(|_| dice.normal(deviation)).collect();
    (0..size)
        .map(|index| {
            let place = index as f32 / step;
            let (before, part) = (place as usize, place.fract());
            coarse[before] * (1.0 - part)
                + coarse[before + 1] * part
                + dice.normal(deviation * 0.15)
        })
        .collect()
}

fn sample(field: &DepthField, x: f32, y: f32) -> f32 {
    let width = field.width();
    let x = x.clamp(0.0, (width - 2) as f32);
    let y = y.clamp(0.0, (field.height() - 2) as f32);
    let (column, row) = (x as usize, y as usize);
    let (fx, fy) = (x - column as f32, y - row as f32);
    let start = row * width + column;
    let values = &field.values()[start..start + width + 2];
    let top = values[0] + (values[1] - values[0]) * fx;
    let bottom = values[width] + (values[width + 1] - values[width]) * fx;
    top + (bottom - top) * fy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::raster::Shape;

    fn product() -> DepthField {
        let mut field = DepthField::new(128 + 2 * MARGIN, 128 + 2 * MARGIN, false);
        field.add(&Shape::disc(Point::new(80.0, 90.0), 25.0));
        field
    }

    #[test]
    fn an_exposure_without_tolerance_shows_the_product_as_it_is() {
        let mut dice = Dice::new(1, 0);
        let none = Tolerance::random(&mut dice, 0.0);
        let seen = Exposure::new(&mut dice, 128, &none, true).contours(&product());
        let margin = MARGIN as i32;
        for y in 0..128 {
            for x in 0..128 {
                let exact = product().at(x + margin, y + margin);
                assert!((seen.at(x, y) - exact).abs() < 1e-3, "{x} {y}");
            }
        }
    }

    #[test]
    fn contours_stay_within_the_margin_of_the_product() {
        for stream in 0..20 {
            let mut dice = Dice::new(3, stream);
            let tolerance = Tolerance::random(&mut dice, 1.0);
            let exposure = Exposure::new(&mut dice, 640, &tolerance, true);
            let last = (640 + 2 * MARGIN) as f32;
            let inside = |value: f32| (0.0..last).contains(&value);
            // The node after the last pixel may look anywhere.
            let per_row = 640 / NODE_STEP + 2;
            for row in exposure.nodes.chunks(per_row).take(per_row - 1) {
                assert!(row[..per_row - 1].iter().all(|node| inside(node.x) && inside(node.y)));
            }
        }
    }
}
