use std::f32::consts::TAU;

use pairspec::frame::Rect;

use super::raster::{DepthField, Mask, Point, Shape};
use crate::dice::Dice;

/// Something painted by moving a round tip: copper that should not be there, or copper taken away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stroke {
    /// Where the tip touched, and its radius there.
    dabs: Vec<(Point, f32)>,
}

impl Stroke {
    /// A single touch.
    pub(crate) fn dab(centre: Point, radius: f32) -> Self {
        Self { dabs: vec![(centre, radius)] }
    }

    /// A line from `from` to `to` that strays by up to `stray` pixels; the radius goes from the first
    /// to the second.
    pub(crate) fn line(
        dice: &mut Dice,
        (from, to): (Point, Point),
        radius: (f32, f32),
        stray: f32,
    ) -> Self {
        let length = from.to(to).length();
        let side = from.to(to).unit().normal();
        let count = (length / (radius.0.min(radius.1) * 0.8).max(0.9)).ceil().max(1.0) as usize;
        let bow = dice.normal(stray);
        let knots: Vec<f32> = (0..5).map(|_| dice.normal(stray * 0.5)).collect();
        let dabs = (0..=count)
            .map(|index| {
                let part = index as f32 / count as f32;
                let place = part * 3.99;
                let knot = place as usize;
                let rough = knots[knot] + (knots[knot + 1] - knots[knot]) * place.fract();
                let off = 4.0 * part * (1.0 - part) * (bow + rough);
                let on = from.along(from.to(to), part).along(side, off);
                (on, radius.0 + (radius.1 - radius.0) * part)
            })
            .collect();
        Self { dabs }
    }

    /// A line that turns as it likes: `length` pixels from `start`, heading `angle` at first.
    pub(crate) fn scribble(
        dice: &mut Dice,
        (start, angle): (Point, f32),
        length: f32,
        radius: (f32, f32),
    ) -> Self {
        let mut stroke = Self::default();
        let (mut here, mut heading) = (start, angle);
        let mut bend = dice.normal(0.12);
        let step = (radius.0.min(radius.1) * 0.8).clamp(0.9, 3.0);
        let count = (length / step).ceil().max(1.0) as usize;
        for index in 0..=count {
            let part = index as f32 / count as f32;
            stroke.dabs.push((here, radius.0 + (radius.1 - radius.0) * part));
            if dice.chance(0.08) {
                bend = dice.normal(0.3);
            }
            if dice.chance(0.06) {
                heading += dice.normal(1.2);
            }
            heading += bend * step * 0.5;
            here = here.along(Point::towards(heading), step);
        }
        stroke
    }

    /// The same and another.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.dabs.extend(other.dabs);
        self
    }

    /// With single pixels along its rim, as a dry tip leaves them.
    pub(crate) fn ragged(mut self, dice: &mut Dice) -> Self {
        for index in 0..self.dabs.len() {
            let (centre, radius) = self.dabs[index];
            for _ in 0..dice.below(3) {
                let direction = Point::towards(dice.between(0.0, TAU));
                self.dabs.push((centre.along(direction, radius + dice.between(0.0, 1.8)), 0.6));
            }
        }
        self
    }

    /// Moved onto whole pixels, every `every`th touch only: the trace of a coarse square tip.
    pub(crate) fn stamped(mut self, every: usize) -> Self {
        let mut index = 0;
        self.dabs.retain(|_| {
            index += 1;
            index % every.max(1) == 0 || index == 1
        });
        for (centre, _) in &mut self.dabs {
            *centre = Point::new(centre.x.round(), centre.y.round());
        }
        self
    }

    /// The pixels painted, each perhaps several times.
    pub(crate) fn visit(&self, mut visit: impl FnMut(i32, i32)) {
        for (centre, radius) in &self.dabs {
            let reach = radius.ceil() as i32 + 1;
            let (cx, cy) = (centre.x.round() as i32, centre.y.round() as i32);
            for y in cy - reach..=cy + reach {
                for x in cx - reach..=cx + reach {
                    let offset = centre.to(Point::new(x as f32, y as f32));
                    let near = offset.dot(offset) <= radius * radius;
                    if near || (x, y) == (cx, cy) {
                        visit(x, y);
                    }
                }
            }
        }
    }

    /// First and last column and row painted: left, top, right, bottom, the last two exclusive.
    pub(crate) fn corners(&self) -> (i32, i32, i32, i32) {
        let mut corners = (i32::MAX, i32::MAX, i32::MIN, i32::MIN);
        self.visit(|x, y| {
            corners.0 = corners.0.min(x);
            corners.1 = corners.1.min(y);
            corners.2 = corners.2.max(x + 1);
            corners.3 = corners.3.max(y + 1);
        });
        corners
    }

    /// The rectangle around it grown by `margin`, cut at a frame of `size` pixels.
    pub(crate) fn bounds(&self, margin: i32, size: usize) -> Rect {
        let (left, top, right, bottom) = self.corners();
        let cut = |value: i32| value.clamp(0, size as i32) as u32;
        Rect::from_corners(
            cut(left - margin),
            cut(top - margin),
            cut(right + margin),
            cut(bottom + margin),
        )
    }

    /// Paints it pixel by pixel, without any softness.
    pub(crate) fn paint_on(&self, mask: &mut Mask, copper: bool) {
        self.visit(|x, y| mask.set(x, y, copper));
    }

    /// Paints it as contours, to be seen by a camera later.
    pub(crate) fn paint_into(&self, field: &mut DepthField, copper: bool) {
        for (centre, radius) in &self.dabs {
            field.paint(&Shape::disc(*centre, radius.max(0.9)), copper);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_every_painted_pixel() {
        let mut dice = Dice::new(4, 0);
        for _ in 0..50 {
            let start = (Point::new(40.0, 40.0), dice.between(0.0, 6.0));
            let stroke = Stroke::scribble(&mut dice, start, 30.0, (3.0, 1.0)).ragged(&mut dice);
            let bounds = stroke.bounds(0, 80);
            stroke.visit(|x, y| {
                if (0..80).contains(&x) && (0..80).contains(&y) {
                    assert!(bounds.contains((x as f32, y as f32)));
                }
            });
        }
    }
}
