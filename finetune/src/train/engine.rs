use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{Result, Tensor, Var, bail};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::model::{Parameters, Sentences, TextTower, VisionTower};

/// Gradients by parameter name.
pub(crate) type Gradients = BTreeMap<String, Tensor>;

/// The embeddings of a batch as the loss sees them: leaves that gradients are taken by.
pub(crate) struct Leaves {
    /// Raw image embeddings `[images, E]`, where the batch has images.
    pub(crate) images: Option<Var>,
    /// Raw sentence embeddings `[sentences, E]`.
    pub(crate) sentences: Var,
}

/// What a batch goes through.
pub(crate) struct Batch {
    /// `[images, patches, 3 * patch * patch]`; none where images were embedded before.
    pub(crate) patches: Option<Tensor>,
    /// All sentences of the batch.
    pub(crate) sentences: Sentences,
}

/// Both towers, and threads that share a batch among them.
///
/// A contrastive loss couples the whole batch, but only through the embeddings. So each lane embeds
/// its share of the images; the loss is taken over all embeddings together; and each lane goes
/// backward with the gradient of its own embeddings. The result is that of one big graph. Shares
/// depend on `lanes` alone and are summed in their order: the same seed gives the same model on any
/// number of cores.
pub(crate) struct Engine {
    vision: VisionTower,
    text: TextTower,
    lanes: Vec<ThreadPool>,
    micro: usize,
}

impl Engine {
    /// `micro` images are held with all their activations per lane; larger batches are embedded
    /// twice (Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    /// arXiv 2101.06983).
    pub(crate) fn new(
        vision: VisionTower,
        text: TextTower,
        (lanes, micro): (usize, usize),
    ) -> anyhow::Result<Self> {
        // One thread each: products of this size gain more from whole shares than from being split.
        let pool = || ThreadPoolBuilder::new().num_threads(1).build();
        let lanes = (0..lanes.max(1)).map(|_| pool()).collect::<std::result::Result<_, _>>()?;
        Ok(Self { vision, text, lanes, micro: micro.max(1) })
    }

    /// The loss and its gradients by every parameter that is trained.
    ///
    /// `loss` gets the embeddings and returns a tensor of one value; it may use parameters too.
    pub(crate) fn step(
        &self,
        parameters: &Parameters,
        batch: &Batch,
        loss: impl FnOnce(&Leaves) -> Result<Tensor>,
    ) -> Result<(f32, Gradients)> {
        let shares = self.shares(batch);
        let keeps = shares.iter().all(Share::is_small);
        let embedded = self.each_lane(&shares, |share| {
            let embed = |chunk: &Chunk| {
                let embedded = self.embed(parameters, batch, chunk)?;
                Ok(if keeps { embedded } else { embedded.detach() })
            };
            share.chunks().map(embed).collect::<Result<Vec<_>>>()
        })?;
        let leaves = Leaves {
            images: batch.patches.as_ref().map(|_| leaf(&shares, &embedded, false)).transpose()?,
            sentences: leaf(&shares, &embedded, true)?,
        };
        let loss = loss(&leaves)?;
        let mut store = loss.backward()?;
        let value = loss.flatten_all()?.get(0)?.to_scalar::<f32>()?;
        let mut all = parameters.gradients(&mut store);
        let of_images = leaves.images.as_ref().and_then(|images| store.get(images));
        let gradients = [of_images, store.get(&leaves.sentences)];
        let work: Vec<(&Share, Vec<Tensor>)> = shares.iter().zip(embedded).collect();
        let lanes = self.each_lane(&work, |(share, embedded)| {
            let mut sum = Gradients::new();
            for (chunk, embedded) in share.chunks().zip(embedded) {
                let Some(of_all) = gradients[usize::from(chunk.is_text)] else { continue };
                let gradient = of_all.narrow(0, chunk.range.start, chunk.range.len())?;
                let again = if keeps { None } else { Some(self.embed(parameters, batch, chunk)?) };
                let embedded = again.as_ref().unwrap_or(embedded);
                add(&mut sum, pull(parameters, embedded, &gradient)?)?;
            }
            Ok(sum)
        })?;
        for lane in lanes {
            add(&mut all, lane)?;
        }
        Ok((value, all))
    }

    /// Raw image embeddings without gradients, in chunks over all lanes.
    pub(crate) fn embed_images(&self, parameters: &Parameters, patches: &Tensor) -> Result<Tensor> {
        self.in_chunks(patches.dim(0)?, |range| {
            self.vision.forward(parameters, &patches.narrow(0, range.start, range.len())?)
        })
    }

    /// Raw sentence embeddings without gradients, in chunks over all lanes.
    pub(crate) fn embed_sentences(
        &self,
        parameters: &Parameters,
        sentences: &Sentences,
    ) -> Result<Tensor> {
        self.in_chunks(sentences.len(), |range| {
            self.text.forward(parameters, &sentences.part(range))
        })
    }

    /// The activations of a chunk are let go of with it: they are kept as long as its graph.
    fn in_chunks(
        &self,
        count: usize,
        forward: impl Fn(Range<usize>) -> Result<Tensor> + Sync,
    ) -> Result<Tensor> {
        let embedded = self.each_lane(&self.split(count), |ranges| {
            let embed = |range: &Range<usize>| Ok(forward(range.clone())?.detach());
            ranges.iter().map(embed).collect::<Result<Vec<_>>>()
        })?;
        Tensor::cat(&embedded.into_iter().flatten().collect::<Vec<_>>(), 0)
    }

    fn embed(&self, parameters: &Parameters, batch: &Batch, chunk: &Chunk) -> Result<Tensor> {
        let Range { start, end } = chunk.range;
        if chunk.is_text {
            return self.text.forward(parameters, &batch.sentences.part(start..end));
        }
        let Some(patches) = &batch.patches else { bail!("a batch without images") };
        self.vision.forward(parameters, &patches.narrow(0, start, end - start)?)
    }

    fn shares(&self, batch: &Batch) -> Vec<Share> {
        let images = self.split(batch.patches.as_ref().map_or(0, |patches| patches.dims()[0]));
        let sentences = self.split(batch.sentences.len());
        images
            .into_iter()
            .zip(sentences)
            .map(|(images, sentences)| Share::new(images, sentences))
            .collect()
    }

    /// What each lane gets of `count` things, in chunks of at most `micro`.
    fn split(&self, count: usize) -> Vec<Vec<Range<usize>>> {
        let each = count.div_ceil(self.lanes.len());
        let share = |lane: usize| {
            let (start, end) = ((lane * each).min(count), ((lane + 1) * each).min(count));
            let chunk = |from: usize| from..(from + self.micro).min(end);
            (start..end).step_by(self.micro).map(chunk).collect()
        };
        (0..self.lanes.len()).map(share).collect()
    }

    /// One piece of work per lane, all at once; results in the order of the lanes.
    fn each_lane<W: Sync, T: Send>(
        &self,
        shares: &[W],
        work: impl Fn(&W) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let work = &work;
        std::thread::scope(|scope| {
            let lanes: Vec<_> = self
                .lanes
                .iter()
                .zip(shares)
                .map(|(pool, share)| scope.spawn(move || pool.install(|| work(share))))
                .collect();
            let join = |lane: std::thread::ScopedJoinHandle<'_, Result<T>>| match lane.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            lanes.into_iter().map(join).collect()
        })
    }
}

/// Images or sentences that go through a tower together.
struct Chunk {
    is_text: bool,
    range: Range<usize>,
}

/// What one lane does of a batch.
struct Share(Vec<Chunk>);

impl Share {
    fn new(images: Vec<Range<usize>>, sentences: Vec<Range<usize>>) -> Self {
        let chunk = |is_text| move |range| Chunk { is_text, range };
        Self(
            images
                .into_iter()
                .map(chunk(false))
                .chain(sentences.into_iter().map(chunk(true)))
                .collect(),
        )
    }

    fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.0.iter()
    }

    /// Whether one chunk of each kind at most is left alive.
    fn is_small(&self) -> bool {
        [false, true]
            .iter()
            .all(|kind| self.0.iter().filter(|one| one.is_text == *kind).count() <= 1)
    }
}

/// All embeddings of one kind in the order of the batch, cut off from what made them.
fn leaf(shares: &[Share], embedded: &[Vec<Tensor>], is_text: bool) -> Result<Var> {
    let all =
        shares.iter().zip(embedded).flat_map(|(share, embedded)| share.chunks().zip(embedded));
    let parts: Vec<&Tensor> =
        all.filter(|(chunk, _)| chunk.is_text == is_text).map(|(_, embedded)| embedded).collect();
    Var::from_tensor(&Tensor::cat(&parts, 0)?.detach())
}

/// The gradients of parameters that make `result` move along `gradient`.
fn pull(parameters: &Parameters, result: &Tensor, gradient: &Tensor) -> Result<Gradients> {
    let mut store = (result * gradient)?.sum_all()?.backward()?;
    Ok(parameters.gradients(&mut store))
}

fn add(sum: &mut Gradients, more: Gradients) -> Result<()> {
    for (name, gradient) in more {
        let together = match sum.remove(&name) {
            Some(before) => (before + gradient)?,
            None => gradient,
        };
        sum.insert(name, together);
    }
    Ok(())
}
