use std::collections::BTreeMap;

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::engine::Gradients;
use crate::model::Parameters;

/// The constants of AdamW.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of their squares.
    pub beta2: f64,
    /// Added to the root of the latter.
    pub epsilon: f64,
    /// Share of the learning rate by which matrices shrink at each step; vectors do not.
    pub weight_decay: f64,
    /// Gradients longer than this, all taken as one vector, are shortened to it.
    pub clip: f64,
}

/// AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", arXiv 1711.05101.
///
/// Written here since its state must be saved and restored for a run to resume exactly.
#[derive(Debug)]
pub(crate) struct Adam {
    config: AdamConfig,
    /// Steps taken.
    pub(super) step: u64,
    /// By parameter: the running means of the gradient and of its square.
    pub(super) moments: BTreeMap<String, [Tensor; 2]>,
}

impl Adam {
    pub(crate) fn new(config: AdamConfig) -> Self {
        Self { config, step: 0, moments: BTreeMap::new() }
    }

    /// The length of all gradients as one vector; NaN or infinite when any of them is.
    pub(crate) fn norm(gradients: &Gradients) -> Result<f64> {
        let mut sum = 0.0;
        for gradient in gradients.values() {
            sum += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
        }
        Ok(sum.sqrt())
    }

    /// Moves every parameter that has a gradient of length `norm` together.
    pub(crate) fn update(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        (rate, norm): (f64, f64),
    ) -> Result<()> {
        self.step += 1;
        let AdamConfig { beta1, beta2, epsilon, weight_decay, clip } = self.config;
        let shorten = if norm > clip { clip / norm } else { 1.0 };
        let correct = |beta: f64| 1.0 - beta.powf(self.step as f64);
        let (first, second) = (correct(beta1), correct(beta2));
        for (name, variable) in parameters.trained() {
            let Some(gradient) = gradients.get(name) else { continue };
            let gradient = (gradient * shorten)?;
            let [mean, square] = match self.moments.remove(name) {
                Some(moments) => moments,
                None => [gradient.zeros_like()?, gradient.zeros_like()?],
            };
            let mean = ((mean * beta1)? + (&gradient * (1.0 - beta1))?)?;
            let square = ((square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
            let step = ((&mean / first)? / ((&square / second)?.sqrt()? + epsilon)?)?;
            let decay = if variable.rank() > 1 { 1.0 - rate * weight_decay } else { 1.0 };
            variable.set(&((variable.as_tensor() * decay)? - (step * rate)?)?)?;
            self.moments.insert(name.clone(), [mean.detach(), square.detach()]);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn a_step_is_the_formula_worked_by_hand() {
        let config =
            AdamConfig { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 };
        let mut parameters = Parameters::default();
        let variable = Var::from_vec(vec![2.0_f32, -1.0], (1, 2), &Device::Cpu).unwrap();
        parameters.restore("w", variable);
        let gradient = Tensor::from_vec(vec![3.0_f32, -4.0], (1, 2), &Device::Cpu).unwrap();
        let gradients = Gradients::from([("w".to_owned(), gradient)]);
        let mut adam = Adam::new(config);
        let norm = Adam::norm(&gradients).unwrap();
        assert!((norm - 5.0).abs() < 1e-6);
        adam.update(&parameters, &gradients, (0.01, norm)).unwrap();
        // Corrected means of the first step are the gradient and its square: a step of one rate.
        let found = parameters.get("w").unwrap().to_vec2::<f32>().unwrap();
        assert!((found[0][0] - (2.0 * 0.999 - 0.01)).abs() < 1e-6);
        assert!((found[0][1] - (-0.999 + 0.01)).abs() < 1e-6);
    }
}
