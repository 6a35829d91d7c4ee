use std::borrow::Cow;

/// Brightness of a frame at one level of the pyramid, row by row.
#[derive(Debug, Clone)]
pub(super) struct Plane<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Cow<'a, [u8]>,
}

/// A frame at full size, at half of it, at a quarter...; level 0 is the frame.
///
/// Pixel `x` of level `k` covers pixels `x * 2^k` and the following of the frame, so that a
/// coordinate of the frame becomes `(x + 0.5) / 2^k - 0.5`.
#[derive(Debug)]
pub(super) struct Pyramid<'a> {
    levels: Vec<Plane<'a>>,
}

impl<'a> Plane<'a> {
    pub(super) fn new(image: &'a image::GrayImage) -> Self {
        let (width, height) = (image.width() as usize, image.height() as usize);
        Self { width, height, pixels: Cow::Borrowed(image.as_raw()) }
    }

    /// One row; a row above or below the plane is its nearest.
    pub(super) fn row(&self, y: i64) -> &[u8] {
        let y = y.clamp(0, self.height as i64 - 1) as usize;
        &self.pixels[y * self.width..(y + 1) * self.width]
    }

    /// `line.len()` pixels of a row from column `x0` on, the edges repeated into `line` if need be.
    pub(super) fn part<'b>(&'b self, x0: i64, y: i64, line: &'b mut [u8]) -> &'b [u8] {
        let row = self.row(y);
        if let Ok(x0) = usize::try_from(x0)
            && let Some(part) = row.get(x0..x0 + line.len())
        {
            return part;
        }
        let last = row.len() as i64 - 1;
        for (x, value) in line.iter_mut().enumerate() {
            *value = row[(x0 + x as i64).clamp(0, last) as usize];
        }
        line
    }

    /// Half the size, after the filter `[1 3 3 1] / 8` both ways: the binomial of even length,
    /// which stays centred between two pixels and passes less of fine periodic patterns into the
    /// coarse level than a plain mean does (Burt & Adelson 1983 on the choice of such kernels).
    fn halved(&self) -> Plane<'static> {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = vec![0; width * height];
        // One column more on each side: the filter reaches over the edge.
        let mut sums = vec![0_u16; 2 * width + 2];
        for (y, out) in pixels.chunks_exact_mut(width).enumerate() {
            let rows = [-1, 0, 1, 2].map(|dy| self.row(2 * y as i64 + dy));
            filter_down(rows, &mut sums);
            let pairs = sums.chunks_exact(2);
            for ((out, near), far) in out.iter_mut().zip(pairs.clone()).zip(pairs.skip(1)) {
                *out = ((near[0] + 3 * near[1] + 3 * far[0] + far[1] + 32) >> 6) as u8;
            }
        }
        Plane { width, height, pixels: Cow::Owned(pixels) }
    }
}

impl<'a> Pyramid<'a> {
    /// Levels 0 to `top`.
    pub(super) fn new(base: Plane<'a>, top: usize) -> Self {
        let mut levels = vec![base];
        for level in 0..top {
            let next = levels[level].halved();
            levels.push(next);
        }
        Self { levels }
    }

    pub(super) fn level(&self, level: usize) -> &Plane<'a> {
        &self.levels[level]
    }

    pub(super) fn top(&self) -> usize {
        self.levels.len() - 1
    }

    /// Columns and rows of level 0.
    pub(super) fn size(&self) -> [usize; 2] {
        [self.levels[0].width, self.levels[0].height]
    }
}

/// A coordinate of the frame as one of `level`.
pub(super) fn to_level(coordinate: f64, level: usize) -> f64 {
    (coordinate + 0.5) / (1_u64 << level) as f64 - 0.5
}

/// `[1 3 3 1]` over four rows; `sums[x + 1]` belongs to column `x`, the ends repeat the edge.
fn filter_down(rows: [&[u8]; 4], sums: &mut [u16]) {
    let inner = sums.len() - 2;
    let [a, b, c, d] = rows.map(|row| &row[..inner]);
    let sum = |a: u8, b: u8, c: u8, d: u8| {
        u16::from(a) + 3 * (u16::from(b) + u16::from(c)) + u16::from(d)
    };
    for ((((out, a), b), c), d) in sums[1..=inner].iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *out = sum(*a, *b, *c, *d);
    }
    sums[0] = sums[1];
    let last = rows[0].len().min(inner + 1) - 1;
    sums[inner + 1] = sum(rows[0][last], rows[1][last], rows[2][last], rows[3][last]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_keeps_a_constant_and_a_ramp() {
        let (width, height) = (37, 21);
        let ramp: Vec<u8> = (0..width * height).map(|i| (4 * (i % width)) as u8).collect();
        let plane = Plane { width, height, pixels: Cow::Owned(ramp) };
        let half = plane.halved();
        assert_eq!((half.width, half.height), (18, 10));
        for x in 1..17 {
            // Level pixel x is centred on 2x + 0.5 of the frame.
            assert_eq!(half.row(5)[x], (8 * x + 2) as u8);
        }
        let flat = Plane { width, height, pixels: Cow::Owned(vec![255; width * height]) };
        assert!(flat.halved().pixels.iter().all(|value| *value == 255));
    }
}
