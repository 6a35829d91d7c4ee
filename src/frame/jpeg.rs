use image::{GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::decode::check_size;
use super::{Error, Frame, Pixels};

/// Decodes JPEG bytes of which nothing is missing and nothing is known to be damaged.
///
/// Decoders made to show something whatever comes fill what is missing with grey; a judge must not
/// see such a picture. `image` offers no strict mode, so its decoder is used directly.
///
/// # Errors
/// [`Error::Damaged`], [`Error::TooLarge`] and [`Error::Empty`].
pub(super) fn decode(bytes: &[u8], origin: &str) -> Result<Frame, Error> {
    let damaged = |reason: String| Error::Damaged { origin: origin.to_owned(), reason };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(error.to_string()))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    // Both come from 16 bits.
    let (width, height) = (width as u32, height as u32);
    check_size((width, height), origin)?;
    if !is_ended(bytes) {
        return Err(damaged("cut short: the end marker is missing".to_owned()));
    }
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let wanted = if is_grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let values = decoder.decode().map_err(|error| damaged(error.to_string()))?;
    let pixels = match is_grey {
        true => GrayImage::from_raw(width, height, values).map(Pixels::Gray),
        false => RgbImage::from_raw(width, height, values).map(Pixels::Rgb),
    };
    Frame::new(pixels.ok_or_else(|| damaged("pixels are missing".to_owned()))?, 8, origin)
}

/// Whether the markers lead to the end of the image (ITU-T T.81, B.1.1: a marker is 0xff and a
/// byte that is neither 0 nor 0xff; all but a few are followed by their length).
///
/// The last bytes do not tell: a thumbnail in the header has an end of its own.
fn is_ended(bytes: &[u8]) -> bool {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 1 | 0xff | 0xd0..=0xd8);
    let mut rest = bytes;
    loop {
        let Some(at) = rest.windows(2).position(is_marker) else { return false };
        if rest[at + 1] == 0xd9 {
            return true;
        }
        let Some(length) = rest[at + 2..].first_chunk::<2>() else { return false };
        let next = at + 2 + usize::from(u16::from_be_bytes(*length));
        let Some(after) = rest.get(next..) else { return false };
        rest = after;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat, Luma};

    fn jpeg() -> Vec<u8> {
        let image = GrayImage::from_fn(80, 64, |x, y| Luma([(x * 3 + y * 2) as u8]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::from(image).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_whole_file_is_decoded_and_every_cut_one_is_refused() {
        let whole = jpeg();
        let frame = decode(&whole, "a").unwrap();
        assert_eq!((frame.width(), frame.height()), (80, 64));
        for length in 0..whole.len() {
            let error = decode(&whole[..length], "a").unwrap_err();
            assert!(matches!(error, Error::Damaged { .. }), "{length}: {error}");
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_image() {
        let whole = jpeg();
        let thumbnail = [&[0xff, 0xe1, 0x00, 0x06][..], &[0xff, 0xd8, 0xff, 0xd9]].concat();
        let whole = [&whole[..2], &thumbnail, &whole[2..]].concat();
        assert!(is_ended(&whole));
        assert!(!is_ended(&whole[..whole.len() - 2]));
    }

    #[test]
    fn an_end_before_the_last_row_is_refused() {
        let mut early = jpeg();
        let middle = early.len() * 3 / 4;
        early.truncate(middle);
        early.extend([0xff, 0xd9]);
        assert!(matches!(decode(&early, "a"), Err(Error::Damaged { .. })));
    }
}
