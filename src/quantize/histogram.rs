/// Bins of a histogram; even, so that pairs of them can be joined.
const BINS: usize = 2048;
/// Steps from zero to the end of a symmetric range of signed bytes.
const LEVELS: usize = 127;
/// Candidates for the end of the range are this many bins apart.
const STRIDE: usize = 16;
/// What the percentile keeps of all sizes.
const KEPT: f64 = 0.9999;

/// How the end of an activation's range is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The largest size seen.
    #[default]
    MinMax,
    /// The size below which 99.99 % of all values are.
    Percentile,
    /// Least Kullback-Leibler divergence between values and quantized values. Source: Migacz,
    /// "8-bit Inference with TensorRT", GTC 2017.
    Entropy,
    /// Least expected squared error, rounding and clipping together.
    Mse,
}

/// How often values of a size were seen; the range doubles when a larger one comes.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    width: f32,
    largest: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BINS], width: 0.0, largest: 0.0 }
    }
}

impl Histogram {
    /// Counts the sizes of finite values.
    pub(super) fn add(&mut self, values: &[f32]) {
        let largest = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        self.make_room(largest);
        if self.width == 0.0 {
            self.counts[0] += values.len() as u64;
            return;
        }
        let per_bin = self.width.recip();
        for value in values {
            let bin = (value.abs() * per_bin) as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        }
    }

    fn make_room(&mut self, largest: f32) {
        self.largest = self.largest.max(largest);
        // Below, the inverse of a bin's width would not be finite.
        let smallest = f32::MIN_POSITIVE * BINS as f32;
        if self.width == 0.0 && largest > smallest {
            self.width = largest / BINS as f32;
        }
        while self.width > 0.0 && self.largest > self.width * BINS as f32 * 1.0001 {
            for bin in 0..BINS / 2 {
                self.counts[bin] = self.counts[2 * bin] + self.counts[2 * bin + 1];
            }
            self.counts[BINS / 2..].fill(0);
            self.width *= 2.0;
        }
    }

    /// The largest size seen.
    pub(super) fn largest(&self) -> f32 {
        self.largest
    }

    /// The end of the range; `None` when nothing but zero was seen.
    pub(super) fn end(&self, method: Method) -> Option<f32> {
        if self.width == 0.0 {
            return None;
        }
        let bins = match method {
            Method::MinMax => return Some(self.largest),
            Method::Percentile => self.percentile(),
            Method::Entropy => self.least(|end| self.divergence(end)),
            Method::Mse => self.least(|end| self.squared_error(end)),
        };
        Some((bins as f32 * self.width).min(self.largest))
    }

    fn percentile(&self) -> usize {
        let total: u64 = self.counts.iter().sum();
        let mut below = 0;
        let enough = |count: &u64| {
            below += count;
            below as f64 >= total as f64 * KEPT
        };
        self.counts.iter().position(enough).map_or(BINS, |bin| bin + 1)
    }

    fn least(&self, cost: impl Fn(usize) -> f64) -> usize {
        let costs = (LEVELS + 1..=BINS).step_by(STRIDE).map(|end| (end, cost(end)));
        costs.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(BINS, |(end, _)| end)
    }

    /// In units of a bin. Inside, the error of rounding is uniform in a step; what is nearer to
    /// zero than half a step is lost whole.
    fn squared_error(&self, end: usize) -> f64 {
        let step = end as f64 / LEVELS as f64;
        let error = |(bin, &count): (usize, &u64)| {
            let size = bin as f64 + 0.5;
            let error = match size {
                size if size > end as f64 => (size - end as f64).powi(2),
                size if size < step / 2.0 => size * size,
                _ => step * step / 12.0,
            };
            count as f64 * error
        };
        self.counts.iter().enumerate().map(error).sum()
    }

    fn divergence(&self, end: usize) -> f64 {
        let clipped: u64 = self.counts[end..].iter().sum();
        let mut expected: Vec<f64> = self.counts[..end].iter().map(|&it| it as f64).collect();
        let inside = expected.clone();
        expected[end - 1] += clipped as f64;
        let levels = LEVELS + 1;
        let mut found = vec![0.0; end];
        for level in 0..levels {
            let bins = level * end / levels..(level + 1) * end / levels;
            let sum: f64 = inside[bins.clone()].iter().sum();
            let used = expected[bins.clone()].iter().filter(|&&it| it > 0.0).count();
            for bin in bins.filter(|&bin| expected[bin] > 0.0) {
                found[bin] = sum / used as f64;
            }
        }
        let totals = [&expected, &found].map(|it| it.iter().sum::<f64>());
        // A bin that quantization empties would diverge without bound.
        let divergence = |(expected, found): (&f64, &f64)| match *expected {
            0.0 => 0.0,
            expected => {
                let share = expected / totals[0];
                share * (share / (found / totals[1]).max(1e-12)).ln()
            }
        };
        expected.iter().zip(&found).map(divergence).sum()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A bell of sizes up to about 4, and a single value far outside.
    fn bell_and_outlier() -> Histogram {
        let mut histogram = Histogram::default();
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        let values: Vec<f32> =
            (0..100_000).map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0).collect();
        values.chunks(1000).for_each(|values| histogram.add(values));
        histogram.add(&[-40.0]);
        histogram
    }

    #[test]
    fn the_range_grows_without_losing_a_value() {
        let histogram = bell_and_outlier();
        assert_eq!(histogram.counts.iter().sum::<u64>(), 100_001);
        assert_eq!(histogram.end(Method::MinMax), Some(40.0));
    }

    #[test]
    fn a_lone_outlier_is_clipped() {
        let histogram = bell_and_outlier();
        for method in [Method::Percentile, Method::Entropy] {
            let end = histogram.end(method).unwrap();
            assert!((2.0..12.0).contains(&end), "{method:?}: {end}");
        }
    }

    /// Least of `n * (e / 127)^2 / 12 + (40 - e)^2`: where `e * (n / (12 * 127^2) + 1) = 40`.
    #[test]
    fn squared_error_weighs_a_lone_outlier_against_all_steps() {
        let end = bell_and_outlier().end(Method::Mse).unwrap();
        assert!((end - 26.4).abs() < 1.5, "{end}");
    }

    #[test]
    fn nothing_but_zero_has_no_range() {
        let mut histogram = Histogram::default();
        histogram.add(&[0.0; 8]);
        assert_eq!(histogram.end(Method::MinMax), None);
        histogram.add(&[1.0]);
        assert_eq!(histogram.end(Method::Mse), Some(1.0));
    }

    #[test]
    fn a_flat_spread_is_kept_whole() {
        let mut histogram = Histogram::default();
        let values: Vec<f32> = (0..10_000).map(|index| index as f32 / 10_000.0).collect();
        histogram.add(&values);
        for method in [Method::Percentile, Method::Mse] {
            assert!(histogram.end(method).unwrap() > 0.95, "{method:?}");
        }
    }
}
