use serde::Serialize;

/// Steps between a power of two and the next: figures are off by 1/16 at most.
const STEPS: usize = 16;
const STEP_BITS: u32 = 4;
/// Up to 2^27 us, two minutes; what is longer counts as that.
const POWERS: usize = 28;

/// Times in buckets: percentiles of any number of them in a fixed size.
#[derive(Debug, Clone)]
pub struct Latency {
    buckets: Box<[u64; STEPS * POWERS]>,
    count: u64,
    sum_us: u64,
    least_us: u64,
    most_us: u64,
}

/// A summary of times, in milliseconds; all 0 when there are none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct LatencyFigures {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub min_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// Half are no longer; rounded up by less than 1/16.
    pub p50_ms: f64,
    /// 99 in 100 are no longer; rounded up by less than 1/16.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Default for Latency {
    fn default() -> Self {
        let buckets = Box::new([0; STEPS * POWERS]);
        Self { buckets, count: 0, sum_us: 0, least_us: u64::MAX, most_us: 0 }
    }
}

impl Latency {
    /// Counts a time; a negative one counts as 0.
    pub fn add(&mut self, ns: i64) {
        let us = u64::try_from(ns).unwrap_or(0) / 1_000;
        self.buckets[bucket(us)] += 1;
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(us);
        self.least_us = self.least_us.min(us);
        self.most_us = self.most_us.max(us);
    }

    /// The summary.
    pub fn figures(&self) -> LatencyFigures {
        if self.count == 0 {
            return LatencyFigures::default();
        }
        let ms = |us: u64| us as f64 / 1e3;
        LatencyFigures {
            count: self.count,
            min_ms: ms(self.least_us),
            mean_ms: ms(self.sum_us) / self.count as f64,
            p50_ms: ms(self.percentile(50)),
            p99_ms: ms(self.percentile(99)),
            max_ms: ms(self.most_us),
        }
    }

    /// The nearest-rank percentile, as the upper end of its bucket.
    fn percentile(&self, percent: u64) -> u64 {
        let rank = (self.count.saturating_mul(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_end(index).min(self.most_us);
            }
        }
        self.most_us
    }
}

/// Times below 16 us have buckets of their own; above, 16 to each power of two.
fn bucket(us: u64) -> usize {
    let power = us.max(1).ilog2();
    if power < STEP_BITS {
        return us as usize;
    }
    let step = (us >> (power - STEP_BITS)) as usize - STEPS;
    let place = (power - STEP_BITS + 1) as usize * STEPS + step;
    place.min(STEPS * POWERS - 1)
}

/// The largest time of a bucket.
fn upper_end(index: usize) -> u64 {
    let (row, step) = (index / STEPS, (index % STEPS) as u64);
    if row == 0 {
        return step;
    }
    ((STEPS as u64 + step + 1) << (row - 1)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_in_a_bucket_that_ends_at_most_a_sixteenth_above_it() {
        let times = (0..5_000).chain((0..26).map(|power| (1_u64 << power) + 12_345));
        for us in times {
            let end = upper_end(bucket(us));
            assert!(end >= us && end <= us + us / 16 + 1, "{us} in a bucket to {end}");
            assert_eq!(bucket(end), bucket(us), "{us}");
            assert_ne!(bucket(end + 1), bucket(us), "{us}");
        }
    }

    #[test]
    fn figures_are_those_of_the_sorted_list() {
        let mut latency = Latency::default();
        (1..=1_000).for_each(|ms| latency.add(ms * 1_000_000));
        let figures = latency.figures();
        assert_eq!((figures.count, figures.min_ms, figures.max_ms), (1_000, 1.0, 1_000.0));
        assert!((figures.mean_ms - 500.5).abs() < 1e-9);
        assert!((500.0..=532.0).contains(&figures.p50_ms), "{figures:?}");
        assert!((990.0..=1_000.0).contains(&figures.p99_ms), "{figures:?}");
    }

    #[test]
    fn no_time_is_out_of_range() {
        let mut latency = Latency::default();
        [i64::MIN, -1, 0, i64::MAX].into_iter().for_each(|ns| latency.add(ns));
        assert_eq!(latency.figures().count, 4);
        assert_eq!(Latency::default().figures(), LatencyFigures::default());
    }
}
