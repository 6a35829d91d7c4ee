use image::GrayImage;

use super::Error;
use crate::frame::{Frame, Rect};

/// Grey levels that count as different; far above noise, far below the step of a binary image.
pub const DIFFERENCE: u8 = 64;

/// The plain pixel difference of a pair: what a model must beat.
///
/// A pixel counts when reference and test differ there by more than a number of grey levels and,
/// with erosion, in all its eight neighbours too (a 3x3 minimum filter; beyond the frame counts as
/// different), which removes the one-pixel ripple of edges. No registration, no tolerance.
#[derive(Debug, Clone)]
pub struct PixelDifference {
    width: u32,
    height: u32,
    /// Differing pixels above and to the left, `[height + 1, width + 1]`.
    sums: Vec<u32>,
}

impl PixelDifference {
    /// Compares the brightness of two frames of the same size.
    ///
    /// # Errors
    /// [`Error::FrameSize`].
    pub fn new(reference: &Frame, test: &Frame, above: u8, is_eroded: bool) -> Result<Self, Error> {
        Self::of(&reference.luma(), &test.luma(), above, is_eroded)
    }

    /// As [`PixelDifference::new`], on grey images.
    ///
    /// # Errors
    /// [`Error::FrameSize`].
    pub fn of(
        reference: &GrayImage,
        test: &GrayImage,
        above: u8,
        is_eroded: bool,
    ) -> Result<Self, Error> {
        if reference.dimensions() != test.dimensions() {
            let (reference, test) = (reference.dimensions(), test.dimensions());
            return Err(Error::FrameSize { reference, test });
        }
        let (width, height) = test.dimensions();
        let pixels = reference.as_raw().iter().zip(test.as_raw());
        let differs: Vec<bool> = pixels.map(|(a, b)| a.abs_diff(*b) > above).collect();
        let differs = match is_eroded {
            true => eroded(&differs, width as usize),
            false => differs,
        };
        Ok(Self { width, height, sums: summed(&differs, width as usize) })
    }

    /// Pixels that count inside `rect`, which is cut at the frame's edges.
    pub fn count(&self, rect: Rect) -> u32 {
        let rect = rect.intersection(&Rect::new(0, 0, self.width, self.height));
        if rect.is_empty() {
            return 0;
        }
        let at = |x: u32, y: u32| self.sums[y as usize * (self.width as usize + 1) + x as usize];
        let (right, bottom) = (rect.right(), rect.bottom());
        at(right, bottom) + at(rect.x, rect.y) - at(right, rect.y) - at(rect.x, bottom)
    }

    /// Pixels that count in the whole frame.
    pub fn total(&self) -> u32 {
        self.count(Rect::new(0, 0, self.width, self.height))
    }
}

/// 3x3 minimum, first along rows, then along columns.
fn eroded(mask: &[bool], width: usize) -> Vec<bool> {
    if width == 0 {
        return Vec::new();
    }
    let mut along = Vec::with_capacity(mask.len());
    for row in mask.chunks_exact(width) {
        along.extend(
            (0..width).map(|x| row[x] && row[x.saturating_sub(1)] && row[(x + 1).min(width - 1)]),
        );
    }
    let last = along.len() - width;
    (0..along.len())
        .map(|i| {
            let above = if i >= width { i - width } else { i };
            let below = if i < last { i + width } else { i };
            along[i] && along[above] && along[below]
        })
        .collect()
}

fn summed(mask: &[bool], width: usize) -> Vec<u32> {
    let stride = width + 1;
    let rows = mask.len().checked_div(width).unwrap_or(0);
    let mut sums = vec![0; stride * (rows + 1)];
    for y in 0..rows {
        let mut row = 0;
        for x in 0..width {
            row += u32::from(mask[y * width + x]);
            sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
        }
    }
    sums
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stdout)]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;

    use super::*;
    use crate::calibrate::{TileFigures, judge_tiles, read_tiles};

    fn images(size: u32, patches: &[Rect]) -> (GrayImage, GrayImage) {
        let test = GrayImage::from_fn(size, size, |x, y| {
            let inside = |patch: &Rect| patch.contains((x as f32, y as f32));
            image::Luma([if patches.iter().any(inside) { 255 } else { 0 }])
        });
        (GrayImage::new(size, size), test)
    }

    #[test]
    fn erosion_takes_one_pixel_from_each_side() {
        let (reference, test) = images(20, &[Rect::new(3, 4, 5, 6), Rect::new(12, 0, 2, 20)]);
        let plain = PixelDifference::of(&reference, &test, DIFFERENCE, false).unwrap();
        assert_eq!((plain.total(), plain.count(Rect::new(0, 0, 10, 10))), (30 + 40, 30));
        let eroded = PixelDifference::of(&reference, &test, DIFFERENCE, true).unwrap();
        assert_eq!(eroded.total(), 3 * 4, "the line of two pixels is gone");
        assert_eq!(eroded.count(Rect::new(4, 5, 1, 2)), 2);
        assert_eq!(eroded.count(Rect::new(30, 30, 5, 5)), 0);
    }

    #[test]
    fn the_edge_of_the_frame_takes_nothing() {
        let (reference, test) = images(9, &[Rect::new(0, 0, 9, 9)]);
        assert_eq!(PixelDifference::of(&reference, &test, DIFFERENCE, true).unwrap().total(), 81);
    }

    #[test]
    fn only_more_than_the_given_levels_count() {
        let grey = |value| GrayImage::from_pixel(4, 4, image::Luma([value]));
        let total = |a, b| PixelDifference::of(&grey(a), &grey(b), 10, false).unwrap().total();
        assert_eq!((total(50, 60), total(50, 61), total(61, 50)), (0, 16, 16));
    }

    #[test]
    fn frames_of_different_size_are_refused() {
        let error = PixelDifference::of(&GrayImage::new(4, 4), &GrayImage::new(4, 5), 10, true);
        assert!(matches!(error, Err(Error::FrameSize { test: (4, 5), .. })));
    }

    /// Tile figures of every `step`-th pair by the count of differing pixels.
    fn deeppcb_tiles(folder: &Path, step: usize, is_eroded: bool) -> TileFigures {
        let mut manifest = csv::Reader::from_path(folder.join("manifest.csv")).unwrap();
        let mut pairs = HashMap::new();
        let mut differences = Vec::new();
        for row in manifest.records().step_by(step) {
            let row = row.unwrap();
            let open = |column: usize| Frame::open(&folder.join(&row[column])).unwrap();
            pairs.insert(row[0].to_owned(), differences.len());
            let pair = PixelDifference::new(&open(4), &open(5), DIFFERENCE, is_eroded);
            differences.push(pair.unwrap());
        }
        let tiles = read_tiles(&folder.join("tiles_224.csv"), None).unwrap();
        let count = |pair: usize, tile: Rect| Some(f64::from(differences[pair].count(tile)));
        judge_tiles(&tiles, &pairs, (&[], &[]), Some(&count)).unwrap()
    }

    #[test]
    fn real_boards_give_the_floor_that_another_program_gives() {
        let name = "real_boards_give_the_floor_that_another_program_gives";
        let Some(folder) = crate::test_data::deeppcb(name) else { return };
        // numpy and Pillow's MinFilter(3), on the same 100 pairs.
        for (is_eroded, expected) in [(true, 0.920_249_7), (false, 0.744_609_5)] {
            let auroc = deeppcb_tiles(&folder, 10, is_eroded).baseline.unwrap();
            assert!((auroc.value - expected).abs() < 1e-6, "eroded {is_eroded}: {auroc:?}");
        }
    }
}
