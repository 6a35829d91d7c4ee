use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{Error, Frame, Pixels, jpeg};
use crate::files;

/// 64 megapixels: four times a 4096x4096 frame; a larger header is a mistake or an attack.
const MAX_PIXELS: u64 = 64 << 20;
/// A 16-bit RGB frame of that size, uncompressed.
const MAX_FILE_BYTES: u64 = MAX_PIXELS * 6 + (1 << 20);

impl Frame {
    /// Reads and decodes a PNG or JPEG file; the format comes from the content, not the name.
    ///
    /// # Errors
    /// Every variant of [`Error`], each naming the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::decode(&files::read(path, MAX_FILE_BYTES)?, &path.display().to_string())
    }

    /// Decodes PNG or JPEG bytes; `origin` names them in messages.
    ///
    /// Grey stays grey and colour becomes RGB; an alpha channel is dropped, as Pillow's
    /// `convert("RGB")` does; 16-bit values are scaled by 1/257 and rounded.
    ///
    /// # Errors
    /// Those of [`Frame::open`] except [`Error::File`].
    pub fn decode(bytes: &[u8], origin: &str) -> Result<Self, Error> {
        match image::guess_format(bytes) {
            Ok(ImageFormat::Png) => decode_png(bytes, origin),
            Ok(ImageFormat::Jpeg) => jpeg::decode(bytes, origin),
            _ => {
                let start = bytes.iter().copied().take(8).collect();
                Err(Error::Foreign { origin: origin.to_owned(), start })
            }
        }
    }
}

/// Refuses a size, width and height, that would fill memory.
pub(super) fn check_size((width, height): (u32, u32), origin: &str) -> Result<(), Error> {
    if u64::from(width) * u64::from(height) <= MAX_PIXELS {
        return Ok(());
    }
    Err(Error::TooLarge { origin: origin.to_owned(), width, height, limit: MAX_PIXELS })
}

fn decode_png(bytes: &[u8], origin: &str) -> Result<Frame, Error> {
    let damaged =
        |error: ImageError| Error::Damaged { origin: origin.to_owned(), reason: error.to_string() };
    let reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    check_size(decoder.dimensions(), origin)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 8);
    decoder.set_limits(limits).map_err(damaged)?;
    let bit_depth = bits_per_channel(decoder.original_color_type());
    let image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    let pixels = if image.color().has_color() {
        Pixels::Rgb(image.into_rgb8())
    } else {
        Pixels::Gray(image.into_luma8())
    };
    Frame::new(pixels, bit_depth, origin)
}

fn bits_per_channel(color: image::ExtendedColorType) -> u8 {
    let channels = u16::from(color.channel_count()).max(1);
    u8::try_from(color.bits_per_pixel() / channels).unwrap_or(8)
}
