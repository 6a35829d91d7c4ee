/// A position or a direction in pixels, x to the right and y down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// To the right.
    pub(crate) x: f32,
    /// Down.
    pub(crate) y: f32,
}

impl Point {
    /// From both coordinates.
    pub(crate) const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// The direction at `angle` radians, of length 1.
    pub(crate) fn towards(angle: f32) -> Self {
        Self::new(angle.cos(), angle.sin())
    }

    /// This point moved by `length` along `direction`.
    pub(crate) fn along(self, direction: Self, length: f32) -> Self {
        Self::new(self.x + direction.x * length, self.y + direction.y * length)
    }

    /// The vector from this point to `other`.
    pub(crate) fn to(self, other: Self) -> Self {
        Self::new(other.x - self.x, other.y - self.y)
    }

    /// Euclidean length.
    pub(crate) fn length(self) -> f32 {
        self.x.hypot(self.y)
    }

    /// The same direction with length 1; to the right when there is no direction.
    pub(crate) fn unit(self) -> Self {
        let length = self.length();
        if length < 1e-6 {
            return Self::new(1.0, 0.0);
        }
        Self::new(self.x / length, self.y / length)
    }

    /// Turned by a quarter.
    pub(crate) fn normal(self) -> Self {
        Self::new(-self.y, self.x)
    }

    /// Turned by `angle` radians.
    pub(crate) fn turned(self, angle: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self::new(self.x * cos - self.y * sin, self.x * sin + self.y * cos)
    }

    /// The scalar product.
    pub(crate) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }
}

/// A convex shape.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// A filled circle.
    Disc {
        /// Its centre.
        centre: Point,
        /// Pixels.
        radius: f32,
    },
    /// A rectangle in any direction, with round corners.
    Bar {
        /// Its centre.
        centre: Point,
        /// The direction of its length, of length 1.
        axis: Point,
        /// Half its length and half its width.
        half: (f32, f32),
        /// Radius of the corners, at most the smaller half.
        round: f32,
    },
    /// The area inside all of some half planes `(normal, offset)`: `normal . p <= offset`.
    Planes(Vec<(Point, f32)>),
}

impl Shape {
    /// A filled circle.
    pub(crate) const fn disc(centre: Point, radius: f32) -> Self {
        Self::Disc { centre, radius }
    }

    /// A line from `from` to `to` with round ends.
    pub(crate) fn capsule(from: Point, to: Point, width: f32) -> Self {
        Self::line((from, to), width, width / 2.0, width / 2.0)
    }

    /// A line that goes on for `extend` beyond both ends, with corners of radius `round`.
    pub(crate) fn line((from, to): (Point, Point), width: f32, extend: f32, round: f32) -> Self {
        let half = (from.to(to).length() / 2.0 + extend, width / 2.0);
        Self::Bar {
            centre: Point::new((from.x + to.x) / 2.0, (from.y + to.y) / 2.0),
            axis: from.to(to).unit(),
            half,
            round: round.min(half.0).min(half.1),
        }
    }

    /// A rectangle of `size` around `centre`, turned by `angle` radians.
    pub(crate) fn rectangle(centre: Point, size: (f32, f32), angle: f32, round: f32) -> Self {
        let half = (size.0 / 2.0, size.1 / 2.0);
        Self::Bar {
            centre,
            axis: Point::towards(angle),
            half,
            round: round.min(half.0).min(half.1),
        }
    }

    /// The convex polygon with these corners, in either order.
    pub(crate) fn polygon(corners: &[Point]) -> Self {
        let count = corners.len() as f32;
        let sum = corners.iter().fold(Point::new(0.0, 0.0), |sum, corner| sum.along(*corner, 1.0));
        let middle = Point::new(sum.x / count, sum.y / count);
        let side = |(index, &from): (usize, &Point)| {
            let to = corners[(index + 1) % corners.len()];
            let normal = from.to(to).unit().normal();
            let inward = normal.dot(from.to(middle)) > 0.0;
            let outward = if inward { Point::new(-normal.x, -normal.y) } else { normal };
            (outward, outward.dot(from))
        };
        Self::Planes(corners.iter().enumerate().map(side).collect())
    }

    /// How deep `point` lies inside, in pixels; negative outside.
    pub(crate) fn depth(&self, point: Point) -> f32 {
        match self {
            Self::Disc { centre, radius } => radius - centre.to(point).length(),
            Self::Bar { centre, axis, half, round } => {
                let offset = centre.to(point);
                let along = offset.dot(*axis).abs() - (half.0 - round);
                let across = offset.dot(axis.normal()).abs() - (half.1 - round);
                let outside = Point::new(along.max(0.0), across.max(0.0));
                round - along.max(across).min(0.0) - fast_length(outside)
            }
            Self::Planes(planes) => planes
                .iter()
                .map(|(normal, offset)| offset - normal.dot(point))
                .fold(f32::MAX, f32::min),
        }
    }

    /// The rows that may be less than `grow` outside, as real numbers.
    pub(crate) fn rows(&self, grow: f32) -> (f32, f32) {
        let (middle, reach) = match self {
            Self::Disc { centre, radius } => (centre.y, *radius),
            Self::Bar { centre, axis, half, .. } => {
                (centre.y, axis.y.abs() * half.0 + axis.x.abs() * half.1)
            }
            Self::Planes(_) => return (f32::MIN, f32::MAX),
        };
        (middle - reach - grow, middle + reach + grow)
    }

    /// The columns of row `y` that may be less than `grow` outside; none when there are none.
    ///
    /// With a negative `grow`, columns that are at least that deep inside, perhaps not all of them.
    pub(crate) fn span(&self, y: f32, grow: f32) -> Option<(f32, f32)> {
        match self {
            Self::Disc { centre, radius } => {
                let (reach, dy) = (radius + grow, y - centre.y);
                let squared = reach * reach - dy * dy;
                (reach > 0.0 && squared > 0.0).then(|| {
                    let half = squared.sqrt();
                    (centre.x - half, centre.x + half)
                })
            }
            Self::Bar { centre, axis, half, round } => {
                // Inside, the round corners hold less than the rectangle does: 1 - 1/sqrt(2).
                let corner = if grow < 0.0 { 0.293 * (round + grow).max(0.0) } else { 0.0 };
                let normal = axis.normal();
                let (middle, across) = (centre.dot(*axis), centre.dot(normal));
                let (long, wide) = (half.0 + grow - corner, half.1 + grow - corner);
                let back = |direction: &Point| Point::new(-direction.x, -direction.y);
                cut(
                    [
                        (*axis, middle + long),
                        (back(axis), long - middle),
                        (normal, across + wide),
                        (back(&normal), wide - across),
                    ]
                    .into_iter(),
                    y,
                )
            }
            Self::Planes(planes) => {
                cut(planes.iter().map(|(normal, offset)| (*normal, offset + grow)), y)
            }
        }
    }

    /// The same shape grown by `by` on all sides.
    pub(crate) fn grown(&self, by: f32) -> Self {
        match self {
            Self::Disc { centre, radius } => Self::disc(*centre, (radius + by).max(0.0)),
            Self::Bar { centre, axis, half, round } => Self::Bar {
                centre: *centre,
                axis: *axis,
                half: ((half.0 + by).max(0.0), (half.1 + by).max(0.0)),
                round: (round + by).max(0.0),
            },
            Self::Planes(planes) => {
                Self::Planes(planes.iter().map(|(normal, offset)| (*normal, offset + by)).collect())
            }
        }
    }

    /// The same shape after a movement of the plane that keeps lengths: where the origin goes, and
    /// how directions change.
    pub(crate) fn mapped(&self, place: impl Fn(Point) -> Point) -> Self {
        let origin = place(Point::new(0.0, 0.0));
        let direction = |vector: Point| origin.to(place(vector));
        match self {
            Self::Disc { centre, radius } => Self::disc(place(*centre), *radius),
            Self::Bar { centre, axis, half, round } => Self::Bar {
                centre: place(*centre),
                axis: direction(*axis),
                half: *half,
                round: *round,
            },
            Self::Planes(planes) => Self::Planes(
                planes
                    .iter()
                    .map(|(normal, offset)| {
                        let turned = direction(*normal);
                        let on = place(Point::new(normal.x * offset, normal.y * offset));
                        (turned, turned.dot(on))
                    })
                    .collect(),
            ),
        }
    }

    /// The same shape moved by `by`.
    pub(crate) fn moved(&self, by: Point) -> Self {
        self.mapped(|point| point.along(by, 1.0))
    }
}

/// The part of row `y` inside all half planes.
fn cut(planes: impl Iterator<Item = (Point, f32)>, y: f32) -> Option<(f32, f32)> {
    let (mut left, mut right) = (-1e6_f32, 1e6_f32);
    for (normal, offset) in planes {
        let rest = offset - normal.y * y;
        if normal.x.abs() < 1e-6 {
            if rest < 0.0 {
                return None;
            }
        } else if normal.x > 0.0 {
            right = right.min(rest / normal.x);
        } else {
            left = left.max(rest / normal.x);
        }
    }
    (left < right).then_some((left, right))
}

/// `hypot` guards against overflow that cannot happen here, and is several times slower.
fn fast_length(vector: Point) -> f32 {
    vector.dot(vector).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> Vec<Shape> {
        let at = Point::new;
        vec![
            Shape::disc(at(20.0, 21.0), 9.0),
            Shape::capsule(at(8.0, 9.0), at(30.0, 25.0), 8.0),
            Shape::line((at(8.0, 20.0), at(30.0, 20.0)), 12.0, 2.0, 1.0),
            Shape::rectangle(at(20.0, 20.0), (20.0, 10.0), 0.4, 3.0),
            Shape::polygon(&[at(5.0, 5.0), at(35.0, 8.0), at(30.0, 33.0), at(9.0, 30.0)]),
        ]
    }

    #[test]
    fn outer_spans_hold_every_pixel_near_the_shape() {
        for shape in shapes() {
            for y in 0..40 {
                let rows = shape.rows(3.0);
                let within = rows.0 <= y as f32 && y as f32 <= rows.1;
                let span = shape.span(y as f32, 3.0).filter(|_| within);
                for x in 0..40 {
                    if shape.depth(Point::new(x as f32, y as f32)) > -3.0 {
                        let (left, right) = span.unwrap_or((1.0, 0.0));
                        assert!(left <= x as f32 && x as f32 <= right, "{shape:?} {x} {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn inner_spans_hold_only_deep_pixels() {
        for shape in shapes() {
            for y in 0..40 {
                let Some((left, right)) = shape.span(y as f32, -3.0) else { continue };
                for x in (0..40).filter(|&x| left <= x as f32 && x as f32 <= right) {
                    let depth = shape.depth(Point::new(x as f32, y as f32));
                    assert!(depth >= 2.99, "{shape:?} {x} {y}: {depth}");
                }
            }
        }
    }

    #[test]
    fn depth_is_the_distance_to_the_contour() {
        let bar = Shape::line((Point::new(0.0, 0.0), Point::new(10.0, 0.0)), 4.0, 0.0, 0.0);
        assert_eq!(bar.depth(Point::new(5.0, 0.0)), 2.0);
        assert_eq!(bar.depth(Point::new(5.0, 5.0)), -3.0);
        assert_eq!(bar.depth(Point::new(13.0, 6.0)), -5.0);
    }
}
