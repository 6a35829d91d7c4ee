//! A simulated line for the tests of this room.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::{Sample, Truth};

/// The two specs of the line.
pub(super) fn ids() -> Vec<String> {
    ["open", "short"].map(str::to_owned).to_vec()
}

/// A line with five boards: two thirds conforming, the rest opens and shorts in turn. The
/// sentence of a fault usually gets a high confidence, all others a low one.
pub(super) fn line(units: usize, seed: u64) -> Vec<Sample> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut unit = |index: usize| {
        let truth = match index % 6 {
            0 => Truth::Fault(0),
            3 => Truth::Fault(1),
            _ => Truth::Conforming,
        };
        let mut low = || random.random::<f32>().powi(3) * 0.7;
        let mut confidences = vec![low(), low()];
        let mut best_cosine = 0.1 + low() / 3.0;
        if let Truth::Fault(spec) = truth {
            confidences[spec] = 1.0 - low();
            best_cosine += 0.3;
        }
        let size = if truth.is_fault() { 0.6 + low() } else { low() };
        let group = format!("board {}", index / 7 % 5);
        Sample { pair: index / 3, group, truth, confidences, size, best_cosine }
    };
    (0..units).map(&mut unit).collect()
}

/// Samples with these confidences, alike in all else.
pub(super) fn scored(truth: &Truth, scores: &[[f32; 2]]) -> Vec<Sample> {
    let sample = |confidences: &[f32; 2]| Sample {
        pair: 0,
        group: String::new(),
        truth: truth.clone(),
        confidences: confidences.to_vec(),
        size: 0.0,
        best_cosine: 0.0,
    };
    scores.iter().map(sample).collect()
}
