use super::fault::BoardFault;
use crate::dice::Dice;
use crate::synth::raster::{DepthField, Mask, Point};
use crate::synth::stroke::Stroke;

/// Parts smaller than this many pixels are crumbs, not nets.
const CRUMB: usize = 12;
/// Pixels around a stroke within which topology is counted.
const SURROUNDINGS: i32 = 12;
/// Faults keep this distance from the frame's edges, pixels.
const EDGE: i32 = 4;
/// Rows between those searched for contours.
const ROW_STEP: usize = 3;

/// A board on which faults are to be placed.
#[derive(Debug)]
pub(crate) struct Site {
    depth: DepthField,
    mask: Mask,
    contour: Vec<(u16, u16)>,
    taken: Vec<(i32, i32, i32, i32)>,
}

/// A place on the contour of copper, and what surrounds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    /// The last pixel of copper.
    pub(crate) place: Point,
    /// Away from the copper, of length 1.
    pub(crate) outward: Point,
}

impl Site {
    /// A board with these contours.
    pub(crate) fn new(depth: DepthField) -> Self {
        let mask = depth.mask();
        let width = mask.width();
        let mut contour = Vec::new();
        for y in (1..mask.height() - 1).step_by(ROW_STEP) {
            for x in 1..width - 1 {
                let place = y * width + x;
                let bits = mask.bits();
                let beside = bits[place - 1] && bits[place + 1];
                if bits[place] && !(beside && bits[place - width] && bits[place + width]) {
                    contour.push((x as u16, y as u16));
                }
            }
        }
        Self { depth, mask, contour, taken: Vec::new() }
    }

    /// The contours, with what was painted softly.
    pub(crate) fn into_depth(self) -> DepthField {
        self.depth
    }

    /// A place on the contour, if there is copper with a contour at all.
    pub(crate) fn spot(&self, dice: &mut Dice) -> Option<Spot> {
        if self.contour.is_empty() {
            return None;
        }
        let (x, y) = *dice.pick(&self.contour);
        let outward = self.depth.outward(i32::from(x), i32::from(y));
        Some(Spot { place: Point::new(f32::from(x), f32::from(y)), outward })
    }

    /// Any pixel, and whether it is copper.
    pub(crate) fn anywhere(&self, dice: &mut Dice) -> (Point, bool) {
        let (x, y) = (dice.below(self.mask.width()), dice.below(self.mask.height()));
        (Point::new(x as f32, y as f32), self.mask.at(x as i32, y as i32))
    }

    /// How many pixels from `start` on are copper, or bare; none when the frame ends before they do or
    /// after `limit` pixels.
    pub(crate) fn run(
        &self,
        start: Point,
        direction: Point,
        copper: bool,
        limit: f32,
    ) -> Option<f32> {
        let mut length = 1.0;
        while length <= limit {
            let here = start.along(direction, length);
            let (x, y) = (here.x.round() as i32, here.y.round() as i32);
            if x < 0 || y < 0 || x >= self.mask.width() as i32 || y >= self.mask.height() as i32 {
                return None;
            }
            if self.mask.at(x, y) != copper {
                return Some(length);
            }
            length += 1.0;
        }
        None
    }

    /// Whether every pixel of a stroke is at least `least` deep in copper, or in bare board.
    pub(crate) fn is_within(&self, stroke: &Stroke, copper: bool, least: f32) -> bool {
        let mut within = true;
        stroke.visit(|x, y| {
            let depth = self.depth.at(x, y);
            within &= if copper { depth >= least } else { depth <= -least };
        });
        within
    }

    /// Whether a stroke lies inside the frame, apart from the strokes before, and is the fault it
    /// should be.
    pub(crate) fn accepts(&self, stroke: &Stroke, fault: BoardFault) -> bool {
        let (left, top, right, bottom) = stroke.corners();
        let size = (self.mask.width() as i32, self.mask.height() as i32);
        let inside =
            left >= EDGE && top >= EDGE && right <= size.0 - EDGE && bottom <= size.1 - EDGE;
        let apart = self.taken.iter().all(|other| {
            left > other.2 + 6 || other.0 > right + 6 || top > other.3 + 6 || other.1 > bottom + 6
        });
        inside && apart && self.is_a(stroke, fault)
    }

    /// Whether painting a stroke changes the topology around it as the fault does by definition.
    fn is_a(&self, stroke: &Stroke, fault: BoardFault) -> bool {
        let (left, top, right, bottom) = stroke.corners();
        let near = SURROUNDINGS;
        let start = ((left - near).max(0), (top - near).max(0));
        let before = self.mask.window(start, (right + near, bottom + near));
        let mut after = before.clone();
        stroke.visit(|x, y| after.set(x - start.0, y - start.1, fault.adds()));
        let changed = before.bits().iter().zip(after.bits()).filter(|(a, b)| a != b).count();
        Topology::of(&before).becomes(&Topology::of(&after), fault) && changed >= 18
    }

    /// Paints a stroke; softly means that the contours change and a camera will see them.
    pub(crate) fn paint(&mut self, stroke: &Stroke, fault: BoardFault, softly: bool) {
        if softly {
            stroke.paint_into(&mut self.depth, fault.adds());
        }
        stroke.paint_on(&mut self.mask, fault.adds());
        self.taken.push(stroke.corners());
    }
}

/// How many nets and how many bare areas there are, crumbs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topology {
    /// Connected parts of copper.
    pub(crate) nets: usize,
    /// Connected parts without copper.
    pub(crate) bare: usize,
}

impl Topology {
    /// Of a picture of copper.
    pub(crate) fn of(mask: &Mask) -> Self {
        Self { nets: mask.parts(true, CRUMB), bare: mask.parts(false, CRUMB) }
    }

    /// Whether `fault` leads from this topology to `after`.
    pub(crate) fn becomes(&self, after: &Self, fault: BoardFault) -> bool {
        match fault {
            BoardFault::Open => after.nets > self.nets,
            BoardFault::Short => after.nets < self.nets,
            BoardFault::Mousebite | BoardFault::Spur => self == after,
            BoardFault::Copper => after.nets == self.nets + 1 && after.bare == self.bare,
            BoardFault::PinHole => after.bare == self.bare + 1 && after.nets == self.nets,
        }
    }
}
