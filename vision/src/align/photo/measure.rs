use image::RgbImage;
use serde::Serialize;

use super::edges::EdgeWidths;
use super::histogram::Histogram;
use crate::align::PhotoProfile;
use crate::frame::{Frame, Pixels};

/// Pixels whose brightness is counted, at most about.
const COUNTED: usize = 1 << 18;
/// Pixels searched for edges in each direction, at most about.
const SEARCHED: usize = 1 << 16;
/// Rows or columns read together.
const BAND: u32 = 4;
/// Parts per row and column of the frame that lighting is compared over.
const CELLS: usize = 4;
/// An edge rises by at least this part of the frame's contrast.
const STRONG: f32 = 0.4;
/// A turn of brightness smaller than so many standard deviations of the noise is none.
const TURN_DEVIATIONS: f32 = 2.5;

/// What was measured on a photo; brightness is luma, 0 to 255.
///
/// Large frames are measured on a sample of rows and columns spread over the frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhotoFigures {
    /// `Grey` or `Binary`, never `Auto`.
    pub profile: PhotoProfile,
    /// Mean brightness.
    pub mean: f32,
    /// Contrast: the 99.9th minus the 0.1th percentile of brightness.
    pub contrast: f32,
    /// Part of the pixels at 0, in percent.
    pub black_percent: f32,
    /// Part of the pixels at 255, in percent.
    pub white_percent: f32,
    /// Width of strong edges in pixels: about 1 when as sharp as pixels allow, about 2.5 times the
    /// standard deviation of a Gaussian blur; the wider of the two directions. None without edges or
    /// in profile `binary`.
    ///
    /// The rise between two turns of brightness over its steepest step, the median of the rises of
    /// at least 40 % of the contrast: the edge spread of Marziliano et al., A No-Reference
    /// Perceptual Blur Metric (2002), measured by slope because run ends drown in noise.
    pub edge_width_px: Option<f32>,
    /// Standard deviation of the noise in grey levels, none in profile `binary`.
    ///
    /// Median of the diagonal Haar coefficients over 0.6745 (Donoho & Johnstone, Ideal Spatial
    /// Adaptation by Wavelet Shrinkage, 1994); right where half of the frame or more is plain.
    pub noise: Option<f32>,
    /// Unevenness of the lighting in percent, none in profile `binary`: largest minus smallest over
    /// the mean of the median brightness in 4x4 parts of the frame.
    ///
    /// It contains the part's own brightness: compare it with that of a good photo.
    pub unevenness_percent: Option<f32>,
    /// Part of the pixels that differ from all four neighbours in percent, none in profile `grey`.
    pub specks_percent: Option<f32>,
}

/// Measures a photo.
pub fn measure(frame: &Frame, profile: PhotoProfile) -> PhotoFigures {
    let cells = count(frame);
    let all = cells.iter().fold(Histogram::default(), |sum, cell| sum.plus(cell));
    let binary = match profile {
        PhotoProfile::Auto => frame.bit_depth() == 1 || all.has_only([0, 255]),
        profile => profile == PhotoProfile::Binary,
    };
    let contrast = all.percentile(99.9) - all.percentile(0.1);
    let mut figures = PhotoFigures {
        profile: if binary { PhotoProfile::Binary } else { PhotoProfile::Grey },
        mean: all.mean(),
        contrast,
        black_percent: all.percent_at(0),
        white_percent: all.percent_at(255),
        edge_width_px: None,
        noise: None,
        unevenness_percent: None,
        specks_percent: None,
    };
    if binary {
        figures.specks_percent = Some(specks(frame));
    } else {
        let noise = noise(frame);
        figures.noise = Some(noise);
        figures.edge_width_px = edge_width(frame, contrast, noise);
        figures.unevenness_percent = Some(unevenness(&cells));
    }
    figures
}

/// Brightness of each of the parts of the frame.
fn count(frame: &Frame) -> Vec<Histogram> {
    let mut cells = vec![Histogram::default(); CELLS * CELLS];
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    for_bands(frame, COUNTED, 0, |top, band| {
        // A band is narrow: all of it counts where its first row lies.
        let down = top * CELLS / height;
        for across in 0..CELLS {
            let part = across * width / CELLS..(across + 1) * width / CELLS;
            let rows = band.chunks_exact(width).map(|row| &row[part.clone()]);
            cells[down * CELLS + across].count(rows);
        }
    });
    cells
}

fn unevenness(cells: &[Histogram]) -> f32 {
    let medians: Vec<f32> =
        cells.iter().filter(|cell| !cell.is_empty()).map(|cell| cell.percentile(50.0)).collect();
    let mean = medians.iter().sum::<f32>() / medians.len().max(1) as f32;
    let (low, high) =
        medians.iter().fold((f32::INFINITY, 0.0_f32), |(l, h), b| (l.min(*b), h.max(*b)));
    if mean > 0.0 { 100.0 * (high - low) / mean } else { 0.0 }
}

fn noise(frame: &Frame) -> f32 {
    let width = frame.width() as usize;
    // |a - b - c + d| over each 2x2 pixels, up to 2 * 255.
    let mut counts = vec![0_u32; 511];
    for_bands(frame, SEARCHED, 0, |_, band| {
        for pair in band.chunks_exact(2 * width) {
            let (above, below) = pair.split_at(width);
            for (above, below) in above.chunks_exact(2).zip(below.chunks_exact(2)) {
                let [a, b, c, d] = [above[0], above[1], below[0], below[1]].map(i32::from);
                counts[(a - b - c + d).unsigned_abs() as usize] += 1;
            }
        }
    });
    let total: u32 = counts.iter().sum();
    let mut below = 0.0;
    for (value, count) in counts.iter().enumerate() {
        let (half, count) = (total as f32 / 2.0, *count as f32);
        if below + count >= half && count > 0.0 {
            // Whole values stand for half a level either side; zero for one half only.
            let part = (half - below) / count;
            let median = if value == 0 { part * 0.5 } else { value as f32 - 0.5 + part };
            // A coefficient is half of the sum of four; noise-free frames are all zero.
            return if value == 0 && part < 0.55 { 0.0 } else { median / 2.0 / 0.6745 };
        }
        below += count;
    }
    0.0
}

fn edge_width(frame: &Frame, contrast: f32, noise: f32) -> Option<f32> {
    let turn = (TURN_DEVIATIONS * noise).max(1.0) as i32;
    let least = ((STRONG * contrast) as i32).max(4 * turn).max(8);
    let mut across = EdgeWidths::new(least, turn);
    for_bands(frame, SEARCHED, 0, |_, band| {
        band.chunks_exact(frame.width() as usize).for_each(|row| across.add(row.iter().copied()));
    });
    let mut down = EdgeWidths::new(least, turn);
    for_columns(frame, SEARCHED, |strip, width| {
        for column in 0..width {
            down.add(strip.iter().skip(column).step_by(width).copied());
        }
    });
    match (across.median(), down.median()) {
        (Some(across), Some(down)) => Some(across.max(down)),
        (across, down) => across.or(down),
    }
}

fn specks(frame: &Frame) -> f32 {
    let width = frame.width() as usize;
    let (mut alone, mut total) = (0_usize, 0_usize);
    for_bands(frame, COUNTED, 1, |_, band| {
        let rows: Vec<&[u8]> = band.chunks_exact(width).collect();
        for rows in rows.windows(3) {
            let [above, line, below] = [rows[0], rows[1], rows[2]];
            for x in 1..width.saturating_sub(1) {
                let value = line[x];
                let near = [line[x - 1], line[x + 1], above[x], below[x]];
                alone += usize::from(near.iter().all(|other| *other != value));
            }
            total += width.saturating_sub(2);
        }
    });
    100.0 * alone as f32 / total.max(1) as f32
}

/// Calls `read` with the first row and the pixels of bands of [`BAND`] rows, and `more` on each
/// side, spread over the frame, of about `limit` pixels in all.
fn for_bands(frame: &Frame, limit: usize, more: u32, mut read: impl FnMut(usize, &[u8])) {
    let (width, height) = (frame.width(), frame.height());
    for start in starts(height, width as usize, limit) {
        let top = start.saturating_sub(more);
        let bottom = (start + BAND + more).min(height);
        let rows = top as usize * width as usize..bottom as usize * width as usize;
        match frame.pixels() {
            Pixels::Gray(image) => read(top as usize, &image.as_raw()[rows]),
            Pixels::Rgb(image) => {
                let part = image.as_raw()[3 * rows.start..3 * rows.end].to_vec();
                read(top as usize, &luma(part, [width, bottom - top]));
            }
        }
    }
}

/// As [`for_bands`], with strips of columns; `read` gets the pixels row by row and their width.
fn for_columns(frame: &Frame, limit: usize, mut read: impl FnMut(&[u8], usize)) {
    let (width, height) = (frame.width(), frame.height());
    let (channels, all) = match frame.pixels() {
        Pixels::Gray(image) => (1, image.as_raw()),
        Pixels::Rgb(image) => (3, image.as_raw()),
    };
    for start in starts(width, height as usize, limit) {
        let right = (start + BAND).min(width);
        let columns = start as usize * channels..right as usize * channels;
        let mut part = Vec::with_capacity(columns.len() * height as usize);
        for row in all.chunks_exact(width as usize * channels) {
            part.extend_from_slice(&row[columns.clone()]);
        }
        let part = if channels == 3 { luma(part, [right - start, height]) } else { part };
        read(&part, (right - start) as usize);
    }
}

/// The luma of interleaved red, green and blue.
fn luma(pixels: Vec<u8>, [width, height]: [u32; 2]) -> Vec<u8> {
    let image = RgbImage::from_raw(width, height, pixels).unwrap_or_default();
    let part = Frame::new(Pixels::Rgb(image), 8, "");
    part.map_or_else(|_| Vec::new(), |part| part.luma().into_owned().into_raw())
}

fn starts(length: u32, across: usize, limit: usize) -> impl Iterator<Item = u32> {
    let wanted = (limit / across / BAND as usize).max(1) as u32;
    let bands = length.div_ceil(BAND);
    let count = wanted.min(bands);
    let place = move |i: u32| u64::from(i) * u64::from(bands) / u64::from(count);
    (0..count).map(move |i| place(i) as u32 * BAND)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::align::scene::{PLAIN, Photo, Scene, colour, grey, motion};

    const SIZE: [usize; 2] = [320, 240];

    fn photo(photo: Photo) -> Frame {
        let scene = Scene::board(SIZE, 3);
        grey(scene.photo(&motion(SIZE, [0.0; 2], 0.0, 0.0), photo))
    }

    fn figures(conditions: Photo) -> PhotoFigures {
        measure(&photo(conditions), PhotoProfile::Auto)
    }

    #[test]
    fn noise_is_measured_within_a_fifth() {
        for noise in [0.0, 2.0, 5.0, 12.0] {
            let found = f64::from(figures(Photo { noise, ..PLAIN }).noise.unwrap());
            assert!((found - noise).abs() <= 0.2 * noise + 0.6, "{noise}: {found}");
        }
    }

    #[test]
    fn edges_widen_with_blur_and_not_with_light_or_noise() {
        let sharp = figures(PLAIN).edge_width_px.unwrap();
        for (blur, least, most) in [(3.0, 1.4, 2.6), (6.0, 2.5, 5.0)] {
            let found = figures(Photo { blur, ..PLAIN }).edge_width_px.unwrap() / sharp;
            assert!((least..most).contains(&found), "{blur}: {found} times {sharp}");
        }
        let dim = Photo { gain: 0.4, offset: 20.0, gradient: 0.3, noise: 3.0, ..PLAIN };
        let found = figures(dim).edge_width_px.unwrap() / sharp;
        assert!((0.7..1.4).contains(&found), "{found} times {sharp}");
    }

    #[test]
    fn exposure_and_lighting_are_those_of_the_photo() {
        let plain = figures(PLAIN);
        let bright = figures(Photo { gain: 2.2, ..PLAIN });
        assert!(bright.mean > 1.5 * plain.mean);
        assert!(bright.white_percent > 5.0 && plain.white_percent < 0.1);
        let uneven = figures(Photo { gradient: 0.8, ..PLAIN });
        let [plain, uneven] = [plain, uneven].map(|f| f.unevenness_percent.unwrap());
        assert!(uneven > plain + 15.0, "{plain} {uneven}");
    }

    #[test]
    fn colour_is_measured_by_its_luma() {
        let grey = photo(PLAIN);
        let tinted = colour(&grey.luma());
        let expected = Frame::new(
            crate::frame::Pixels::Gray(tinted.luma().into_owned()),
            8,
            "luma of the same frame",
        );
        let expected = measure(&expected.unwrap(), PhotoProfile::Auto);
        assert_eq!(measure(&tinted, PhotoProfile::Auto), expected);
    }

    #[test]
    fn two_levels_are_measured_as_binary() {
        let mut image = photo(PLAIN).luma().into_owned();
        image.pixels_mut().for_each(|pixel| pixel.0[0] = if pixel.0[0] > 100 { 255 } else { 0 });
        let before = measure(&grey(image.clone()), PhotoProfile::Auto);
        assert_eq!(before.profile, PhotoProfile::Binary);
        assert_eq!((before.noise, before.edge_width_px), (None, None));
        for i in 0..50 {
            let pixel = image.get_pixel_mut(i * 6 + 3, (i * 37) % 200 + 20);
            pixel.0[0] = 255 - pixel.0[0];
        }
        let after = measure(&grey(image), PhotoProfile::Auto);
        let added = after.specks_percent.unwrap() - before.specks_percent.unwrap();
        assert!(added > 0.03, "{added} percent of 76,800 pixels");
    }

    #[test]
    fn any_size_is_measured() {
        for (width, height) in [(1, 1), (1, 500), (500, 1), (3, 3), (2, 5)] {
            let image = image::GrayImage::from_fn(width, height, |x, y| {
                image::Luma([(x * 50 + y * 3) as u8])
            });
            for profile in [PhotoProfile::Auto, PhotoProfile::Grey, PhotoProfile::Binary] {
                let found = measure(&grey(image.clone()), profile);
                assert!(found.mean.is_finite() && found.contrast.is_finite());
            }
        }
    }
}
