use pairspec::frame::{Frame, Pixels};

/// A frame as PNG: 1 bit per pixel for black and white, else 8 bit per channel.
///
/// # Errors
/// Those of the encoder; writing to memory has none of its own.
pub(crate) fn png(frame: &Frame) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, frame.width(), frame.height());
    // Noise does not get smaller however long one tries.
    encoder.set_compression(png::Compression::Fast);
    let packed;
    let data: &[u8] = match frame.pixels() {
        Pixels::Rgb(image) => {
            encoder.set_color(png::ColorType::Rgb);
            encoder.set_depth(png::BitDepth::Eight);
            image.as_raw()
        }
        Pixels::Gray(image) if frame.bit_depth() == 1 => {
            encoder.set_color(png::ColorType::Grayscale);
            encoder.set_depth(png::BitDepth::One);
            packed = pack(image.as_raw(), frame.width() as usize);
            &packed
        }
        Pixels::Gray(image) => {
            encoder.set_color(png::ColorType::Grayscale);
            encoder.set_depth(png::BitDepth::Eight);
            image.as_raw()
        }
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(data)?;
    writer.finish()?;
    Ok(bytes)
}

/// Eight pixels a byte, the leftmost in the highest bit; rows begin with a new byte.
fn pack(levels: &[u8], width: usize) -> Vec<u8> {
    levels
        .chunks(width)
        .flat_map(|row| {
            row.chunks(8).map(|pixels| {
                pixels
                    .iter()
                    .enumerate()
                    .fold(0, |byte, (index, level)| byte | (level >> 7) << (7 - index))
            })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    #[test]
    fn frames_survive_png_whatever_their_depth() {
        let pattern = |x: u32, y: u32| ((x * 37 + y * 91) % 256) as u8;
        let binary = |x: u32, y: u32| if (x * y + x).is_multiple_of(3) { 255 } else { 0 };
        let frames = [
            (Pixels::Gray(GrayImage::from_fn(67, 5, |x, y| Luma([binary(x, y)]))), 1),
            (Pixels::Gray(GrayImage::from_fn(9, 11, |x, y| Luma([pattern(x, y)]))), 8),
            (
                Pixels::Rgb(RgbImage::from_fn(9, 11, |x, y| {
                    Rgb([x as u8, y as u8, pattern(x, y)])
                })),
                8,
            ),
        ];
        for (pixels, depth) in frames {
            let frame = Frame::new(pixels, depth, "test").unwrap();
            let bytes = png(&frame).unwrap();
            // PNG, third edition, 11.2.1: the depth is the ninth byte of IHDR.
            assert_eq!(bytes[24], depth);
            let back = Frame::decode(&bytes, "test").unwrap();
            assert_eq!(back.to_rgb().as_raw(), frame.to_rgb().as_raw());
        }
    }
}
