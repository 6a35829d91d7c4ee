use image::{GrayImage, RgbImage};

use super::bayer::Mosaic;
use super::format::{Meaning, Samples};
use super::{ImageLayout, LumaRange};
use crate::capture::Error;
use crate::frame::{Frame, Pixels};

/// Turns the buffers of one agreed layout into grey frames.
#[derive(Debug, Clone)]
pub struct Converter {
    layout: ImageLayout,
    /// The 8-bit value of each sample.
    scale: Vec<u8>,
}

impl Converter {
    /// A converter for a layout, checked.
    ///
    /// # Errors
    /// [`Error::BadLayout`].
    pub fn new(layout: ImageLayout) -> Result<Self, Error> {
        layout.check()?;
        let is_luma = matches!(layout.format.meaning, Meaning::Luma { .. });
        let scale = match layout.range {
            LumaRange::Limited if is_luma => (0..=255).map(from_limited).collect(),
            _ => scale(layout.bits()),
        };
        Ok(Self { layout, scale })
    }

    /// What it converts.
    pub fn layout(&self) -> &ImageLayout {
        &self.layout
    }

    /// The luma of one buffer, cut to `bytesused` by the caller; `origin` names the device.
    ///
    /// Samples of more than 8 bits are scaled as [`Frame::decode`] does (255 / the largest,
    /// rounded), colours are weighed as [`Frame::luma`] does, mosaics are interpolated first.
    ///
    /// # Errors
    /// [`Error::ShortBuffer`] when bytes are missing, [`Error::SampleRange`] when a sample has
    /// more bits than its format, and for MJPG [`Error::Frame`] and [`Error::SizeChanged`].
    pub fn convert(&self, buffer: &[u8], origin: &str) -> Result<Frame, Error> {
        let (found, expected) = (buffer.len() as u64, self.layout.bytes());
        if found < expected || found == 0 {
            let ImageLayout { width, height, .. } = self.layout;
            let layout = format!("{} {width}x{height}", self.layout.fourcc());
            return Err(Error::ShortBuffer { origin: origin.to_owned(), expected, found, layout });
        }
        match (self.layout.format.samples, self.layout.format.meaning) {
            (Samples::Jpeg, _) => self.jpeg(buffer, origin),
            (Samples::Triples(order), _) => self.triples(buffer, order, origin),
            (samples, Meaning::Bayer { red }) => self.mosaic(buffer, (samples, red), origin),
            (Samples::Bytes { first: 0, step: 1 }, _) => {
                let row = |row: &[u8], out: &mut Vec<u8>| {
                    out.extend(row.iter().map(|it| self.scale[usize::from(*it)]))
                };
                let mut out = self.output();
                self.rows(buffer).for_each(|bytes| row(&bytes[..self.width()], &mut out));
                self.gray(out, origin)
            }
            (samples, _) => self.samples(buffer, samples, origin),
        }
    }

    fn jpeg(&self, buffer: &[u8], origin: &str) -> Result<Frame, Error> {
        let frame = Frame::decode(&with_usual_tables(buffer), origin)?;
        let (expected, found) =
            ((self.layout.width, self.layout.height), (frame.width(), frame.height()));
        if expected != found {
            return Err(Error::SizeChanged { origin: origin.to_owned(), expected, found });
        }
        luma_frame(frame)
    }

    fn triples(&self, buffer: &[u8], order: [u8; 3], origin: &str) -> Result<Frame, Error> {
        let order = order.map(usize::from);
        let mut out = Vec::with_capacity(3 * self.pixels());
        for row in self.rows(buffer) {
            let pixels = row.as_chunks::<3>().0.iter().take(self.width());
            out.extend(pixels.flat_map(|pixel| order.map(|index| pixel[index])));
        }
        let image = RgbImage::from_raw(self.layout.width, self.layout.height, out)
            .expect("three values were made for each pixel");
        luma_frame(Frame::new(Pixels::Rgb(image), 8, origin)?)
    }

    fn mosaic(
        &self,
        buffer: &[u8],
        (samples, red): (Samples, (u8, u8)),
        origin: &str,
    ) -> Result<Frame, Error> {
        let mut mosaic = Mosaic::new(self.width(), self.layout.height as usize, red);
        let mut row = vec![0; self.width()];
        for bytes in self.rows(buffer) {
            samples.read(bytes, &mut row);
            self.check_range(&row, origin)?;
            mosaic.push(&row);
        }
        self.gray(mosaic.luma().map(|sample| self.scale[usize::from(sample)]).collect(), origin)
    }

    fn samples(&self, buffer: &[u8], samples: Samples, origin: &str) -> Result<Frame, Error> {
        let mut out = self.output();
        let mut row = vec![0; self.width()];
        for bytes in self.rows(buffer) {
            samples.read(bytes, &mut row);
            self.check_range(&row, origin)?;
            out.extend(row.iter().map(|sample| self.scale[usize::from(*sample)]));
        }
        self.gray(out, origin)
    }

    /// Bits beyond the format's would be cut off in silence, or make a wrong picture of a right
    /// part.
    fn check_range(&self, row: &[u16], origin: &str) -> Result<(), Error> {
        let (found, most) = (row.iter().copied().max().unwrap_or(0), self.scale.len() - 1);
        if usize::from(found) <= most {
            return Ok(());
        }
        let (origin, most, bits) = (origin.to_owned(), most as u16, self.layout.bits());
        Err(Error::SampleRange { origin, found, most, bits })
    }

    /// The rows of the image, chroma rows left out; each has at least the bytes of its samples.
    fn rows<'a>(&self, buffer: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        buffer.chunks(self.layout.stride as usize).take(self.layout.height as usize)
    }

    fn gray(&self, values: Vec<u8>, origin: &str) -> Result<Frame, Error> {
        let image = GrayImage::from_raw(self.layout.width, self.layout.height, values)
            .expect("one value was made for each pixel");
        Ok(Frame::new(Pixels::Gray(image), self.layout.bits(), origin)?)
    }

    fn output(&self) -> Vec<u8> {
        Vec::with_capacity(self.pixels())
    }

    fn width(&self) -> usize {
        self.layout.width as usize
    }

    fn pixels(&self) -> usize {
        self.width() * self.layout.height as usize
    }
}

/// Cameras leave out the Huffman tables that every MJPG has (ITU-T T.81, section K.3); the marker
/// of an AVI frame tells the decoder to fill in those that are missing.
fn with_usual_tables(jpeg: &[u8]) -> Vec<u8> {
    let start = jpeg.len().min(2);
    [&jpeg[..start], b"\xff\xe0\x00\x07AVI1\x00", &jpeg[start..]].concat()
}

/// The same frame with grey pixels.
pub(in crate::capture) fn luma_frame(frame: Frame) -> Result<Frame, Error> {
    if let Pixels::Gray(_) = frame.pixels() {
        return Ok(frame);
    }
    let luma = frame.luma().into_owned();
    Ok(Frame::new(Pixels::Gray(luma), frame.bit_depth(), frame.origin())?)
}

fn scale(bits: u8) -> Vec<u8> {
    let most = (1_u32 << bits) - 1;
    // At most 255 by construction.
    (0..=most).map(|sample| ((sample * 255 + most / 2) / most) as u8).collect()
}

/// 16 to 235 onto 0 to 255 (ITU-R BT.601, section 2.5.1); beyond is clipped.
fn from_limited(sample: u8) -> u8 {
    let above = u32::from(sample.clamp(16, 235) - 16);
    ((above * 255 + 109) / 219) as u8
}

#[cfg(test)]
mod tests;
