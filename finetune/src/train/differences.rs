use candle_core::Result;

use super::engine::{Engine, Gradients};
use super::loss::{self, Scalars, normalised};
use super::run::{Plan, Task};
use super::sampler::Sampler;
use super::settings::Settings;
use super::total::total;
use super::validate::{Judged, Validation};
use super::vocabulary::Vocabulary;
use crate::crops::Pool;
use crate::model::{Clip, LOGIT_SCALE, NO_CHANGE_LOGIT};

/// The scale of logits stays below this, `ln 100`, as in CLIP.
const LARGEST_LOGIT_SCALE: f64 = 4.605;

/// Learning from crops of pairs, with sentences drawn for them.
pub(super) struct Differences {
    pub(super) settings: Settings,
    pub(super) sampler: Sampler,
    pub(super) vocabulary: Vocabulary,
    /// By product.
    pub(super) validation: Vec<(String, Pool)>,
}

impl Differences {
    /// How a run on this task goes; `id` is everything that the result depends on.
    pub(super) fn plan(&self, id: String) -> Plan<'_> {
        let settings = &self.settings;
        Plan {
            rate: &settings.schedule,
            adam: settings.adam,
            lanes: (settings.batch.lanes, settings.batch.micro),
            every: [settings.validate_every, settings.checkpoint_every],
            id,
        }
    }
}

impl Task for Differences {
    fn gradients(&self, engine: &Engine, model: &Clip, step: u64) -> Result<(f32, Gradients)> {
        let parameters = &model.parameters;
        let scale = parameters.get(LOGIT_SCALE)?.clamp(0.0, LARGEST_LOGIT_SCALE)?;
        let no_change = parameters.get(NO_CHANGE_LOGIT)?;
        if step < self.settings.sentences_first {
            let (batch, meanings) = self.sampler.phrasings(step, &self.vocabulary);
            return engine.step(parameters, &batch, |leaves| {
                loss::meanings(
                    &normalised(&leaves.sentences)?,
                    &meanings,
                    &scale.exp()?.reshape(1)?,
                )
            });
        }
        let drawn = self.sampler.batch(step, &self.vocabulary)?;
        engine.step(parameters, &drawn.batch, |leaves| {
            let scalars =
                Scalars { scale: scale.exp()?.reshape(1)?, no_change: no_change.reshape(1)? };
            let is_fault = |meaning| self.sampler.is_fault(meaning);
            let drops_allowed = step % 2 == 1;
            total(&drawn, leaves, (&scalars, self.settings.terms), (&is_fault, drops_allowed))
        })
    }

    fn validate(&self, engine: &Engine, model: &Clip) -> Result<Vec<Validation>> {
        let (vocabulary, topics) = (&self.vocabulary, &self.sampler.topics);
        let judged = Judged { engine, model, vocabulary, topics };
        self.validation.iter().map(|(product, pool)| judged.validate(product, pool)).collect()
    }
}
