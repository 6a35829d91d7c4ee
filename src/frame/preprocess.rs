use super::resample::{Axis, Filter, Raster, region};
use super::{Error, Frame, Pixels};

/// Mean of red, green, blue in 0 to 1 over the images OpenAI trained CLIP on.
pub(super) const OPENAI_MEAN: [f64; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Their standard deviation.
pub(super) const OPENAI_STD: [f64; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// CLIP preprocessing of a frame: resize, centre crop, rescale, normalise.
///
/// Follows `CLIPImageProcessor` of Hugging Face transformers over Pillow: the same sizes and the
/// same order (a horizontal u8 pass, then a vertical one), within 2/255 per pixel. Only the part
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
