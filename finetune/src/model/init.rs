use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::parameters::Slot;

/// Standard deviation of embeddings and of weights that lead into the residual stream's blocks.
const DEVIATION: f32 = 0.02;
/// What logits begin with: `e^2.3`, about 10.
const FIRST_LOGIT_SCALE: f32 = 2.3;
/// What "nothing changed" begins with.
const FIRST_NO_CHANGE: f32 = 2.0;
/// Amplitude of the positions' waves beside patch embeddings of deviation 1.
const WAVES: f32 = 0.99;
/// Attention logits of a normalised token with itself before training, about.
const SELF_LOGIT: f32 = 2.8;
/// Values times output before training: minus this times the identity.
const SELF_VALUE: f32 = 0.4;

/// First values of every parameter, a function of the seed alone.
///
/// Norms begin at one, biases at zero, the rest small and random, as CLIP does. The image tower
/// begins in a better place, which matters as much as the rest of the recipe when a run is short: its
/// positions are waves of two dimensions (Vaswani et al., arXiv 1706.03762), and its attention
/// begins as what trained attention looks like, queries and keys alike, values and output opposed
/// (Trockman and Kolter, "Mimetic Initialization of Self-Attention Layers", arXiv 2305.09828). With it,
/// 250 steps reach what 500 did not.
pub(super) struct Init {
    random: ChaCha8Rng,
    /// Of the block at hand: the orthogonal matrices behind queries and keys, values and output.
    bases: [Vec<f32>; 2],
    block: String,
}

impl Init {
    pub(super) fn new(seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { random, bases: [Vec::new(), Vec::new()], block: String::new() }
    }

    /// The values of one tensor; call in a fixed order.
    pub(super) fn values(&mut self, (name, shape): &Slot, heads: usize) -> Vec<f32> {
        let count = shape.iter().product();
        if let Some(value) = constant(name) {
            return vec![value; count];
        }
        if name == "vision_model.embeddings.position_embedding.weight" {
            return positions(shape[0], shape[1]);
        }
        let deviation = deviation(name, shape);
        let mut values = self.normals(count, deviation);
        let in_image_tower = name.strip_prefix("vision_model.encoder.layers.");
        if let Some((block, linear)) =
            in_image_tower.and_then(|rest| rest.split_once(".self_attn."))
        {
            self.mimic(block, (linear, shape[0], heads), &mut values);
        }
        values
    }

    /// Normal values of this deviation.
    pub(super) fn normals(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        (0..count).map(|_| self.normal() * deviation).collect()
    }

    /// Adds what trained attention looks like to the weights of one of its products.
    fn mimic(&mut self, block: &str, (linear, side, heads): (&str, usize, usize), out: &mut [f32]) {
        if self.block != block {
            block.clone_into(&mut self.block);
            self.bases = [self.orthogonal(side), self.orthogonal(side)];
        }
        let head = (side / heads) as f32;
        // A normalised token has one unit of energy a dimension: `head` of them in a head, and
        // attention divides by the root of that.
        let query = (SELF_LOGIT / head.sqrt()).sqrt();
        let value = SELF_VALUE.sqrt();
        let [queries, values] = &self.bases;
        match linear {
            "q_proj.weight" | "k_proj.weight" => {
                out.iter_mut().zip(queries).for_each(|(out, base)| *out += query * base);
            }
            "v_proj.weight" => {
                out.iter_mut().zip(values).for_each(|(out, base)| *out += value * base);
            }
            "out_proj.weight" => {
                for (i, out) in out.iter_mut().enumerate() {
                    *out -= value * values[i % side * side + i / side];
                }
            }
            _ => {}
        }
    }

    /// A random orthogonal matrix: Gram-Schmidt on normal rows.
    fn orthogonal(&mut self, side: usize) -> Vec<f32> {
        let mut rows: Vec<Vec<f64>> = Vec::new();
        while rows.len() < side {
            let mut row: Vec<f64> = (0..side).map(|_| f64::from(self.normal())).collect();
            for _ in 0..2 {
                for other in &rows {
                    let along: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                    row.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
                }
            }
            let length = row.iter().map(|a| a * a).sum::<f64>().sqrt();
            if length > 1e-6 {
                rows.push(row.iter().map(|a| a / length).collect());
            }
        }
        rows.into_iter().flatten().map(|value| value as f32).collect()
    }

    /// Mean 0, deviation 1, never beyond 6.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.random.random::<f32>()).sum::<f32>() - 6.0
    }
}

/// Waves along both axes of a square grid behind a class token at zero: a quarter of the columns
/// each for sine and cosine, of wavelengths from 4 patches to `16` grids.
fn positions(tokens: usize, hidden: usize) -> Vec<f32> {
    let side = ((tokens - 1) as f32).sqrt().round() as usize;
    let quarter = hidden / 4;
    let mut values = vec![0.0; tokens * hidden];
    for (patch, row) in values.chunks_exact_mut(hidden).skip(1).enumerate() {
        for (axis, at) in [patch % side, patch / side].into_iter().enumerate() {
            for wave in 0..quarter {
                let share = wave as f32 / quarter as f32;
                let frequency = std::f32::consts::FRAC_PI_2 / (4.0 * side as f32).powf(share);
                let (sine, cosine) = (at as f32 * frequency).sin_cos();
                row[2 * axis * quarter + wave] = WAVES * sine;
                row[(2 * axis + 1) * quarter + wave] = WAVES * cosine;
            }
        }
    }
    values
}

/// The values of norms, biases and scalars that do not begin at random.
fn constant(name: &str) -> Option<f32> {
    let is_norm = name.contains("norm");
    match name {
        super::LOGIT_SCALE => Some(FIRST_LOGIT_SCALE),
        super::NO_CHANGE_LOGIT => Some(FIRST_NO_CHANGE),
        _ if name.ends_with(".bias") => Some(0.0),
        _ if is_norm && name.ends_with(".weight") => Some(1.0),
        _ => None,
    }
}

/// What projects between spaces keeps the size of its input, all else begins at 0.02.
fn deviation(name: &str, shape: &[usize]) -> f32 {
    let inputs: usize = shape[1.min(shape.len())..].iter().product();
    let projects = name.contains("projection") || name.contains("patch_embedding");
    if projects { 1.0 / (inputs as f32).sqrt() } else { DEVIATION }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_output_oppose_each_other_before_training() {
        let mut init = Init::new(1);
        let side = 12;
        let mut of = |linear: &str| {
            let name = format!("vision_model.encoder.layers.0.self_attn.{linear}.weight");
            init.values(&(name, vec![side, side]), 3)
        };
        let (value, output) = (of("v_proj"), of("out_proj"));
        for i in 0..side {
            let product: f32 = (0..side).map(|k| output[i * side + k] * value[k * side + i]).sum();
            assert!((product + SELF_VALUE).abs() < 0.15, "{product}");
        }
    }

    #[test]
    fn neighbouring_patches_have_the_most_similar_positions() {
        let rows = positions(65, 48);
        let dot = |a: usize, b: usize| -> f32 {
            (0..48).map(|k| rows[(a + 1) * 48 + k] * rows[(b + 1) * 48 + k]).sum()
        };
        assert!(dot(27, 27) > dot(27, 28) && dot(27, 28) > dot(27, 29));
        assert!((dot(27, 28) - dot(27, 35)).abs() < 1e-3, "both axes alike");
        assert!(rows[..48].iter().all(|value| *value == 0.0));
    }
}
