use std::collections::HashMap;

use tract_onnx::pb::{ModelProto, ValueInfoProto};

use super::feed::Feed;
use super::histogram::Histogram;
use super::{Error, Progress};
use crate::clip::{self, Engine};

/// What was seen of one value over all samples.
#[derive(Debug, Clone, Default)]
pub(super) struct Observed {
    pub(super) histogram: Histogram,
    /// The largest size per index of the last axis.
    pub(super) channels: Vec<f32>,
    /// The shape of the last sample's.
    pub(super) shape: Vec<usize>,
    /// Whether all samples had that shape.
    pub(super) is_fixed: bool,
}

/// A model that gives some of its inner values, ready to run.
pub(super) struct Probe<'a> {
    engine: Engine,
    feed: &'a Feed<'a>,
    names: Vec<String>,
}

impl<'a> Probe<'a> {
    /// Prepares a model to give these values.
    pub(super) fn new(
        mut model: ModelProto,
        names: Vec<String>,
        feed: &'a Feed<'a>,
    ) -> Result<Self, Error> {
        let graph = model.graph.get_or_insert_default();
        let output = |name: &String| ValueInfoProto { name: name.clone(), ..Default::default() };
        graph.output = names.iter().map(output).collect();
        graph.value_info.clear();
        let engine = Engine::prepare(model, feed.origin(), |model| feed.declare(model))?;
        Ok(Self { engine, feed, names })
    }

    /// Runs one sample and hands each value's shape and content to `see`.
    pub(super) fn run(
        &self,
        sample: usize,
        mut see: impl FnMut(usize, &[usize], &[f32]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let outputs = self.engine.run(self.feed.inputs(sample)?)?;
        for (index, output) in outputs.iter().enumerate() {
            let view =
                output.to_plain_array_view::<f32>().map_err(|error| clip::Error::Engine {
                    origin: self.feed.origin().to_owned(),
                    action: "read an activation",
                    reason: error.to_string(),
                })?;
            match view.as_slice() {
                Some(values) => see(index, output.shape(), values)?,
                None => see(index, output.shape(), &view.iter().copied().collect::<Vec<_>>())?,
            }
        }
        Ok(())
    }

    /// Runs every sample; `layer` names the layer that takes a value, for messages.
    pub(super) fn observe(
        &self,
        layer: impl Fn(&str) -> String,
        progress: &mut Progress,
    ) -> Result<HashMap<String, Observed>, Error> {
        let mut all = vec![Observed::default(); self.names.len()];
        for sample in 0..self.feed.len() {
            self.run(sample, |index, shape, values| {
                if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
                    let (origin, layer) =
                        (self.feed.origin().to_owned(), layer(&self.names[index]));
                    return Err(Error::NotFinite { origin, layer, value, sample });
                }
                all[index].add(shape, values, sample == 0);
                Ok(())
            })?;
            progress.step();
        }
        Ok(self.names.iter().cloned().zip(all).collect())
    }
}

impl Observed {
    fn add(&mut self, shape: &[usize], values: &[f32], is_first: bool) {
        self.histogram.add(values);
        self.is_fixed = is_first || (self.is_fixed && self.shape == shape);
        self.shape = shape.to_vec();
        let width = shape.last().copied().unwrap_or(1).max(1);
        self.channels.resize(width, 0.0);
        for row in values.chunks(width) {
            for (most, value) in self.channels.iter_mut().zip(row) {
                *most = most.max(value.abs());
            }
        }
    }
}
