use serde::{Deserialize, Serialize};

/// The mean embedding of the first parts, and the running one since.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MeanEmbedding {
    /// Parts in the first mean.
    learned: u32,
    /// The mean of these.
    first: Vec<f32>,
    /// The exponentially weighted mean of those after.
    running: Vec<f32>,
}

impl MeanEmbedding {
    /// Takes an embedding; gives the cosine distance of the two means, 0 to 2, once there are both.
    ///
    /// One of another length, of no length or with values that are no numbers is left out.
    pub(super) fn add(&mut self, embedding: &[f32], parts: u32, smoothing: f64) -> Option<f64> {
        let unit = unit(embedding)?;
        if !self.first.is_empty() && self.first.len() != unit.len() {
            return None;
        }
        if self.learned < parts {
            self.learned += 1;
            let weight = 1.0 / f64::from(self.learned);
            blend(&mut self.first, &unit, weight);
            return None;
        }
        if self.running.is_empty() {
            self.running.clone_from(&self.first);
        }
        blend(&mut self.running, &unit, smoothing);
        distance(&self.first, &self.running)
    }

    /// Whether it can have come from [`MeanEmbedding::add`].
    pub(super) fn is_sound(&self) -> bool {
        let is_fit = |list: &[f32]| list.iter().all(|value| value.abs() <= 1.5);
        is_fit(&self.first)
            && is_fit(&self.running)
            && (self.learned > 0) != self.first.is_empty()
            && (self.running.is_empty() || self.running.len() == self.first.len())
    }
}

fn unit(embedding: &[f32]) -> Option<Vec<f32>> {
    let length = norm(embedding);
    if !length.is_finite() || length < 1e-12 {
        return None;
    }
    Some(embedding.iter().map(|value| (f64::from(*value) / length) as f32).collect())
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

fn blend(mean: &mut Vec<f32>, newest: &[f32], weight: f64) {
    mean.resize(newest.len(), 0.0);
    for (mean, newest) in mean.iter_mut().zip(newest) {
        *mean += (weight * (f64::from(*newest) - f64::from(*mean))) as f32;
    }
}

fn distance(first: &[f32], running: &[f32]) -> Option<f64> {
    let dot: f64 = first.iter().zip(running).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    let lengths = norm(first) * norm(running);
    (lengths > 1e-12).then(|| (1.0 - dot / lengths).clamp(0.0, 2.0))
}
