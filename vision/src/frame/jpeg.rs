use image::{GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Pixels;
use super::decode::{Header, Refusal};

/// JPEG writes sizes in 16 bits.
const MAX_EDGE: usize = 65_535;

// Markers of ITU-T T.81, table B.1, without their 0xff.
const TEM: u8 = 0x01;
const RST0: u8 = 0xd0;
const RST7: u8 = 0xd7;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;

/// Reads the frame header and follows the segments to the end marker, so that a cut file is known
/// as such.
pub(super) fn header(bytes: &[u8]) -> Result<Header, String> {
    let mut decoder = decoder(bytes, ColorSpace::RGB);
    decoder.decode_headers().map_err(|error| error.to_string())?;
    let info = decoder.info().ok_or("no frame header")?;
    if !ends(bytes) {
        return Err(format!("cut short at byte {}: no end marker", bytes.len()));
    }
    Ok(Header { width: u32::from(info.width), height: u32::from(info.height), bit_depth: 8 })
}

/// Decodes the pixels; whatever the entropy-coded data lacks is an error.
pub(super) fn pixels(bytes: &[u8]) -> Result<Pixels, Refusal> {
    let mut probe = decoder(bytes, ColorSpace::RGB);
    probe.decode_headers().map_err(|error| error.to_string())?;
    let output = match probe.input_colorspace() {
        Some(ColorSpace::Luma) => ColorSpace::Luma,
        Some(ColorSpace::YCbCr | ColorSpace::RGB) => ColorSpace::RGB,
        other => {
            let colours = other.map_or("unknown".to_owned(), |space| format!("{space:?}"));
            let reason = format!("colours are {colours}; grey, YCbCr or RGB is expected");
            return Err(Refusal::Unsupported(reason));
        }
    };
    let mut decoder = decoder(bytes, output);
    let values = decoder.decode().map_err(|error| error.to_string())?;
    let info = decoder.info().ok_or_else(|| "no frame header".to_owned())?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let pixels = if output == ColorSpace::Luma {
        GrayImage::from_raw(width, height, values).map(Pixels::Gray)
    } else {
        RgbImage::from_raw(width, height, values).map(Pixels::Rgb)
    };
    pixels.ok_or_else(|| format!("fewer values than {width}x{height} pixels have").into())
}

/// Strict: the lenient decoder paints grey over what a damaged file lacks, and says so only in
/// the log.
fn decoder(bytes: &[u8], output: ColorSpace) -> JpegDecoder<ZCursor<&[u8]>> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_EDGE)
        .set_max_height(MAX_EDGE)
        .jpeg_set_out_colorspace(output);
    JpegDecoder::new_with_options(ZCursor::new(bytes), options)
}

/// Whether the end marker is reached from the start: segments are skipped by their length,
/// entropy-coded data up to the next marker (ITU-T T.81, section B.1.1).
fn ends(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = match marker {
            EOI => return true,
            SOI | TEM | RST0..=RST7 => after,
            _ => {
                let Some(&[high, low]) = bytes.get(after..).and_then(<[u8]>::first_chunk) else {
                    return false;
                };
                after + usize::from(u16::from_be_bytes([high, low]))
            }
        };
    }
    false
}

/// The first marker at or after `at`, and where it ends; 0xff 0x00 is data, 0xff 0xff padding.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        let window = bytes.get(at..)?;
        at += window.iter().position(|byte| *byte == 0xff)? + 1;
        match *bytes.get(at)? {
            0x00 => at += 1,
            0xff => {}
            marker => return Some((marker, at + 1)),
        }
    }
}
