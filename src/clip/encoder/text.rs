use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{
    Datum, InferenceFact, InferenceModel, TValue, Tensor, ToDim, TractResult, tvec,
};

use super::{LoadTimes, embeddings};
use crate::clip::engine::Engine;
use crate::clip::onnx::{Input, Interface};
use crate::clip::{Bundle, Embedding, Error, FileName, Precision, TextSizes, Tokenizer};

/// Texts given to the engine at once.
const MOST_AT_ONCE: usize = 8;

/// The text tower of a bundle, ready to run.
#[derive(Debug, Clone)]
pub struct TextEncoder {
    engine: Engine,
    inputs: Vec<Input>,
    tokenizer: Tokenizer,
    context: usize,
    vocabulary: usize,
    embedding_size: usize,
    /// The sequence length, where the file fixes it.
    length: Option<usize>,
    batch: Option<usize>,
    file: FileName,
    sha256: String,
    load_times: LoadTimes,
}

impl TextEncoder {
    /// Opens a bundle's text tower; see [`Bundle::text_file`] for `precision`.
    ///
    /// # Errors
    /// Those of [`Bundle::model`] and [`Bundle::tokenizer`], and [`Error::Engine`].
    pub fn open(bundle: &Bundle, precision: Option<Precision>) -> Result<Self, Error> {
        Self::open_file(bundle, bundle.text_file(precision)?)
    }

    pub(crate) fn open_file(bundle: &Bundle, file: FileName) -> Result<Self, Error> {
        let tokenizer = bundle.tokenizer()?;
        let Some(sizes) = &bundle.manifest().text else {
            let (path, file) = (bundle.folder().to_owned(), file.to_string());
            return Err(Error::Missing { path, file, advice: "choose another bundle" });
        };
        let (model, [read, verify]) = bundle.model(file)?;
        let origin = bundle.path(file).display().to_string();
        let size = bundle.manifest().embedding_size;
        let mut encoder = Self::prepare(model, &origin, tokenizer, (sizes, size))?;
        encoder.file = file;
        encoder.sha256 = bundle.sha256(file).unwrap_or_default().to_owned();
        encoder.load_times = LoadTimes { read, verify, ..encoder.load_times };
        Ok(encoder)
    }

    /// Prepares a checked model that need not be in a bundle yet.
    ///
    /// # Errors
    /// [`Error::Onnx`] when it is no text tower, [`Error::Manifest`] when the tokenizer has more
    /// ids than the model, and [`Error::Engine`].
    pub(crate) fn prepare(
        model: ModelProto,
        origin: &str,
        tokenizer: Tokenizer,
        (sizes, embedding_size): (&TextSizes, usize),
    ) -> Result<Self, Error> {
        let started = Instant::now();
        let interface = Interface::of(&model, origin)?;
        if interface.is_vision() {
            let reason = "it takes pixels, expected a text tower".to_owned();
            return Err(Error::Onnx { origin: origin.to_owned(), reason });
        }
        let bound = tokenizer.id_bound();
        if sizes.vocabulary < bound {
            return Err(Error::Manifest {
                origin: origin.to_owned(),
                key: "text.vocabulary".to_owned(),
                reason: format!("{} ids, the tokenizer gives ids below {bound}", sizes.vocabulary),
            });
        }
        let length = interface.fixed.first().copied().flatten();
        let (batch, inputs) = (interface.batch, interface.inputs);
        let shape = [("N", batch), ("T", length)];
        let engine =
            Engine::prepare(model, origin, |model| set_inputs(model, inputs.len(), shape))?;
        let zero = Duration::ZERO;
        Ok(Self {
            engine,
            inputs,
            tokenizer,
            context: length.map_or(sizes.context, |length| length.min(sizes.context)),
            vocabulary: sizes.vocabulary,
            embedding_size,
            length,
            batch,
            file: FileName::Text,
            sha256: String::new(),
            load_times: LoadTimes { read: zero, verify: zero, prepare: started.elapsed() },
        })
    }

    /// Tokenizes and embeds texts; what goes beyond the context length is cut.
    ///
    /// # Errors
    /// [`Error::Tokenizer`], [`Error::Engine`] and [`Error::NotFinite`].
    pub fn encode(&self, texts: &[&str]) -> Result<Vec<Embedding>, Error> {
        let ids: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| self.tokenizer.encode(text, self.context))
            .collect::<Result<_, _>>()?;
        self.encode_ids(&ids)
    }

    /// Embeds token sequences, start and end tokens included.
    ///
    /// Sequences of one length run together without padding: under the causal mask nothing behind
    /// the end token matters, so this is exact.
    ///
    /// # Errors
    /// [`Error::Input`] for a sequence that is empty, too long or beyond the vocabulary,
    /// [`Error::Engine`] and [`Error::NotFinite`].
    pub fn encode_ids(&self, sequences: &[Vec<u32>]) -> Result<Vec<Embedding>, Error> {
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, ids) in sequences.iter().enumerate() {
            self.check(ids)?;
            by_length.entry(self.length.unwrap_or(ids.len())).or_default().push(index);
        }
        let mut all: Vec<(usize, Embedding)> = Vec::with_capacity(sequences.len());
        for (length, indices) in by_length {
            for indices in indices.chunks(self.batch.unwrap_or(MOST_AT_ONCE)) {
                let rows: Vec<&[u32]> = indices.iter().map(|&i| sequences[i].as_slice()).collect();
                let found = self.run(&rows, length).map_err(|error| renamed(error, indices))?;
                all.extend(indices.iter().copied().zip(found));
            }
        }
        all.sort_by_key(|(index, _)| *index);
        Ok(all.into_iter().map(|(_, embedding)| embedding).collect())
    }

    fn check(&self, ids: &[u32]) -> Result<(), Error> {
        let origin = || self.origin().to_owned();
        if ids.is_empty() || ids.len() > self.context {
            return Err(Error::Input {
                origin: origin(),
                found: ids.len(),
                expected: self.context,
            });
        }
        let vocabulary = self.vocabulary;
        match ids.iter().find(|id| **id as usize >= vocabulary) {
            Some(&id) => Err(Error::TokenId { origin: origin(), id, vocabulary }),
            None => Ok(()),
        }
    }

    fn run(&self, rows: &[&[u32]], length: usize) -> Result<Vec<Embedding>, Error> {
        let batch = self.batch.unwrap_or(rows.len());
        let end = i64::from(self.tokenizer.end_id());
        // Padding, where a file fixes the length, repeats the end token: both pooling rules take
        // the first one.
        let mut ids = vec![end; batch * length];
        let mut mask = vec![0_i64; batch * length];
        for (row, (ids, mask)) in
            rows.iter().zip(ids.chunks_mut(length).zip(mask.chunks_mut(length)))
        {
            for (index, id) in row.iter().enumerate() {
                (ids[index], mask[index]) = (i64::from(*id), 1);
            }
        }
        let tensor = |values: &[i64]| Tensor::from_shape(&[batch, length], values);
        let inputs = self.inputs.iter().map(|input| match input {
            Input::Mask => tensor(&mask),
            _ => tensor(&ids),
        });
        let inputs: Result<_, _> = inputs.map(|tensor| tensor.map(TValue::from)).collect();
        let inputs = inputs.map_err(|error| Error::Engine {
            origin: self.origin().to_owned(),
            action: "shape the ids",
            reason: error.to_string(),
        })?;
        let outputs = self.engine.run(inputs)?;
        let mut found = embeddings(&outputs, self.origin(), (batch, self.embedding_size))?;
        found.truncate(rows.len());
        Ok(found)
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The longest sequence, start and end tokens included.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Values of one embedding.
    pub fn embedding_size(&self) -> usize {
        self.embedding_size
    }

    /// The model file, for messages.
    pub fn origin(&self) -> &str {
        self.engine.origin()
    }

    /// Which file of the bundle runs.
    pub fn file(&self) -> FileName {
        self.file
    }

    /// The SHA-256 of the model file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What opening it took.
    pub fn load_times(&self) -> LoadTimes {
        self.load_times
    }
}

/// Declares every input as ids of this shape; what the file leaves free becomes a symbol.
fn set_inputs(
    model: &mut InferenceModel,
    count: usize,
    shape: [(&str, Option<usize>); 2],
) -> TractResult<()> {
    let shape = shape.map(|(name, fixed)| match fixed {
        Some(size) => size.to_dim(),
        None => model.symbols.sym(name).to_dim(),
    });
    for input in 0..count {
        let fact =
            InferenceFact::dt_shape(i64::datum_type(), tvec!(shape[0].clone(), shape[1].clone()));
        model.set_input_fact(input, fact)?;
    }
    Ok(())
}

fn renamed(error: Error, indices: &[usize]) -> Error {
    match error {
        Error::NotFinite { origin, index, value } => {
            Error::NotFinite { origin, index: indices.get(index).copied().unwrap_or(index), value }
        }
        other => other,
    }
}
