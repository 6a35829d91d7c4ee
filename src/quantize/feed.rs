use tract_onnx::prelude::{
    Datum, InferenceFact, InferenceModel, TValue, Tensor, TractResult, tvec,
};
use tract_onnx::tract_hir::internal::TVec;

use super::Error;
use crate::clip::onnx::{Input, Interface};
use crate::clip::{self, Tokenizer};
use crate::frame::{Frame, Preprocess};

/// Calibration samples as inputs of a tower, made when they are asked for.
pub(super) struct Feed<'a> {
    origin: &'a str,
    interface: &'a Interface,
    samples: Samples<'a>,
}

/// Where inputs come from.
pub(super) enum Samples<'a> {
    Images { frames: &'a [Frame], preprocess: Preprocess },
    Texts { ids: Vec<Vec<u32>>, length: usize, end: u32 },
}

impl<'a> Samples<'a> {
    /// Images, at least one of them with content.
    pub(super) fn images(frames: &'a [Frame], preprocess: Preprocess) -> Result<Self, Error> {
        if frames.is_empty() {
            return Err(Error::NoSamples { what: "images" });
        }
        let is_flat = |frame: &Frame| {
            let pixels = preprocess.tensor(frame);
            let mut planes = pixels.chunks(pixels.len().max(3) / 3);
            planes.all(|plane| plane.iter().all(|value| *value == plane[0]))
        };
        if frames.iter().all(is_flat) {
            return Err(Error::Flat { count: frames.len() });
        }
        Ok(Self::Images { frames, preprocess })
    }

    /// Texts of at most `context` tokens, all of one length.
    pub(super) fn texts(
        texts: &[String],
        tokenizer: &Tokenizer,
        context: usize,
    ) -> Result<Self, Error> {
        let encode = |text: &String| tokenizer.encode(text, context).map_err(clip::Error::from);
        let ids: Vec<Vec<u32>> = texts.iter().map(encode).collect::<Result<_, _>>()?;
        let longest = ids.iter().map(Vec::len).max();
        let length = longest.ok_or(Error::NoSamples { what: "texts" })?;
        Ok(Self::Texts { ids, length, end: tokenizer.end_id() })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Images { frames, .. } => frames.len(),
            Self::Texts { ids, .. } => ids.len(),
        }
    }
}

impl<'a> Feed<'a> {
    pub(super) fn new(origin: &'a str, interface: &'a Interface, mut samples: Samples<'a>) -> Self {
        if let (Samples::Texts { ids, length, .. }, Some(Some(fixed))) =
            (&mut samples, interface.fixed.first())
        {
            ids.iter_mut().for_each(|ids| ids.truncate(*fixed));
            *length = *fixed;
        }
        Self { origin, interface, samples }
    }

    /// The model file, for messages.
    pub(super) fn origin(&self) -> &'a str {
        self.origin
    }

    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Declares the inputs as every sample has them.
    pub(super) fn declare(&self, model: &mut InferenceModel) -> TractResult<()> {
        let batch = self.batch();
        for index in 0..self.interface.inputs.len() {
            let fact = match &self.samples {
                Samples::Images { preprocess, .. } => {
                    let (width, height) = preprocess.size();
                    let shape = [batch, 3, height as usize, width as usize];
                    InferenceFact::dt_shape(f32::datum_type(), shape)
                }
                Samples::Texts { length, .. } => {
                    InferenceFact::dt_shape(i64::datum_type(), [batch, *length])
                }
            };
            model.set_input_fact(index, fact)?;
        }
        Ok(())
    }

    /// The inputs of one sample, repeated where the file asks for a larger batch.
    pub(super) fn inputs(&self, sample: usize) -> Result<TVec<TValue>, Error> {
        let failed = |error: tract_onnx::prelude::TractError| clip::Error::Engine {
            origin: self.origin.to_owned(),
            action: "shape a calibration sample",
            reason: error.to_string(),
        };
        let batch = self.batch();
        match &self.samples {
            Samples::Images { frames, preprocess } => {
                let (width, height) = preprocess.size();
                let pixels = preprocess.tensor(&frames[sample]).repeat(batch);
                let shape = [batch, 3, height as usize, width as usize];
                Ok(tvec!(Tensor::from_shape(&shape, &pixels).map_err(failed)?.into()))
            }
            Samples::Texts { ids, length, end } => {
                let row = &ids[sample];
                let at = |index: usize| i64::from(row.get(index).copied().unwrap_or(*end));
                let tokens: Vec<i64> = (0..*length).map(at).collect();
                let mask: Vec<i64> = (0..*length).map(|it| i64::from(it < row.len())).collect();
                let each = self.interface.inputs.iter().map(|input| {
                    let values = if *input == Input::Mask { &mask } else { &tokens };
                    Tensor::from_shape(&[batch, *length], &values.repeat(batch)).map(TValue::from)
                });
                Ok(each.collect::<Result<_, _>>().map_err(failed)?)
            }
        }
    }

    /// Samples in one run, as the file declares.
    pub(super) fn batch(&self) -> usize {
        self.interface.batch.unwrap_or(1)
    }
}
