use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageError, Limits};

use super::decode::Header;
use super::{Error, Frame, Pixels};

/// Bytes of the signature, which the caller has seen.
const SIGNATURE: usize = 8;
/// Colour type "indexed" of IHDR (PNG 1.2, section 4.1.1).
const INDEXED: u8 = 3;
/// What rows, profiles and comments may take beside the pixels themselves.
const MAX_SIDE_BYTES: u64 = 16 << 20;

/// Reads IHDR and follows the chunks to IEND, so that a cut file is known as such.
pub(super) fn header(bytes: &[u8]) -> Result<Header, String> {
    let (kind, ihdr, _) = chunk(bytes, SIGNATURE)?;
    let &[w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, ..] = ihdr else {
        return Err("the header chunk is too short".to_owned());
    };
    if kind != b"IHDR" {
        return Err(format!("starts with chunk {:?}, not IHDR", String::from_utf8_lossy(kind)));
    }
    let mut at = SIGNATURE;
    loop {
        let (kind, _, next) = chunk(bytes, at)?;
        if kind == b"IEND" {
            break;
        }
        at = next;
    }
    Ok(Header {
        width: u32::from_be_bytes([w0, w1, w2, w3]),
        height: u32::from_be_bytes([h0, h1, h2, h3]),
        // The entries of a palette have 8 bits, whatever its indices have.
        bit_depth: if colour == INDEXED { 8 } else { depth },
    })
}

/// Decodes the default image; checks sums.
pub(super) fn pixels(bytes: &[u8]) -> Result<Pixels, String> {
    let reason = |error: ImageError| match error {
        ImageError::Limits(_) => {
            let limit = MAX_SIDE_BYTES >> 20;
            format!("its rows, profile or comments need more than {limit} MiB")
        }
        error => error.to_string(),
    };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_SIDE_BYTES);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(reason)?;
    let image = DynamicImage::from_decoder(decoder).map_err(reason)?;
    Ok(if image.color().has_color() {
        Pixels::Rgb(image.into_rgb8())
    } else {
        Pixels::Gray(image.into_luma8())
    })
}

impl Frame {
    /// The bytes of a PNG file with exactly these pixels.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for what the encoder does not take.
    pub fn to_png(&self) -> Result<Vec<u8>, Error> {
        let (raw, colour) = match self.pixels() {
            Pixels::Gray(image) => (image.as_raw(), ExtendedColorType::L8),
            Pixels::Rgb(image) => (image.as_raw(), ExtendedColorType::Rgb8),
        };
        let mut content = Vec::new();
        PngEncoder::new_with_quality(&mut content, CompressionType::Fast, FilterType::Adaptive)
            .write_image(raw, self.width(), self.height(), colour)
            .map_err(|error| Error::Unsupported {
                origin: self.origin().to_owned(),
                reason: format!("cannot be written as PNG: {error}"),
            })?;
        Ok(content)
    }
}

/// Kind and content of the chunk at `at`, and where the next one starts (PNG 1.2, section 3.2).
fn chunk(bytes: &[u8], at: usize) -> Result<(&[u8; 4], &[u8], usize), String> {
    let cut = || format!("cut short at byte {}: no end chunk", bytes.len());
    let (length, rest) =
        bytes.get(at..).and_then(<[u8]>::split_first_chunk::<4>).ok_or_else(cut)?;
    let (kind, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = u32::from_be_bytes(*length) as usize;
    let content = rest.get(..length).ok_or_else(cut)?;
    // The sum after the content.
    rest.get(length..).and_then(<[u8]>::first_chunk::<4>).ok_or_else(cut)?;
    Ok((kind, content, at + 12 + length))
}
