use std::borrow::Cow;

use image::GrayImage;

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
        Pixels::Rgb(image) => {
            let stride = 3 * image.width() as usize;
            let rows = || image.as_raw().chunks(stride).skip(part.y as usize);
            let columns = 3 * part.x as usize..3 * part.right() as usize;
            let channel = |channel: usize| {
                let mut data = Vec::with_capacity(part.area() as usize);
                for row in rows().take(part.height as usize) {
                    data.extend(row[columns.clone()].chunks_exact(3).map(|pixel| pixel[channel]));
                }
                plane(part, Cow::Owned(data))
            };
            (0..3).map(channel).collect()
        }
    }
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

/// `(a + 2 b + c) / 4`, rounded.
fn binomial(a: u8, b: u8, c: u8) -> u8 {
    ((u16::from(a) + 2 * u16::from(b) + u16::from(c) + 2) / 4) as u8
}
