use std::borrow::Cow;

use image::{GrayImage, RgbImage};

use crate::frame::{Frame, Pixels, Rect};

/// One channel of a frame, cut to the part that is compared; row by row without gaps.
#[derive(Debug, Clone)]
pub(super) struct Plane<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Cow<'a, [u8]>,
}

impl Plane<'_> {
    /// The value at a place that may lie outside: the nearest pixel inside.
    pub(super) fn nearest(&self, x: isize, y: isize) -> u8 {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        self.data[y * self.width + x]
    }

    /// Columns `start..end` of a row.
    pub(super) fn row(&self, y: usize, start: usize, end: usize) -> &[u8] {
        &self.data[y * self.width..][start..end]
    }

    /// The same place after a 3x3 binomial filter, for frames with noise; edges repeat.
    ///
    /// White noise shrinks to 0.375 of its deviation.
    pub(super) fn smoothed(&self) -> Plane<'static> {
        let mut across = vec![0; self.data.len()];
        for (from, to) in self.data.chunks(self.width).zip(across.chunks_mut(self.width)) {
            smooth_row(from, to);
        }
        let mut down = vec![0; self.data.len()];
        for (y, to) in down.chunks_mut(self.width).enumerate() {
            let row = |y: usize| &across[y * self.width..][..self.width];
            let (above, below) = (y.saturating_sub(1), (y + 1).min(self.height - 1));
            let outer = row(above).iter().zip(row(below));
            for ((to, centre), (above, below)) in to.iter_mut().zip(row(y)).zip(outer) {
                *to = binomial(*above, *centre, *below);
            }
        }
        Plane { width: self.width, height: self.height, data: Cow::Owned(down) }
    }
}

/// The channels of `frame` inside `part`: one when grey, else red, green and blue.
pub(super) fn planes(frame: &Frame, part: Rect) -> Vec<Plane<'_>> {
    match frame.pixels() {
        Pixels::Gray(image) => vec![gray(image, part)],
        Pixels::Rgb(image) => rgb(image, part),
    }
}

/// The brightness of `frame` inside `part`.
pub(super) fn brightness(frame: &Frame, part: Rect) -> Plane<'_> {
    match frame.luma() {
        Cow::Borrowed(image) => gray(image, part),
        Cow::Owned(image) => {
            let Plane { width, height, data } = gray(&image, part);
            Plane { width, height, data: Cow::Owned(data.into_owned()) }
        }
    }
}

fn rgb(image: &RgbImage, part: Rect) -> Vec<Plane<'static>> {
    let rows = image.as_raw().chunks(3 * image.width() as usize).skip(part.y as usize);
    let columns = 3 * part.x as usize..3 * part.right() as usize;
    let (width, height) = (part.width as usize, part.height as usize);
    let mut channels = [(); 3].map(|()| vec![0; width * height]);
    let [red, green, blue] = &mut channels;
    let into = red.chunks_mut(width).zip(green.chunks_mut(width)).zip(blue.chunks_mut(width));
    for (row, ((red, green), blue)) in rows.zip(into) {
        let into = red.iter_mut().zip(green).zip(blue);
        for (pixel, ((red, green), blue)) in row[columns.clone()].chunks_exact(3).zip(into) {
            (*red, *green, *blue) = (pixel[0], pixel[1], pixel[2]);
        }
    }
    channels.into_iter().map(|data| plane(part, Cow::Owned(data))).collect()
}

fn gray(image: &GrayImage, part: Rect) -> Plane<'_> {
    if (part.width, part.height) == image.dimensions() {
        return plane(part, Cow::Borrowed(image.as_raw()));
    }
    let rows = image.as_raw().chunks(image.width() as usize).skip(part.y as usize);
    let columns = part.x as usize..part.right() as usize;
    let mut data = Vec::with_capacity(part.area() as usize);
    for row in rows.take(part.height as usize) {
        data.extend_from_slice(&row[columns.clone()]);
    }
    plane(part, Cow::Owned(data))
}

fn plane(part: Rect, data: Cow<'_, [u8]>) -> Plane<'_> {
    Plane { width: part.width as usize, height: part.height as usize, data }
}

fn smooth_row(from: &[u8], to: &mut [u8]) {
    let last = from.len() - 1;
    to[0] = binomial(from[0], from[0], from[1.min(last)]);
    to[last] = binomial(from[last.saturating_sub(1)], from[last], from[last]);
    for (three, to) in from.windows(3).zip(to.iter_mut().skip(1)) {
        *to = binomial(three[0], three[1], three[2]);
    }
}

/// `(a + 2 b + c) / 4`, rounded up twice: both frames alike.
fn binomial(a: u8, b: u8, c: u8) -> u8 {
    average(average(a, c), b)
}

/// One instruction on x86 and ARM.
fn average(a: u8, b: u8) -> u8 {
    (u16::from(a) + u16::from(b)).div_ceil(2) as u8
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn planes_hold_the_part_of_every_channel() {
        let image = RgbImage::from_fn(5, 4, |x, y| image::Rgb([x as u8, y as u8, 9]));
        let frame = Frame::new(Pixels::Rgb(image), 8, "colour").unwrap();
        let planes = planes(&frame, Rect::new(1, 2, 3, 2));
        assert_eq!(planes[0].data.as_ref(), [1, 2, 3, 1, 2, 3]);
        assert_eq!(planes[1].data.as_ref(), [2, 2, 2, 3, 3, 3]);
        assert_eq!(planes[2].data.as_ref(), [9; 6]);
        let gray = GrayImage::from_fn(5, 4, |x, y| image::Luma([(10 * y + x) as u8]));
        let frame = Frame::new(Pixels::Gray(gray), 8, "grey").unwrap();
        assert_eq!(super::planes(&frame, Rect::new(3, 1, 2, 2))[0].data.as_ref(), [13, 14, 23, 24]);
    }

    #[test]
    fn smoothing_keeps_flat_areas_and_weighs_a_point_by_binomials() {
        let mut data = vec![0; 25];
        data[12] = 160;
        let point = Plane { width: 5, height: 5, data: Cow::Owned(data) };
        let smoothed = point.smoothed();
        assert_eq!(smoothed.data[6..9], [10, 20, 10]);
        assert_eq!(smoothed.data[11..14], [20, 40, 20]);
        for (width, height) in [(1, 1), (2, 1), (1, 3), (7, 2)] {
            let flat = Plane { width, height, data: Cow::Owned(vec![77; width * height]) };
            assert_eq!(flat.smoothed().data, flat.data);
        }
    }
}
