use std::f32::consts::TAU;

use crate::dice::Dice;
use crate::synth::raster::{Point, Shape};
use crate::synth::stage::Area;

/// Corners of the polygons that stand for ellipses.
const CORNERS: usize = 72;

/// A closure on its seat.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    /// The middle of the seat.
    pub(crate) centre: Point,
    /// Outer radius of the part.
    pub(crate) radius: f32,
    /// What kind of part it is.
    pub(crate) part: Part,
    /// Bolts around it: their distance from the centre, their radius, their number.
    pub(crate) bolts: (f32, f32, usize),
    /// The angle of the first bolt, radians.
    pub(crate) angle: f32,
}

/// What closes the seat.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// A screw cap with ridges around its rim; how many, and the share of the radius inside the rim.
    Cap { ridges: usize, inner: f32 },
    /// A ring that seals; the share of the radius that is open.
    Gasket { inner: f32 },
}

/// How a part lies: where, and how far it is squeezed along which direction by being tilted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pose {
    pub(crate) shift: Point,
    pub(crate) squeeze: f32,
    pub(crate) direction: f32,
}

impl Pose {
    /// As it should be.
    pub(crate) const LEVEL: Self =
        Self { shift: Point::new(0.0, 0.0), squeeze: 1.0, direction: 0.0 };

    /// Beside the seat by at least a tenth of the radius, or tilted by at least 25 degrees.
    pub(crate) fn crooked(dice: &mut Dice, radius: f32) -> Self {
        let tilted = dice.chance(0.6);
        let far = radius * if tilted { dice.between(0.04, 0.12) } else { dice.between(0.12, 0.3) };
        let direction = dice.between(0.0, TAU);
        Self {
            shift: Point::new(0.0, 0.0).along(Point::towards(direction), far),
            squeeze: if tilted { dice.between(0.7, 0.9) } else { 1.0 },
            direction,
        }
    }
}

impl Design {
    /// A closure that fills about half of a square of `extent` pixels.
    pub(crate) fn random(dice: &mut Dice, extent: f32) -> Self {
        let radius = extent * dice.between(0.17, 0.33);
        let part = if dice.chance(0.55) {
            Part::Cap { ridges: dice.whole(16, 48), inner: dice.between(0.72, 0.88) }
        } else {
            Part::Gasket { inner: dice.between(0.62, 0.86) }
        };
        Self {
            centre: Point::new(
                extent * dice.between(0.44, 0.56),
                extent * dice.between(0.44, 0.56),
            ),
            radius,
            part,
            bolts: (
                radius * dice.between(1.25, 1.45),
                radius * dice.between(0.07, 0.14),
                dice.whole(0, 8),
            ),
            angle: dice.between(0.0, TAU),
        }
    }

    /// The area of the part in a pose.
    pub(crate) fn area(&self, pose: &Pose) -> Area {
        let centre = self.centre.along(pose.shift, 1.0);
        Area::around(centre, 2.0 * self.radius, 2.0 * self.radius)
    }

    /// The raised seat and the bolts.
    pub(crate) fn seat(&self) -> Vec<Shape> {
        let (distance, size, count) = self.bolts;
        let bolt = |index: usize| {
            let angle = self.angle + TAU * index as f32 / count as f32;
            Shape::disc(self.centre.along(Point::towards(angle), distance), size)
        };
        (0..count).map(bolt).chain([Shape::disc(self.centre, self.radius * 1.1)]).collect()
    }

    /// The opening under the part.
    pub(crate) fn opening(&self) -> Vec<Shape> {
        vec![Shape::disc(self.centre, self.radius * 0.78)]
    }

    /// The body of the part; a gasket is what remains of it around [`Design::inside`].
    pub(crate) fn body(&self, pose: &Pose) -> Vec<Shape> {
        let mut shapes = vec![self.ellipse(pose, 1.0)];
        if let Part::Cap { ridges, .. } = self.part {
            for index in 0..ridges {
                let angle = self.angle + TAU * index as f32 / ridges as f32;
                let rim = self.at(pose, angle, 1.0);
                shapes.push(Shape::disc(rim, self.radius * 0.045));
            }
        }
        shapes
    }

    /// What lies within the rim: the top of a cap, or the hole of a gasket.
    pub(crate) fn inside(&self, pose: &Pose) -> Vec<Shape> {
        let (Part::Cap { inner, .. } | Part::Gasket { inner }) = self.part;
        vec![self.ellipse(pose, inner)]
    }

    /// Embossed lines on a cap, or the sealing lip of a gasket.
    pub(crate) fn relief(&self, pose: &Pose) -> Vec<Shape> {
        let arc = |share: f32, width: f32| -> Vec<Shape> {
            let place = |index: usize| self.at(pose, TAU * index as f32 / CORNERS as f32, share);
            (0..CORNERS)
                .map(|index| Shape::capsule(place(index), place(index + 1), width))
                .collect()
        };
        match self.part {
            Part::Cap { inner, .. } => {
                let mut shapes = arc(inner * 0.86, self.radius * 0.025);
                let ends = [0.0, 0.5].map(|turn| self.at(pose, self.angle + TAU * turn, 0.35));
                shapes.push(Shape::capsule(ends[0], ends[1], self.radius * 0.13));
                shapes
            }
            Part::Gasket { inner } => arc((1.0 + inner) / 2.0, self.radius * (1.0 - inner) * 0.22),
        }
    }

    /// Any place on the part, in its level pose.
    pub(crate) fn somewhere(&self, dice: &mut Dice) -> Point {
        let share = match self.part {
            Part::Cap { .. } => dice.between(0.1, 0.85),
            Part::Gasket { inner } => dice.between(inner + 0.03, 0.97),
        };
        self.at(&Pose::LEVEL, dice.between(0.0, TAU), share)
    }

    fn at(&self, pose: &Pose, angle: f32, share: f32) -> Point {
        let flat = Point::towards(angle - pose.direction);
        let squeezed = Point::new(flat.x * pose.squeeze, flat.y).turned(pose.direction);
        self.centre.along(pose.shift, 1.0).along(squeezed, self.radius * share)
    }

    fn ellipse(&self, pose: &Pose, share: f32) -> Shape {
        if pose.squeeze == 1.0 {
            return Shape::disc(self.centre.along(pose.shift, 1.0), self.radius * share);
        }
        let corner = |index: usize| self.at(pose, TAU * index as f32 / CORNERS as f32, share);
        Shape::polygon(&(0..CORNERS).map(corner).collect::<Vec<_>>())
    }
}
