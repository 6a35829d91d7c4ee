use serde::{Deserialize, Serialize};

use super::optimizer::AdamConfig;
use super::schedule::Schedule;

/// How a run trains, whatever its data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What one step sees.
    pub batch: BatchConfig,
    /// Weights of the loss's terms beside that of the differences, which is 1.
    pub terms: Terms,
    /// The learning rate.
    pub schedule: Schedule,
    /// The optimizer.
    pub adam: AdamConfig,
    /// The first steps teach the text tower alone which sentences mean the same. They are cheap, and
    /// images then have sentences to learn from that differ.
    pub sentences_first: u64,
    /// Steps from one validation to the next.
    pub validate_every: u64,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: u64,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchConfig {
    /// Pairs of crops.
    pub pairs: usize,
    /// Share of pairs with a fault.
    pub faults: f32,
    /// Share of pairs with an allowed change; the rest show the same.
    pub allowed: f32,
    /// Pairs whose two crops are captioned.
    pub captioned: usize,
    /// Shares that a batch is split into, each on a thread of its own.
    pub lanes: usize,
    /// Images held with their activations at once, per lane.
    pub micro: usize,
}

/// Weights of terms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Requirements hold or are broken.
    pub requirements: f64,
    /// Crops and their captions.
    pub captions: f64,
    /// Lengths of differences.
    pub sizes: f64,
}

impl Settings {
    /// Checks every number against its range.
    ///
    /// # Errors
    /// The first that is wrong, by name.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let counts = [
            ("batch.pairs", self.batch.pairs as u64),
            ("batch.lanes", self.batch.lanes as u64),
            ("batch.micro", self.batch.micro as u64),
            ("schedule.steps", self.schedule.steps),
            ("validate_every", self.validate_every),
            ("checkpoint_every", self.checkpoint_every),
        ];
        for (name, value) in counts {
            anyhow::ensure!(value > 0, "{name}: 0, expected at least 1");
        }
        let (faults, allowed) = (self.batch.faults, self.batch.allowed);
        anyhow::ensure!(
            faults > 0.0 && allowed >= 0.0 && faults + allowed < 1.0,
            "batch: faults {faults} and allowed {allowed}, expected above 0, 0 or more, and together \
             below 1"
        );
        let peak = self.schedule.peak;
        anyhow::ensure!(peak > 0.0 && peak.is_finite(), "schedule.peak: {peak}, expected above 0");
        Ok(())
    }
}

/// What the tools of the field use where nothing speaks for something else.
impl Default for Settings {
    fn default() -> Self {
        Self {
            batch: BatchConfig {
                pairs: 64,
                faults: 0.55,
                allowed: 0.1,
                captioned: 12,
                lanes: 2,
                micro: 64,
            },
            terms: Terms { requirements: 0.5, captions: 0.1, sizes: 0.2 },
            schedule: Schedule { peak: 3e-4, warm_up: 100, steps: 2000, floor: 0.01 },
            adam: AdamConfig {
                beta1: 0.9,
                beta2: 0.98,
                epsilon: 1e-8,
                weight_decay: 0.05,
                clip: 1.0,
            },
            sentences_first: 0,
            validate_every: 250,
            checkpoint_every: 250,
        }
    }
}
