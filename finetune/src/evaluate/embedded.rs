use pairspec::clip::ImageEncoder;
use pairspec::diff::{self, Difference};
use pairspec::frame::Frame;

use crate::crops::{self, Pool};

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
    for (chunk, cut) in pool.crops().chunks(CHUNK).enumerate() {
        let mut frames = Vec::with_capacity(2 * cut.len());
        for crop in cut {
            for which in 0..2 {
                let frame = crops::frame(crop, which, (pool.side(), pool.channels()));
                let too_short = || anyhow::anyhow!("a crop of {} pixels is too short", pool.side());
                frames.push(frame.ok_or_else(too_short)?);
            }
        }
        let frames: Vec<&Frame> = frames.iter().collect();
        let embeddings = encoder.encode_frames(&frames)?;
        for (index, (crop, pair)) in cut.iter().zip(embeddings.chunks_exact(2)).enumerate() {
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
        progress(cut.len());
    }
    Ok(all)
}
