use crate::clip;

/// Why a model was not quantized, or not compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bundle, its files or the engine.
    #[error(transparent)]
    Model(#[from] clip::Error),
    /// The model holds quantized values already.
    #[error(
        "{origin}: {node:?} ({op}) is quantized already; quantize the fp32 model it was made from"
    )]
    Quantized {
        /// The model file.
        origin: String,
        /// The first such node.
        node: String,
        /// Its operator.
        op: String,
    },
    /// An operator set in which the written form does not exist, or one never tried.
    #[error(
        "{origin}: opset {found}, expected {least} to {most}; export it again (opset 17 is best)"
    )]
    Opset {
        /// The model file.
        origin: String,
        /// What the file says.
        found: String,
        /// The first accepted.
        least: i64,
        /// The last accepted.
        most: i64,
    },
    /// Weights that are computed when the model runs.
    #[error(
        "{origin}: the weights of {node:?} are {made}, expected constants; export it with constants folded"
    )]
    DynamicWeights {
        /// The model file.
        origin: String,
        /// The layer.
        node: String,
        /// Where they come from.
        made: String,
    },
    /// Nothing to quantize.
    #[error("{origin}: has no linear layer with constant weights")]
    NoLayers {
        /// The model file.
        origin: String,
    },
    /// A name given to stay in float that no layer has.
    #[error("{origin}: has no layer {name:?} to keep in float; its layers are {layers}")]
    UnknownLayer {
        /// The model file.
        origin: String,
        /// The name.
        name: String,
        /// Some of those it has.
        layers: String,
    },
    /// No calibration data at all.
    #[error(
        "no {what} for quantization calibration; give some dozens like those that will be inspected"
    )]
    NoSamples {
        /// "images" or "texts".
        what: &'static str,
    },
    /// Images without content.
    #[error(
        "all {count} calibration images are of one flat colour, and activation ranges from them \
         would fit no other image; give images of the product"
    )]
    Flat {
        /// How many there are.
        count: usize,
    },
    /// A layer that no sample reaches.
    #[error(
        "{origin}: the input of {layer:?} is zero on all {count} calibration samples, so its range \
         is unknown; give others, or --keep-float {layer}"
    )]
    ZeroRange {
        /// The model file.
        origin: String,
        /// The layer.
        layer: String,
        /// How many samples there are.
        count: usize,
    },
    /// An activation that is NaN or infinite in fp32.
    #[error(
        "{origin}: the input of {layer:?} has a value that is not finite ({value}) on calibration \
         sample {sample}; the fp32 model itself is broken there"
    )]
    NotFinite {
        /// The model file.
        origin: String,
        /// The layer.
        layer: String,
        /// NaN or an infinity.
        value: f32,
        /// Which sample, from 0.
        sample: usize,
    },
    /// An option out of its range.
    #[error("{option}: {found}, expected {expected}")]
    Option {
        /// Which.
        option: &'static str,
        /// What was given.
        found: String,
        /// What is accepted.
        expected: &'static str,
    },
    /// No pair was inspected by the fp32 model, so that nothing was compared.
    #[error("of {pairs} pairs none could be compared: {reason}")]
    NothingCompared {
        /// How many there were.
        pairs: usize,
        /// The first reason.
        reason: String,
    },
}
