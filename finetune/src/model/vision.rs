use candle_core::{Device, Result, Tensor};
use pairspec::clip::VisionConfig;

use super::Parameters;
use super::ops::Mask;
use super::tower::Tower;

/// The image tower.
#[derive(Debug, Clone)]
pub(crate) struct VisionTower {
    config: VisionConfig,
    tower: Tower,
}

impl VisionTower {
    pub(crate) fn new(config: &VisionConfig) -> Self {
        let tower = Tower { name: "vision_model", config: config.tower.clone(), mask: Mask::None };
        Self { config: config.clone(), tower }
    }

    /// Raw embeddings `[batch, projection]` of `[batch, patches, 3 * patch * patch]` from
    /// [`patches`].
    pub(crate) fn forward(&self, parameters: &Parameters, patches: &Tensor) -> Result<Tensor> {
        let (batch, count, inputs) = patches.dims3()?;
        let hidden = self.config.tower.hidden;
        let embeddings = "vision_model.embeddings";
        let get = |name: &str| parameters.get(&format!("{embeddings}.{name}"));
        let weight = get("patch_embedding.weight")?.reshape((hidden, inputs))?;
        let embedded = patches.reshape((batch * count, inputs))?.matmul(&weight.t()?)?;
        let embedded = embedded.reshape((batch, count, hidden))?;
        let class = get("class_embedding")?.reshape((1, 1, hidden))?;
        let class = class.broadcast_as((batch, 1, hidden))?;
        let x = Tensor::cat(&[&class, &embedded], 1)?;
        let x = x.broadcast_add(&get("position_embedding.weight")?)?;
        let x = self.tower.norm(parameters, "vision_model.pre_layrnorm", &x)?;
        let x = self.tower.first_token(parameters, x)?;
        let x = self.tower.norm(parameters, "vision_model.post_layernorm", &x)?;
        x.matmul(&parameters.get("visual_projection.weight")?.t()?)
    }
}

/// Cuts images `[batch, 3, side, side]`, one after the other, into the rows that the patch
/// embedding is a product with: `[batch, patches, 3 * patch * patch]`, channels outermost.
///
/// Pixels are from -1 to 1; `ends` says what the model sees these two as, for each channel.
pub(crate) fn patches(
    images: &[f32],
    config: &VisionConfig,
    ends: &[[f32; 2]; 3],
) -> Result<Tensor> {
    let lines = ends.map(|[black, white]| [(white - black) / 2.0, (white + black) / 2.0]);
    let (side, patch, grid) = (config.image, config.patch, config.grid());
    let image = 3 * side * side;
    let batch = images.len() / image;
    let mut rows = Vec::with_capacity(batch * grid * grid * 3 * patch * patch);
    for image in images.chunks_exact(image) {
        for (top, left) in (0..grid * grid).map(|i| (i / grid * patch, i % grid * patch)) {
            for (plane, [gain, offset]) in image.chunks_exact(side * side).zip(lines) {
                for row in plane.chunks_exact(side).skip(top).take(patch) {
                    rows.extend(row[left..left + patch].iter().map(|x| x * gain + offset));
                }
            }
        }
    }
    Tensor::from_vec(rows, (batch, grid * grid, 3 * patch * patch), &Device::Cpu)
}
