//! Readers of frames.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage};
use pairspec::frame::Frame;

use super::Reader;

pub(super) fn readers() -> Vec<Reader> {
    let accepts = |bytes: &[u8]| Frame::decode(bytes, "frame").is_ok_and(|frame| is_whole(&frame));
    vec![Reader::new("PNG", pngs(), accepts), Reader::new("JPEG", jpegs(), accepts)]
}

/// What every room relies on.
fn is_whole(frame: &Frame) -> bool {
    let luma = frame.luma();
    assert_eq!((luma.width(), luma.height()), (frame.width(), frame.height()));
    assert!(frame.width() > 0 && frame.height() > 0);
    true
}

fn grey() -> GrayImage {
    GrayImage::from_fn(23, 17, |x, y| Luma([(x * 11 + y * 7) as u8]))
}

fn colour() -> RgbImage {
    RgbImage::from_fn(19, 16, |x, y| Rgb([(x * 13) as u8, (y * 16) as u8, (x * y) as u8]))
}

fn pngs() -> Vec<Vec<u8>> {
    let deep: ImageBuffer<Luma<u16>, Vec<u16>> =
        ImageBuffer::from_fn(9, 8, |x, y| Luma([(x * 7001 + y * 900) as u16]));
    let images: [DynamicImage; 3] = [grey().into(), colour().into(), deep.into()];
    images.iter().map(|image| encoded(image, ImageFormat::Png)).collect()
}

fn jpegs() -> Vec<Vec<u8>> {
    let images: [DynamicImage; 2] = [grey().into(), colour().into()];
    images.iter().map(|image| encoded(image, ImageFormat::Jpeg)).collect()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}
