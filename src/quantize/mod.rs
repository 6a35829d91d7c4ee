//! Quantization: an fp32 tower and calibration samples become an int8 tower.
//!
//! Owns the search for linear layers in graphs of several exporters, the observation of activation
//! ranges, the choice of scales, the migration of outlier channels into weights, the written form,
//! and what is measured of it: signal to noise per layer, and agreement of int8 with fp32.
//!
//! It does not run the product: that is `int8`, which takes any file of this form.

mod agreement;
mod convert;
mod error;
mod feed;
mod graph;
mod histogram;
mod linears;
mod noise;
mod observe;
mod smooth;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use tract_onnx::pb::ModelProto;

pub use agreement::{Agreement, Compared};
pub use error::Error;
pub use histogram::Method;

use crate::clip::onnx::{self, Interface};
use crate::clip::{Bundle, FileName, Precision};
use crate::frame::Frame;
use convert::Plan;
use feed::{Feed, Samples};
use graph::Graph;
use linears::{Form, Linear};
use observe::{Observed, Probe};

/// `DequantizeLinear` has an axis from the first; beyond the last, the engine has not been tried.
const OPSETS: std::ops::RangeInclusive<i64> = 13..=21;

/// How a tower is quantized.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// How the end of an activation's range is chosen.
    pub method: Method,
    /// How much of an outlier channel's range goes into the weights, above 0 to below 1; 0.5 is
    /// usual. None leaves the weights as they are.
    pub smooth: Option<f32>,
    /// Layers that stay in f32, by name.
    pub keep_float: Vec<String>,
}

/// A quantized tower, not written yet.
#[derive(Debug)]
pub struct Quantized {
    model: ModelProto,
    file: FileName,
    /// The quantized layers in the order of the graph.
    pub layers: Vec<Layer>,
    /// Layers in f32, each with why.
    pub kept: Vec<(String, String)>,
    /// How many layers had outlier channels moved into their weights.
    pub smoothed: usize,
}

/// One quantized layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Its weights without `.weight`, or its node.
    pub name: String,
    /// The largest size of its input over all samples.
    pub largest: f32,
    /// What one step of its input is worth.
    pub scale: f32,
    /// Power of the f32 output over that of the error, in dB, with f32 inputs: this layer alone.
    pub signal_to_noise_db: f64,
}

/// Counts runs of the model.
pub(crate) struct Progress<'a> {
    done: usize,
    total: usize,
    report: &'a mut dyn FnMut(usize, usize),
}

impl Progress<'_> {
    fn step(&mut self) {
        self.done += 1;
        (self.report)(self.done, self.total);
    }
}

/// Quantizes the image tower of a bundle by what it does on `frames`; `progress` is told how many
/// runs of how many are done.
///
/// # Errors
/// Every variant of [`Error`] but those of texts and of comparing.
pub fn quantize_images(
    bundle: &Bundle,
    frames: &[Frame],
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Quantized, Error> {
    let source = bundle.vision_file(Some(Precision::Fp32))?;
    let samples = Samples::images(frames, bundle.preprocess()?)?;
    let tower = Tower { bundle, source, file: FileName::VisionInt8 };
    tower.quantize(samples, options, progress)
}

/// As [`quantize_images`], for the text tower.
///
/// # Errors
/// Every variant of [`Error`] but those of images and of comparing.
pub fn quantize_texts(
    bundle: &Bundle,
    texts: &[String],
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Quantized, Error> {
    let source = bundle.text_file(Some(Precision::Fp32))?;
    let context = bundle.manifest().text.as_ref().map_or(0, |sizes| sizes.context);
    let samples = Samples::texts(texts, &bundle.tokenizer()?, context)?;
    let tower = Tower { bundle, source, file: FileName::TextInt8 };
    tower.quantize(samples, options, progress)
}

impl Quantized {
    /// Writes a copy of the bundle with this tower in it, at a place that is free.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn write(&self, bundle: &Bundle, place: &Path) -> Result<Bundle, Error> {
        Ok(bundle.with_model(self.file, &self.model, place)?)
    }
}

struct Tower<'a> {
    bundle: &'a Bundle,
    source: FileName,
    file: FileName,
}

impl Tower<'_> {
    fn quantize(
        &self,
        samples: Samples,
        options: &Options,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Quantized, Error> {
        let origin = self.bundle.path(self.source).display().to_string();
        let model = self.bundle.model(self.source)?.0;
        let interface = Interface::of(&model, &origin)?;
        let feed = Feed::new(&origin, &interface, samples);
        quantize(model, (&feed, self.file), options, progress)
    }
}

fn quantize(
    model: ModelProto,
    (feed, file): (&Feed, FileName),
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Quantized, Error> {
    check_options(options)?;
    check_model(&model, feed.origin())?;
    let passes = 1 + usize::from(options.smooth.is_some());
    let total = feed.len() * passes + noise::SAMPLES.min(feed.len());
    let mut progress = Progress { done: 0, total, report: progress };
    let mut graph = Graph::of(onnx::half_weights_widened(model));
    let linears = linears::linears(&graph, feed.origin())?;
    check_names(&linears, &options.keep_float, feed.origin())?;
    let mut observed = observe(&graph, &linears, feed, &mut progress)?;
    let mut smoothed = 0;
    if let Some(strength) = options.smooth {
        smoothed = smooth::migrate(&mut graph, &linears, &observed, strength).len();
        observed = observe(&graph, &linears, feed, &mut progress)?;
    }
    let Plans { plans, kept } = plan(&linears, &observed, options, feed)?;
    let ratios = noise::signal_to_noise(&graph, &linears, &plans, (feed, &mut progress))?;
    convert::replace(&mut graph, &linears, &plans);
    let model = graph.into_model();
    onnx::check_model(&model, feed.origin())?;
    let layer = |(linear, ratio): (&Linear, f64)| Layer {
        name: linear.name.clone(),
        largest: observed.get(&linear.input).map_or(0.0, |it| it.histogram.largest()),
        scale: plans[&linear.name].scale,
        signal_to_noise_db: ratio,
    };
    let planned = linears.iter().filter(|linear| plans.contains_key(&linear.name));
    let layers = planned.zip(ratios).map(layer).collect();
    Ok(Quantized { model, file, layers, kept, smoothed })
}

fn check_options(options: &Options) -> Result<(), Error> {
    match options.smooth {
        Some(smooth) if !(smooth > 0.0 && smooth < 1.0) => Err(Error::Option {
            option: "smooth",
            found: smooth.to_string(),
            expected: "above 0 and below 1 (0.5 is usual)",
        }),
        _ => Ok(()),
    }
}

fn check_model(model: &ModelProto, origin: &str) -> Result<(), Error> {
    let origin = || origin.to_owned();
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    if let Some(node) = nodes.clone().find(|node| is_quantized(&node.op_type)) {
        let name = node.output.first().unwrap_or(&node.name).clone();
        return Err(Error::Quantized { origin: origin(), node: name, op: node.op_type.clone() });
    }
    match onnx::opset(model) {
        Some(version) if OPSETS.contains(&version) => Ok(()),
        found => Err(Error::Opset {
            origin: origin(),
            found: found.map_or("none".to_owned(), |version| version.to_string()),
            least: *OPSETS.start(),
            most: *OPSETS.end(),
        }),
    }
}

/// Operators of ONNX and of onnxruntime's own set.
fn is_quantized(op: &str) -> bool {
    let own = ["QGemm", "QAttention", "MatMulNBits"];
    op.contains("Quantize") || op.contains("QLinear") || op.contains("Integer") || own.contains(&op)
}

fn check_names(linears: &[Linear], names: &[String], origin: &str) -> Result<(), Error> {
    const SHOWN: usize = 8;
    let Some(name) = names.iter().find(|name| linears.iter().all(|it| it.name != **name)) else {
        return Ok(());
    };
    let mut layers: Vec<&str> = linears.iter().take(SHOWN).map(|it| it.name.as_str()).collect();
    if linears.len() > SHOWN {
        layers.push("...");
    }
    let (origin, layers) = (origin.to_owned(), layers.join(", "));
    Err(Error::UnknownLayer { origin, name: name.clone(), layers })
}

/// What goes into the linears, over all samples.
fn observe(
    graph: &Graph,
    linears: &[Linear],
    feed: &Feed,
    progress: &mut Progress,
) -> Result<HashMap<String, Observed>, Error> {
    let mut seen = HashSet::new();
    let inputs = linears.iter().map(|linear| &linear.input);
    let names = inputs.filter(|input| seen.insert(*input)).cloned().collect();
    let layer = |input: &str| {
        let taker = linears.iter().find(|linear| linear.input == input);
        taker.map_or_else(String::new, |linear| linear.name.clone())
    };
    Probe::new(graph.clone().into_model(), names, feed)?.observe(layer, progress)
}

struct Plans {
    plans: HashMap<String, Plan>,
    kept: Vec<(String, String)>,
}

fn plan(
    linears: &[Linear],
    observed: &HashMap<String, Observed>,
    options: &Options,
    feed: &Feed,
) -> Result<Plans, Error> {
    let mut found = Plans { plans: HashMap::new(), kept: Vec::new() };
    for linear in linears {
        let name = linear.name.clone();
        let Some(observed) = observed.get(&linear.input) else { continue };
        if options.keep_float.contains(&name) {
            found.kept.push((name, "as asked".to_owned()));
            continue;
        }
        let shape = observed.shape.clone();
        let by_rows = linear.form == Form::Rows && shape.len() == 2;
        if !by_rows && (!observed.is_fixed || shape.first() != Some(&feed.batch())) {
            let reason = format!("the shape of its input, {shape:?}, depends on the sample");
            found.kept.push((name, reason));
            continue;
        }
        let end = observed.histogram.end(options.method).ok_or_else(|| Error::ZeroRange {
            origin: feed.origin().to_owned(),
            layer: name.clone(),
            count: feed.len(),
        })?;
        found.plans.insert(name, Plan { scale: end / 127.0, shape });
    }
    Ok(found)
}
