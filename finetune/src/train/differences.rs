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

/// The scale of logits stays below this, about `ln 100`, in models trained from scratch.
const LARGEST_LOGIT_SCALE: f64 = 4.605;

/// Learning from crops of pairs, with sentences drawn for them.
pub(super) struct Differences {
    pub(super) settings: Settings,
    pub(super) sampler: Sampler,
    pub(super) vocabulary: Vocabulary,
    /// By product.
    pub(super) validation: Vec<(String, Pool)>,
    /// The largest logarithm of the scale of logits that a step may leave behind. Checkpoints come
    /// with `ln 100` itself, and a limit within the graph has no gradient there: the scale could
    /// never leave it. None to limit it within the graph, as models that begin far below are.
    pub(super) largest_logit_scale: Option<f32>,
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
            // There was a model before.
            compares: self.largest_logit_scale.is_some(),
        }
    }
}

impl Task for Differences {
    fn gradients(&self, engine: &Engine, model: &Clip, step: u64) -> Result<(f32, Gradients)> {
        let parameters = &model.parameters;
        let mut scale = parameters.get(LOGIT_SCALE)?;
        if self.largest_logit_scale.is_none() {
            scale = scale.clamp(0.0, LARGEST_LOGIT_SCALE)?;
        }
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

    fn settle(&self, model: &Clip) -> Result<()> {
        let Some(largest) = self.largest_logit_scale else { return Ok(()) };
        let scale = model.parameters.scalar(LOGIT_SCALE)?;
        let limited = scale.clamp(0.0, largest);
        if limited == scale { Ok(()) } else { model.parameters.move_scalar(LOGIT_SCALE, limited) }
    }

    fn validate(&self, engine: &Engine, model: &Clip) -> Result<Vec<Validation>> {
        let (vocabulary, topics) = (&self.vocabulary, &self.sampler.topics);
        let judged = Judged { engine, model, vocabulary, topics };
        self.validation.iter().map(|(product, pool)| judged.validate(product, pool)).collect()
    }
}
