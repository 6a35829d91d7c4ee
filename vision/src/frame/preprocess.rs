use super::resample::{Axis, Filter, Raster, region};
use super::{Error, Frame, Pixels};

/// Mean of red, green, blue in 0 to 1 over the images OpenAI trained CLIP on.
pub(super) const OPENAI_MEAN: [f64; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Their standard deviation.
pub(super) const OPENAI_STD: [f64; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// CLIP preprocessing of a frame: resize, centre crop, rescale, normalise.
///
/// Follows `CLIPImageProcessor` of Hugging Face transformers over Pillow up to 12: the same sizes
/// and the same order (a horizontal u8 pass, then a vertical one), within 2/255 per pixel. (Pillow
/// 13 runs the vertical pass first where that is cheaper, which tall frames can notice.) Only the part
/// of the resized image that the crop keeps is computed, so extreme aspects cost no memory, and a
/// frame that already has the right size is only looked up in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocess {
    steps: Steps,
    /// Width and height of the output.
    output: (u32, u32),
    /// The f32 for each u8, for red, green and blue.
    tables: Box<[[f32; 256]; 3]>,
}

/// What is done, in this order; `None` leaves a step out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Steps {
    pub(super) resize: Option<Resize>,
    pub(super) filter: Filter,
    /// Width and height.
    pub(super) crop: Option<(u32, u32)>,
    pub(super) rescale: Option<f64>,
    pub(super) normalize: Option<Normalize>,
}

/// To which size, before the crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resize {
    /// The shorter edge becomes this; the longer keeps the aspect, truncated to whole pixels.
    ShortestEdge(u32),
    /// Width and height, whatever the aspect.
    Exact(u32, u32),
}

/// `(value - mean) / std` for red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Normalize {
    pub(super) mean: [f64; 3],
    pub(super) std: [f64; 3],
}

impl Preprocess {
    /// What OpenAI's CLIP does, for an image tower of `edge` x `edge` pixels (0 counts as 1).
    ///
    /// Bicubic to that shortest edge, centre crop, 1/255, OpenAI's mean and standard deviation:
    /// `CLIPImageProcessor` without arguments, at another size.
    pub fn for_size(edge: u32) -> Self {
        let edge = edge.max(1);
        let steps = Steps {
            resize: Some(Resize::ShortestEdge(edge)),
            filter: Filter::Bicubic,
            crop: Some((edge, edge)),
            rescale: Some(1.0 / 255.0),
            normalize: Some(Normalize { mean: OPENAI_MEAN, std: OPENAI_STD }),
        };
        Self::new(steps, (edge, edge))
    }

    /// `output` is the width and height that `steps` lead to, both at least 1.
    pub(super) fn new(steps: Steps, output: (u32, u32)) -> Self {
        Self { steps, output, tables: Box::new(tables(steps.rescale, steps.normalize)) }
    }

    pub(super) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Width and height of the output, in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.output
    }

    /// What the bytes 0 and 255 become, for red, green and blue; those between lie on the line.
    pub fn ends(&self) -> [[f32; 2]; 3] {
        self.tables.each_ref().map(|table| [table[0], table[255]])
    }

    /// Values in one tensor: `3 * H * W`.
    pub fn tensor_len(&self) -> usize {
        3 * self.output.0 as usize * self.output.1 as usize
    }

    /// Preprocesses `frame` into `out`, shape `[3, H, W]`, red first; grey is repeated.
    ///
    /// # Errors
    /// [`Error::TensorLength`] when `out` is not `3 * H * W` long; it is then left as it was.
    pub fn write(&self, frame: &Frame, out: &mut [f32]) -> Result<(), Error> {
        if out.len() != self.tensor_len() {
            return Err(Error::TensorLength { expected: self.tensor_len(), found: out.len() });
        }
        self.fill(frame, out);
        Ok(())
    }

    /// As [`Preprocess::write`], into a new vector.
    pub fn tensor(&self, frame: &Frame) -> Vec<f32> {
        let mut out = vec![0.0; self.tensor_len()];
        self.fill(frame, &mut out);
        out
    }

    fn fill(&self, frame: &Frame, out: &mut [f32]) {
        let source = match frame.pixels() {
            Pixels::Gray(image) => Raster::gray(image),
            Pixels::Rgb(image) => Raster::rgb(image),
        };
        let (width, height) = self.resized(frame.width(), frame.height());
        let columns = Placement::new(frame.width(), width, self.output.0);
        let rows = Placement::new(frame.height(), height, self.output.1);
        let kept = region(source, columns.axis, rows.axis, self.steps.filter);

        let plane_len = out.len() / 3;
        for (channel, plane) in out.chunks_exact_mut(plane_len).enumerate() {
            let table = &self.tables[channel];
            if columns.pads() || rows.pads() {
                plane.fill(table[0]);
            }
            let plane_rows = plane.chunks_exact_mut(self.output.0 as usize);
            let kept_rows = plane_rows.skip(rows.offset as usize).take(rows.axis.length as usize);
            for (y, row) in kept_rows.enumerate() {
                let row = &mut row[columns.offset as usize..][..columns.axis.length as usize];
                let values = kept.channel_of_row(y, channel);
                row.iter_mut().zip(values).for_each(|(to, from)| *to = table[usize::from(from)]);
            }
        }
    }

    /// Width and height before the crop; transformers truncates the longer edge.
    fn resized(&self, width: u32, height: u32) -> (u64, u64) {
        let (w, h) = (u64::from(width), u64::from(height));
        match self.steps.resize {
            None => (w, h),
            Some(Resize::Exact(width, height)) => (u64::from(width), u64::from(height)),
            Some(Resize::ShortestEdge(edge)) => {
                let edge = u64::from(edge);
                if w <= h { (edge, edge * h / w) } else { (edge * w / h, edge) }
            }
        }
    }
}

/// One axis of the centre crop: what of the resized image is kept, and where it goes.
#[derive(Debug, Clone, Copy)]
struct Placement {
    axis: Axis,
    /// First pixel of the output that holds image; padding before.
    offset: u32,
    output: u32,
}

impl Placement {
    /// Crops at `(resized - output) / 2`, rounded down, or pads `(output - resized) / 2`, rounded
    /// up, before: transformers' `center_crop`.
    fn new(source: u32, resized: u64, output: u32) -> Self {
        let wanted = u64::from(output);
        if resized >= wanted {
            let axis = Axis { source, resized, start: (resized - wanted) / 2, length: output };
            return Self { axis, offset: 0, output };
        }
        // Below `output`, hence in range.
        let length = resized as u32;
        let axis = Axis { source, resized, start: 0, length };
        Self { axis, offset: (output - length).div_ceil(2), output }
    }

    fn pads(&self) -> bool {
        self.axis.length < self.output
    }
}

/// Rescales in f64 and rounds to f32, then normalises in f32, as transformers does over numpy.
fn tables(rescale: Option<f64>, normalize: Option<Normalize>) -> [[f32; 256]; 3] {
    let value = |channel: usize, byte: usize| {
        let value = rescale.map_or(byte as f32, |factor| (byte as f64 * factor) as f32);
        normalize.map_or(value, |Normalize { mean, std }| {
            (value - mean[channel] as f32) / std[channel] as f32
        })
    };
    std::array::from_fn(|channel| std::array::from_fn(|byte| value(channel, byte)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::PathBuf;

    use image::{GrayImage, RgbImage};
    use serde::Deserialize;

    use super::*;

    /// Largest difference from transformers per pixel, in u8 steps.
    const CLOSE_PIXEL: f32 = 2.0;
    /// Largest mean difference from transformers, in u8 steps.
    const CLOSE_MEAN: f32 = 0.2;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        config: serde_json::Value,
        tensor: bool,
    }

    fn golden(file: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/preprocess").join(file)
    }

    fn cases() -> Vec<Case> {
        serde_json::from_slice(&std::fs::read(golden("cases.json")).unwrap()).unwrap()
    }

    fn gray(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Frame {
        let image = GrayImage::from_fn(width, height, |x, y| image::Luma([value(x, y)]));
        Frame::new(Pixels::Gray(image), 8, "made").unwrap()
    }

    /// The pixels before rescaling and normalisation, `[3, H, W]`.
    fn values(preprocess: &Preprocess, frame: &Frame) -> Vec<f32> {
        let steps = Steps { rescale: None, normalize: None, ..*preprocess.steps() };
        Preprocess::new(steps, preprocess.size()).tensor(frame)
    }

    /// The pixels of a frame as they are, `[3, H, W]`.
    fn planes(frame: &Frame) -> Vec<f32> {
        let rgb = frame.to_rgb();
        (0..3).flat_map(|c| rgb.pixels().map(move |pixel| f32::from(pixel.0[c]))).collect()
    }

    #[test]
    fn pixels_agree_with_transformers() {
        let cases = cases();
        assert!(cases.len() >= 38);
        for Case { name, config, .. } in cases {
            let preprocess = Preprocess::from_json(config.to_string().as_bytes(), &name).unwrap();
            let frame = Frame::open(&golden(&format!("{name}.png"))).unwrap();
            let expected = Frame::open(&golden(&format!("{name}.expected.png"))).unwrap();
            assert_eq!((expected.width(), expected.height()), preprocess.size(), "{name}");
            let (found, expected) = (values(&preprocess, &frame), planes(&expected));
            let gaps: Vec<f32> = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).collect();
            let largest = gaps.iter().copied().fold(0.0, f32::max);
            let mean = gaps.iter().sum::<f32>() / gaps.len() as f32;
            assert!(largest <= CLOSE_PIXEL, "{name}: {largest}/255");
            assert!(mean <= CLOSE_MEAN, "{name}: {mean}/255 on average");
        }
    }

    #[test]
    fn tensors_agree_with_transformers() {
        let mut compared = 0;
        for Case { name, config, .. } in cases().into_iter().filter(|case| case.tensor) {
            let preprocess = Preprocess::from_json(config.to_string().as_bytes(), &name).unwrap();
            let frame = Frame::open(&golden(&format!("{name}.png"))).unwrap();
            let bytes = std::fs::read(golden(&format!("{name}.f32"))).unwrap();
            let expected =
                bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
            let found = preprocess.tensor(&frame);
            assert_eq!(4 * found.len(), bytes.len(), "{name}");
            // What one step of u8 is worth in this tensor.
            let step = preprocess.tables.iter().map(|table| (table[255] - table[0]) / 255.0);
            let close = CLOSE_PIXEL * step.fold(0.0, f32::max) * 1.000_01;
            let same = matches!(name.as_str(), "not_rescaled" | "not_normalized" | "half_scale");
            for (found, expected) in found.iter().zip(expected) {
                let limit = if same { 0.0 } else { close };
                assert!((found - expected).abs() <= limit, "{name}: {found}, expected {expected}");
            }
            compared += 1;
        }
        assert_eq!(compared, 5);
    }

    #[test]
    fn grey_and_the_same_grey_as_rgb_give_one_tensor() {
        let frame = gray(97, 61, |x, y| (x * 7 + y * y) as u8);
        let rgb = Frame::new(Pixels::Rgb(frame.to_rgb().into_owned()), 8, "made").unwrap();
        let preprocess = Preprocess::for_size(32);
        assert_eq!(preprocess.tensor(&frame), preprocess.tensor(&rgb));
    }

    #[test]
    fn a_part_of_a_resize_equals_the_part_of_the_whole() {
        let frame = gray(640, 90, |x, y| if (x / 3 + y / 5) % 2 == 0 { 255 } else { 0 });
        let whole = Steps {
            resize: Some(Resize::Exact(455, 64)),
            crop: None,
            ..*Preprocess::for_size(64).steps()
        };
        let whole = values(&Preprocess::new(whole, (455, 64)), &frame);
        let part = values(&Preprocess::for_size(64), &frame);
        let left = (455 - 64) / 2;
        for (row, part) in part.chunks(64).enumerate() {
            assert_eq!(part, &whole[row * 455 + left..][..64], "row {row}");
        }
    }

    #[test]
    fn a_wrong_length_is_an_error_that_writes_nothing() {
        let preprocess = Preprocess::for_size(16);
        let mut out = vec![7.0; 3 * 16 * 16 - 1];
        let error = preprocess.write(&gray(20, 20, |_, _| 0), &mut out).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor buffer: 767 values, 768 expected (3 x height x width)"
        );
        assert!(out.iter().all(|value| *value == 7.0));
    }

    #[test]
    fn every_shape_of_frame_fits_every_shape_of_output() {
        let sizes = [1, 2, 3, 7, 31, 32, 33, 64, 65, 257];
        for edge in [1, 2, 31, 32, 33] {
            let preprocess = Preprocess::for_size(edge);
            for (width, height) in sizes.iter().flat_map(|w| sizes.iter().map(move |h| (*w, *h))) {
                let image = RgbImage::from_pixel(width, height, image::Rgb([255, 0, 9]));
                let frame = Frame::new(Pixels::Rgb(image), 8, "made").unwrap();
                let found = values(&preprocess, &frame);
                let planes = found.chunks((edge * edge) as usize);
                for (plane, value) in planes.zip([255.0, 0.0, 9.0]) {
                    assert!(
                        plane.iter().all(|found| *found == value),
                        "{width}x{height} to {edge}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_longest_row_costs_no_more_than_itself() {
        // Resized whole it would have 1.5e10 pixels.
        let frame = gray(1 << 26, 1, |x, _| (x >> 18) as u8);
        let found = values(&Preprocess::for_size(224), &frame);
        assert!(found.iter().all(|value| (126.0..=129.0).contains(value)));
    }
}
