use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use super::{Error, WeightSource};
use crate::files;

/// Seeded random weights, scaled so that activations look like a trained model's.
///
/// Each tensor has its own stream, seeded by its name, so that values do not depend on the order of
/// reading. Scales follow the initialisation of transformers' `CLIPPreTrainedModel`, with the
/// residual branches kept at a size that lets later blocks matter.
#[derive(Debug, Clone, Copy)]
pub struct RandomWeights {
    seed: u64,
}

impl RandomWeights {
    /// The same seed gives the same weights on every machine.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl WeightSource for RandomWeights {
    fn read(&mut self, tensor: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let count = shape.iter().product();
        let inputs = shape.iter().skip(1).product::<usize>().max(1) as f32;
        // Uniform numbers of a wanted deviation span sqrt(12) times that.
        let (centre, deviation) = match tensor {
            name if is_norm(name) && name.ends_with("weight") => (1.0, 0.1),
            name if name.ends_with("bias") => (0.0, 0.02),
            name if name.contains("class_embedding") => (0.0, 0.5),
            name if name.contains("position_embedding") => (0.0, 0.1),
            name if name.contains("token_embedding") => (0.0, 0.5),
            // Pixels are not centred; smaller weights keep patches near the size of positions.
            name if name.contains("patch_embedding") => (0.0, 0.5 / inputs.sqrt()),
            _ => (0.0, 1.0 / inputs.sqrt()),
        };
        let width = deviation * 12.0_f32.sqrt();
        let mut random = self.stream(tensor);
        // Plain arithmetic on the generator's words: the same on every machine and version.
        let mut share = || (random.next_u32() >> 8) as f32 / (1 << 24) as f32;
        Ok((0..count).map(|_| centre + width * (share() - 0.5)).collect())
    }
}

impl RandomWeights {
    fn stream(&self, tensor: &str) -> ChaCha8Rng {
        let sum = files::sha256(format!("{} {tensor}", self.seed).as_bytes());
        let mut seed = [0; 32];
        for (seed, digit) in seed.iter_mut().zip(sum.bytes()) {
            *seed = digit;
        }
        ChaCha8Rng::from_seed(seed)
    }
}

fn is_norm(tensor: &str) -> bool {
    ["layer_norm", "layrnorm", "layernorm"].iter().any(|part| tensor.contains(part))
}
