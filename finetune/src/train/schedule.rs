use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// How the learning rate goes over a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The highest learning rate.
    pub peak: f64,
    /// Steps from 0 to the peak, linearly.
    pub warm_up: u64,
    /// Steps in all; from the warm-up on the rate falls along half a cosine to `floor * peak`.
    pub steps: u64,
    /// Share of the peak at the end, 0 to 1.
    pub floor: f64,
}

impl Schedule {
    /// The learning rate of a step, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warm_up {
            return self.peak * (step + 1) as f64 / self.warm_up as f64;
        }
        let length = self.steps.saturating_sub(self.warm_up).max(1) as f64;
        let done = ((step - self.warm_up) as f64 / length).min(1.0);
        let share = (1.0 + (PI * done).cos()) / 2.0;
        self.peak * (self.floor + (1.0 - self.floor) * share)
    }
}

/// The paper's schedule: a rate that falls by a factor from epoch to epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochSchedule {
    /// The learning rate of the first epoch.
    pub first: f64,
    /// What each further epoch multiplies it by.
    pub factor: f64,
    /// Steps in an epoch.
    pub epoch: u64,
    /// Epochs in all.
    pub epochs: u64,
}

impl EpochSchedule {
    /// The learning rate of a step, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        let epoch = i32::try_from(step / self.epoch.max(1)).unwrap_or(i32::MAX);
        self.first * self.factor.powi(epoch)
    }

    /// Steps in all.
    pub fn steps(&self) -> u64 {
        self.epoch * self.epochs
    }
}

/// How a rate goes over a run.
pub(crate) trait Rate {
    /// The learning rate of a step, counted from 0.
    fn rate(&self, step: u64) -> f64;
    /// Steps in all.
    fn steps(&self) -> u64;
}

impl Rate for Schedule {
    fn rate(&self, step: u64) -> f64 {
        Self::rate(self, step)
    }

    fn steps(&self) -> u64 {
        self.steps
    }
}

impl Rate for EpochSchedule {
    fn rate(&self, step: u64) -> f64 {
        Self::rate(self, step)
    }

    fn steps(&self) -> u64 {
        Self::steps(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_climbs_to_its_peak_and_falls_to_its_floor() {
        let schedule = Schedule { peak: 2.0, warm_up: 10, steps: 110, floor: 0.1 };
        assert!((schedule.rate(0) - 0.2).abs() < 1e-12);
        assert!((schedule.rate(9) - 2.0).abs() < 1e-12);
        assert!((schedule.rate(60) - (0.2 + 1.8 / 2.0)).abs() < 1e-12);
        assert!((schedule.rate(110) - 0.2).abs() < 1e-12);
        assert!((schedule.rate(1000) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn an_epoch_keeps_its_rate() {
        let schedule = EpochSchedule { first: 1e-8, factor: 0.9, epoch: 10, epochs: 20 };
        assert!((schedule.rate(9) - 1e-8).abs() < 1e-20);
        assert!((schedule.rate(10) - 0.9e-8).abs() < 1e-20);
        assert!((schedule.rate(25) - 0.81e-8).abs() < 1e-20);
        assert_eq!(schedule.steps(), 200);
    }
}
