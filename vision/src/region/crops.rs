use super::Region;
use crate::frame::Rect;

/// The one region of [`RegionMode::Frame`](super::RegionMode::Frame).
pub(super) fn frame(overlap: Rect) -> Vec<Region> {
    vec![Region { crop: overlap, tight: overlap, change: 0.0 }]
}

/// Squares of `side` pixels that cover `overlap`, row by row; the last of a row or column is moved
/// inside, and an overlap narrower than a square is covered by its own width.
pub(super) fn tiles(overlap: Rect, side: u32, stride: u32) -> Vec<Region> {
    let columns = starts(overlap.width, side, stride);
    let rows = starts(overlap.height, side, stride);
    let square = |x: u32, y: u32| {
        let (width, height) = (side.min(overlap.width), side.min(overlap.height));
        let crop = Rect::new(overlap.x + x, overlap.y + y, width, height);
        Region { crop, tight: crop, change: 0.0 }
    };
    rows.iter().flat_map(|&y| columns.iter().map(move |&x| square(x, y))).collect()
}

/// The square of `side` pixels around the centre of `tight`, shifted inside `bounds`.
///
/// A longer `tight` makes the square grow to its longer side; where `bounds` is narrower than the
/// square, the crop has the width or height of `bounds`.
pub(super) fn crop_around(tight: Rect, side: u32, bounds: Rect) -> Rect {
    let side = side.max(tight.width).max(tight.height);
    let (x, width) = interval(tight.x, tight.width, side, (bounds.x, bounds.width));
    let (y, height) = interval(tight.y, tight.height, side, (bounds.y, bounds.height));
    Rect::new(x, y, width, height)
}

/// What differs with `margin` on each side, at least `least` long on both, cut at `part`.
pub(super) fn tight_around(changed: Rect, (margin, least): (u32, u32), part: Rect) -> Rect {
    let (left, right) = widened(changed.x, changed.right(), (margin, least));
    let (top, bottom) = widened(changed.y, changed.bottom(), (margin, least));
    Rect::from_corners(left, top, right, bottom).intersection(&part)
}

fn widened(start: u32, end: u32, (margin, least): (u32, u32)) -> (u32, u32) {
    let missing = least.saturating_sub(end - start + 2 * margin);
    (start.saturating_sub(margin + missing / 2), end.saturating_add(margin + missing.div_ceil(2)))
}

fn interval(start: u32, length: u32, side: u32, (low, room): (u32, u32)) -> (u32, u32) {
    let side = side.min(room);
    let wanted = (start + length / 2).saturating_sub(side / 2);
    (wanted.clamp(low, low + room - side), side)
}

fn starts(room: u32, side: u32, stride: u32) -> Vec<u32> {
    let last = room.saturating_sub(side);
    let mut starts: Vec<u32> = (0..last).step_by(stride as usize).collect();
    starts.push(last);
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_pixel_and_stay_inside() {
        for (width, height) in [(1, 1), (63, 65), (64, 64), (65, 200), (640, 333)] {
            let overlap = Rect::new(3, 5, width, height);
            let tiles = tiles(overlap, 64, 48);
            for y in (overlap.y..overlap.bottom()).step_by(7) {
                for x in overlap.x..overlap.right() {
                    let point = (x as f32, y as f32);
                    assert!(tiles.iter().any(|tile| tile.crop.contains(point)), "{x} {y}");
                }
            }
            assert!(tiles.iter().all(|tile| tile.crop.union(&overlap) == overlap));
        }
    }

    #[test]
    fn a_frame_of_one_tile_has_one_tile() {
        assert_eq!(tiles(Rect::new(0, 0, 64, 64), 64, 48).len(), 1);
    }

    #[test]
    fn crops_at_the_corner_are_shifted_inside() {
        let bounds = Rect::new(0, 0, 640, 480);
        let crop = crop_around(Rect::new(630, 470, 10, 10), 64, bounds);
        assert_eq!(crop, Rect::new(576, 416, 64, 64));
        assert_eq!(crop_around(Rect::new(0, 0, 9, 9), 64, bounds), Rect::new(0, 0, 64, 64));
    }

    #[test]
    fn crops_grow_to_a_longer_fault_and_never_beyond_the_frame() {
        let bounds = Rect::new(0, 0, 640, 48);
        let crop = crop_around(Rect::new(100, 10, 200, 12), 64, bounds);
        assert_eq!(crop, Rect::new(100, 0, 200, 48));
    }
}
