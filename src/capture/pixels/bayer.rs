/// ITU-R BT.601 weights of red, green and blue over 65536, those of
/// [`Frame::luma`](crate::frame::Frame::luma).
const WEIGHTS: [u64; 3] = [19_595, 38_470, 7_471];

/// A mosaic of one colour per pixel, each row with one mirrored sample before and after.
pub(super) struct Mosaic {
    samples: Vec<u16>,
    width: usize,
    /// Column and row of red in each square of two by two; blue is opposite.
    red: (u8, u8),
}

impl Mosaic {
    /// An empty mosaic for [`Mosaic::push`]; `width` is at least 2.
    pub(super) fn new(width: usize, height: usize, red: (u8, u8)) -> Self {
        Self { samples: Vec::with_capacity((width + 2) * height), width, red }
    }

    /// Adds one row of `width` samples.
    pub(super) fn push(&mut self, row: &[u16]) {
        // A mirror about the first or last sample keeps the colours in their places.
        self.samples.push(row[1]);
        self.samples.extend_from_slice(row);
        self.samples.push(row[self.width - 2]);
    }

    /// Luma of each pixel on the scale of the samples, row by row; at least two rows were pushed.
    ///
    /// The colours that a pixel lacks are the means of its nearest neighbours that have them
    /// (bilinear demosaicing), weighed as BT.601 luma and rounded once.
    pub(super) fn luma(&self) -> impl Iterator<Item = u16> + '_ {
        let height = self.samples.len() / (self.width + 2);
        (0..height).flat_map(move |y| {
            let above = if y == 0 { 1 } else { y - 1 };
            let below = if y + 1 == height { height - 2 } else { y + 1 };
            let rows = [above, y, below].map(|row| self.row(row));
            (0..self.width).map(move |x| self.at(rows, x, y))
        })
    }

    fn row(&self, y: usize) -> &[u16] {
        &self.samples[y * (self.width + 2)..][..self.width + 2]
    }

    fn at(&self, [above, here, below]: [&[u16]; 3], x: usize, y: usize) -> u16 {
        let sum = |samples: [u16; 2]| u64::from(samples[0]) + u64::from(samples[1]);
        let centre = 4 * u64::from(here[x + 1]);
        let beside = sum([here[x], here[x + 2]]);
        let over = sum([above[x + 1], below[x + 1]]);
        let corners = sum([above[x], above[x + 2]]) + sum([below[x], below[x + 2]]);
        let on_red = (is_odd(x) == (self.red.0 == 1), is_odd(y) == (self.red.1 == 1));
        // Four times red, green and blue.
        let [red, green, blue] = match on_red {
            (true, true) => [centre, beside + over, corners],
            (false, false) => [corners, beside + over, centre],
            (false, true) => [2 * beside, centre, 2 * over],
            (true, false) => [2 * over, centre, 2 * beside],
        };
        let weighed = red * WEIGHTS[0] + green * WEIGHTS[1] + blue * WEIGHTS[2];
        // At most 65535: a mean of samples of 16 bits.
        ((weighed + (1 << 17)) >> 18) as u16
    }
}

fn is_odd(number: usize) -> bool {
    number % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: [(u8, u8); 4] = [(0, 0), (1, 0), (0, 1), (1, 1)];

    fn mosaic(width: usize, height: usize, red: (u8, u8), rgb: [u16; 3]) -> Mosaic {
        let mut mosaic = Mosaic::new(width, height, red);
        for y in 0..height {
            let colour = |x: usize| match (x % 2 == usize::from(red.0), y % 2 == usize::from(red.1))
            {
                (true, true) => rgb[0],
                (false, false) => rgb[2],
                _ => rgb[1],
            };
            mosaic.push(&(0..width).map(colour).collect::<Vec<u16>>());
        }
        mosaic
    }

    #[test]
    fn one_colour_has_one_luma_in_every_order_and_size() {
        for (rgb, luma) in [
            ([1000, 0, 0], 299),
            ([0, 1000, 0], 587),
            ([0, 0, 1000], 114),
            ([65_535, 65_535, 65_535], 65_535),
            ([400, 800, 200], 612),
        ] {
            for red in ORDERS {
                for (width, height) in [(2, 2), (3, 2), (2, 3), (7, 5), (8, 6)] {
                    let mosaic = mosaic(width, height, red, rgb);
                    let found: Vec<u16> = mosaic.luma().collect();
                    assert_eq!(found, vec![luma; width * height], "{rgb:?} {red:?}");
                }
            }
        }
    }

    #[test]
    fn a_slope_of_grey_keeps_its_slope() {
        let mut mosaic = Mosaic::new(6, 4, (1, 0));
        for y in 0..4 {
            mosaic.push(&[0, 1, 2, 3, 4, 5].map(|x| 100 * x + 10 * y));
        }
        let found: Vec<u16> = mosaic.luma().collect();
        for (y, x) in [(1, 1), (1, 4), (2, 2), (2, 3)] {
            assert_eq!(found[y * 6 + x], (100 * x + 10 * y) as u16);
        }
    }
}
