use super::{Frame, Pixels};

/// The most views there are: four quarter turns, and each mirrored.
const MOST_VIEWS: usize = 8;

impl Frame {
    /// One of the ways to lay the frame down: quarter turns clockwise for 0 to 3, and for 4 to 7 the
    /// same of its mirror image (left and right swapped). The first is the frame as it is, and higher
    /// numbers begin again.
    #[must_use]
    pub fn turned(&self, view: usize) -> Self {
        self.with_pixels(match self.pixels() {
            Pixels::Gray(image) => Pixels::Gray(turn(image, view)),
            Pixels::Rgb(image) => Pixels::Rgb(turn(image, view)),
        })
    }
}

fn turn<P: image::Pixel<Subpixel = u8> + 'static>(
    image: &image::ImageBuffer<P, Vec<u8>>,
    view: usize,
) -> image::ImageBuffer<P, Vec<u8>> {
    use image::imageops::{flip_horizontal, rotate90, rotate180, rotate270};
    let mirrored = if view % MOST_VIEWS < 4 { image.clone() } else { flip_horizontal(image) };
    match view % 4 {
        0 => mirrored,
        1 => rotate90(&mirrored),
        2 => rotate180(&mirrored),
        _ => rotate270(&mirrored),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use image::{GrayImage, RgbImage};

    use super::*;

    fn frame(width: u32, values: &[u8]) -> Frame {
        let height = values.len() as u32 / width;
        let image = GrayImage::from_raw(width, height, values.to_vec()).unwrap();
        Frame::new(Pixels::Gray(image), 8, "a test").unwrap()
    }

    #[test]
    fn views_are_quarter_turns_clockwise_and_those_of_the_mirror_image() {
        let upright = frame(2, &[1, 2, 3, 4, 5, 6]);
        let views = |view| upright.turned(view);
        assert_eq!((views(0), views(8)), (upright.clone(), upright.clone()));
        assert_eq!(views(1), frame(3, &[5, 3, 1, 6, 4, 2]));
        assert_eq!(views(2), frame(2, &[6, 5, 4, 3, 2, 1]));
        assert_eq!(views(3), frame(3, &[2, 4, 6, 1, 3, 5]));
        assert_eq!(views(4), frame(2, &[2, 1, 4, 3, 6, 5]));
        assert_eq!(views(5), views(4).turned(1));
    }

    #[test]
    fn the_eight_views_of_a_square_differ_in_colour_as_in_grey() {
        let image = RgbImage::from_fn(3, 3, |x, y| image::Rgb([(3 * y + x) as u8, x as u8, 9]));
        let frame = Frame::new(Pixels::Rgb(image), 8, "a test").unwrap();
        let views: BTreeSet<Vec<u8>> =
            (0..MOST_VIEWS).map(|view| frame.turned(view).to_rgb().as_raw().clone()).collect();
        assert_eq!(views.len(), MOST_VIEWS);
    }
}
