use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// A seeded source of random choices.
#[derive(Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The same choices for the same seed and stream, on every machine and thread.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self(random)
    }

    /// A new source, independent of what is drawn from this one later.
    pub(crate) fn fork(&mut self) -> Self {
        Self(ChaCha8Rng::seed_from_u64(self.0.random()))
    }

    /// The source itself, for what draws on its own.
    pub(crate) fn source(&mut self) -> &mut ChaCha8Rng {
        &mut self.0
    }

    /// A real number from `low` to `high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// A real number from `low` to `high`, each octave as likely as any other; both above 0.
    pub(crate) fn log_between(&mut self, low: f32, high: f32) -> f32 {
        self.between(low.ln(), high.ln()).exp()
    }

    /// A whole number below `limit`; 0 when that is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { self.0.random_range(0..limit) }
    }

    /// A whole number from `low` to `high`, both possible.
    pub(crate) fn whole(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.0.random::<f32>() < probability
    }

    /// -1 or 1.
    pub(crate) fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// Normally distributed around 0: the sum of four uniform numbers, hence never beyond 3.5
    /// deviations.
    pub(crate) fn normal(&mut self, deviation: f32) -> f32 {
        let sum: f32 = (0..4).map(|_| self.0.random::<f32>() - 0.5).sum();
        // The variance of one is 1/12.
        sum * 3_f32.sqrt() * deviation
    }

    /// One of some things; there must be at least one.
    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }

    /// The index of a weight, in proportion to it; 0 when all are 0.
    pub(crate) fn weighted(&mut self, weights: &[f32]) -> usize {
        let mut rest = self.between(0.0, weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            rest -= weight;
            if rest < 0.0 {
                return index;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |stream| Dice::new(7, stream).between(0.0, 1.0);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn normal_numbers_have_the_deviation_asked_for() {
        let mut dice = Dice::new(1, 0);
        let squares: f32 = (0..4000).map(|_| dice.normal(2.0).powi(2)).sum();
        assert!((squares / 4000.0 - 4.0).abs() < 0.3);
    }

    #[test]
    fn weights_of_zero_are_never_chosen() {
        let mut dice = Dice::new(2, 0);
        assert!((0..200).all(|_| dice.weighted(&[0.0, 1.0, 0.0, 2.0]) % 2 == 1));
    }
}
