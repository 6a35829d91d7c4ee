use std::path::Path;

use image::ImageFormat;

use super::{Error, Frame, Pixels, jpeg, png};
use crate::files;

/// 64 megapixels: four times a 4096x4096 frame; a larger header is a mistake or an attack.
const MAX_PIXELS: u64 = 64 << 20;
/// A 16-bit RGB frame of that size, uncompressed.
const MAX_FILE_BYTES: u64 = MAX_PIXELS * 6 + (1 << 20);

/// What a file's header says; known before any pixel is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Columns.
    pub(super) width: u32,
    /// Rows.
    pub(super) height: u32,
    /// Bits per channel.
    pub(super) bit_depth: u8,
}

/// Why there are no pixels.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Cut short or altered.
    Damaged(String),
    /// Sound, and of a kind that is not read.
    Unsupported(String),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Damaged(reason)
    }
}

impl Frame {
    /// Reads and decodes a PNG or JPEG file; the format comes from the content, not the name.
    ///
    /// # Errors
    /// Every variant of [`Error`] that names a file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::decode(&files::read(path, MAX_FILE_BYTES)?, &path.display().to_string())
    }

    /// Decodes PNG or JPEG bytes; `origin` names them in messages.
    ///
    /// Grey stays grey and colour becomes RGB; palettes are looked up; an alpha channel is
    /// dropped, as Pillow's `convert("RGB")` does; of an animation the default image is taken.
    /// 16-bit values are scaled by 1/257 and rounded, 1, 2 and 4-bit values by 255, 85 and 17.
    /// EXIF orientation, gamma and colour profiles are not applied: a line camera's rows stay
    /// rows. A 64-megapixel frame takes at most 0.7 GB while it is decoded.
    ///
    /// # Errors
    /// Those of [`Frame::open`] except [`Error::File`]. A file that ends before its last pixel or
    /// its end marker is [`Error::Damaged`]; of what JPEG data cannot show to be wrong, an end
    /// marker before the last row included, nothing is noticed.
    pub fn decode(bytes: &[u8], origin: &str) -> Result<Self, Error> {
        let damaged = |reason: String| Error::Damaged { origin: origin.to_owned(), reason };
        let (header, decode) = match image::guess_format(bytes) {
            Ok(ImageFormat::Png) => (png::header(bytes), png_pixels as Decode),
            Ok(ImageFormat::Jpeg) => (jpeg::header(bytes), jpeg::pixels as Decode),
            _ => {
                let start = bytes.iter().copied().take(8).collect();
                return Err(Error::Foreign { origin: origin.to_owned(), start });
            }
        };
        let Header { width, height, bit_depth } = header.map_err(damaged)?;
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            let origin = origin.to_owned();
            return Err(Error::TooLarge { origin, width, height, limit: MAX_PIXELS });
        }
        if width == 0 || height == 0 {
            return Err(Error::Empty { origin: origin.to_owned() });
        }
        let pixels = decode(bytes).map_err(|refusal| match refusal {
            Refusal::Damaged(reason) => damaged(reason),
            Refusal::Unsupported(reason) => {
                Error::Unsupported { origin: origin.to_owned(), reason }
            }
        });
        Self::new(pixels?, bit_depth, origin)
    }
}

/// Decodes the pixels of a file whose header was accepted.
type Decode = fn(&[u8]) -> Result<Pixels, Refusal>;

fn png_pixels(bytes: &[u8]) -> Result<Pixels, Refusal> {
    Ok(png::pixels(bytes)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::PathBuf;

    use super::super::mutation::{cuts, mutations};
    use super::*;

    /// Largest difference from libjpeg-turbo per value: inverse transforms may round differently.
    const CLOSE_VALUE: u8 = 3;
    /// As [`CLOSE_VALUE`], where the two interpolate subsampled colour differently.
    const CLOSE_SUBSAMPLED: u8 = 4;

    const WIDTH: u32 = 23;
    const HEIGHT: u32 = 19;

    fn golden(file: &str) -> Vec<u8> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/decode");
        std::fs::read(folder.join(file)).unwrap()
    }

    fn open(file: &str) -> Frame {
        Frame::decode(&golden(file), file).unwrap()
    }

    fn message(file: &str) -> String {
        Frame::decode(&golden(file), file).unwrap_err().to_string()
    }

    /// The formula of `make_decode.py`.
    fn value(depth: u32, x: u32, y: u32, channel: u32) -> u32 {
        (3 * x + 5 * y + x * y + 11 * channel) * 2741 % (1 << depth)
    }

    /// A value of `depth` bits on the scale of 8.
    fn scaled(depth: u32, value: u32) -> u8 {
        let largest = (1 << depth) - 1;
        ((value * 255 + largest / 2) / largest) as u8
    }

    fn assert_gray(file: &str, depth: u32) {
        let frame = open(file);
        let Pixels::Gray(image) = frame.pixels() else { panic!("{file} is grey") };
        assert_eq!((image.dimensions(), u32::from(frame.bit_depth())), ((WIDTH, HEIGHT), depth));
        for (x, y, pixel) in image.enumerate_pixels() {
            assert_eq!(pixel.0[0], scaled(depth, value(depth, x, y, 0)), "{file} at {x}, {y}");
        }
    }

    fn assert_rgb(file: &str, depth: u8, expected: impl Fn(u32, u32) -> [u8; 3]) {
        let frame = open(file);
        let Pixels::Rgb(image) = frame.pixels() else { panic!("{file} is colour") };
        assert_eq!((image.dimensions(), frame.bit_depth()), ((WIDTH, HEIGHT), depth));
        for (x, y, pixel) in image.enumerate_pixels() {
            assert_eq!(pixel.0, expected(x, y), "{file} at {x}, {y}");
        }
    }

    #[test]
    fn grey_png_of_every_depth_is_exact() {
        for depth in [1, 2, 4, 8, 16] {
            assert_gray(&format!("gray{depth}.png"), depth);
            assert_gray(&format!("gray{depth}_interlaced.png"), depth);
        }
    }

    #[test]
    fn colour_png_of_every_depth_is_exact() {
        for depth in [8, 16] {
            let pixel = |x, y| [0, 1, 2].map(|channel| scaled(depth, value(depth, x, y, channel)));
            assert_rgb(&format!("rgb{depth}.png"), depth as u8, pixel);
            assert_rgb(&format!("rgb{depth}_interlaced.png"), depth as u8, pixel);
            assert_rgb(&format!("rgb_alpha{depth}.png"), depth as u8, pixel);
        }
    }

    #[test]
    fn palettes_are_looked_up() {
        let files = ["indexed1", "indexed2", "indexed4", "indexed8", "indexed4_interlaced"];
        for file in files.into_iter().chain(["indexed8_transparent"]) {
            let depth = u32::from(file.as_bytes()[7] - b'0');
            assert_rgb(&format!("{file}.png"), 8, |x, y| {
                let index = value(depth, x, y, 0);
                [7 * index, 1024 + 255 - 3 * index, 11 * index].map(|value| value as u8)
            });
        }
    }

    #[test]
    fn alpha_gamma_and_animation_leave_the_pixels_alone() {
        for file in ["gray_alpha8", "gray8_transparent", "gray8_gamma", "gray8_animated"] {
            assert_gray(&format!("{file}.png"), 8);
        }
        assert_gray("gray_alpha16.png", 16);
    }

    #[test]
    fn jpeg_agrees_with_libjpeg() {
        for (file, close) in [
            ("gray", CLOSE_VALUE),
            ("gray_progressive", CLOSE_VALUE),
            ("colour_444", CLOSE_VALUE),
            ("colour_progressive", CLOSE_VALUE),
            ("colour_restarts", CLOSE_VALUE),
            ("colour_rgb", CLOSE_VALUE),
            ("colour_422", CLOSE_SUBSAMPLED),
            ("colour_420", CLOSE_SUBSAMPLED),
        ] {
            let (found, expected) =
                (open(&format!("{file}.jpg")), open(&format!("{file}.expected.png")));
            assert_eq!(found.bounds(), expected.bounds(), "{file}");
            let gray = |frame: &Frame| matches!(frame.pixels(), Pixels::Gray(_));
            assert_eq!(gray(&found), gray(&expected), "{file}");
            let (found, expected) = (found.to_rgb(), expected.to_rgb());
            let gaps = found.iter().zip(expected.iter()).map(|(a, b)| a.abs_diff(*b));
            let largest = gaps.max().unwrap();
            assert!(largest <= close, "{file}: {largest}/255");
        }
    }

    #[test]
    fn exif_orientation_is_not_applied() {
        let (turned, plain) = (open("gray_turned.jpg"), open("gray.jpg"));
        assert_eq!(turned.luma().as_raw(), plain.luma().as_raw());
        assert_eq!(turned.bounds(), plain.bounds());
    }

    #[test]
    fn headers_that_promise_too_much_are_refused_before_decoding() {
        let large = message("hostile_bomb_header.png");
        assert_eq!(
            large,
            "hostile_bomb_header.png: 60000x60000 pixels, at most 67108864 in all are decoded"
        );
        assert!(
            message("hostile_bomb_header_largest.png").contains("2147483647x2147483647 pixels")
        );
        assert!(message("hostile_bomb_header.jpg").contains("65500x65500 pixels, at most"));
    }

    #[test]
    fn bombs_beside_the_pixels_are_not_unpacked() {
        assert!(message("hostile_bomb_row.png").contains("need more than 16 MiB"));
        // A profile beyond the limit is left out; rows beyond the last and comments always are.
        assert_gray("hostile_bomb_profile.png", 8);
        assert!(open("hostile_bomb_data.png").luma().iter().all(|value| *value == 0));
        assert_gray("hostile_bomb_comment.png", 8);
    }

    #[test]
    fn sizes_that_the_pixels_do_not_fill_are_refused() {
        assert!(message("hostile_too_few_rows.png").contains("damaged image: "));
        for file in ["zero_width.png", "zero_height.png", "zero_width.jpg", "zero_height.jpg"] {
            let message = message(&format!("hostile_{file}"));
            assert!(message.ends_with("no pixels") || message.contains("damaged"), "{message}");
        }
    }

    #[test]
    fn colours_for_printing_are_refused() {
        let message = message("hostile_cmyk.jpg");
        assert!(message.ends_with("colours are CMYK; grey, YCbCr or RGB is expected"), "{message}");
        assert!(!message.contains("damaged"), "{message}");
    }

    #[test]
    fn what_is_neither_png_nor_jpeg_is_refused_by_its_start() {
        for bytes in [&b"GIF89a.."[..], b"\x00\x00", b"RIFF....WEBP", b"%PDF-1.7"] {
            let message = Frame::decode(bytes, "x.png").unwrap_err().to_string();
            assert!(message.starts_with("x.png: neither PNG nor JPEG (starts with ["), "{message}");
        }
        let message = Frame::decode(b"", "x.png").unwrap_err().to_string();
        assert!(message.ends_with("(the file is empty)"), "{message}");
    }

    #[test]
    fn a_cut_file_is_an_error_wherever_it_is_cut() {
        for file in [
            "gray1.png",
            "rgb16_interlaced.png",
            "gray8_animated.png",
            "gray.jpg",
            "gray_progressive.jpg",
            "colour_420.jpg",
            "colour_restarts.jpg",
            "gray_turned.jpg",
        ] {
            let bytes = golden(file);
            for cut in cuts(&bytes) {
                assert!(Frame::decode(cut, file).is_err(), "{file} cut to {} bytes", cut.len());
            }
            let longer = [&bytes[..], b"trailing"].concat();
            assert!(Frame::decode(&longer, file).is_ok(), "{file}");
        }
    }

    #[test]
    fn codes_that_no_table_has_are_an_error() {
        for file in ["gray.jpg", "colour_444.jpg", "colour_420.jpg", "colour_restarts.jpg"] {
            let mut bytes = golden(file);
            let middle = bytes.len() - 120;
            // Stuffed ones; no Huffman code consists of ones alone (ITU-T T.81, section C).
            for pair in bytes[middle..middle + 64].chunks_exact_mut(2) {
                pair.copy_from_slice(&[0xff, 0x00]);
            }
            assert!(Frame::decode(&bytes, file).is_err(), "{file}");
        }
    }

    #[test]
    fn an_altered_png_is_an_error_or_the_same_picture() {
        let bytes = golden("gray4.png");
        let expected = open("gray4.png");
        for altered in mutations(&bytes) {
            if let Ok(frame) = Frame::decode(&altered, "altered") {
                assert_eq!(frame.luma().as_raw(), expected.luma().as_raw());
            }
        }
    }

    #[test]
    fn an_altered_file_is_an_error_or_a_picture_of_its_header() {
        for file in
            ["gray.jpg", "gray_progressive.jpg", "colour_420.jpg", "indexed8_transparent.png"]
        {
            for altered in mutations(&golden(file)) {
                if let Ok(frame) = Frame::decode(&altered, "altered") {
                    assert!(frame.bounds().area() <= MAX_PIXELS && !frame.bounds().is_empty());
                }
            }
        }
    }
}
