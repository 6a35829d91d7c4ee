//! Frames that cannot be judged: never a pass, never a panic, always the file and the fact.

use image::{DynamicImage, GrayImage, ImageFormat, Luma};

use crate::harness::{Folder, Run};
use crate::product::{HEIGHT, WIDTH, encoded, part, png};

/// Inspects `test` against `reference` with limits that nothing reaches: what could pass, would.
fn judged(folder: &Folder, reference: &str, test: &str) -> Run {
    folder.armed_from(1.0);
    folder.run(&["inspect", reference, test, "--recipe", "recipe.toml"])
}

/// Neither as the frame under test nor as the reference is `bytes` judged.
fn is_not_inspected(name: &str, bytes: &[u8], facts: &[&str]) {
    let folder = Folder::with_product();
    folder.write(name, bytes);
    for [reference, test] in [["reference.png", name], [name, "good.png"]] {
        judged(&folder, reference, test).exits(2).prints(&["NOT INSPECTED: "]).prints(facts);
    }
}

/// The CRC-32 of PNG chunks (ISO 3309, reflected polynomial 0xedb88320).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// A PNG file whose header says `width` and `height`, with a sum that fits.
fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(&GrayImage::new(8, 8));
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&sum);
    bytes
}

#[test]
fn the_crc_of_these_tests_is_that_of_png() {
    assert_eq!(png_claiming(8, 8), png(&GrayImage::new(8, 8)));
}

#[test]
fn a_frame_cut_anywhere_is_not_inspected() {
    let whole = png(&part(1, true));
    for length in [9, 30, 60, whole.len() / 2, whole.len() - 13] {
        is_not_inspected("cut.png", &whole[..length], &["cut.png", "damaged image"]);
    }
    let whole = encoded(&part(1, true).into(), ImageFormat::Jpeg);
    for length in [20, whole.len() / 3] {
        is_not_inspected("cut.jpg", &whole[..length], &["cut.jpg", "damaged image"]);
    }
}

#[test]
fn an_altered_frame_is_not_inspected() {
    let mut bytes = png(&part(1, true));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    is_not_inspected("altered.png", &bytes, &["altered.png", "damaged image"]);
}

#[test]
fn a_foreign_or_empty_file_is_not_inspected() {
    for bytes in [&b""[..], b"P5 2 2 255 abcd", b"GIF89a\x01\x00\x01\x00", b"<svg/>", &[0; 4096]] {
        is_not_inspected("frame.png", bytes, &["frame.png", "neither PNG nor JPEG"]);
    }
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let bomb = png_claiming(10_000, 10_000);
    is_not_inspected("bomb.png", &bomb, &["bomb.png", "10000x10000 pixels", "at most"]);
    is_not_inspected("wide.png", &png_claiming(0x7fff_ffff, 1), &["wide.png"]);
    is_not_inspected("long.png", &png_claiming(1, 0x7fff_ffff), &["long.png"]);
    let mut jpeg = encoded(&DynamicImage::from(GrayImage::new(8, 8)), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|it| it == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    is_not_inspected("bomb.jpg", &jpeg, &["bomb.jpg", "65500x65500 pixels"]);
}

#[test]
fn a_frame_without_pixels_is_not_inspected() {
    is_not_inspected("none.png", &png_claiming(0, 0), &["none.png"]);
    is_not_inspected("none.png", &png_claiming(0, 8), &["none.png"]);
}

#[test]
fn a_frame_of_a_few_pixels_is_not_inspected() {
    for edge in [1, 2, 7] {
        let folder = Folder::with_product();
        folder.write("tiny.png", png(&GrayImage::from_pixel(edge, edge, Luma([90]))));
        judged(&folder, "tiny.png", "tiny.png").exits(2).prints(&["NOT INSPECTED: "]);
        judged(&folder, "reference.png", "tiny.png").exits(2).prints(&["NOT INSPECTED: "]);
    }
}

#[test]
fn a_frame_of_one_grey_is_not_inspected() {
    for value in [0, 128, 255] {
        let plain = png(&GrayImage::from_pixel(WIDTH, HEIGHT, Luma([value])));
        is_not_inspected("plain.png", &plain, &[]);
        let folder = Folder::with_product();
        folder.write("plain.png", plain);
        judged(&folder, "plain.png", "plain.png").exits(2).prints(&["NOT INSPECTED: "]);
    }
}

#[test]
fn frames_of_very_different_size_are_not_inspected() {
    let whole = part(1, false);
    let left = image::imageops::crop_imm(&whole, 0, 0, WIDTH / 2, HEIGHT).to_image();
    is_not_inspected("left.png", &png(&left), &[]);
    let folder = Folder::with_product();
    folder.write("left.png", png(&left)).edit(
        "recipe.toml",
        "[region]",
        "[align]\nmode = \"none\"\n[region]",
    );
    let recipe = ["--recipe", "recipe.toml"];
    let run = folder.run(&[&["inspect", "reference.png", "left.png"][..], &recipe].concat());
    run.exits(2).prints(&["NOT INSPECTED: "]);
}

#[test]
fn another_part_is_not_inspected() {
    let other = image::imageops::rotate180(&part(1, false));
    is_not_inspected("other.png", &png(&other), &[]);
}

#[test]
fn grey_and_colour_eight_and_sixteen_bit_are_the_same_part() {
    let folder = Folder::with_product();
    let good = DynamicImage::from(part(2, false));
    folder.write("rgb.png", encoded(&good.to_rgb8().into(), ImageFormat::Png));
    folder.write("rgba.png", encoded(&good.to_rgba8().into(), ImageFormat::Png));
    folder.write("deep.png", encoded(&good.to_luma16().into(), ImageFormat::Png));
    for test in ["rgb.png", "rgba.png", "deep.png"] {
        judged(&folder, "reference.png", test).exits(0).prints(&["CONFORMING: 0 regions"]);
    }
}
