#![allow(clippy::unwrap_used)]

use super::super::{FourCc, PIXEL_FORMATS, PixelFormat};
use super::*;
use crate::mutation::{cuts, mutations};

/// Largest error of the 8-bit value: one rounding.
const CLOSE_VALUE: f64 = 0.5;

fn format(name: &str) -> PixelFormat {
    PixelFormat::of(FourCc::try_from(name.to_owned()).unwrap()).unwrap()
}

fn converter(name: &str, width: u32, height: u32) -> Converter {
    Converter::new(ImageLayout::packed(format(name), width, height)).unwrap()
}

fn values(converter: &Converter, buffer: &[u8]) -> Vec<u8> {
    let frame = converter.convert(buffer, "cam").unwrap();
    let Pixels::Gray(image) = frame.pixels() else { panic!("frames of cameras are grey") };
    let ImageLayout { width, height, .. } = *converter.layout();
    assert_eq!(image.dimensions(), (width, height));
    image.as_raw().clone()
}

/// Samples packed as a format has them: the oracle is written bit by bit, from the documentation.
fn pack(format: &PixelFormat, samples: &[u16], width: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for row in samples.chunks(width) {
        match format.samples {
            Samples::Bytes { first, step } => out.extend(row.iter().flat_map(|sample| {
                let mut bytes = vec![0x80; usize::from(step)];
                bytes[usize::from(first)] = *sample as u8;
                bytes
            })),
            Samples::Words { .. } => out.extend(row.iter().flat_map(|it| it.to_le_bytes())),
            Samples::Mipi10 => out.extend(row.chunks(4).flat_map(|group| mipi(group, 4, 2))),
            Samples::Mipi12 => out.extend(row.chunks(2).flat_map(|group| mipi(group, 2, 4))),
            Samples::Triples(_) => {
                out.extend(row.iter().flat_map(|sample| [*sample as u8; 3]));
            }
            Samples::Jpeg => panic!("JPEG packs no samples"),
        }
    }
    if let Meaning::Luma { chroma_rows: true } = format.meaning {
        let rows = samples.len() / width;
        out.extend(vec![0x80; width * rows.div_ceil(2) + 1]);
    }
    out
}

fn mipi(group: &[u16], len: usize, low_bits: u16) -> Vec<u8> {
    let mut bytes = vec![0_u8; len + 1];
    for (index, sample) in group.iter().enumerate() {
        bytes[index] = (sample >> low_bits) as u8;
        for bit in 0..low_bits {
            let value = (sample >> bit & 1) as u8;
            bytes[len] |= value << (index as u16 * low_bits + bit);
        }
    }
    bytes
}

/// Any samples of `bits`.
fn noise(count: usize, bits: u8) -> Vec<u16> {
    let mut state = 9_u32;
    let draw = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8 & ((1 << bits) - 1)) as u16
    };
    (0..count).map(draw).collect()
}

#[test]
fn every_grey_and_yuv_format_gives_its_samples_on_the_scale_of_8_bits() {
    for format in PIXEL_FORMATS {
        if matches!(format.meaning, Meaning::Bayer { .. }) || format.samples == Samples::Jpeg {
            continue;
        }
        // Odd and even widths, and one beside each size of group.
        for (width, height) in [(1, 1), (2, 3), (5, 4), (6, 2), (7, 3), (8, 5)] {
            let samples = noise(width * height, format.bits());
            let converter =
                Converter::new(ImageLayout::packed(format, width as u32, height as u32)).unwrap();
            let found = values(&converter, &pack(&format, &samples, width));
            let most = f64::from((1_u32 << format.bits()) - 1);
            for (found, sample) in found.iter().zip(&samples) {
                let gap = (f64::from(*found) - f64::from(*sample) * 255.0 / most).abs();
                assert!(gap <= CLOSE_VALUE, "{} {sample} gave {found}", format.fourcc());
            }
        }
    }
}

#[test]
fn every_bayer_format_gives_the_luma_of_its_colour() {
    let mut seen = 0;
    for format in PIXEL_FORMATS {
        let Meaning::Bayer { red } = format.meaning else { continue };
        seen += 1;
        let full = (1_u32 << format.bits()) - 1;
        // 200, 100 and 50 of 255.
        let rgb = [200, 100, 50].map(|value| (value * full / 255) as u16);
        let colour = |at: usize| {
            let (x, y) = (at % 7, at / 7);
            match (x % 2 == usize::from(red.0), y % 2 == usize::from(red.1)) {
                (true, true) => rgb[0],
                (false, false) => rgb[2],
                _ => rgb[1],
            }
        };
        let samples: Vec<u16> = (0..7 * 5).map(colour).collect();
        let converter = Converter::new(ImageLayout::packed(format, 7, 5)).unwrap();
        let found = values(&converter, &pack(&format, &samples, 7));
        // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
        assert_eq!(found, vec![124; 35], "{}", format.fourcc());
    }
    assert_eq!(seen, 20);
}

#[test]
fn the_four_bayer_orders_are_those_of_the_first_two_samples_of_the_first_two_rows() {
    // One bright colour alone: where it lies in the square says which colour it is.
    for (name, lumas) in [
        ("RGGB", [299, 587, 587, 114]),
        ("GRBG", [587, 299, 114, 587]),
        ("GBRG", [587, 114, 299, 587]),
        ("BA81", [114, 587, 587, 299]),
    ] {
        for (place, luma) in lumas.into_iter().enumerate() {
            let lit = |at: usize| {
                let (x, y) = (at % 8, at / 8);
                if 2 * (y % 2) + x % 2 == place { 250 } else { 0 }
            };
            let samples: Vec<u8> = (0..64).map(lit).collect();
            let found = values(&converter(name, 8, 8), &samples);
            // Green is lit at half its places only.
            let share = if luma == 587 { 0.5 } else { 1.0 };
            let mean = found.iter().map(|it| f64::from(*it)).sum::<f64>() / 64.0;
            let expected = 0.25 * f64::from(luma) * share;
            assert!((mean - expected).abs() < 2.0, "{name} {place}: {mean}, not {expected}");
        }
    }
}

#[test]
fn red_and_blue_are_told_apart() {
    let (red, blue) = ([200, 0, 0], [0, 0, 200]);
    assert_eq!(values(&converter("RGB3", 2, 1), &[red, blue].concat()), [60, 23]);
    assert_eq!(values(&converter("BGR3", 2, 1), &[red, blue].concat()), [23, 60]);
}

#[test]
fn padding_between_rows_is_skipped() {
    for name in ["GREY", "YUYV", "Y12", "Y10P", "Y12P", "RGB3", "NV12", "RGGB", "pRCC"] {
        let packed = ImageLayout::packed(format(name), 8, 6);
        let samples = noise(48, packed.bits());
        let tight = pack(&packed.format, &samples, 8);
        let rows = tight.chunks(packed.stride as usize);
        let padded: Vec<u8> = rows.flat_map(|row| [row, &[0xee; 24]].concat()).collect();
        let stride = packed.stride + 24;
        let wide = Converter::new(ImageLayout { stride, ..packed }).unwrap();
        let narrow = Converter::new(packed).unwrap();
        assert_eq!(values(&wide, &padded), values(&narrow, &tight), "{name}");
    }
}

#[test]
fn a_buffer_one_byte_short_is_an_error_and_longer_is_not() {
    for format in PIXEL_FORMATS {
        let layout = ImageLayout::packed(format, 6, 4);
        let converter = Converter::new(layout).unwrap();
        let bytes = layout.bytes() as usize;
        for short in cuts(&vec![0; bytes.max(1)]).filter(|cut| cut.len() < bytes.max(1)) {
            let error = converter.convert(short, "cam").unwrap_err();
            assert!(matches!(error, Error::ShortBuffer { .. }), "{error}");
        }
        if format.samples != Samples::Jpeg {
            converter.convert(&vec![0; bytes], "cam").unwrap();
            converter.convert(&vec![0; bytes + 999], "cam").unwrap();
        }
    }
    let message = converter("Y10", 6, 4).convert(&[0; 47], "/dev/video2").unwrap_err().to_string();
    assert_eq!(message, "/dev/video2: buffer of 47 bytes, 48 expected (Y10 6x4); was it cut?");
}

#[test]
fn bits_above_the_format_are_an_error_and_sample_bits_explains_them() {
    let left_aligned = [0xc0, 0xff].repeat(16);
    let layout = ImageLayout::packed(format("Y10"), 4, 4);
    let error = Converter::new(layout).unwrap().convert(&left_aligned, "cam").unwrap_err();
    assert!(error.to_string().starts_with("cam: sample 65472 above 1023 (10 bits)"), "{error}");
    let explained = ImageLayout { sample_bits: Some(16), ..layout };
    assert_eq!(values(&Converter::new(explained).unwrap(), &left_aligned), [255; 16]);
    let ten_in_y16 = ImageLayout { sample_bits: Some(10), format: format("Y16"), ..layout };
    let white = [0xff, 0x03].repeat(16);
    assert_eq!(values(&Converter::new(ten_in_y16).unwrap(), &white), [255; 16]);
}

#[test]
fn limited_range_is_stretched_and_clipped() {
    let layout = ImageLayout::packed(format("YUYV"), 6, 1);
    let limited = Converter::new(ImageLayout { range: LumaRange::Limited, ..layout }).unwrap();
    let buffer = pack(&layout.format, &[0, 16, 17, 126, 235, 255], 6);
    assert_eq!(values(&limited, &buffer), [0, 0, 1, 128, 255, 255]);
    // Grey formats have no such range.
    let layout = ImageLayout::packed(format("GREY"), 2, 1);
    let grey = Converter::new(ImageLayout { range: LumaRange::Limited, ..layout }).unwrap();
    assert_eq!(values(&grey, &[16, 235]), [16, 235]);
}

fn golden(file: &str) -> Vec<u8> {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/decode");
    std::fs::read(folder.join(file)).unwrap()
}

#[test]
fn mjpg_is_read_as_a_jpeg_file_is_and_becomes_luma() {
    for file in ["gray.jpg", "colour_422.jpg"] {
        let bytes = golden(file);
        let expected = Frame::decode(&bytes, file).unwrap().luma().into_owned();
        // Drivers leave what follows the end marker as it was.
        let padded = [bytes, vec![0; 4096]].concat();
        let found = values(&converter("MJPG", 61, 47), &padded);
        assert_eq!(&found, expected.as_raw(), "{file}");
    }
}

#[test]
fn mjpg_of_another_size_is_refused() {
    let error = converter("MJPG", 640, 480).convert(&golden("gray.jpg"), "cam").unwrap_err();
    assert_eq!(error.to_string(), "cam: (61, 47) pixels, (640, 480) were agreed on");
}

#[test]
fn mjpg_without_huffman_tables_uses_the_usual_ones() {
    let bytes = golden("colour_422.jpg");
    let mut stripped = Vec::new();
    let mut at = 2;
    stripped.extend_from_slice(&bytes[..2]);
    while bytes[at + 1] != 0xda {
        let len = 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if bytes[at + 1] != 0xc4 {
            stripped.extend_from_slice(&bytes[at..at + len]);
        }
        at += len;
    }
    stripped.extend_from_slice(&bytes[at..]);
    assert!(stripped.len() < bytes.len());
    let converter = converter("MJPG", 61, 47);
    assert_eq!(values(&converter, &stripped), values(&converter, &bytes));
}

#[test]
fn damaged_mjpg_is_an_error_or_a_frame_of_the_agreed_size() {
    let converter = converter("MJPG", 61, 47);
    for bytes in mutations(&golden("colour_420.jpg")) {
        if let Ok(frame) = converter.convert(&bytes, "cam") {
            assert_eq!((frame.width(), frame.height()), (61, 47));
        }
    }
}
