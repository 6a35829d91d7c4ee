use crate::dice::Dice;
use crate::synth::raster::{DepthField, Point, Shape};

/// Side of a cell of the plan of free room, pixels.
const CELL: usize = 4;

/// What the photographic mask of a board shows: copper, drill holes and what is free.
///
/// Scenes draw in their own orientation; the layout turns and mirrors what they draw.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    copper: DepthField,
    holes: Vec<Shape>,
    features: Vec<&'static str>,
    symmetry: Symmetry,
    cells: usize,
    taken: Vec<bool>,
}

impl Layout {
    /// A square of `extent` pixels, all bare or all copper, turned at random.
    pub(crate) fn new(dice: &mut Dice, extent: usize, full: bool) -> Self {
        let cells = extent.div_ceil(CELL);
        Self {
            copper: DepthField::new(extent, extent, full),
            holes: Vec::new(),
            features: Vec::new(),
            symmetry: Symmetry::random(dice, extent),
            cells,
            taken: vec![false; cells * cells],
        }
    }

    /// Side of the square, pixels.
    pub(crate) fn extent(&self) -> f32 {
        self.copper.width() as f32
    }

    /// The copper as etched, without the holes.
    pub(crate) fn copper(&self) -> &DepthField {
        &self.copper
    }

    /// For changes of the copper after all scenes are drawn.
    pub(crate) fn copper_mut(&mut self) -> &mut DepthField {
        &mut self.copper
    }

    /// Drill holes: made in a step of their own, and therefore never quite in place.
    pub(crate) fn holes(&self) -> &[Shape] {
        &self.holes
    }

    /// What a caption may name, the first drawn first.
    pub(crate) fn features(&self) -> &[&'static str] {
        &self.features
    }

    /// Adds copper.
    pub(crate) fn add(&mut self, shape: &Shape) {
        self.copper.add(&shape.mapped(|point| self.symmetry.place(point)));
    }

    /// Takes copper away.
    pub(crate) fn cut(&mut self, shape: &Shape) {
        self.copper.cut(&shape.mapped(|point| self.symmetry.place(point)));
    }

    /// Drills a hole.
    pub(crate) fn drill(&mut self, centre: Point, radius: f32) {
        self.holes.push(Shape::disc(self.symmetry.place(centre), radius));
    }

    /// Notes something that a caption may name.
    pub(crate) fn note(&mut self, feature: &'static str) {
        if !self.features.contains(&feature) {
            self.features.push(feature);
        }
    }

    /// Whether nothing was claimed within `clearance` of a shape.
    pub(crate) fn is_free(&self, shape: &Shape, clearance: f32) -> bool {
        let mut free = true;
        self.visit(shape, clearance, |cell| free &= !self.taken[cell]);
        free
    }

    /// Claims the room of a shape.
    pub(crate) fn claim(&mut self, shape: &Shape) {
        let mut cells = Vec::new();
        self.visit(shape, 0.0, |cell| cells.push(cell));
        cells.into_iter().for_each(|cell| self.taken[cell] = true);
    }

    /// Adds copper and claims its room.
    pub(crate) fn put(&mut self, shape: &Shape) {
        self.claim(shape);
        self.add(shape);
    }

    fn visit(&self, shape: &Shape, grow: f32, mut visit: impl FnMut(usize)) {
        let last = self.cells - 1;
        let reach = grow + CELL as f32;
        let (top, bottom) = shape.rows(reach);
        let top = top.max(0.0) as usize / CELL;
        let bottom = (bottom.max(0.0) as usize / CELL + 1).min(self.cells);
        for row in top..bottom {
            let y = (row * CELL) as f32 + CELL as f32 / 2.0;
            let Some((left, right)) = shape.span(y, grow + CELL as f32 / 2.0) else { continue };
            if right < 0.0 || left > self.extent() {
                continue;
            }
            let left = (left.max(0.0) as usize / CELL).min(last);
            let right = (right.max(0.0) as usize / CELL).min(last);
            (left..=right).for_each(|column| visit(row * self.cells + column));
        }
    }
}

/// One of the eight ways to lay a square on itself.
#[derive(Debug, Clone, Copy)]
struct Symmetry {
    swap: bool,
    flip_x: bool,
    flip_y: bool,
    last: f32,
}

impl Symmetry {
    fn random(dice: &mut Dice, extent: usize) -> Self {
        let last = extent as f32 - 1.0;
        Self { swap: dice.chance(0.5), flip_x: dice.chance(0.5), flip_y: dice.chance(0.5), last }
    }

    fn place(&self, point: Point) -> Point {
        let (x, y) = if self.swap { (point.y, point.x) } else { (point.x, point.y) };
        let flip = |flip: bool, value: f32| if flip { self.last - value } else { value };
        Point::new(flip(self.flip_x, x), flip(self.flip_y, y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claimed_room_is_not_free_and_room_beyond_the_clearance_is() {
        let mut layout = Layout::new(&mut Dice::new(1, 1), 200, false);
        layout.put(&Shape::disc(Point::new(100.0, 100.0), 20.0));
        assert!(!layout.is_free(&Shape::disc(Point::new(130.0, 100.0), 5.0), 8.0));
        assert!(layout.is_free(&Shape::disc(Point::new(150.0, 100.0), 5.0), 8.0));
    }

    #[test]
    fn turned_layouts_hold_the_same_amount_of_copper() {
        let counts: Vec<usize> = (0..16)
            .map(|stream| {
                let mut layout = Layout::new(&mut Dice::new(1, stream), 120, false);
                let (from, to) = (Point::new(10.0, 20.0), Point::new(90.0, 45.0));
                layout.add(&Shape::line((from, to), 11.0, 0.0, 2.0));
                layout.copper().mask().count()
            })
            .collect();
        assert!(counts.iter().all(|count| count.abs_diff(counts[0]) <= 12), "{counts:?}");
    }
}
