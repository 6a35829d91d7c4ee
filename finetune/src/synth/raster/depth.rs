use super::{Mask, Point, Shape};

/// Depths beyond this many pixels are not told apart.
pub(crate) const BAND: f32 = 4.0;

/// The depth of each pixel inside a union of shapes.
#[derive(Debug, Clone)]
pub(crate) struct DepthField {
    width: usize,
    height: usize,
    depth: Vec<f32>,
}

impl DepthField {
    /// Nothing inside, or everything when `full`.
    pub(crate) fn new(width: usize, height: usize, full: bool) -> Self {
        let value = if full { BAND } else { -BAND };
        Self { width, height, depth: vec![value; width * height] }
    }

    /// Columns.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// Row by row.
    pub(crate) fn values(&self) -> &[f32] {
        &self.depth
    }

    /// One row.
    pub(crate) fn row_mut(&mut self, y: usize) -> &mut [f32] {
        &mut self.depth[y * self.width..(y + 1) * self.width]
    }

    /// The depth at a pixel; those outside the field are as deep as the nearest inside.
    pub(crate) fn at(&self, x: i32, y: i32) -> f32 {
        let x = x.clamp(0, self.width as i32 - 1) as usize;
        let y = y.clamp(0, self.height as i32 - 1) as usize;
        self.depth[y * self.width + x]
    }

    /// The direction in which depth falls, of length 1.
    pub(crate) fn outward(&self, x: i32, y: i32) -> Point {
        let slope = |dx: i32, dy: i32| self.at(x - dx, y - dy) - self.at(x + dx, y + dy);
        Point::new(slope(2, 0) + slope(1, 0), slope(0, 2) + slope(0, 1)).unit()
    }

    /// Puts a shape in.
    pub(crate) fn add(&mut self, shape: &Shape) {
        self.draw(shape, BAND, |old, depth| {
            if depth > *old {
                *old = depth
            }
        });
    }

    /// Takes a shape away.
    pub(crate) fn cut(&mut self, shape: &Shape) {
        self.draw(shape, -BAND, |old, depth| {
            if -depth < *old {
                *old = -depth
            }
        });
    }

    /// Adds or takes away.
    pub(crate) fn paint(&mut self, shape: &Shape, add: bool) {
        if add { self.add(shape) } else { self.cut(shape) }
    }

    /// The pixels inside.
    pub(crate) fn mask(&self) -> Mask {
        Mask::new(self.width, self.depth.iter().map(|depth| *depth > 0.0).collect())
    }

    fn draw(&mut self, shape: &Shape, inside: f32, mut set: impl FnMut(&mut f32, f32)) {
        let (top, bottom) = shape.rows(BAND);
        let top = top.ceil().max(0.0) as usize;
        // A number below 0 becomes 0 here, and there is no row then.
        let bottom = ((bottom.floor() + 1.0) as usize).min(self.height);
        for y in top..bottom {
            let Some(outer) = self.columns(shape, y, BAND) else { continue };
            let inner = self
                .columns(shape, y, -BAND)
                .filter(|inner| inner.0 >= outer.0 && inner.1 <= outer.1)
                .unwrap_or((outer.1, outer.1));
            let row = &mut self.depth[y * self.width..(y + 1) * self.width];
            row[inner.0..inner.1].fill(inside);
            for x in (outer.0..inner.0).chain(inner.1..outer.1) {
                let depth = shape.depth(Point::new(x as f32, y as f32));
                set(&mut row[x], depth.clamp(-BAND, BAND));
            }
        }
    }

    fn columns(&self, shape: &Shape, y: usize, grow: f32) -> Option<(usize, usize)> {
        let (left, right) = shape.span(y as f32, grow)?;
        let left = left.ceil().max(0.0) as usize;
        let right = (right.floor() + 1.0).clamp(0.0, self.width as f32) as usize;
        (left < right).then_some((left, right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanned_shapes_equal_shapes_evaluated_everywhere() {
        let shapes = [
            Shape::capsule(Point::new(-5.0, 10.0), Point::new(60.0, 45.0), 13.0),
            Shape::disc(Point::new(30.0, 30.0), 20.0),
            Shape::rectangle(Point::new(40.0, 20.0), (30.0, 22.0), 1.0, 6.0),
        ];
        for shape in shapes {
            let mut field = DepthField::new(64, 64, false);
            field.add(&shape);
            for y in 0..64 {
                for x in 0..64 {
                    let exact = shape.depth(Point::new(x as f32, y as f32)).clamp(-BAND, BAND);
                    assert!((field.at(x, y) - exact).abs() < 1e-3, "{shape:?} {x} {y}");
                }
            }
        }
    }

    #[test]
    fn what_is_added_and_cut_leaves_no_copper() {
        let disc = Shape::disc(Point::new(20.0, 20.0), 9.0);
        let mut field = DepthField::new(40, 40, false);
        field.add(&disc);
        assert!(field.mask().count() > 200);
        field.cut(&disc.grown(1.0));
        assert_eq!(field.mask().count(), 0);
    }
}
