use pairspec::frame::Pixels;
use pairspec::frame::Rect;

use super::camera::{Exposure, MARGIN, Tolerance};
use super::photo::{Colour, Layer, Photo, Subject};
use super::raster::{DepthField, Point, Shape, SmoothField};
use super::{Config, Style};
use crate::dice::Dice;

/// One material of a product, drawn flat.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// Where it is, [`MARGIN`] beyond the frame on each side.
    pub(crate) field: DepthField,
    /// What it looks like.
    pub(crate) colour: Colour,
}

impl Sheet {
    /// A sheet for frames of `size` pixels with these shapes on it.
    pub(crate) fn new(size: usize, colour: Colour, shapes: &[Shape]) -> Self {
        let extent = size + 2 * MARGIN;
        let mut field = DepthField::new(extent, extent, false);
        shapes.iter().for_each(|shape| field.add(shape));
        Self { field, colour }
    }
}

/// The place where both frames of a pair are taken.
#[derive(Debug)]
pub(crate) struct Stage {
    style: Style,
    size: usize,
    strength: f32,
    ground: Colour,
    tolerance: Tolerance,
    texture: SmoothField,
}

impl Stage {
    /// A stage with a ground of this colour.
    pub(crate) fn new(dice: &mut Dice, config: &Config, style: Style, ground: Colour) -> Self {
        let strength = config.benign;
        Self {
            style,
            size: config.size,
            strength,
            ground,
            tolerance: Tolerance::random(dice, strength),
            texture: {
                let step = dice.log_between(3.0, 40.0);
                let deviation = strength * dice.between(0.0, 4.0);
                SmoothField::new(dice, config.size, step, deviation)
            },
        }
    }

    /// How the product lies before the camera; the reference is not moved.
    pub(crate) fn expose(&self, dice: &mut Dice, moved: bool) -> Exposure {
        Exposure::new(dice, self.size, &self.tolerance, moved)
    }

    /// Takes the picture of sheets that lie on each other, the lowest first.
    pub(crate) fn take(&self, dice: &mut Dice, exposure: &Exposure, sheets: &[Sheet]) -> Pixels {
        let contours: Vec<DepthField> = sheets
            .iter()
            .map(|sheet| {
                let mut contours = exposure.contours(&sheet.field);
                exposure.roughen(dice, &mut contours);
                contours
            })
            .collect();
        let layers = contours
            .iter()
            .zip(sheets)
            .map(|(contours, sheet)| Layer { contours, colour: sheet.colour })
            .collect();
        let subject = Subject { ground: self.ground, layers, texture: &self.texture };
        Photo::random(dice, self.size, self.strength).take(dice, &subject, self.style)
    }

    /// The box around what is between two corners of the product, as `exposure` shows it; none where
    /// less than `least` pixels each way are inside the frame.
    pub(crate) fn bounds(
        &self,
        exposure: &Exposure,
        area: Area,
        (margin, least): (f32, u32),
    ) -> Option<Rect> {
        let (from, to) = (exposure.shown(area.from), exposure.shown(area.to));
        let cut = |value: f32| value.clamp(0.0, self.size as f32) as u32;
        let core = Rect::from_corners(cut(from.x), cut(from.y), cut(to.x), cut(to.y));
        (core.width >= least && core.height >= least).then(|| {
            Rect::from_corners(
                cut(from.x - margin),
                cut(from.y - margin),
                cut(to.x + margin + 1.0),
                cut(to.y + margin + 1.0),
            )
        })
    }
}

/// An upright rectangle on a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    /// Its top left corner.
    pub(crate) from: Point,
    /// Its bottom right corner.
    pub(crate) to: Point,
}

impl Area {
    /// A rectangle of this size around a centre.
    pub(crate) fn around(centre: Point, width: f32, height: f32) -> Self {
        let half = Point::new(width / 2.0, height / 2.0);
        Self { from: centre.along(half, -1.0), to: centre.along(half, 1.0) }
    }

    /// The smallest around both.
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            from: Point::new(self.from.x.min(other.from.x), self.from.y.min(other.from.y)),
            to: Point::new(self.to.x.max(other.to.x), self.to.y.max(other.to.y)),
        }
    }

    /// The same moved by a vector.
    pub(crate) fn moved(self, by: Point) -> Self {
        Self { from: self.from.along(by, 1.0), to: self.to.along(by, 1.0) }
    }

    /// The same, larger by `by` on each side.
    pub(crate) fn grown(self, by: f32) -> Self {
        let step = Point::new(by, by);
        Self { from: self.from.along(step, -1.0), to: self.to.along(step, 1.0) }
    }

    /// The middle.
    pub(crate) fn centre(self) -> Point {
        Point::new((self.from.x + self.to.x) / 2.0, (self.from.y + self.to.y) / 2.0)
    }

    /// Width and height.
    pub(crate) fn size(self) -> (f32, f32) {
        (self.to.x - self.from.x, self.to.y - self.from.y)
    }

    /// Whether both have a point in common.
    pub(crate) fn touches(self, other: Self) -> bool {
        self.from.x < other.to.x
            && other.from.x < self.to.x
            && self.from.y < other.to.y
            && other.from.y < self.to.y
    }
}
