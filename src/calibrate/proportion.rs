use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

/// What both ends of a 95 % interval leave out together.
const ALPHA: f64 = 0.05;

/// A count out of a number of trials, with exact 95 % bounds on the rate behind it.
///
/// The bounds hold for independent trials; regions of one pair are not quite that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Counts", into = "Counts")]
pub struct Proportion {
    count: u64,
    of: u64,
    lower: f64,
    upper: f64,
}

impl Proportion {
    /// `count` of `of` trials; a count above `of` is taken as `of`.
    ///
    /// The bounds are those of Clopper and Pearson (Biometrika 26, 1934): quantiles of beta
    /// distributions at 2.5 % and 97.5 %; 0 and 1 themselves when nothing or everything counted.
    /// Without a trial they are 0 and 1.
    pub fn new(count: usize, of: usize) -> Self {
        let (count, of) = (count.min(of) as u64, of as u64);
        let (successes, failures) = (count as f64, (of - count) as f64);
        let lower = match count {
            0 => 0.0,
            _ => beta_quantile(successes, failures + 1.0, ALPHA / 2.0),
        };
        let upper = match of - count {
            0 => 1.0,
            _ => beta_quantile(successes + 1.0, failures, 1.0 - ALPHA / 2.0),
        };
        Self { count, of, lower, upper }
    }

    /// What was counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The trials.
    pub fn of(&self) -> u64 {
        self.of
    }

    /// The rate, 0 to 1; nothing without a trial.
    pub fn rate(&self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }

    /// Lower end of the 95 % interval, 0 to 1.
    pub fn lower(&self) -> f64 {
        self.lower
    }

    /// Upper end of the 95 % interval, 0 to 1.
    pub fn upper(&self) -> f64 {
        self.upper
    }
}

/// The rate that `trials` without a single event exclude with 95 % confidence, one-sided: about
/// `3 / trials` (Hanley and Lippman-Hand, JAMA 249, 1983), here exactly `1 - 0.05^(1/trials)`.
pub fn excluded_rate(trials: usize) -> f64 {
    match trials {
        0 => 1.0,
        _ => 1.0 - ALPHA.powf(1.0 / trials as f64),
    }
}

/// What is stored; the bounds follow from it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    count: u64,
    of: u64,
    /// For readers of the file; not read back.
    #[serde(default)]
    bounds: [f64; 2],
}

impl From<Proportion> for Counts {
    fn from(proportion: Proportion) -> Self {
        let bounds = [rounded(proportion.lower), rounded(proportion.upper)];
        Self { count: proportion.count, of: proportion.of, bounds }
    }
}

impl TryFrom<Counts> for Proportion {
    type Error = String;

    fn try_from(counts: Counts) -> Result<Self, String> {
        let small = |value: u64| usize::try_from(value).ok().filter(|value| *value < 1 << 40);
        match (small(counts.count), small(counts.of)) {
            (Some(count), Some(of)) if count <= of => Ok(Self::new(count, of)),
            _ => Err(format!("{} of {} is not a proportion", counts.count, counts.of)),
        }
    }
}

/// To a millionth: more digits would suggest a precision nobody has.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn beta_quantile(a: f64, b: f64, probability: f64) -> f64 {
    // Both shapes are at least 1 here, so there is a distribution.
    Beta::new(a, b).map_or(f64::NAN, |beta| beta.inverse_cdf(probability).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounds from tables and from other programs are given to this accuracy.
    const CLOSE: f64 = 5e-6;

    fn assert_bounds(count: usize, of: usize, (lower, upper): (f64, f64)) {
        let found = Proportion::new(count, of);
        let near = |a: f64, b: f64| (a - b).abs() < CLOSE;
        assert!(near(found.lower(), lower) && near(found.upper(), upper), "{found:?}");
    }

    #[test]
    fn bounds_are_those_of_clopper_and_pearson() {
        // scipy.stats.binomtest(count, of).proportion_ci(method="exact")
        assert_bounds(0, 10, (0.0, 0.308_497));
        assert_bounds(10, 10, (0.691_503, 1.0));
        assert_bounds(5, 10, (0.187_086, 0.812_914));
        assert_bounds(1, 10, (0.002_529, 0.445_016));
        assert_bounds(3, 1000, (0.000_619, 0.008_742));
        assert_bounds(17, 348, (0.028_711, 0.077_064));
        assert_bounds(6000, 6873, (0.864_878, 0.880_767));
        assert_bounds(99_999, 100_000, (0.999_944, 1.0));
        assert_bounds(500, 1_000_000, (0.000_457, 0.000_546));
    }

    #[test]
    fn no_trials_bound_nothing() {
        let none = Proportion::new(0, 0);
        assert_eq!((none.rate(), none.lower(), none.upper()), (None, 0.0, 1.0));
    }

    /// The interval covers the true rate at least as often as it says, whatever that rate is.
    #[test]
    fn intervals_cover_the_true_rate_in_95_of_100_cases() {
        for (of, rate) in [(20, 0.5), (60, 0.02), (200, 0.1)] {
            let mut probability = (1.0_f64 - rate).powi(of);
            let mut covered = 0.0;
            for count in 0..=of as usize {
                let bound = Proportion::new(count, of as usize);
                if (bound.lower()..=bound.upper()).contains(&rate) {
                    covered += probability;
                }
                let odds = rate / (1.0 - rate);
                probability *= (of as usize - count) as f64 / (count + 1) as f64 * odds;
            }
            assert!((0.95..1.0).contains(&covered), "{of} trials at {rate}: {covered}");
        }
    }

    #[test]
    fn no_miss_in_n_excludes_about_three_over_n() {
        assert!((excluded_rate(100) - 0.029_513).abs() < CLOSE);
        assert_eq!(excluded_rate(0), 1.0);
    }

    #[test]
    fn a_stored_proportion_must_be_one() {
        let read = |text: &str| toml::from_str::<Proportion>(text);
        assert_eq!(read("count = 5\nof = 10").ok(), Some(Proportion::new(5, 10)));
        assert!(read("count = 11\nof = 10").is_err());
        assert!(read("count = 1\nof = 10\nrate = 0.1").is_err());
    }
}
