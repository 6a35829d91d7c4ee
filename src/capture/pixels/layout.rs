use super::format::{Meaning, Samples};
use super::{FourCc, PixelFormat};
use crate::capture::Error;

/// As many as a decoded file may have.
const MAX_PIXELS: u64 = 64 << 20;
/// 16384 pixels of three bytes, padded to the next power of two.
const MAX_STRIDE: u32 = 1 << 16;

/// The range of Y' in a Y'CbCr format (`v4l2_quantization`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LumaRange {
    /// 0 is black and 255 is white (`V4L2_QUANTIZATION_FULL_RANGE`).
    #[default]
    Full,
    /// 16 is black and 235 is white (`V4L2_QUANTIZATION_LIM_RANGE`).
    Limited,
}

/// What was agreed on with a device (`VIDIOC_S_FMT`): format, size and bytes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageLayout {
    /// The format.
    pub format: PixelFormat,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row to the next (`bytesperline`), padding included; ignored for MJPG.
    pub stride: u32,
    /// The range of Y' where the format has one; other formats are full range.
    pub range: LumaRange,
    /// Significant bits where samples have 16: a Y16 sensor may use only 10, and a driver may
    /// align 10 bits to the top. `None`: what the format says.
    pub sample_bits: Option<u8>,
}

impl ImageLayout {
    /// Rows without padding and all else as the format says.
    pub fn packed(format: PixelFormat, width: u32, height: u32) -> Self {
        let stride = row_bytes(&format, width).try_into().unwrap_or(u32::MAX);
        Self { format, width, height, stride, range: LumaRange::Full, sample_bits: None }
    }

    /// The format's name.
    pub fn fourcc(&self) -> FourCc {
        self.format.fourcc()
    }

    /// Significant bits of a sample.
    pub fn bits(&self) -> u8 {
        self.sample_bits.unwrap_or(self.format.bits())
    }

    /// The bytes up to the last pixel; 0 for MJPG, whose images have no known length.
    ///
    /// The padding of the last row is not part of it: some drivers do not transfer it.
    pub fn bytes(&self) -> u64 {
        if self.format.samples == Samples::Jpeg {
            return 0;
        }
        let (stride, rows) = (u64::from(self.stride), u64::from(self.height));
        let (last, rows) = match self.format.meaning {
            // One row of Cb and Cr pairs for two rows of Y'.
            Meaning::Luma { chroma_rows: true } => {
                (2 * u64::from(self.width.div_ceil(2)), rows + rows.div_ceil(2))
            }
            _ => (row_bytes(&self.format, self.width), rows),
        };
        stride.saturating_mul(rows.saturating_sub(1)).saturating_add(last.min(stride))
    }

    /// Checks sizes against each other.
    ///
    /// # Errors
    /// [`Error::BadLayout`] for the first that cannot be.
    pub fn check(&self) -> Result<(), Error> {
        self.check_size().and_then(|()| self.check_stride()).and_then(|()| self.check_bits())
    }

    fn check_size(&self) -> Result<(), Error> {
        let least = if matches!(self.format.meaning, Meaning::Bayer { .. }) { 2 } else { 1 };
        if self.width < least || self.height < least {
            return Err(self.bad(format!("at least {least}x{least} pixels are expected")));
        }
        if u64::from(self.width) * u64::from(self.height) > MAX_PIXELS {
            return Err(self.bad(format!("at most {MAX_PIXELS} pixels are expected")));
        }
        Ok(())
    }

    fn check_stride(&self) -> Result<(), Error> {
        let least = row_bytes(&self.format, self.width);
        let is_jpeg = self.format.samples == Samples::Jpeg;
        if is_jpeg || (least..=u64::from(MAX_STRIDE)).contains(&u64::from(self.stride)) {
            return Ok(());
        }
        Err(self.bad(format!("a row has {least} to {MAX_STRIDE} bytes")))
    }

    fn check_bits(&self) -> Result<(), Error> {
        let Some(found) = self.sample_bits else { return Ok(()) };
        let words = matches!(self.format.samples, Samples::Words { .. });
        if words && (8..=16).contains(&found) {
            return Ok(());
        }
        let reason = if words { "8 to 16 are expected" } else { "only 16-bit samples have them" };
        Err(self.bad(format!("sample_bits = {found}: {reason}")))
    }

    fn bad(&self, reason: String) -> Error {
        let Self { width, height, stride, .. } = *self;
        Error::BadLayout { format: self.fourcc(), width, height, stride, reason }
    }
}

/// The bytes up to the last sample of a row; a group of packed samples counts whole.
fn row_bytes(format: &PixelFormat, width: u32) -> u64 {
    let width = u64::from(width);
    match format.samples {
        Samples::Bytes { step, .. } => width * u64::from(step),
        Samples::Triples(_) => 3 * width,
        Samples::Words { .. } => 2 * width,
        Samples::Mipi10 => 5 * width.div_ceil(4),
        Samples::Mipi12 => 3 * width.div_ceil(2),
        Samples::Jpeg => 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn layout(name: &str, width: u32, height: u32) -> ImageLayout {
        let name = FourCc::try_from(name.to_owned()).unwrap();
        ImageLayout::packed(PixelFormat::of(name).unwrap(), width, height)
    }

    #[test]
    fn sizes_are_those_of_the_documentation() {
        for (name, width, height, bytes) in [
            ("GREY", 4, 4, 16),
            ("YUYV", 4, 4, 32),
            ("Y10", 4, 4, 32),
            ("Y10P", 4, 1, 5),
            ("Y10P", 5, 1, 10),
            ("Y12P", 2, 1, 3),
            ("pBAA", 4, 4, 20),
            ("pBCC", 4, 4, 24),
            ("RGB3", 4, 4, 48),
            ("NV12", 4, 4, 24),
            ("NV12", 3, 3, 3 * 5),
            ("MJPG", 4, 4, 0),
        ] {
            assert_eq!(layout(name, width, height).bytes(), bytes, "{name} {width}x{height}");
        }
    }

    #[test]
    fn padding_of_the_last_row_may_be_missing() {
        let padded = ImageLayout { stride: 32, ..layout("GREY", 20, 10) };
        assert_eq!(padded.bytes(), 9 * 32 + 20);
    }

    #[test]
    fn sizes_that_cannot_be_are_named() {
        let good = layout("Y10", 4, 4);
        for (bad, says) in [
            (ImageLayout { width: 0, ..good }, "Y10 of 0x4 pixels, 8 bytes a row: at least 1x1"),
            (ImageLayout { height: 0, ..good }, "at least 1x1 pixels"),
            (ImageLayout { stride: 7, ..good }, "a row has 8 to 65536 bytes"),
            (ImageLayout { stride: u32::MAX, ..good }, "a row has 8 to 65536 bytes"),
            (ImageLayout { width: u32::MAX, height: u32::MAX, ..good }, "at most 67108864 pixels"),
            (ImageLayout { sample_bits: Some(17), ..good }, "sample_bits = 17: 8 to 16"),
            (layout("RGGB", 1, 4), "at least 2x2"),
            (ImageLayout { sample_bits: Some(9), ..layout("GREY", 4, 4) }, "only 16-bit samples"),
        ] {
            let message = bad.check().unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
        good.check().unwrap();
    }

    #[test]
    fn no_size_overflows() {
        for format in super::super::PIXEL_FORMATS {
            let most =
                ImageLayout { stride: u32::MAX, ..ImageLayout::packed(format, u32::MAX, u32::MAX) };
            let is_jpeg = format.samples == Samples::Jpeg;
            assert!((most.bytes() > u64::from(u32::MAX)) != is_jpeg, "{most:?}");
            assert!(most.check().is_err(), "{most:?}");
        }
    }
}
