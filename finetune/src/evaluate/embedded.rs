use image::{GrayImage, RgbImage};
use pairspec::clip::ImageEncoder;
use pairspec::diff::{self, Difference};
use pairspec::frame::{Frame, Pixels};

use crate::crops::{CropPair, Pool, margin_px};

/// Pairs of crops embedded at once.
const CHUNK: usize = 32;

/// A pair of crops as the model sees it.
#[derive(Debug, Clone)]
pub(super) struct Embedded {
    /// Index of its fault among the classes; `None` where both frames show the same.
    pub(super) class: Option<usize>,
    /// Whether it may be used to choose things, and is then not judged.
    pub(super) is_validation: bool,
    /// Unit embeddings of reference and test.
    pub(super) frames: [Vec<f32>; 2],
    /// Test less reference.
    pub(super) difference: Difference,
}

/// Embeds all crops of a pool; `progress` hears of every chunk.
///
/// Whole groups are kept for validation, every other one; of a single group every other crop.
pub(super) fn embed(
    pool: &Pool,
    classes: &[String],
    encoder: &ImageEncoder,
    progress: &dyn Fn(usize),
) -> anyhow::Result<Vec<Embedded>> {
    let mut all = Vec::with_capacity(pool.crops().len());
    let has_groups = pool.groups().len() > 1;
    for (chunk, crops) in pool.crops().chunks(CHUNK).enumerate() {
        let mut frames = Vec::with_capacity(2 * crops.len());
        for crop in crops {
            for which in 0..2 {
                frames.push(frame(pool, crop, which)?);
            }
        }
        let frames: Vec<&Frame> = frames.iter().collect();
        let embeddings = encoder.encode_frames(&frames)?;
        for (index, (crop, pair)) in crops.iter().zip(embeddings.chunks_exact(2)).enumerate() {
            let number = if has_groups { crop.group as usize } else { chunk * CHUNK + index };
            let mut frames = [0, 1].map(|which| pair[which].values().to_vec());
            let difference = Difference::between(&frames[0], &frames[1])?;
            for unit in &mut frames {
                diff::normalise(unit, "crop")?;
            }
            let class = crop.class.as_ref().and_then(|class| classes.binary_search(class).ok());
            let is_validation = number.is_multiple_of(2);
            all.push(Embedded { class, is_validation, frames, difference });
        }
        progress(crops.len());
    }
    Ok(all)
}

/// One crop without its margins.
fn frame(pool: &Pool, crop: &CropPair, which: usize) -> anyhow::Result<Frame> {
    let stored = pool.side() as usize;
    // The margin is an eighth of the side on both sides: `stored` is ten eighths of it.
    let side = stored * 4 / 5;
    let (margin, bytes) = (margin_px(side as u32) as usize, pool.channels());
    let row =
        |y: usize| &crop.pixels[which][((y + margin) * stored + margin) * bytes..][..side * bytes];
    let pixels: Vec<u8> = (0..side).flat_map(row).copied().collect();
    let side = side as u32;
    let pixels = match bytes {
        1 => GrayImage::from_raw(side, side, pixels).map(Pixels::Gray),
        _ => RgbImage::from_raw(side, side, pixels).map(Pixels::Rgb),
    };
    let pixels = pixels.ok_or_else(|| anyhow::anyhow!("a crop of {stored} pixels is too short"))?;
    Ok(Frame::new(pixels, 8, "crop")?)
}
