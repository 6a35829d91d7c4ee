use std::borrow::Cow;
use std::num::NonZero;
use std::time::{Duration, Instant};

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{Datum, InferenceFact, Tensor, ToDim, tvec};

use super::{LoadTimes, embeddings};
use crate::clip::engine::Engine;
use crate::clip::onnx::Interface;
use crate::clip::{Bundle, Embedding, Error, FileName, Precision};
use crate::frame::{Frame, Preprocess};
use crate::int8;

/// Images of so many tokens or fewer are given to the engine together: one alone has too few rows
/// to hide the reading of the weights. Measured: of B/32's 50 tokens, eight take 40 % less time per
/// image than one; of TinyCLIP-8M/16's 197, two take 6 % more, as activations leave the cache.
const FEW_TOKENS: usize = 100;
/// Images given to the engine at once.
const MOST_AT_ONCE: usize = 8;
/// Frames that are pixels in memory at once, 39 MB at 224 px; a box may have little.
const FRAMES_AT_ONCE: usize = 64;

/// The image tower of a bundle, ready to run.
#[derive(Debug, Clone)]
pub struct ImageEncoder {
    engine: Engine,
    preprocess: Preprocess,
    embedding_size: usize,
    /// The batch dimension, where the file fixes it.
    fixed_batch: Option<usize>,
    /// Images given to the engine at once, where the file does not fix it.
    at_once: usize,
    threads: NonZero<usize>,
    file: FileName,
    sha256: String,
    load_times: LoadTimes,
}

impl ImageEncoder {
    /// Opens a bundle's image tower; see [`Bundle::vision_file`] for `precision`.
    ///
    /// # Errors
    /// Those of [`Bundle::model`] and [`Bundle::preprocess`], and [`Error::Engine`].
    pub fn open(bundle: &Bundle, precision: Option<Precision>) -> Result<Self, Error> {
        Self::open_file(bundle, bundle.vision_file(precision)?)
    }

    pub(crate) fn open_file(bundle: &Bundle, file: FileName) -> Result<Self, Error> {
        let preprocess = bundle.preprocess()?;
        let (model, [read, verify]) = bundle.model(file)?;
        let origin = bundle.path(file).display().to_string();
        let mut encoder =
            Self::prepare(model, &origin, preprocess, bundle.manifest().embedding_size)?;
        if let Some(sizes) = &bundle.manifest().vision {
            let tokens = (sizes.image / sizes.patch.max(1)).pow(2) + 1;
            encoder.at_once = if tokens <= FEW_TOKENS { MOST_AT_ONCE } else { 1 };
        }
        encoder.file = file;
        encoder.sha256 = bundle.sha256(file).unwrap_or_default().to_owned();
        encoder.load_times = LoadTimes { read, verify, ..encoder.load_times };
        Ok(encoder)
    }

    /// Prepares a checked model that need not be in a bundle yet.
    ///
    /// # Errors
    /// [`Error::Onnx`] when it is no image tower, and [`Error::Engine`].
    pub(crate) fn prepare(
        model: ModelProto,
        origin: &str,
        preprocess: Preprocess,
        embedding_size: usize,
    ) -> Result<Self, Error> {
        let started = Instant::now();
        let interface = Interface::of(&model, origin)?;
        if !interface.is_vision() {
            let reason = "it takes token ids, expected an image tower".to_owned();
            return Err(Error::Onnx { origin: origin.to_owned(), reason });
        }
        let (width, height) = preprocess.size();
        let batch = interface.batch;
        let engine = Engine::prepare(model, origin, |model| {
            let batch = batch.map_or_else(|| model.symbols.sym("N").to_dim(), |n| n.to_dim());
            let shape =
                tvec!(batch, 3.to_dim(), (height as usize).to_dim(), (width as usize).to_dim());
            model.set_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), shape))
        })?;
        let prepare = started.elapsed();
        Ok(Self {
            engine,
            preprocess,
            embedding_size,
            fixed_batch: batch,
            at_once: 1,
            threads: NonZero::<usize>::MIN,
            file: FileName::Vision,
            sha256: String::new(),
            load_times: LoadTimes { read: Duration::ZERO, verify: Duration::ZERO, prepare },
        })
    }

    /// Spreads the images of a batch over this many threads, or the work of a single one.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZero<usize>) -> Self {
        self.threads = threads;
        self
    }

    /// Embeds `count` preprocessed images, `[count, 3, H, W]` one after the other.
    ///
    /// # Errors
    /// [`Error::Input`] when `batch` has another length, [`Error::Engine`], and
    /// [`Error::NotFinite`].
    pub fn encode(&self, batch: &[f32], count: usize) -> Result<Vec<Embedding>, Error> {
        let expected = count.saturating_mul(self.tensor_len());
        if batch.len() != expected {
            let origin = self.origin().to_owned();
            return Err(Error::Input { origin, found: batch.len(), expected });
        }
        let share = count.div_ceil(self.threads.get()).max(1);
        if share >= count {
            return int8::with_threads(self.threads, || self.encode_share(batch));
        }
        let shares: Vec<&[f32]> = batch.chunks(share * self.tensor_len()).collect();
        let results: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> =
                shares.iter().map(|share| scope.spawn(|| self.encode_share(share))).collect();
            workers.into_iter().map(|worker| worker.join()).collect()
        });
        let mut all = Vec::with_capacity(count);
        for result in results {
            append(&mut all, result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))?;
        }
        Ok(all)
    }

    /// Preprocesses and embeds frames.
    ///
    /// # Errors
    /// Those of [`ImageEncoder::encode`], and [`Error::Frame`].
    pub fn encode_frames(&self, frames: &[&Frame]) -> Result<Vec<Embedding>, Error> {
        let size = self.tensor_len();
        let most = FRAMES_AT_ONCE.next_multiple_of(self.fixed_batch.unwrap_or(1));
        let mut all = Vec::with_capacity(frames.len());
        let mut batch = Vec::new();
        for some in frames.chunks(most) {
            batch.resize(size * some.len(), 0.0);
            for (frame, pixels) in some.iter().zip(batch.chunks_exact_mut(size)) {
                self.preprocess.write(frame, pixels)?;
            }
            append(&mut all, self.encode(&batch, some.len()))?;
        }
        Ok(all)
    }

    fn encode_share(&self, batch: &[f32]) -> Result<Vec<Embedding>, Error> {
        let size = self.tensor_len();
        let mut all = Vec::with_capacity(batch.len() / size);
        for piece in batch.chunks(size * self.fixed_batch.unwrap_or(self.at_once)) {
            let count = piece.len() / size;
            // A file with a fixed batch gets the rest filled with zeros.
            let padded = self.fixed_batch.unwrap_or(count);
            let mut pixels = Cow::from(piece);
            if padded > count {
                pixels.to_mut().resize(padded * size, 0.0);
            }
            let (width, height) = self.preprocess.size();
            let shape = [padded, 3, height as usize, width as usize];
            let input = Tensor::from_shape(&shape, &pixels).map_err(|error| Error::Engine {
                origin: self.origin().to_owned(),
                action: "shape the pixels",
                reason: error.to_string(),
            })?;
            let outputs = self.engine.run(tvec!(input.into()))?;
            append(&mut all, embeddings(&outputs, self.origin(), (padded, self.embedding_size)))?;
            all.truncate(all.len() - (padded - count));
        }
        Ok(all)
    }

    /// How frames become pixels.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// Values of one preprocessed image, `3 * H * W`.
    pub fn tensor_len(&self) -> usize {
        self.preprocess.tensor_len()
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

/// Adds what follows; an error of it names its image by the place among all.
fn append(all: &mut Vec<Embedding>, more: Result<Vec<Embedding>, Error>) -> Result<(), Error> {
    let more = more.map_err(|error| match error {
        Error::NotFinite { origin, index, value } => {
            Error::NotFinite { origin, index: index + all.len(), value }
        }
        other => other,
    })?;
    all.extend(more);
    Ok(())
}
