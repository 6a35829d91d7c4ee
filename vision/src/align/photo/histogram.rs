/// How often each brightness occurs.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: [u32; 256],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; 256] }
    }
}

impl Histogram {
    /// Counts the pixels of several rows, alternately in two tables: runs of one value do not wait
    /// for each other.
    pub(super) fn count<'a>(&mut self, rows: impl Iterator<Item = &'a [u8]>) {
        let mut other = [0; 256];
        for row in rows {
            let pairs = row.chunks_exact(2);
            for value in pairs.remainder() {
                self.counts[usize::from(*value)] += 1;
            }
            for pair in pairs {
                self.counts[usize::from(pair[0])] += 1;
                other[usize::from(pair[1])] += 1;
            }
        }
        self.counts.iter_mut().zip(other).for_each(|(count, more)| *count += more);
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total() == 0
    }

    pub(super) fn has_only(&self, values: [usize; 2]) -> bool {
        self.total() == values.iter().map(|value| u64::from(self.counts[*value])).sum::<u64>()
    }

    pub(super) fn mean(&self) -> f32 {
        let sum: u64 = (0..).zip(self.counts).map(|(value, count)| value * u64::from(count)).sum();
        sum as f32 / self.total().max(1) as f32
    }

    /// The least brightness with at least `percent` of the pixels at or below it.
    pub(super) fn percentile(&self, percent: f32) -> f32 {
        let wanted = self.total() as f64 * f64::from(percent) / 100.0;
        let mut below = 0;
        for (value, count) in (0_u8..=255).zip(self.counts) {
            below += u64::from(count);
            if below as f64 >= wanted && below > 0 {
                return f32::from(value);
            }
        }
        0.0
    }

    pub(super) fn percent_at(&self, value: usize) -> f32 {
        100.0 * self.counts[value] as f32 / self.total().max(1) as f32
    }

    fn total(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_definition() {
        let mut histogram = Histogram::default();
        histogram.count([&[0, 0, 10][..], &[20, 255]].into_iter());
        assert_eq!(histogram.mean(), 57.0);
        assert_eq!(histogram.percentile(40.0), 0.0);
        assert_eq!(histogram.percentile(50.0), 10.0);
        assert_eq!(histogram.percentile(100.0), 255.0);
        assert_eq!(histogram.percent_at(0), 40.0);
        assert!(!histogram.has_only([0, 255]) && histogram.percentile(0.0) == 0.0);
    }
}
