use heapless::HistoryBuf;
use serde::{Deserialize, Serialize};

use super::{Baseline, FigureConfig};

/// Parts whose values are kept for the trend.
pub const TREND: usize = 200;
/// Beyond it a value is no measurement.
const LARGEST: f64 = 1e9;

/// One part of a trend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// What was measured.
    pub value: f32,
    /// The smoothed value; the measured one while the baseline is learned.
    pub smoothed: f32,
}

/// An exponentially weighted moving average control chart of one figure.
///
/// The smoothed value is `z_t = s * x_t + (1 - s) * z_(t-1)`, beginning at the baseline's mean, with
/// weight `s`; of independent values with standard deviation `d` its own is
/// `d * sqrt(s / (2 - s) * (1 - (1 - s)^(2 t)))`.
///
/// Source: NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.4, EWMA Control Charts.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    config: FigureConfig,
    memory: Memory,
    trend: HistoryBuf<Point, TREND>,
}

/// What of a chart outlives a restart.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    /// Parts that the baseline was learned from so far.
    learned: u32,
    /// Their mean, and the sum of the squares of their distances from it.
    mean: f64,
    squares: f64,
    /// Parts that were smoothed.
    parts: u64,
    /// The smoothed value.
    smoothed: f64,
    /// Values that were no number.
    unusable: u64,
}

impl Chart {
    pub(super) fn new(config: FigureConfig) -> Self {
        Self { config, memory: Memory::default(), trend: HistoryBuf::new() }
    }

    pub(super) fn with_memory(config: FigureConfig, memory: Memory) -> Self {
        Self { config, memory, trend: HistoryBuf::new() }
    }

    pub(super) fn memory(&self) -> Memory {
        self.memory
    }

    pub(super) fn trend(&self) -> impl Iterator<Item = Point> + '_ {
        self.trend.oldest_ordered().copied()
    }

    pub(super) fn unusable(&self) -> u64 {
        self.memory.unusable
    }

    pub(super) fn learned(&self) -> u32 {
        self.memory.learned
    }

    pub(super) fn config(&self) -> &FigureConfig {
        &self.config
    }

    /// The baseline, given or learned from so many parts; none before that.
    pub(super) fn baseline(&self, parts: u32) -> Option<Baseline> {
        let Memory { learned, mean, squares, .. } = self.memory;
        let learned = (learned >= parts.max(2)).then(|| Baseline {
            mean,
            deviation: (squares / f64::from(learned.saturating_sub(1).max(1))).sqrt(),
        });
        let baseline = self.config.baseline.or(learned)?;
        // What is constant or has a deviation of none is given the least one.
        let deviation = baseline.deviation.max(self.config.least_deviation);
        Some(Baseline { deviation, ..baseline })
    }

    /// Takes a value: to learn from until there is a baseline, to smooth from then on.
    pub(super) fn add(&mut self, value: f64, parts: u32, smoothing: f64) {
        if !value.is_finite() || value.abs() > LARGEST {
            self.memory.unusable = self.memory.unusable.saturating_add(1);
            return;
        }
        match self.baseline(parts) {
            None => self.learn(value),
            Some(baseline) => self.smooth(value, baseline, smoothing),
        }
    }

    /// Forgets the smoothed value; the baseline stays.
    pub(super) fn begin_at_baseline(&mut self) {
        (self.memory.parts, self.memory.smoothed) = (0, 0.0);
    }

    /// The mean and the squares step by step (B. P. Welford, Technometrics 4, 1962).
    fn learn(&mut self, value: f64) {
        let memory = &mut self.memory;
        memory.learned += 1;
        let before = value - memory.mean;
        memory.mean += before / f64::from(memory.learned);
        memory.squares += before * (value - memory.mean);
        self.trend.write(Point { value: value as f32, smoothed: value as f32 });
    }

    fn smooth(&mut self, value: f64, baseline: Baseline, smoothing: f64) {
        let memory = &mut self.memory;
        let before = if memory.parts == 0 { baseline.mean } else { memory.smoothed };
        memory.smoothed = smoothing * value + (1.0 - smoothing) * before;
        memory.parts = memory.parts.saturating_add(1);
        self.trend.write(Point { value: value as f32, smoothed: memory.smoothed as f32 });
    }

    /// The smoothed value; none before the first after the baseline.
    pub(super) fn smoothed(&self) -> Option<f64> {
        (self.memory.parts > 0).then_some(self.memory.smoothed)
    }

    /// How far the smoothed value is from the baseline, in its own standard deviations.
    pub(super) fn sigmas(&self, parts: u32, smoothing: f64) -> Option<f64> {
        let (baseline, smoothed) = (self.baseline(parts)?, self.smoothed()?);
        Some((smoothed - baseline.mean) / self.spread(baseline, smoothing))
    }

    /// The standard deviation of the smoothed value.
    pub(super) fn spread(&self, baseline: Baseline, smoothing: f64) -> f64 {
        // From here on the power is 0 at any smoothing.
        let parts = self.memory.parts.clamp(1, 1_000_000) as f64;
        let settled = 1.0 - (1.0 - smoothing).powf(2.0 * parts);
        baseline.deviation * (smoothing / (2.0 - smoothing) * settled).sqrt()
    }
}

impl Memory {
    /// Whether it can have come from [`Chart::memory`].
    pub(super) fn is_sound(&self) -> bool {
        let is_bounded = |value: f64| value.is_finite() && value.abs() <= LARGEST;
        is_bounded(self.mean)
            && is_bounded(self.smoothed)
            && self.squares.is_finite()
            && self.squares >= 0.0
    }
}
