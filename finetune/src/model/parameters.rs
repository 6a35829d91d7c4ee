use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var, bail};
use pairspec::clip::{TextConfig, TowerConfig, VisionConfig, WeightSource};

use super::init::Init;

/// The scalar beside the weights: the logit of "nothing changed".
pub(crate) const NO_CHANGE_LOGIT: &str = "pairspec.no_change_logit";
/// The scalar beside the weights: the logarithm of the scale of logits.
pub(crate) const LOGIT_SCALE: &str = "logit_scale";

/// Between the parts of a low-rank change and the name of what they change.
const DOWN: &str = "low_rank.down";
const UP: &str = "low_rank.up";
/// Standard deviation of the first part; the second begins at zero, so that nothing changes yet.
const DOWN_DEVIATION: f32 = 0.02;

/// Named parameters in a fixed order: some are trained, the others stay.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters {
    values: BTreeMap<String, Tensor>,
    trained: BTreeMap<String, Var>,
}

/// A tensor of a CLIP: its name and shape.
pub(crate) type Slot = (String, Vec<usize>);

/// Which parameters are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trained {
    /// All of them.
    All,
    /// The blocks of the text tower.
    TextBlocks,
    /// The products of both towers' blocks, each by a change of this rank, and the two scalars
    /// (Hu et al., "LoRA", arXiv 2106.09685).
    LowRank(usize),
}

impl Parameters {
    /// Seeded first values; `heads` are the image tower's.
    ///
    /// # Errors
    /// When memory cannot be had.
    pub(crate) fn random(slots: &[Slot], (seed, heads): (u64, usize)) -> Result<Self> {
        let mut init = Init::new(seed);
        let mut values = BTreeMap::new();
        for slot in slots {
            let tensor =
                Tensor::from_vec(init.values(slot, heads), slot.1.as_slice(), &Device::Cpu);
            values.insert(slot.0.clone(), tensor?);
        }
        Ok(Self { values, trained: BTreeMap::new() })
    }

    /// The values of a checkpoint.
    ///
    /// # Errors
    /// A tensor that is missing, of another shape or not finite.
    pub(crate) fn read(slots: &[Slot], source: &mut dyn WeightSource) -> anyhow::Result<Self> {
        let mut values = BTreeMap::new();
        for (name, shape) in slots {
            let tensor = source.read(name, shape)?;
            values.insert(name.clone(), Tensor::from_vec(tensor, shape.as_slice(), &Device::Cpu)?);
        }
        Ok(Self { values, trained: BTreeMap::new() })
    }

    /// Makes these parameters trained and all others stay as they are.
    ///
    /// # Errors
    /// When memory cannot be had.
    pub(crate) fn train(&mut self, which: Trained, seed: u64) -> Result<()> {
        let mut init = Init::new(seed);
        for (name, value) in &self.values {
            let is_scalar = name == LOGIT_SCALE || name == NO_CHANGE_LOGIT;
            let in_block = name.contains(".encoder.layers.");
            let is_trained = match which {
                Trained::All => true,
                Trained::TextBlocks => in_block && name.starts_with("text_model."),
                Trained::LowRank(_) => is_scalar,
            };
            if is_trained {
                self.trained.insert(name.clone(), Var::from_tensor(value)?);
            }
            if let Trained::LowRank(rank) = which
                && in_block
                && value.rank() == 2
            {
                let (rows, columns) = value.dims2()?;
                let rank = rank.min(rows).min(columns);
                let down = init.normals(rank * columns, DOWN_DEVIATION);
                let down = Var::from_vec(down, (rank, columns), &Device::Cpu)?;
                let up = Var::zeros((rows, rank), DType::F32, &Device::Cpu)?;
                self.trained.insert(format!("{name}.{DOWN}"), down);
                self.trained.insert(format!("{name}.{UP}"), up);
            }
        }
        Ok(())
    }

    /// One parameter with whatever change is being trained.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(crate) fn get(&self, name: &str) -> Result<Tensor> {
        if let Some(variable) = self.trained.get(name) {
            return Ok(variable.as_tensor().clone());
        }
        let Some(value) = self.values.get(name) else { bail!("no parameter {name}") };
        let part = |part: &str| self.trained.get(&format!("{name}.{part}"));
        match (part(DOWN), part(UP)) {
            (Some(down), Some(up)) => value + up.matmul(down)?,
            _ => Ok(value.clone()),
        }
    }

    /// A parameter of one value.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(crate) fn scalar(&self, name: &str) -> Result<f32> {
        self.get(name)?.flatten_all()?.get(0)?.to_scalar::<f32>()
    }

    /// Names and variables that are trained, by name.
    pub(crate) fn trained(&self) -> impl Iterator<Item = (&String, &Var)> {
        self.trained.iter()
    }

    /// Adds or replaces a value that is not trained.
    pub(super) fn set(&mut self, name: &str, value: Tensor) {
        self.values.insert(name.to_owned(), value);
    }

    /// Moves a parameter of one value that is trained; one that stays is left alone.
    ///
    /// # Errors
    /// When there is more than one value in it.
    pub(crate) fn move_scalar(&self, name: &str, value: f32) -> Result<()> {
        match self.trained.get(name) {
            Some(variable) => variable.set(&Tensor::full(value, (), &Device::Cpu)?),
            None => Ok(()),
        }
    }

    /// Replaces a variable that is trained.
    pub(crate) fn restore(&mut self, name: &str, variable: Var) {
        self.trained.insert(name.to_owned(), variable);
    }

    /// Numbers in both towers.
    pub(crate) fn count(&self) -> usize {
        self.values.values().map(Tensor::elem_count).sum()
    }

    /// Gradients by name; parameters that the result did not depend on are left out.
    pub(crate) fn gradients(&self, store: &mut GradStore) -> BTreeMap<String, Tensor> {
        let one = |(name, variable): (&String, &Var)| {
            store.remove(variable).map(|gradient| (name.clone(), gradient))
        };
        self.trained.iter().filter_map(one).collect()
    }

    /// `share` of these values and the rest of `other`'s: weight averaging.
    ///
    /// # Errors
    /// When the models differ in shape.
    pub(crate) fn averaged(&self, other: &Self, share: f64) -> Result<Self> {
        let mut values = BTreeMap::new();
        for name in self.values.keys() {
            let mixed = ((self.get(name)? * share)? + (other.get(name)? * (1.0 - share))?)?;
            values.insert(name.clone(), mixed.detach());
        }
        Ok(Self { values, trained: BTreeMap::new() })
    }

    /// Writes both towers under Hugging Face's names, in fp32 or with matrices in fp16.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, path: &Path, half: bool) -> anyhow::Result<()> {
        let names = self.values.keys().filter(|name| *name != NO_CHANGE_LOGIT);
        let tensors = names.map(|name| {
            let value = self.get(name)?.detach();
            let narrow = half && value.rank() > 1;
            Ok((name.clone(), if narrow { value.to_dtype(DType::F16)? } else { value }))
        });
        let tensors = tensors.collect::<Result<Vec<_>>>()?;
        let header = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let content = safetensors::serialize(tensors, Some(header))?;
        pairspec::files::write(path, &content)?;
        Ok(())
    }
}

/// The tensors of the image tower.
pub(crate) fn vision_slots(config: &VisionConfig, projection: usize) -> Vec<Slot> {
    let (hidden, patch) = (config.tower.hidden, config.patch);
    let embeddings = "vision_model.embeddings";
    let mut slots = vec![
        (format!("{embeddings}.class_embedding"), vec![hidden]),
        (format!("{embeddings}.patch_embedding.weight"), vec![hidden, 3, patch, patch]),
        (format!("{embeddings}.position_embedding.weight"), vec![config.tokens(), hidden]),
        ("visual_projection.weight".to_owned(), vec![projection, hidden]),
    ];
    // Hugging Face's own spelling.
    for norm in ["pre_layrnorm", "post_layernorm"] {
        slots.extend(affine(&format!("vision_model.{norm}"), vec![hidden], hidden));
    }
    slots.extend(block_slots("vision_model", &config.tower));
    slots
}

/// The tensors of the text tower.
pub(crate) fn text_slots(config: &TextConfig, projection: usize) -> Vec<Slot> {
    let hidden = config.tower.hidden;
    let embeddings = "text_model.embeddings";
    let mut slots = vec![
        (format!("{embeddings}.token_embedding.weight"), vec![config.vocabulary, hidden]),
        (format!("{embeddings}.position_embedding.weight"), vec![config.context, hidden]),
        ("text_projection.weight".to_owned(), vec![projection, hidden]),
    ];
    slots.extend(affine("text_model.final_layer_norm", vec![hidden], hidden));
    slots.extend(block_slots("text_model", &config.tower));
    slots
}

fn block_slots(tower: &str, config: &TowerConfig) -> Vec<Slot> {
    let (hidden, inner) = (config.hidden, config.intermediate);
    let mut slots = Vec::new();
    for layer in 0..config.layers {
        let block = format!("{tower}.encoder.layers.{layer}");
        for norm in ["layer_norm1", "layer_norm2"] {
            slots.extend(affine(&format!("{block}.{norm}"), vec![hidden], hidden));
        }
        for linear in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            slots.extend(affine(&format!("{block}.self_attn.{linear}"), vec![hidden; 2], hidden));
        }
        slots.extend(affine(&format!("{block}.mlp.fc1"), vec![inner, hidden], inner));
        slots.extend(affine(&format!("{block}.mlp.fc2"), vec![hidden, inner], hidden));
    }
    slots
}

fn affine(name: &str, weight: Vec<usize>, bias: usize) -> [Slot; 2] {
    [(format!("{name}.weight"), weight), (format!("{name}.bias"), vec![bias])]
}
