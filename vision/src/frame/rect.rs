use serde::{Deserialize, Serialize};

/// An axis-parallel rectangle of pixels; `x` and `y` are the top left corner, counted from 0.
///
/// Serialised as `[x, y, width, height]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "[u32; 4]", into = "[u32; 4]")]
pub struct Rect {
    /// Leftmost column.
    pub x: u32,
    /// Topmost row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Rect {
    /// A rectangle from its top left corner and size.
    pub const fn new(x: u32, y: u32, width: u32, height: u32) -> Self {
        Self { x, y, width, height }
    }

    /// The rectangle between two corners; `right` and `bottom` are exclusive, and a reversed pair
    /// gives an empty rectangle.
    pub const fn from_corners(left: u32, top: u32, right: u32, bottom: u32) -> Self {
        Self::new(left, top, right.saturating_sub(left), bottom.saturating_sub(top))
    }

    /// One past the last column.
    pub const fn right(&self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// One past the last row.
    pub const fn bottom(&self) -> u32 {
        self.y.saturating_add(self.height)
    }

    /// Pixels inside.
    pub const fn area(&self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Whether nothing is inside.
    pub const fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// The centre, in pixels; `(x + width / 2, y + height / 2)`.
    pub fn centre(&self) -> (f32, f32) {
        (self.x as f32 + self.width as f32 / 2.0, self.y as f32 + self.height as f32 / 2.0)
    }

    /// Whether a point lies inside; the right and bottom edges do not belong to the rectangle.
    pub fn contains(&self, (x, y): (f32, f32)) -> bool {
        x >= self.x as f32
            && y >= self.y as f32
            && x < self.right() as f32
            && y < self.bottom() as f32
    }

    /// The part inside both, possibly empty.
    pub fn intersection(&self, other: &Self) -> Self {
        Self::from_corners(
            self.x.max(other.x),
            self.y.max(other.y),
            self.right().min(other.right()),
            self.bottom().min(other.bottom()),
        )
    }

    /// The smallest rectangle around both.
    pub fn union(&self, other: &Self) -> Self {
        Self::from_corners(
            self.x.min(other.x),
            self.y.min(other.y),
            self.right().max(other.right()),
            self.bottom().max(other.bottom()),
        )
    }

    /// Intersection over union, from 0 (apart, or either empty) to 1 (equal).
    pub fn iou(&self, other: &Self) -> f32 {
        let common = self.intersection(other).area();
        if common == 0 {
            return 0.0;
        }
        common as f32 / (self.area() + other.area() - common) as f32
    }

    /// Grown by `margin` pixels on each side, cut at 0 but not at any frame's far edges.
    pub fn grown(&self, margin: u32) -> Self {
        Self::from_corners(
            self.x.saturating_sub(margin),
            self.y.saturating_sub(margin),
            self.right().saturating_add(margin),
            self.bottom().saturating_add(margin),
        )
    }
}

impl From<[u32; 4]> for Rect {
    fn from([x, y, width, height]: [u32; 4]) -> Self {
        Self::new(x, y, width, height)
    }
}

impl From<Rect> for [u32; 4] {
    fn from(rect: Rect) -> Self {
        [rect.x, rect.y, rect.width, rect.height]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rectangles_have_iou_one_and_apart_zero() {
        let a = Rect::new(2, 3, 10, 20);
        assert_eq!(a.iou(&a), 1.0);
        assert_eq!(a.iou(&Rect::new(12, 3, 10, 20)), 0.0);
        assert_eq!(a.iou(&Rect::new(2, 3, 0, 20)), 0.0);
    }

    #[test]
    fn half_overlap_has_iou_a_third() {
        let iou = Rect::new(0, 0, 10, 10).iou(&Rect::new(5, 0, 10, 10));
        assert!((iou - 1.0 / 3.0).abs() < f32::EPSILON);
    }

    #[test]
    fn the_largest_coordinates_do_not_overflow() {
        let all = Rect::new(u32::MAX, u32::MAX, u32::MAX, u32::MAX);
        assert_eq!(all.right(), u32::MAX);
        assert!(all.intersection(&all).is_empty());
        assert_eq!(all.grown(5).bottom(), u32::MAX);
    }
}
